"""扫码公示: is this lift looked after? What anyone reads who scans the plate; no login, nothing to install."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from dashboards.context import Context
from dashboards.pages.frame import page
from dashboards.pages.reads import QUERIES, row

router = APIRouter(include_in_schema=False)
PLATE_DIGITS = 6


@router.get("/lift")
def find(request: Request) -> Response:
    """By the six digits, typed."""
    plate = "".join(c for c in request.query_params.get("plate", "") if c.isdigit())[:PLATE_DIGITS]
    if len(plate) == PLATE_DIGITS:
        return RedirectResponse(f"/lift/{plate}", status_code=303)
    return page(request, "pages/public.html", lift=None, plate=plate)


@router.get("/lift/{plate}")
def lift(request: Request, context: Context, plate: str) -> Response:
    with context.transaction(None) as conn:
        found = row(conn, QUERIES.public_unit, (plate[:PLATE_DIGITS],))
    return page(request, "pages/public.html", status=200 if found else 404, lift=found, plate=plate[:20])
