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
from equipment.catalogue.load import load_catalogue
from maintenance.prevention import model, service
from maintenance.risk import service as risk
from maintenance.risk.matrix import COLOURS

router = APIRouter(include_in_schema=False)
Watcher = Annotated[Asker, Depends(permit("lead.view"))]
BY = ("district", "firm", "source")
PERIOD_DAYS = 365
MOST_TASKS = 5_000


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


@router.get("/ledger/risk-matrix")
def matrix(request: Request, context: Context, asker: Watcher) -> Response:
    """风险矩阵: what counts now, what counted before and who approved it; a leader tries out and publishes another."""
    with context.transaction(asker) as conn:
        shared = head_values(request, context, conn)
        versions = risk.versions(conn)
    return page(request, "pages/risk_matrix.html", versions=versions, colours=COLOURS, **shared)


@router.get("/ledger/risk/{unit_id}")
def risk_of(request: Request, context: Context, unit_id: str, asker: Watcher) -> Response:
    """The score of a unit with every part of it."""
    with context.transaction(asker) as conn:
        shared = head_values(request, context, conn)
        found = service.rate(conn, context.clock.now(), unit=unit_id)
    rated = known(found[0] if found else None, "No such unit in use, or it lies outside your area.")
    return page(request, "pages/risk.html", rated=rated, rules=model.rules()["score"], **shared)


@router.get("/ledger/draws/new")
def new_draw(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("hazard.press"))]) -> Response:
    """双随机 of the own bureau: among which units, how many of each stratum; then seed and officers, and the draw."""
    asked = filters(request, "kind", "number", "looked")
    colours = tuple(c for c in request.query_params.getlist("colour") if c in COLOURS)
    number = int(asked["number"]) if asked["number"].isascii() and asked["number"].isdigit() else 0
    order = service.DrawOrder("", "", "", (), asked["kind"], min(number, MOST_TASKS), colours)
    with context.transaction(asker) as conn:
        shared = head_values(request, context, conn)
        found = service.strata(conn, order, context.clock.now()) if asked["looked"] else None
    return page(
        request, "pages/draw_new.html", strata=found, order=order, colours=COLOURS, kinds=load_catalogue().kinds, **shared
    )  # fmt: skip


@router.get("/ledger/draws/{draw_id}")
def draw(request: Request, context: Context, draw_id: int, asker: Watcher) -> Response:
    """The tasks of a draw, each with its checklist; drawn again from its seed when asked."""
    again = filters(request, "again")["again"]
    with context.transaction(asker) as conn:
        shared = head_values(request, context, conn)
        found = known(
            next((d for d in rows(conn, service.QUERIES.draws) if d.id == draw_id), None),
            "No such draw, or it lies outside your area.",
        )
        tasks = rows(conn, service.QUERIES.tasks, (draw_id,))
        same = service.repeat(conn, draw_id)[0] if again and found.sha256 else None
    return page(
        request, "pages/draw.html", draw=found, tasks=tasks, checklist=model.rules()["checklist"], same=same, **shared
    )  # fmt: skip
