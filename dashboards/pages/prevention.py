"""双重预防: where do I go next? Indicators of the ledger, credit of firms, draws and their tasks with the checklist."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.ledger import head_values
from dashboards.pages.reads import filters, known, rows
from equipment.access.model import Asker
from maintenance.prevention import model, service
from maintenance.risk import service as risk

router = APIRouter(include_in_schema=False)
Watcher = Annotated[Asker, Depends(permit("lead.view"))]
BY = ("district", "firm", "source")
PERIOD_DAYS = 365


@router.get("/ledger/prevention")
def prevention(request: Request, context: Context, asker: Watcher) -> Response:
    """What is open, late and closed in time, by district, firm or source; and the draws."""
    asked = filters(request, "by")["by"]
    by, now = asked if asked in BY else BY[0], context.clock.now()
    with context.transaction(asker) as conn:
        shared = head_values(request, context, conn)
        found = service.indicators(conn, by, PERIOD_DAYS, now)
        firms = service.credits_of(conn, now)
        drawn = rows(conn, service.QUERIES.draws)
        matrix = risk.current(conn)
    return page(
        request, "pages/prevention.html", found=found, firms=firms, draws=drawn, matrix=matrix, groups=BY, by=by, rules=model.rules(), **shared
    )  # fmt: skip


@router.get("/ledger/risk/{unit_id}")
def risk_of(request: Request, context: Context, unit_id: str, asker: Watcher) -> Response:
    """The score of a unit with every part of it."""
    with context.transaction(asker) as conn:
        shared = head_values(request, context, conn)
        found = service.rate(conn, context.clock.now(), unit=unit_id)
    rated = known(found[0] if found else None, "No such unit in use, or it lies outside your area.")
    return page(request, "pages/risk.html", rated=rated, rules=model.rules()["score"], **shared)


@router.get("/ledger/draws/{draw_id}")
def draw(request: Request, context: Context, draw_id: int, asker: Watcher) -> Response:
    """The tasks of a draw, each with its checklist."""
    with context.transaction(asker) as conn:
        shared = head_values(request, context, conn)
        found = known(
            next((d for d in rows(conn, service.QUERIES.draws) if d.id == draw_id), None),
            "No such draw, or it lies outside your area.",
        )
        tasks = rows(conn, service.QUERIES.tasks, (draw_id,))
    return page(request, "pages/draw.html", draw=found, tasks=tasks, checklist=model.rules()["checklist"], **shared)
