"""``teshe retention`` and ``teshe erase``: how long personal data is kept, and what is erased by law."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

import typer

from alarms.desk import qr
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
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-retention") as conn, conn.transaction():
        yield conn


@retention.command("list")
def list_command() -> None:
    """Each class: kept for how long, and how much of it is over its time."""
    with _system() as conn:
        for found in service.classes(conn, SystemClock().now()):
            typer.echo(f"{found.name:>12}  {found.zh}  {found.keep_days:g} d  over: {found.over}")


@retention.command("apply")
def apply_command() -> None:
    """Let go what is over its time."""
    with _system() as conn:
        for name, count in service.apply(conn, SystemClock().now()).items():
            typer.echo(f"{name:>12}  {count}")


@erase.command("record")
def erase_record_command(record: UUID, reason: Why) -> None:
    """Erase the content of a record; ``teshe verify`` says 已依法删除 from then on."""
    with _system() as conn:
        photos = service.erase_record(conn, record, reason, SystemClock().now())
    typer.echo(f"已依法删除 {record}，照片 {photos} 张")


@erase.command("photo")
def erase_photo_command(sha256: str, reason: Why) -> None:
    """Erase a photo wherever it lies; the records keep its digest."""
    try:
        name = bytes.fromhex(sha256)
    except ValueError:
        raise typer.BadParameter("the photo's SHA-256 in hexadecimal") from None
    with _system() as conn:
        copies = service.erase_photo(conn, name, reason, SystemClock().now())
    typer.echo(f"已依法删除照片 {sha256}，{copies} 处")


@erase.command("report")
def erase_report_command(report: int, reason: Why) -> None:
    """Erase the words and the telephone of a scan report; that there was one stays."""
    with _system() as conn:
        qr.erase(conn, report, reason, SystemClock().now())
    typer.echo(f"已依法删除扫码报告 {report} 的内容与电话")
