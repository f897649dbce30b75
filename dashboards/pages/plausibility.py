"""真实性核查: which records does nothing support, and why? By record, worker and firm."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.reads import filters
from equipment.access.model import Asker
from maintenance.plausibility import service
from maintenance.plausibility.catalogue import catalogue
from maintenance.plausibility.score import Band

router = APIRouter(include_in_schema=False)
DAYS = (30, 90, 365)
SHOWN = 100
RANKED = 20


@router.get("/plausibility")
def plausibility(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("finding.view"))]
) -> Response:
    wanted = filters(request, "band", "days")
    days = int(wanted["days"]) if wanted["days"] in map(str, DAYS) else DAYS[0]
    with context.transaction(asker) as conn:
        found = service.assessed(conn, context.clock.now() - timedelta(days=days))
    counts = {band.value: sum(r.band is band for r in found) for band in Band}
    chosen = [r for r in found if not wanted["band"] or r.band.value == wanted["band"]]
    return page(
        request, "pages/plausibility.html", records=chosen[:SHOWN], shown=SHOWN, total=len(chosen), counts=counts,
        firms=service.by_firm(found)[:RANKED], workers=service.by_worker(found)[:RANKED],
        bands=tuple(b.value for b in Band), days=days, spans=DAYS, answer_days=catalogue().counts.answer_days,
    )  # fmt: skip
