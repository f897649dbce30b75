"""96366 来电: the list, the entry form, the import of a call record file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards import words
from dashboards.context import Context, permit
from dashboards.pages import lift_search
from dashboards.pages.frame import page
from dashboards.pages.reads import QUERIES, filters, known, row, rows, window
from equipment.access.model import Asker
from equipment.access.personal import phone_for
from ingest.call_reference import reference

router = APIRouter(include_in_schema=False)


@router.get("/calls")
def calls(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("call.view"))]) -> Response:
    wanted, page_of = filters(request, "q", "category", "historical", "link"), window(request)
    with context.transaction(asker) as conn:
        found, following, previous = page_of.cut(rows(conn, QUERIES.calls, {**wanted, **page_of.parameters()}))
    return page(
        request,
        "pages/calls.html",
        calls=found,
        next=following,
        previous=previous,
        categories=[c for c in words.WORDS["incident_kind"] if c != "unknown"],
    )


@router.get("/calls/new")
def new_call(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("call.enter"))]) -> Response:
    """The form of one call; with ?plate= the lift is shown at once."""
    plate = filters(request, "plate")["plate"]
    with context.transaction(asker) as conn:
        found = lift_search.cards(conn, plate, 1)
    categories = [c for c in words.WORDS["incident_kind"] if c != "unknown"]
    return page(request, "pages/call_new.html", plate=plate, found=found, wanted=plate, categories=categories)


@router.get("/calls/lift")
def lift_card(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("call.enter"))]) -> Response:
    """The card of the lift that belongs to what has been typed: six digits, or words of the place."""
    wanted = filters(request, "q")["q"]
    with context.transaction(asker) as conn:
        found = lift_search.cards(conn, wanted, 8)
    return page(request, "pages/call_lift.html", found=found, wanted=wanted)


@router.get("/calls/{call_id:int}")
def call(
    request: Request, context: Context, call_id: int, asker: Annotated[Asker, Depends(permit("call.view"))]
) -> Response:
    """One call: what was said, its milestones, its lift, or the lifts to choose among."""
    wanted = filters(request, "q")["q"]
    with context.transaction(asker) as conn:
        found = known(row(conn, QUERIES.call, (call_id,)), "No such call, or it lies outside your area.")
        choices = rows(conn, QUERIES.call_candidates, (found.candidates,))
        if wanted:
            choices = lift_search.cards(conn, wanted, 20)
    return page(
        request, "pages/call.html", call=found, choices=choices, wanted=wanted, reference=reference(),
        caller_phone=phone_for(asker, found.caller_phone),
        choosable=found.link in ("none", "ambiguous", "chosen", "address"),
    )  # fmt: skip


@router.get("/calls/import")
def import_form(request: Request, asker: Annotated[Asker, Depends(permit("call.import"))]) -> Response:
    return page(request, "pages/call_import.html")
