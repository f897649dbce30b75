"""指标, the board: where do we stand, and is it signal or noise?

Every number opens its definition and its rows. The wall shows no fatality figure; this page never says 允许死亡人数
but 距目标余量.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.indicators.fatality import Fatality, fatality
from dashboards.pages.frame import page
from dashboards.pages.reads import QUERIES, row, rows
from dashboards.rendering import CHINA, local
from dashboards.words import N_
from equipment.access.model import Asker

router = APIRouter(include_in_schema=False)
TARGET = 0.06
"""Deaths per 10,000 units of the plan."""
YEARS_SHOWN = 5
PAPERLESS_DAYS = 60
TREND_DAYS = 30


@dataclass(frozen=True, slots=True)
class Coverage:
    """One coverage target: how many of how many, against what."""

    label: str
    covered: int
    of: int
    target: float
    definition: str
    rows: str

    @property
    def share(self) -> float | None:
        """None when there is nothing to cover: not 0 % and not 100 %."""
        return self.covered / self.of if self.of else None


def year_bounds(year: int) -> tuple[datetime, datetime]:
    """The year in the city's time, as a half-open interval."""
    return datetime(year, 1, 1, tzinfo=CHINA).astimezone(UTC), datetime(year + 1, 1, 1, tzinfo=CHINA).astimezone(UTC)


def yearly(accidents: Sequence[Any], units: int, this_year: int, today: date) -> list[tuple[int, int, Fatality | None]]:
    """Deaths and rate of each shown year; the running year counts its elapsed part."""
    found: list[tuple[int, int, Fatality | None]] = []
    for year in range(this_year - YEARS_SHOWN + 1, this_year + 1):
        begin, end = year_bounds(year)
        deaths = sum(a.deaths for a in accidents if a.counted and begin <= a.occurred_at < end)
        share = ((today - date(year, 1, 1)).days + 1) / 365 if year == this_year else 1.0
        found.append((year, deaths, fatality(deaths, units, years=min(share, 1.0), target=TARGET) if units else None))
    return found


def coverages(counts: Any, devices: Any) -> list[Coverage]:
    """The coverage targets of the plan."""
    return [
        Coverage(N_("Paperless maintenance"), counts.paperless, counts.lifts, 0.80, "paperless", "/firm"),
        Coverage(N_("Liability insurance"), counts.insured, counts.lifts, 0.60, "insurance", "/units?status=in_use"),
        Coverage(N_("On the 96366 platform"), counts.plated, counts.lifts, 1.00, "hotline", "/units?status=in_use"),
        Coverage(N_("Fitted devices online"), devices.online, devices.fitted, 0.95, "online", "/units?online=no"),
    ]


@router.get("/board")
def board(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("board.view"))]) -> Response:
    now = context.clock.now()
    today = local(now).date()
    with context.transaction(asker) as conn:
        counts = row(conn, QUERIES.board_counts, {"today": today, "since": now - timedelta(days=PAPERLESS_DAYS)})
        accidents = rows(conn, QUERIES.accidents)
        devices = row(conn, QUERIES.devices_online)
        by_day = rows(conn, QUERIES.incidents_by_day, (now - timedelta(days=TREND_DAYS),))
        ledger = row(conn, QUERIES.ledger_counts, {"now": now, "month": now - timedelta(days=30)})
        due = row(conn, QUERIES.due_counts, {"days": 15, "today": today})
    years = yearly(accidents, counts.in_use, today.year, today)
    days = [today - timedelta(days=n) for n in range(TREND_DAYS - 1, -1, -1)]
    entrapments = {d.day: d.entrapments for d in by_day}
    return page(
        request,
        "pages/board.html",
        counts=counts,
        this_year=years[-1],
        years=years,
        coverages=coverages(counts, devices),
        accidents=accidents,
        ledger=ledger,
        due=due,
        days=[d.strftime("%m-%d") for d in days],
        entrapments=[int(entrapments.get(d, 0)) for d in days],
        target=TARGET,
    )


@router.get("/board/definitions")
def definitions(request: Request, asker: Annotated[Asker, Depends(permit("board.view"))]) -> Response:
    """口径: how each number is made."""
    return page(request, "pages/definitions.html", target=TARGET, paperless_days=PAPERLESS_DAYS)
