"""交接班: the report of the shift that runs, those that were handed over, and who took them over."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from dashboards.context import Context, permit
from dashboards.pages import papers
from dashboards.pages.frame import page
from dashboards.pages.reads import known, row, rows
from dashboards.papers import shift
from dashboards.papers.outage import QUERIES
from dashboards.reports.model import Document
from equipment.access.model import Asker
from equipment.access.store import audit

router = APIRouter(include_in_schema=False)
Viewer = Annotated[Asker, Depends(permit("shift.view"))]
Seat = Annotated[Asker, Depends(permit("shift.hand_over"))]


@router.get("/shift")
def running(request: Request, context: Context, asker: Viewer) -> Response:
    since, until = shift.shift_of(context.clock.now())
    with context.transaction(asker) as conn:
        document = shift.compose(conn, since, until, "")
        given = rows(conn, QUERIES.handovers)
    return page(request, "pages/shift.html", document=document, handovers=given, number=None, account=asker.account_id)


@router.post("/shift")
def hand_over(context: Context, asker: Seat, notes: Annotated[str, Form(max_length=2_000)] = "") -> Response:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        number = shift.hand_over(conn, asker, shift.shift_of(now)[0], notes.strip(), now)
        audit(conn, asker, "shift.hand_over", f"shift:{number}", now)
    return RedirectResponse(f"/shift/{number}", status_code=303)


@router.post("/shift/{number:int}/receive")
def receive(context: Context, asker: Seat, number: int, remark: Annotated[str, Form(max_length=200)] = "") -> Response:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        shift.receive(conn, asker, number, remark.strip(), now)
        audit(conn, asker, "shift.hand_over", f"shift:{number}", now)
    return RedirectResponse("/shift", status_code=303)


def _kept(context: Context, asker: Asker, number: int) -> Document:
    with context.transaction(asker) as conn:
        found = known(row(conn, QUERIES.handover, (number,)), "No such hand-over, or it is outside your area.")
    return Document.from_json(found.document)


@router.get("/shift/{number:int}")
def kept(request: Request, context: Context, asker: Viewer, number: int) -> Response:
    """A hand-over as it was given."""
    document = _kept(context, asker, number)
    return page(request, "pages/shift.html", document=document, handovers=[], number=number, account=asker.account_id)


@router.get("/shift/{number:int}/pdf")
def kept_pdf(context: Context, asker: Viewer, number: int) -> Response:
    return papers.pdf(_kept(context, asker, number), f"teshe-shift-{number}", context.clock.now())
