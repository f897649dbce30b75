"""隐患台账: which hazards are slipping? Leads to judge, hazards to chase, one case file on one page."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards import words
from dashboards.context import Context, permit
from dashboards.pages import maps
from dashboards.pages.frame import language_of, page
from dashboards.pages.reads import QUERIES, filters, known, row, rows, window
from dashboards.pages.steps import lawful_steps
from equipment.access.model import Asker
from equipment.foundation.database import Connection

router = APIRouter(include_in_schema=False)
MONTH = timedelta(days=30)


def head_values(request: Request, context: Context, conn: Connection) -> dict[str, Any]:
    """What both lists share: the counts and the districts."""
    now = context.clock.now()
    language = language_of(request)
    return {
        "counts": row(conn, QUERIES.ledger_counts, {"now": now, "month": now - MONTH}),
        "districts": [(d.id, maps.name_of(d, language)) for d in rows(conn, QUERIES.districts)],
        "grades": tuple(words.WORDS["hazard_grade"]),
    }


@router.get("/ledger")
def leads(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("lead.view"))]) -> Response:
    """线索 to judge: batch triage, urgent first."""
    wanted, page_of = filters(request, "state", "grade", "source", "district", "q"), window(request)
    wanted["state"] = wanted["state"] or "pending"
    with context.transaction(asker) as conn:
        shared = head_values(request, context, conn)
        found, following, previous = page_of.cut(rows(conn, QUERIES.leads, {**wanted, **page_of.parameters()}))
    return page(
        request,
        "pages/leads.html",
        leads=found,
        next=following,
        previous=previous,
        states=tuple(words.WORDS["lead_state"]),
        sources=tuple(words.WORDS["lead_source"]),
        **shared,
    )


@router.get("/ledger/hazards")
def hazards(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("hazard.view"))]) -> Response:
    wanted, page_of = filters(request, "state", "grade", "district", "q"), window(request)
    wanted["state"] = wanted["state"] or "open"
    with context.transaction(asker) as conn:
        shared = head_values(request, context, conn)
        parameters = {**wanted, "now": context.clock.now(), **page_of.parameters()}
        found, following, previous = page_of.cut(rows(conn, QUERIES.hazards, parameters))
    return page(
        request,
        "pages/hazards.html",
        hazards=found,
        next=following,
        previous=previous,
        states=("open", "overdue", *words.WORDS["hazard_state"]),
        **shared,
    )


@router.get("/ledger/leads/{lead_id}")
def lead(
    request: Request, context: Context, lead_id: int, asker: Annotated[Asker, Depends(permit("lead.view"))]
) -> Response:
    with context.transaction(asker) as conn:
        found = known(row(conn, QUERIES.lead, (lead_id,)), "No such lead, or it lies outside your area.")
        events = rows(conn, QUERIES.lead_events, (lead_id,))
    return page(request, "pages/lead.html", lead=found, events=events, grades=tuple(words.WORDS["hazard_grade"]))


@router.get("/ledger/hazards/{hazard_id}")
def hazard(
    request: Request, context: Context, hazard_id: int, asker: Annotated[Asker, Depends(permit("hazard.view"))]
) -> Response:
    """The case file: its story, its evidence, and the next lawful step as one button."""
    with context.transaction(asker) as conn:
        found = known(row(conn, QUERIES.hazard, (hazard_id,)), "No such hazard, or it lies outside your area.")
        values: dict[str, Any] = {
            "events": rows(conn, QUERIES.hazard_events, (hazard_id,)),
            "origin": row(conn, QUERIES.lead, (found.lead_id,)) if found.lead_id else None,
            "records": rows(conn, QUERIES.unit_records, (found.unit_no,))[:5],
            "alarms": rows(conn, QUERIES.unit_alarms, (found.unit_no,))[:5],
        }
    return page(request, "pages/hazard.html", hazard=found, steps=lawful_steps(found.state, found.grade), **values)
