"""设备: what is this lift's story? The list, and one unit on one page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards import words
from dashboards.api.etags import etag_of
from dashboards.context import Context, permit
from dashboards.i18n import DEFAULT_LANGUAGE
from dashboards.pages import maps
from dashboards.pages.due import due_rows
from dashboards.pages.frame import language_of, page
from dashboards.pages.periods import bands, holds
from dashboards.pages.reads import QUERIES, filters, known, row, rows, value, window
from dashboards.rendering import local
from equipment.access.matrix import permits
from equipment.access.model import Asker
from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Signal
from equipment.catalogue.varieties import jurisdictions, varieties
from equipment.contracts import store as contracts
from equipment.due import store as due_store
from equipment.foundation.database import Connection
from equipment.history import store as history
from equipment.parties import store as parties
from equipment.registry import store
from equipment.registry.model import Unit
from ingest import devices, read

router = APIRouter(include_in_schema=False)
REPORTS = 3


@dataclass(frozen=True, slots=True)
class SignalNow:
    """One signal of a unit as it stands now (实时值): its value in words, its limits, and whether it can be trusted.

    ``state`` is one of ok, unknown (never reported, or reported as null), stale (older than the signal holds).
    """

    signal: Signal
    value: Any
    at: datetime | None
    state: str
    out_of_limits: bool


def signals_now(conn: Connection, kind: str, unit_no: int, now: datetime) -> list[SignalNow]:
    """The newest value of every signal of the unit's kind, in the catalogue's order."""
    latest: Mapping[str, Any] = read.latest_values(conn, kind, unit_no)
    known_kind = load_catalogue().kind(kind)
    found = []
    for signal in known_kind.signals if known_kind else ():
        held = latest.get(signal.name)
        at = held.at if held is not None else None
        current = held.value if held is not None else None
        stale = at is not None and now - at > timedelta(seconds=signal.stale_after_seconds)
        state = "unknown" if current is None else "stale" if stale else "ok"
        found.append(SignalNow(signal, current, at, state, out_of_limits=False))
    return found


@dataclass(frozen=True, slots=True)
class Paper:
    """证照与文书: a document of a unit. ``number`` None: none is known; ``until`` is its last day, where it has one."""

    kind: str
    number: str | None
    until: date | None = None
    day: date | None = None
    href: str = ""


def papers_of(unit: Any, story: Mapping[str, Any]) -> list[Paper]:
    """The documents of a unit, also those that it should have and that nobody knows."""
    found = [Paper("use_registration", unit.certificate_no)]
    if unit.kind in ("lift", "escalator"):
        policy, contract = story["policy"], story["contract"]
        found.append(Paper("policy", None) if policy is None else Paper(
            "policy", policy.value or "", None if policy.until is None else policy.until - timedelta(days=1)))  # fmt: skip
        found.append(Paper("contract", None) if contract is None else Paper(
            "contract", contract.number, contract.last_day, href=f"/contracts/{contract.id}"))  # fmt: skip
        if unit.rescue_code:
            found.append(Paper("label", unit.rescue_code, href=f"/labels.pdf?plates={unit.rescue_code}"))
    reports = [Paper("report", i.report_no, day=i.on) for i in story["inspections"] if i.report_no]
    return [*found, *(reports[:REPORTS] or [Paper("report", None)])]


def register_story(conn: Connection, unit: Unit, records: list[Any], today: date) -> dict[str, Any]:
    """What the register tells of a unit: its periods, its papers, and what is due with its clause."""
    periods = history.periods(conn, unit.no)
    changes = contracts.changes(conn, unit.id, open_only=True)
    return {
        "periods": periods,
        "bands": bands(periods, today),
        # a name that this reader may not see still says that somebody is named
        "officers": {
            p.attribute: p.label or f"#{p.value}"
            for p in periods
            if p.attribute in ("director", "officer") and holds(p, today)
        },
        "policy": next((p for p in periods if p.attribute == "policy" and holds(p, today)), None),
        "inspections": list(reversed(due_store.inspections(conn, unit.no))),
        "dues": due_rows(conn, unit, [(r.level, local(r.ended_at).date()) for r in records], today),
        "firm_changes": changes,
    }


def search(request: Request, conn: Connection) -> dict[str, Any]:
    """The rows of the list as the address asks for them."""
    wanted: dict[str, Any] = filters(request, "q", "kind", "status", "district", "online", "sort")
    wanted["found"] = store.find_numbers(conn, wanted["q"]) if wanted["q"] else []
    page_of = window(request)
    found, following, previous = page_of.cut(rows(conn, QUERIES.units, {**wanted, **page_of.parameters()}))
    return {
        "units": found,
        "next": following,
        "previous": previous,
        "total": value(conn, QUERIES.count_units, wanted),
        "cut": len(wanted["found"]) >= store.FOUND_AT_MOST,
    }


@router.get("/units")
def units(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("unit.view"))]) -> Response:
    with context.transaction(asker) as conn:
        found = search(request, conn)
        areas = rows(conn, QUERIES.districts)
    language = language_of(request)
    return page(
        request,
        "pages/units.html",
        **found,
        districts=[(a.id, maps.name_of(a, language)) for a in areas],
        kinds=tuple(words.WORDS["unit_kind"]),
        statuses=tuple(words.WORDS["unit_status"]),
    )


@router.get("/units/new")
def new(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("unit.edit"))]) -> Response:
    """The form for a unit that nobody has registered yet."""
    language = language_of(request)
    zh = language == DEFAULT_LANGUAGE
    areas = [
        (j.id, j.zh if zh else j.en)
        for j in jurisdictions().values()
        if j.kind != "grid" and asker.scope_path is not None and j.path.startswith(asker.scope_path)
    ]
    with context.transaction(asker) as conn:
        sides = {
            kind: [(o.id, o.name) for o in store.organisations(conn, kind)] for kind in ("use_unit", "maintenance_firm")
        }
    return page(
        request, "pages/unit_new.html", areas=areas, use_units=sides["use_unit"], firms=sides["maintenance_firm"],
        varieties=[(v.code, f"{v.code} {v.zh if zh else v.en}") for v in varieties().values()],
        kinds=tuple(words.WORDS["unit_kind"]),
    )  # fmt: skip


@router.get("/units/{unit_id}")
def unit(
    request: Request, context: Context, unit_id: str, asker: Annotated[Asker, Depends(permit("unit.view"))]
) -> Response:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        found = known(row(conn, QUERIES.unit, (unit_id,)), "No such unit, or it lies outside your area.")
        parameters = (found.no,)
        story: dict[str, Any] = {
            "alarms": rows(conn, QUERIES.unit_alarms, parameters),
            "calls": rows(conn, QUERIES.unit_calls, parameters),
            "incidents": rows(conn, QUERIES.unit_incidents, parameters),
            "records": rows(conn, QUERIES.unit_records, parameters),
            "hazards": rows(conn, QUERIES.unit_hazards, parameters),
            "leads": rows(conn, QUERIES.unit_leads, parameters),
        }
        story |= register_story(conn, store.require_unit(conn, unit_id), story["records"], local(now).date())
        signals = signals_now(conn, found.kind, found.no, now)
        story["presence"] = devices.history(conn, found.no, 10)
        story["candidates"] = (
            parties.present(conn, found.use_org_id, local(now).date())
            if found.use_org_id is not None and permits(asker.role, "unit.officer")
            else None
        )
        story["contract"] = contracts.contract_of(conn, found.no, local(now).date())
        story["papers"] = papers_of(found, story)
        outlines = rows(conn, QUERIES.districts)
    here = maps.placed([maps.point(found.lat, found.lon, found.name, severity="low")])
    chart = {"districts": maps.districts(outlines, language_of(request)), "points": here, "view": "points"}
    return page(
        request, "pages/unit.html", unit=found, signals=signals, map=chart, etag=etag_of(found.changed_at),
        statuses=tuple(words.WORDS["unit_status"]), inspection_kinds=tuple(words.WORDS["inspection_kind"]), **story,
    )  # fmt: skip
