"""维保与使用单位: what is due, what went wrong, what must I confirm today? And one record on one page."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import segno
from fastapi import APIRouter, Depends, Request
from psycopg.types.json import Jsonb
from starlette.responses import Response

from dashboards import words
from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.reads import QUERIES, known, row, rows, value, window
from dashboards.pages.record_list import EVERY, wanted
from dashboards.rendering import local
from equipment.access.model import Asker
from equipment.cylinders.stations import is_station
from equipment.registry.coordinates import Located, Position, distance_m, locate
from maintenance.checklists.catalogue import PLACE_WORDS
from maintenance.day_seals import service as day_seals
from maintenance.hazards.wanted import Wanted
from maintenance.paper import service as paper
from maintenance.plans import service as plans
from maintenance.plausibility.service import story
from maintenance.records.acknowledgement import positions
from maintenance.records.signatures import signatures_of
from maintenance.templates import service as templates

router = APIRouter(include_in_schema=False)
DUE_DAYS = 15
"""半月保: at least every 15 days (特种设备安全监察条例 art. 31)."""
SHOWN = 50


@router.get("/firm")
def firm(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("firm.view"))]) -> Response:
    """The firm's day: dispatches first, then what is due, then records and hazards."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        head = value(conn, QUERIES.feed_head)
        values = {
            "dispatches": rows(conn, QUERIES.firm_dispatches, {"open": True, "since": now}),
            "due": rows(conn, QUERIES.due_units, {"days": DUE_DAYS, "limit": SHOWN}),
            "counts": row(conn, QUERIES.due_counts, {"days": DUE_DAYS, "today": local(now).date()}),
            "records": rows(conn, QUERIES.records, EVERY | {"limit": 10, "offset": 0}),
            "hazards": rows(
                conn,
                QUERIES.hazards,
                {"wanted": Jsonb(Wanted().as_json(now)), "limit": 20, "offset": 0},
            ),
            "paperless": paper.switch_of(conn, asker.organisation_id or 0),
        }
    return page(request, "pages/firm.html", feed_after=head, soon=local(now).date() + timedelta(days=3), **values)


@router.get("/firm/table")
def record_table(request: Request, _: Annotated[Asker, Depends(permit("record.file"))]) -> Response:
    """Hand in a table of records."""
    return page(request, "pages/record_table.html")


@router.get("/use-unit")
def use_unit(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("use_unit.view"))]) -> Response:
    """The use-unit's day: records to confirm, hazards to rectify, its lifts."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        head = value(conn, QUERIES.feed_head)
        values: dict[str, Any] = {
            "to_confirm": rows(conn, QUERIES.records, EVERY | {"state": "submitted", "limit": SHOWN, "offset": 0}),
            "hazards": rows(
                conn,
                QUERIES.hazards,
                {"wanted": Jsonb(Wanted().as_json(now)), "limit": 20, "offset": 0},
            ),
            "incidents": rows(conn, QUERIES.open_incidents),
            "due": rows(conn, QUERIES.due_units, {"days": DUE_DAYS, "limit": 20}),
            "fills_cylinders": is_station(conn, asker.organisation_id),
        }
    return page(request, "pages/use_unit.html", feed_after=head, **values)


@router.get("/on-demand-plans")
def on_demand(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("plan.view"))]) -> Response:
    """Which lifts are maintained on demand, under which conditions, and whose step is next."""
    with context.transaction(asker) as conn:
        found = plans.plans(conn)
    return page(request, "pages/on_demand_plans.html", plans=found)


@router.get("/records")
def records(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("record.view"))]) -> Response:
    """Every record that the asker may see, by lift, day, level and state; those to be confirmed first."""
    asked, page_of = wanted(request), window(request)
    with context.transaction(asker) as conn:
        found, following, previous = page_of.cut(rows(conn, QUERIES.records, {**asked, **page_of.parameters()}))
    states, levels = tuple(words.WORDS["record_state"]), tuple(words.WORDS["record_level"])
    return page(
        request, "pages/records.html", records=found, next=following, previous=previous, states=states, levels=levels,
        filtered=any(asked.values()),
    )  # fmt: skip


@router.get("/records/{record_id}")
def record(
    request: Request, context: Context, record_id: UUID, asker: Annotated[Asker, Depends(permit("record.view"))]
) -> Response:
    with context.transaction(asker) as conn:
        found = known(row(conn, QUERIES.record, (record_id,)), "No such record, or it lies outside your area.")
        items = rows(conn, QUERIES.record_items, (record_id,))
        signed = signatures_of(conn, record_id)
        position = positions(conn, [str(record_id)]).get(str(record_id))
        content = value(conn, QUERIES.record_content, (record_id,))
        plausibility = story(conn, record_id)
        names = templates.names_of(conn, found.template)
        day_seal = day_seals.seal_of(conn, record_id)
    # of this surface, which serves the use-unit's people too
    link = f"{str(request.base_url).rstrip('/')}/records/{record_id}"
    place = locate(found.lon, found.lat, found.datum, found.accuracy_m) if found.lon is not None else None
    return page(
        request, "pages/record.html", link=segno.make(link, error="m").svg_data_uri(scale=4, border=2), signs={name: _sign(content.get(name), place) for name in ("sign_in", "sign_out")}, record=found, items=items, signatures=signed, position=position,
        photos=_photos(content), plausibility=plausibility, day_seal=day_seal, names=names,
    )  # fmt: skip


def _photos(content: dict[str, Any]) -> list[dict[str, str]]:
    """The pictures that a record names, each with what it shows."""
    places = [(p, PLACE_WORDS[passed["place"]]) for passed in content.get("places", []) for p in passed["photos"]]
    items = [(p, item["id"]) for item in content.get("items", []) for p in item.get("photos", [])]
    drawn = [(content["drawn"], "手写签名")] if content.get("drawn") else []
    return [{"sha256": sha256, "label": label} for sha256, label in places + items + drawn]


def _sign(sign: dict[str, Any] | None, place: Located | None) -> dict[str, Any] | None:
    """How a sign-in or sign-out was made, and how far from the lift [m]; None of it where nobody can tell.

    The position itself is not shown: the distance is what the reader needs.
    """
    if sign is None:
        return None
    at = None
    if sign.get("lon") is not None and sign.get("lat") is not None:
        at = locate(sign["lon"], sign["lat"], sign.get("datum", "unknown"), sign.get("accuracy_m"))
    apart = distance_m(Position(at.lon, at.lat), Position(place.lon, place.lat)) if at and place else None
    return {
        "how": sign.get("how", "manual"), "located": sign.get("lon") is not None,
        "distance_m": None if apart is None else round(apart), "accuracy_m": None if at is None else at.accuracy_m,
        "mock": sign.get("mock"),
    }  # fmt: skip
