"""``teshe account|quarantine|import|catalogue``: look, mend, bring in."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import paho.mqtt.client as mqtt
import typer
from paho.mqtt.enums import CallbackAPIVersion

from dashboards.composition import require_database
from equipment.catalogue.load import load_catalogue
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.foundation.errors import BrokerUnavailableError
from equipment.foundation.settings import FoundationSettings
from equipment.registry.model import shard_of
from ingest import account, call_import
from ingest import quarantine as store
from ingest.device_guide import device_guide

ACKNOWLEDGE_SECONDS = 10.0
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]

imports = typer.Typer(no_args_is_help=True, help="Bring files in.")
quarantine = typer.Typer(no_args_is_help=True, help="隔离区: what was refused, and why.")


@contextmanager
def _database() -> Iterator[Connection]:
    url = require_database(FoundationSettings())
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-command", autocommit=True) as conn:
        yield conn


@contextmanager
def _publisher() -> Iterator[mqtt.Client]:
    settings = FoundationSettings()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, clean_session=True)
    if settings.broker_username is not None:
        client.username_pw_set(settings.broker_username, settings.broker_password)
    try:
        client.connect(settings.broker_host, settings.broker_port)
    except OSError as error:
        raise BrokerUnavailableError(
            f"no broker answers at {settings.broker_host}:{settings.broker_port}: {error}"
        ) from error
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def account_command(
    hours: Annotated[float, typer.Option(help="Of the last so many hours.")] = 24.0, as_json: AsJson = False
) -> None:
    """损失账: received = stored + duplicates + quarantined + redelivered, in samples."""
    since = SystemClock().now() - timedelta(hours=hours)
    with _database() as conn:
        total, shards = account.delivery(conn, since), account.delivery_by_shard(conn, since)
    if as_json:
        body = {**asdict(total), "balanced": total.balanced, "shards": {f"{s:x}": asdict(d) for s, d in shards.items()}}
        typer.echo(json.dumps(body))
        return
    typer.echo(f"{'shard':>6} {'received':>10} {'stored':>10} {'duplicate':>10} {'quarantine':>10} {'redeliver':>10}")
    for name, row in [*((f"{s:x}", d) for s, d in shards.items()), ("all", total)]:
        typer.echo(
            f"{name:>6} {row.received:>10} {row.stored:>10} {row.duplicates:>10} {row.quarantined:>10} {row.redelivered:>10}"
        )
    typer.echo("balanced" if total.balanced else "NOT BALANCED")


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
    with _database() as conn, _publisher() as client:
        chosen = list(entries or [])
        if reason is not None:
            found = store.list_entries(conn, reason=reason, limit=10_000)
            chosen += [e.id for e in reversed(found) if e.replayed_at is None]

        def publish(topic: str, payload: bytes) -> None:
            sent = client.publish(topic, payload, qos=1)
            sent.wait_for_publish(ACKNOWLEDGE_SECONDS)
            if not sent.is_published():
                raise BrokerUnavailableError("the broker did not acknowledge; nothing was changed, try again")

        for entry in chosen:
            with conn.transaction():
                topic = store.replay(conn, entry, publish, clock.now())
            typer.echo(f"{entry} -> {topic}")
    typer.echo(f"{len(chosen)} sent again")


@imports.command("calls")
def import_calls_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV in UTF-8 or GB18030.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
) -> None:
    """96366 call records."""
    with _database() as conn, conn.transaction():
        report = call_import.import_calls(conn, file.read_bytes(), None, SystemClock().now(), dry_run=dry_run)
    for error in report.errors:
        typer.echo(f"{file.name}:{error.row}: {error.column}: {error.reason}", err=True)
    counts = {k: v for k, v in asdict(report).items() if k not in ("errors", "ignored_columns")}
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
