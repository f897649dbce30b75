"""气瓶: which cylinders are due, what was filled and what was refused; and the public page behind a cylinder's code."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from dashboards import words
from dashboards.api.etags import etag_of
from dashboards.context import Context, permit
from dashboards.pages.frame import language_of, page
from dashboards.pages.reads import Window, filters, window
from dashboards.rendering import local
from equipment.access.matrix import permits
from equipment.access.model import Asker, Role, ScopeKind
from equipment.catalogue.varieties import varieties
from equipment.cylinders import corrections, coverage, stations, store, transfers
from equipment.cylinders.lifecycle import APART, SUPERVISORS, TABLE, WITH_A_FILL, CylinderEvent, CylinderState
from equipment.cylinders.media import media
from equipment.cylinders.movements import JUDGED
from equipment.cylinders.register import VARIETIES
from equipment.cylinders.settings import CylinderSettings
from equipment.foundation.database import Connection

router = APIRouter(include_in_schema=False)
VIEWS = ("due", "fills", "refused", "all")
FILLS_SHOWN = timedelta(days=31)
LONGEST_CODE = 40
TRANSFERS = 20


def medium_name(code: str, language: str) -> str:
    """The name of a medium in the page's language; the code where the catalogue does not know it."""
    found = media().get(code)
    return code if found is None else found.zh if language == "zh-CN" else found.en


def variety_name(code: str, language: str) -> str:
    """The name of a variety in the page's language."""
    found = varieties().get(code)
    return code if found is None else found.zh if language == "zh-CN" else found.en


def _names(request: Request) -> dict[str, Any]:
    language = language_of(request)
    return {
        "medium_name": lambda code: medium_name(code, language),
        "variety_name": lambda code: variety_name(code, language),
    }


def _station(asked: str) -> int | None:
    return int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 18 else None


def _rows(conn: Connection, wanted: dict[str, str], at: Window, now: datetime) -> list[Any]:
    """One row more than a page, of whichever view is asked for."""
    station, today = _station(wanted["station"]), local(now).date()
    match wanted["view"]:
        case "fills":
            return store.fills(conn, now - FILLS_SHOWN, now + timedelta(hours=1), 0, at.offset + at.size + 1)[
                at.offset :
            ]
        case "refused":
            return store.refusals(conn, code=wanted["q"], limit=at.offset + at.size + 1)[at.offset :]
        case "all":
            # a page of a list of millions begins after its number, not after its rows
            after = int(wanted["after"]) if wanted["after"].isdecimal() and len(wanted["after"]) < 10 else 0
            return store.search(conn, store.CylinderFilter(wanted["q"], wanted["state"], station), after, at.size + 1)
        case _ if wanted["due"] == "unknown":
            return store.without_inspection(conn, station, at.offset, at.size + 1)
        case _:
            soon = wanted["due"] == "soon"
            since, before = (today, today + store.SOON) if soon else (date.min, today)
            return store.due_for_inspection(conn, since, before, station, at.offset, at.size + 1)


@router.get("/cylinders")
def cylinders(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("cylinder.view"))]
) -> Response:
    """A station's day, or an inspector's view of his stations."""
    now = context.clock.now()
    wanted, at = filters(request, "view", "due", "q", "state", "station", "after"), window(request)
    if wanted["view"] not in VIEWS:
        wanted["view"] = "all" if wanted["q"] else "due"
    with context.transaction(asker) as conn:
        found = stations.stations(conn, local(now).date())
        if not found:
            return page(request, "pages/cylinders_none.html", own=asker.scope_kind is ScopeKind.USE_UNIT)
        rows, following, previous = at.cut(_rows(conn, wanted, at, now))
        values: dict[str, Any] = {
            "stations": found,
            "counts": store.due_counts(conn, now),
            "refused": store.refusals_since(conn, now - timedelta(days=30)),
            "coverage": coverage.trace_coverage(conn, local(now).date()),
        }
    states = tuple(s.value for s in CylinderState)
    return page(
        request, "pages/cylinders.html", rows=rows, next=following, previous=previous, view=wanted["view"],
        station=_station(wanted["station"]), states=states, **values, **_names(request),
    )  # fmt: skip


@router.get("/cylinders/{code}")
def cylinder(
    request: Request, context: Context, code: str, asker: Annotated[Asker, Depends(permit("cylinder.view"))]
) -> Response:
    """One cylinder: where it stands, its fills, its way, and what may be done with it."""
    with context.transaction(asker) as conn:
        found = store.find(conn, code)
        medium = media().get(found.medium)
        end = CylinderSettings().end_of_life(found.make_date, medium, found.scrap_date) if medium else found.scrap_date
        values: dict[str, Any] = {
            "fills": store.fills_of(conn, found.no),
            "events": store.events_of(conn, found.no),
            "refusals": store.refusals(conn, code=code),
            "deliveries": store.deliveries_of(conn, found.no, 5),
        }
    correctable = _correctable(found.state, asker)
    return page(
        request, "pages/cylinder.html", cylinder=found, end_of_life=end, steps=_steps(found.state, asker),
        etag=etag_of(found.changed_at), correctable=correctable, media=tuple(media()), varieties=VARIETIES, **values,
        **_names(request),
    )  # fmt: skip


def _correctable(state: str, asker: Asker) -> frozenset[str]:
    """What this asker may correct of a cylinder in that state."""
    if not permits(asker.role, "cylinder.correct") or state == CylinderState.SCRAPPED.value:
        return frozenset()
    return corrections.ALL if asker.scope_kind is ScopeKind.JURISDICTION else corrections.OWN


@router.get("/cylinder-transfers")
def cylinder_transfers(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("cylinder.view"))]
) -> Response:
    """What is offered, what was taken over, and the form for an offer."""
    asked, today = filters(request, "all", "before", "codes"), local(context.clock.now()).date()
    before = _station(asked["before"]) or store.NEWEST
    with context.transaction(asker) as conn:
        found = transfers.transfers(conn, open_only=asked["all"] != "yes", before=before, limit=TRANSFERS + 1)
        told = [(t, transfers.items_of(conn, t.id), _answers(t, asker)) for t in found[:TRANSFERS]]
        own = asker.organisation_id if stations.is_station(conn, asker.organisation_id) else None
        receivers = [s for s in transfers.directory(conn, today) if s.id != own] if own is not None else []
    return page(
        request, "pages/cylinder_transfers.html", transfers=told, receivers=receivers, own=own, codes=asked["codes"], reasons=tuple(words.WORDS["transfer_reason"]),
        more=found[TRANSFERS - 1].id if len(found) > TRANSFERS else None, **_names(request),
    )  # fmt: skip


def _answers(transfer: transfers.Transfer, asker: Asker) -> list[str]:
    """What this asker may do with a transfer."""
    if transfer.state != transfers.TransferState.OFFERED.value or not permits(asker.role, "cylinder.transfer"):
        return []
    sides = {transfers.RECEIVER: transfer.to_station, transfers.GIVER: transfer.from_station}
    return [event.value for event, (party, _) in transfers.TABLE.items() if sides[party] == asker.organisation_id]


def _steps(state: str, asker: Asker) -> list[str]:
    """Events this asker may record now, in the order of the table; a check and a fill come from the filling system."""
    supervises = asker.scope_kind is ScopeKind.JURISDICTION
    if supervises and asker.role is not Role.INSPECTOR:
        return []
    hidden = WITH_A_FILL | JUDGED | APART | {CylinderEvent.BEGIN}
    return [
        event.value
        for at, event in TABLE
        if at.value == state and event not in hidden and (event in SUPERVISORS) is supervises
    ]


@router.get("/cylinder")
def find(request: Request) -> Response:
    """扫码公示 by the code, typed."""
    code = "".join(request.query_params.get("code", "").split())[:LONGEST_CODE]
    if code and code.isascii() and code.replace("-", "").isalnum():
        return RedirectResponse(f"/cylinder/{code}", status_code=303)
    return page(request, "pages/public_cylinder.html", cylinder=None, code=code, **_names(request))


@router.get("/cylinder/{code}")
def public(request: Request, context: Context, code: str) -> Response:
    """扫码公示: what anyone reads who scans a cylinder."""
    with context.transaction(None) as conn:
        found = store.public(conn, code[:LONGEST_CODE], context.clock.now())
    status = 200 if found else 404
    return page(
        request,
        "pages/public_cylinder.html",
        status=status,
        cylinder=found,
        code=code[:LONGEST_CODE],
        **_names(request),
    )
