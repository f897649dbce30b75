"""指标, the board: where do we stand, and is it signal or noise?

Every number opens its definition and its rows. The wall shows no fatality figure; this page never says 允许死亡人数
but 距目标余量.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.indicators.board import figures_of_years
from dashboards.indicators.definitions import DEFAULT, fatality_definition
from dashboards.indicators.fatality import PLAN_TARGET
from dashboards.pages.frame import page
from dashboards.pages.reads import QUERIES, row, rows
from dashboards.rendering import local
from dashboards.words import N_
from equipment.access.model import Asker

router = APIRouter(include_in_schema=False)
TARGET = PLAN_TARGET
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
        shown = range(today.year - YEARS_SHOWN + 1, today.year + 1)
        figures = figures_of_years(conn, shown, fatality_definition(DEFAULT), now)
    years = [(f.year, f.deaths, f.figure) for f in figures]
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
