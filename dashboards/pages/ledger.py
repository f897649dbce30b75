"""隐患台账: which hazards are slipping? Leads to judge, hazards to chase, one case file on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from psycopg.types.json import Jsonb
from starlette.responses import Response

from dashboards import words
from dashboards.context import Context, permit
from dashboards.pages import maps
from dashboards.pages.frame import language_of, page
from dashboards.pages.names import learn_rules
from dashboards.pages.reads import QUERIES, filters, known, row, rows, window
from dashboards.pages.steps import lawful_steps, side_steps
from equipment.access.model import Asker, ScopeKind
from equipment.foundation.database import Connection
from equipment.registry.coordinates import to_wgs84
from maintenance.extracts import service as extracts
from maintenance.hazards import files, telemetry, views
from maintenance.hazards.clauses import fitting
from maintenance.hazards.wanted import FLAGS, VIEWS, Wanted
from maintenance.orders import service as orders
from maintenance.risk import service as risk

router = APIRouter(include_in_schema=False)
FILTERS = ("state", "grade", "district", "source", "firm", "age", "flag", "q")
AGES = (7, 30, 90, 365)
MOST_PLACES = 2_000
SIGNALS_DRAWN = 6
MOST_SITES = 50
MOST_EXTRACTS = 100
SITE_WORKER = Path(__file__).parents[1] / "static" / "js" / "site_worker.js"


def head_values(request: Request, context: Context, conn: Connection) -> dict[str, Any]:
    """What both lists share: the counts and the districts."""
    language = language_of(request)
    return {
        "counts": row(conn, QUERIES.ledger_counts, {"now": context.clock.now()}),
        "districts": [(d.id, maps.name_of(d, language)) for d in rows(conn, QUERIES.districts)],
        "grades": tuple(words.WORDS["hazard_grade"]),
        "sources": tuple(words.WORDS["lead_source"]),
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
        **shared,
    )


def wanted_of(request: Request) -> Wanted:
    """The filters of the address; what cannot be is told."""
    asked = filters(request, *FILTERS)
    return Wanted(**{**asked, "state": asked["state"] or "open"})


@router.get("/ledger/hazards")
def hazards(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("hazard.view"))]) -> Response:
    wanted, page_of, now = wanted_of(request), window(request), context.clock.now()
    with context.transaction(asker) as conn:
        shared = head_values(request, context, conn)
        parameters = {"wanted": Jsonb(wanted.as_json(now)), **page_of.parameters()}
        found, following, previous = page_of.cut(rows(conn, QUERIES.hazards, parameters))
        firms = [(f.id, f.name) for f in rows(conn, QUERIES.hazard_firms)]
        saved = views.views_of(conn)
        own = [] if asker.scope_kind is ScopeKind.JURISDICTION else rows(conn, QUERIES.own_corrections, (now,))
    return page(
        request, "pages/hazards.html", hazards=found, next=following, previous=previous, firms=firms, saved=saved, own=own, ages=AGES,
        views=VIEWS, flags=FLAGS, query=urlencode({k: v for k, v in filters(request, *FILTERS).items() if v}), **shared,
    )  # fmt: skip


@router.get("/ledger/map")
def hazard_map(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("hazard.view"))]) -> Response:
    """Where the hazards of the filter lie; what has no known place is counted, not hidden."""
    wanted, language = wanted_of(request), language_of(request)
    with context.transaction(asker) as conn:
        shared = head_values(request, context, conn)
        parameters = {"wanted": Jsonb(wanted.as_json(context.clock.now())), "limit": MOST_PLACES}
        found = rows(conn, QUERIES.hazard_places, parameters)
        areas = rows(conn, QUERIES.districts)
    points = [_marked(h, context) for h in found]
    drawn = {
        "districts": maps.drawn_districts(areas, language, context.settings), "tiles": maps.tiles(context.settings),
        "points": maps.placed(points), "view": "districts",
    }  # fmt: skip
    return page(
        request, "pages/hazard_map.html", map=drawn, found=len(found), unplaced=points.count(None), most=MOST_PLACES,
        views=VIEWS, **shared,
    )  # fmt: skip


SEVERITIES = {"major": "critical", "serious": "high", "general": "medium"}


def _marked(h: Any, context: Context) -> dict[str, Any] | None:
    place = None if h.lat is None else to_wgs84(h.lon, h.lat, h.datum)
    if place is None:
        return None
    at = maps.on_tiles(place, context.settings)
    more = {"severity": SEVERITIES[h.grade], "words": h.number, "href": f"/ledger/hazards/{h.id}"}
    return maps.point(at.lat, at.lon, h.name, **more)


@router.get("/ledger/extracts")
def extractions(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("evidence.extract"))]
) -> Response:
    """电子数据提取: of a record, of a span of readings, of a case; and what was extracted before."""
    with context.transaction(asker) as conn:
        shared = head_values(request, context, conn)
        found = rows(conn, extracts.QUERIES.recent, (MOST_EXTRACTS,))
    return page(request, "pages/extracts.html", extracts=found, **shared)


@router.get("/ledger/leads/{lead_id}")
def lead(
    request: Request, context: Context, lead_id: int, asker: Annotated[Asker, Depends(permit("lead.view"))]
) -> Response:
    with context.transaction(asker) as conn:
        found = known(row(conn, QUERIES.lead, (lead_id,)), "No such lead, or it lies outside your area.")
        events = rows(conn, QUERIES.lead_events, (lead_id,))
    grades = tuple(words.WORDS["hazard_grade"])
    return page(request, "pages/lead.html", lead=found, events=events, grades=grades, clauses=fitting(found.unit_kind))


def case_values(conn: Connection, hazard_id: int) -> dict[str, Any]:
    """Everything of a case."""
    found = known(row(conn, QUERIES.hazard, (hazard_id,)), "No such hazard, or it lies outside your area.")
    papers = orders.documents_of(conn, hazard_id)
    origin = row(conn, QUERIES.lead, (found.lead_id,)) if found.lead_id else None
    return {
        "hazard": found,
        "events": rows(conn, QUERIES.hazard_events, (hazard_id,)),
        "origin": origin,
        "records": rows(conn, QUERIES.unit_records, (found.unit_no,))[:5],
        "alarms": rows(conn, QUERIES.unit_alarms, (found.unit_no,))[:5],
        "calls": rows(conn, QUERIES.unit_calls, (found.unit_no,))[:5],
        "files": files.files_of(conn, hazard_id),
        "papers": [(p, orders.deliveries(conn, p.id)) for p in papers],
        "window": telemetry.window_of(conn, hazard_id),
        "extracts": extracts.of_case(conn, hazard_id),
        "methods": tuple(risk.current(conn).content["methods"]),
        "steps": lawful_steps(found),
        "aside": side_steps(found),
        "grades": tuple(words.WORDS["hazard_grade"]),
        "clauses": fitting(found.unit_kind),
    }


def drawn_window(kept: telemetry.Window | None) -> list[tuple[str, dict[str, Any]]]:
    """The kept courses as charts: numbers and truths, as many as one page can show."""
    found = []
    for name, course in sorted(kept.courses.items()) if kept else ():
        points = [[p[0], float(p[1])] for p in course["points"] if isinstance(p[1], int | float)]
        if points:
            found.append((name, {"unit": "", "series": [{"name": name, "points": points}]}))
    return found[:SIGNALS_DRAWN]


@router.get("/ledger/hazards/{hazard_id}")
def hazard(
    request: Request, context: Context, hazard_id: int, asker: Annotated[Asker, Depends(permit("hazard.view"))]
) -> Response:
    """The case file: its story, its evidence, and the next lawful step as one button."""
    with context.transaction(asker) as conn:
        learn_rules(conn)
        values = case_values(conn, hazard_id)
    return page(request, "pages/hazard.html", charts=drawn_window(values["window"]), **values)


@router.get("/ledger/hazards/{hazard_id}/site")
def site(
    request: Request, context: Context, hazard_id: int, asker: Annotated[Asker, Depends(permit("hazard.view"))]
) -> Response:
    """现场复查 by phone, also without network: what was asked, photographs before and after, the officer's entry."""
    with context.transaction(asker) as conn:
        values = case_values(conn, hazard_id)
    return page(request, "pages/hazard_site.html", account=asker.account_id, **values)


@router.get("/ledger/site")
def sites(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("hazard.view"))]) -> Response:
    """我的现场: what waits for a re-check or a look back, to be taken along; and what this phone has not sent yet."""
    now, found = context.clock.now(), []
    with context.transaction(asker) as conn:
        for view in ("recheck", "look_back"):
            parameters = {"wanted": Jsonb(Wanted(state=view).as_json(now)), "limit": MOST_SITES, "offset": 0}
            found += rows(conn, QUERIES.hazards, parameters)
    return page(request, "pages/hazard_sites.html", hazards=found, account=asker.account_id)


@router.get("/ledger/site/worker.js")
def site_worker(request: Request, _: Annotated[Asker, Depends(permit("hazard.view"))]) -> Response:
    """The service worker that opens the taken pages without network; it lies below /ledger so that it may serve them."""
    return Response(
        SITE_WORKER.read_bytes(), media_type="text/javascript", headers={"Service-Worker-Allowed": "/ledger/"}
    )
