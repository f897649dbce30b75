"""``teshe retention`` and ``teshe erase``: how long personal data is kept, and what is erased by law."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

import typer

from dashboards import retention as runs
from dashboards.composition import require_database
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.foundation.settings import FoundationSettings
from maintenance.retention import service

retention = typer.Typer(no_args_is_help=True, help="保存期: what is kept for how long.")
erase = typer.Typer(no_args_is_help=True, help="依法删除: the log stays whole and says so.")
Why = Annotated[str, typer.Option(help="By which law or whose request.")]


@contextmanager
def _system() -> Iterator[Connection]:
    url = require_database(FoundationSettings())
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-retention", autocommit=True) as conn:
        yield conn


@retention.command("list")
def list_command() -> None:
    """试运行: each class, its period, who approved it, and how much is over its time. Lets nothing go."""
    with _system() as conn, conn.transaction():
        for found in runs.count(conn, SystemClock().now()):
            period = found.period
            days = f"{period.days} d" if period.days else "—"
            over = "—" if found.over is None else str(found.over)
            state = f"{period.approved_by} {period.approved_at:%Y-%m-%d}" if period.approved_at else period.of.how.value
            typer.echo(f"{period.of.name:>17}  {days:>7}  over: {over:>7}  {state}  {period.of.zh} · {period.of.basis}")


@retention.command("apply")
def apply_command(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Let go what is over the approved time of its class, as the nightly run does."""
    with _system() as conn:
        now = SystemClock().now()
        if dry_run:
            with conn.transaction():
                found = {s.period.of.name: s.over or 0 for s in runs.count(conn, now) if s.period.approved_at}
        else:
            found = dict(runs.run(conn, now))
        for name, count in found.items():
            typer.echo(f"{name:>17}  {count}")
        if not found:
            typer.echo("没有已批准的保存期，见 /retention (no period is approved: the page /retention)")


@erase.command("record")
def erase_record_command(record: UUID, reason: Why) -> None:
    """Erase the content of a record; ``teshe verify`` says 已依法删除 from then on."""
    with _system() as conn, conn.transaction():
        photos = service.erase_record(conn, record, reason, SystemClock().now())
    typer.echo(f"已依法删除 {record}，照片 {photos} 张")


@erase.command("photo")
def erase_photo_command(sha256: str, reason: Why) -> None:
    """Erase a photo wherever it lies; the records keep its digest."""
    try:
        name = bytes.fromhex(sha256)
    except ValueError:
        raise typer.BadParameter("the photo's SHA-256 in hexadecimal") from None
    with _system() as conn, conn.transaction():
        copies = service.erase_photo(conn, name, reason, SystemClock().now())
    typer.echo(f"已依法删除照片 {sha256}，{copies} 处")
