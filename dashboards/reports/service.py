"""Making reports: for whoever asks, and by the calendar. A report is stored with its document and its two files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from dashboards.indicators import publish
from dashboards.indicators.board import read_board
from dashboards.indicators.counting import midnight
from dashboards.reports.compose import compose
from dashboards.reports.errors import PeriodError, UnknownReportError
from dashboards.reports.model import Document, ReportKind, ReportPeriod
from dashboards.reports.render import as_pdf, as_xlsx
from equipment.access.model import Asker
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)
SETTLE = timedelta(hours=2)
"""After midnight: what was still under way at the end of the month has arrived by then."""


@dataclass(frozen=True, slots=True)
class Made:
    """A report and its files. ``id`` None: it was not stored."""

    period: ReportPeriod
    document: Document
    pdf: bytes
    xlsx: bytes
    id: int | None = None


def moment_of(period: ReportPeriod, now: datetime) -> datetime:
    """数据截止 of a report that is made now: the end of its period, or now while that lies ahead.

    Raises
    ------
    PeriodError
        It has not begun.
    """
    if midnight(period.first) > now:
        raise PeriodError(f"{period.zh}还没有开始 (the period has not begun)")
    return min(now, midnight(period.last + timedelta(days=1)) + SETTLE)


def draw_up(
    conn: Connection, period: ReportPeriod, now: datetime, known_at: datetime | None = None
) -> tuple[Document, Any]:
    """The document of a period and the board it was made from.

    ``known_at`` (default: the end of the period, or now) fixes every number.

    Raises
    ------
    PeriodError
    NoDataCutError
    """
    known_at = known_at or moment_of(period, now)
    day = min(period.last, known_at.astimezone(SHANGHAI).date())
    board = read_board(conn, known_at, day=day)
    return compose(board, period, board.focus.place.zh), board


def make(
    conn: Connection, period: ReportPeriod, now: datetime, *, known_at: datetime | None = None, asker: Asker | None = None,
    scheduled: bool = False, store: bool = True,
) -> Made:  # fmt: skip
    """Draw up a report, set it, and store it with the value that it publishes."""
    document, board = draw_up(conn, period, now, known_at)
    pdf, xlsx = as_pdf(document, now), as_xlsx(document, now)
    if not store:
        return Made(period, document, pdf, xlsx)
    row = conn.execute(
        QUERIES.insert,
        (
            period.kind.value, period.first, board.focus.place.id, scheduled, board.facts.known_at, board.facts.cut.id,
            Jsonb(document.as_json()), pdf, xlsx, asker.account_id if asker else None, now,
        ),
    ).fetchone()  # fmt: skip
    if row is not None and board.official is not None:
        publish.publish(
            conn, board.facts, board.main, now, asker=asker, document=f"{document.title}{document.subtitle}"
        )
    return Made(period, document, pdf, xlsx, int(row[0]) if row else None)


def stored(conn: Connection, report: int) -> tuple[ReportPeriod, Document, bytes, bytes]:
    """A stored report.

    Raises
    ------
    UnknownReportError
    """
    row = conn.execute(QUERIES.one, (report,)).fetchone()
    if row is None:
        raise UnknownReportError(f"没有报告 {report} (no such report)")
    return ReportPeriod(ReportKind(row[1]), row[2]), Document.from_json(row[4]), bytes(row[5]), bytes(row[6])


def due(conn: Connection, now: datetime, city: str) -> list[ReportPeriod]:
    """Reports that the calendar asks for and that were not made yet."""
    settled = (now - SETTLE).astimezone(SHANGHAI).date()
    wanted = [ReportPeriod.before(kind, settled) for kind in ReportKind]
    return [
        p for p in wanted
        if conn.execute(QUERIES.have, (p.kind.value, p.first, city)).fetchone() is None
    ]  # fmt: skip
