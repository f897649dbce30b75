"""``teshe account|quarantine|import|catalogue``: look, mend, bring in."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from dashboards.composition import require_database
from equipment.catalogue.load import load_catalogue
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.foundation.settings import FoundationSettings
from equipment.registry.model import shard_of
from ingest import account, call_import
from ingest import quarantine as store
from ingest.broker import BrokerAddress
from ingest.device_guide import device_guide
from ingest.republish import republisher

AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


class AccountBy(Enum):
    """What one row of the account is."""

    SHARD = "shard"
    HOUR = "hour"
    DEVICE = "device"


imports = typer.Typer(no_args_is_help=True, help="Bring files in.")
quarantine = typer.Typer(no_args_is_help=True, help="隔离区: what was refused, and why.")


@contextmanager
def _database() -> Iterator[Connection]:
    url = require_database(FoundationSettings())
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-command", autocommit=True) as conn:
        yield conn


def _broker() -> BrokerAddress:
    settings = FoundationSettings()
    return BrokerAddress.of(settings)


def account_command(
    hours: Annotated[float, typer.Option(min=0.01, help="Of the last so many hours.")] = 24.0,
    by: Annotated[AccountBy, typer.Option(help="One row per shard, hour of receipt, or device.")] = AccountBy.SHARD,
    unit: Annotated[str | None, typer.Option(help="Only this unit's id (with --by hour or device).")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many devices and gaps.")] = 100,
    as_json: AsJson = False,
) -> None:
    """损失账: received = stored + duplicates + quarantined + redelivered, in samples."""
    now = SystemClock().now()
    asked = account.Asked(now - timedelta(hours=hours), now, unit, limit)
    with _database() as conn:
        body = account_rows(conn, by, asked)
    if as_json:
        typer.echo(json.dumps(body, default=str))
        return
    for line in account_table(body):
        typer.echo(line)


def account_rows(conn: Connection, by: AccountBy, asked: account.Asked) -> dict[str, Any]:
    """The account as JSON says it."""
    sums, ever, figures = account.delivery(conn, asked.since), account.total(conn), account.figures(conn, asked.now)
    body: dict[str, Any] = {
        **asdict(sums), "balanced": sums.balanced, "since": asked.since, "last_batch_at": figures.last_batch_at,
        "since_beginning": {**asdict(ever), "balanced": ever.balanced, "notes_waiting": figures.account_notes},
        "gaps": asdict(account.gap_totals(conn, asked)),
    }  # fmt: skip
    match by:
        case AccountBy.SHARD:
            body["shards"] = {f"{s:x}": asdict(d) for s, d in account.delivery_by_shard(conn, asked.since).items()}
        case AccountBy.HOUR:
            body["hours"] = {h.hour.isoformat(): asdict(h.delivery) for h in account.by_hour(conn, asked)}
        case AccountBy.DEVICE:
            found = account.by_device(conn, asked)
            body["devices"] = {
                d.unit_id or "-": {
                    **asdict(d.delivery), "unusable_clock": d.unusable_clock, "missing": d.missing, "gaps": d.gaps,
                    "restarts": d.restarts, "filled": d.filled,
                }
                for d in found
            }  # fmt: skip
            body["missing_numbers"] = [asdict(gap) for gap in account.gaps(conn, asked)]
    return body


def account_table(body: Mapping[str, Any]) -> Iterator[str]:
    """The same for people."""
    columns = ("received", "stored", "duplicates", "quarantined", "redelivered", "late", "missing")
    rows: Mapping[str, Any] = next((body[name] for name in ("shards", "hours", "devices") if name in body), {})
    yield " ".join([f"{'':<26}", *(f"{name:>11}" for name in columns)])
    for name, row in [*rows.items(), ("all", {**body, "missing": body["gaps"]["missing"]})]:
        yield " ".join([f"{name:<26}", *(f"{row.get(column, ''):>11}" for column in columns)])
    yield f"last batch {body['last_batch_at'] or 'never'}; numbers missing {body['gaps']['missing']}"
    yield "balanced" if body["balanced"] else "NOT BALANCED"


@quarantine.command("list")
def list_command(
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    unit: Annotated[str | None, typer.Option(help="Only this unit's id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Newest entries, and how many samples wait for each reason."""
    with _database() as conn:
        entries, waiting = store.list_entries(conn, reason=reason, unit_id=unit, limit=limit), store.reasons(conn)
    if as_json:
        typer.echo(json.dumps({"reasons": waiting, "entries": [asdict(e) for e in entries]}, default=str))
        return
    for e in entries:
        replayed = " (replayed)" if e.replayed_at else ""
        typer.echo(f"{e.id:>8}  {e.received_at:%Y-%m-%d %H:%M:%S}  {e.reason:<18} {e.topic}  {e.detail[:80]}{replayed}")
    typer.echo("  ".join(f"{name}: {count}" for name, count in waiting.items()) or "nothing is in quarantine")


@quarantine.command("show")
def show_command(entry: int) -> None:
    """One entry: its account on standard error, its raw bytes on standard output."""
    with _database() as conn:
        found = store.require(conn, entry)
    typer.echo(json.dumps(asdict(found.entry), default=str, ensure_ascii=False), err=True)
    sys.stdout.buffer.write(found.payload)


@quarantine.command("replay")
def replay_command(
    entries: Annotated[list[int] | None, typer.Argument(help="Ids of entries.")] = None,
    reason: Annotated[str | None, typer.Option(help="All of this reason that were not replayed.")] = None,
) -> None:
    """Send entries again, through the broker and the worker like every message."""
    clock = SystemClock()
    with _database() as conn, republisher(_broker()) as publish:
        chosen = list(entries or [])
        if reason is not None:
            found = store.list_entries(conn, reason=reason, limit=10_000)
            chosen += [e.id for e in reversed(found) if e.replayed_at is None]
        for entry in chosen:
            with conn.transaction():
                topic = store.replay(conn, entry, publish, clock.now())
            typer.echo(f"{entry} -> {topic}")
    typer.echo(f"{len(chosen)} sent again")


@imports.command("calls")
def import_calls_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV in UTF-8 or GB18030, or XLSX.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
) -> None:
    """96366 call records."""
    with _database() as conn, conn.transaction():
        report = call_import.import_calls(conn, file.read_bytes(), None, SystemClock().now(), dry_run=dry_run)
    for error in report.errors:
        typer.echo(f"{file.name}:{error.row}: {error.column}: {error.reason}", err=True)
    counts = {k: v for k, v in asdict(report).items() if k not in ("errors", "outcomes", "ignored_columns")}
    typer.echo(json.dumps({**counts, "ignored_columns": report.ignored_columns}, ensure_ascii=False))
    if report.refused:
        raise typer.Exit(1)


def shard_command(unit: Annotated[str, typer.Argument(help="A unit's id, such as L000001.")]) -> None:
    """The shard of a unit: the hex digit in its topics."""
    typer.echo(f"{shard_of(unit):x}")


def catalogue_command(
    kind: Annotated[str | None, typer.Argument(help="A kind, such as lift.")] = None,
    guide: Annotated[bool, typer.Option("--guide", help="The device guide as Markdown.")] = False,
) -> None:
    """信号目录: kinds, the signals of one kind, or the device guide."""
    if guide:
        typer.echo(device_guide(), nl=False)
        return
    found = load_catalogue()
    if kind is None:
        for k in found.kinds:
            typer.echo(f"{k.name:<16} {k.zh}  {len(k.signals)} signals")
        return
    chosen = found.kind(kind)
    if chosen is None:
        raise typer.BadParameter(f"no such kind; there are {', '.join(k.name for k in found.kinds)}")
    for s in chosen.signals:
        limits = f"{s.minimum:g} … {s.maximum:g}" if s.minimum is not None and s.maximum is not None else ""
        values = ", ".join(f"{code}={name}" for code, name in (s.values or {}).items())
        typer.echo(f"{s.name:<22} {s.type.value:<6} {s.unit or '':<6} {limits:<24} {s.zh} {values}")
