"""``teshe backtest``: replay stored readings through rules, and compare what they would have raised with the calls."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from alarms.backtest.model import Matching, Period
from alarms.backtest.run import Asked, rules_of
from alarms.backtest.settings import BacktestSettings
from dashboards.backtest_bar import with_bar
from dashboards.composition import require_database
from equipment.foundation.clock import SHANGHAI, SystemClock
from equipment.foundation.database import DatabaseRole, connect
from equipment.foundation.settings import FoundationSettings


def moment(text: str) -> datetime:
    """A day or a moment; without a zone it is Shanghai's.

    >>> moment("2026-03-02").isoformat()
    '2026-03-01T16:00:00+00:00'
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no day or moment, such as 2026-03-02 or 2026-03-02T08:00") from error
    return (found if found.tzinfo else found.replace(tzinfo=SHANGHAI)).astimezone(UTC)


def backtest_command(
    rules: Annotated[
        str,
        typer.Argument(help="A YAML file, shipped, in_force, or a rule's id with or without @version."),
    ],
    begin: Annotated[str, typer.Option("--from", help="First day or moment (Shanghai).")],
    end: Annotated[str, typer.Option("--to", help="End, not included.")],
    units: Annotated[str, typer.Option(help="Ids of units, separated by commas; default: all.")] = "",
    before: Annotated[float | None, typer.Option(help="An alarm counts for a call so much later [min].")] = None,
    after: Annotated[float | None, typer.Option(help="An alarm counts for a call so much earlier [min].")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Only JSON on standard output.")] = False,
) -> None:
    """回测: would-be alarms of stored readings, their rate, and precision, recall and lead time against 96366 calls."""
    settings, now = BacktestSettings(), SystemClock().now()
    url = require_database(FoundationSettings())
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-backtest") as conn:
        file = Path(rules)
        found = rules_of(conn, file.read_text(encoding="utf-8") if file.is_file() else rules)
    matching = Matching(
        (settings.match_before_minutes if before is None else before) * 60,
        (settings.match_after_minutes if after is None else after) * 60,
    )
    named = tuple(part for part in units.replace("，", ",").split(",") if part.strip())
    asked = Asked(found, Period(moment(begin), moment(end)), matching, tuple(name.strip() for name in named))
    report = with_bar(url, asked, settings.workers, now, shown=not as_json)
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
        return
    tell(report)


def tell(report: dict[str, Any]) -> None:
    """The report for people."""
    console = Console()
    table = Table(title=f"{report['begin']} … {report['end']}: {report['units']} units, {report['rows']:,} samples")
    names = ("rule", "alarms", "/unit·month", "confirmed", "no call", "pending", "precision", "calls", "answered",
             "missed", "device silent", "edge", "recall", "lead")  # fmt: skip
    for name in names:
        table.add_column(name, justify="left" if name == "rule" else "right")
    together = [{"id": f"({kind})", **row} for kind, row in report["together"].items()]
    for row in [*report["rules"], *together]:
        lead = row["lead_median_seconds"]
        table.add_row(
            str(row["id"]), str(row["alarms"]), _plain(row["per_unit_month"]), str(row["confirmed"]),
            str(row["unconfirmed"]), str(row["pending"]), _plain(row["precision"]), str(row["events"]),
            str(row["answered"]), str(row["missed"]), str(row["silent"]), str(row["edge"]), _plain(row["recall"]),
            "-" if lead is None else str(timedelta(seconds=round(abs(lead)))) + (" late" if lead < 0 else ""),
        )  # fmt: skip
    console.print(table)
    seconds = report["seconds"]
    console.print(
        f"{seconds} s, {report['rows'] / seconds if seconds else 0:,.0f} samples/s; passed over: {report['passed_over']}"
    )
    for rule, times in report["failures"].items():
        console.print(f"rule {rule} failed {times} times: what it needs was unknown there")


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
