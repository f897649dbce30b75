"""``teshe report``: monthly and yearly, as PDF, XLSX and page."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dashboards.composition import require_database
from dashboards.reports.errors import PeriodError
from dashboards.reports.model import ReportKind, ReportPeriod
from dashboards.reports.service import Made, make
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import DatabaseRole, connect
from equipment.foundation.settings import FoundationSettings

app = typer.Typer(no_args_is_help=True, help="报告: monthly and yearly reports.")
Out = Annotated[Path, typer.Option(help="Folder for the files.", file_okay=False)]
Cut = Annotated[
    str | None,
    typer.Option("--cut", help="数据截止, such as 2026-11-01T08:00:00+08:00; default: the end of the period, or now."),
]
Keep = Annotated[bool, typer.Option("--keep/--no-keep", help="Also store it, so that it is listed on the board.")]


@app.command("monthly")
def monthly_command(
    month: Annotated[str, typer.Option(help="Such as 2026-10.")], out: Out = Path(), cut: Cut = None, keep: Keep = True
) -> None:
    """月报: PDF, XLSX and JSON of one month."""
    _write(ReportPeriod.read(ReportKind.MONTHLY, month), out, cut, keep=keep)


@app.command("yearly")
def yearly_command(
    year: Annotated[str, typer.Option(help="Such as 2026.")], out: Out = Path(), cut: Cut = None, keep: Keep = True
) -> None:
    """年报: PDF, XLSX and JSON of one year."""
    _write(ReportPeriod.read(ReportKind.YEARLY, year), out, cut, keep=keep)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise PeriodError("--cut 需要带时区的时间，如 2026-11-01T08:00:00+08:00 (give a moment with its zone)")
    return found


def _write(period: ReportPeriod, out: Path, cut: str | None, *, keep: bool) -> None:
    url = require_database(FoundationSettings())
    known_at, now = _moment(cut), SystemClock().now()
    with (
        connect(url, DatabaseRole.SYSTEM, application_name="teshe-report", autocommit=True) as conn,
        conn.transaction(),
    ):
        made = make(conn, period, now, known_at=known_at, store=keep)
    for file in write_files(made, out):
        typer.echo(str(file))


def write_files(made: Made, out: Path) -> list[Path]:
    """The report's files in ``out``, which is made if it is not there."""
    out.mkdir(parents=True, exist_ok=True)
    stem = out / made.period.stem
    contents = {
        ".pdf": made.pdf,
        ".xlsx": made.xlsx,
        ".json": json.dumps(made.document.as_json(), ensure_ascii=False, indent=1).encode(),
    }
    found = []
    for suffix, data in contents.items():
        file = stem.with_suffix(suffix)
        file.write_bytes(data)
        found.append(file)
    return found
