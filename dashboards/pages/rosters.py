"""值班表 and 测试电话: who answers for which area now and in the next days, where nobody does, and whether phones are answered.

电梯安全总监 and 电梯安全员 of a use-unit's lifts stand here too: who is named for which lift (总局令第74号).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.pages import maps
from dashboards.pages.contracts import number_of
from dashboards.pages.frame import language_of, page
from dashboards.pages.reads import QUERIES, filters, rows
from dashboards.rendering import local
from equipment.access.matrix import permits
from equipment.access.model import Asker, ScopeKind
from equipment.foundation.database import Connection
from equipment.parties import store
from equipment.parties.model import PhoneCheckFilter
from equipment.registry.store import organisations

router = APIRouter(include_in_schema=False)
SPANS = (2, 7, 31)
"""Days ahead that may be asked for; the first unless another is."""
KINDS = ("maintenance_firm", "rescue_station")
CHECKS = 50
SHIFT = timedelta(hours=12)


def _keepers(conn: Connection, asker: Asker) -> list[tuple[int, str]]:
    """Organisations that keep a roster, as far as the asker may enter one for them."""
    found = [(o.id, o.name) for kind in KINDS for o in organisations(conn, kind)]
    if asker.scope_kind is ScopeKind.JURISDICTION:
        return found
    return [(number, name) for number, name in found if number == asker.organisation_id]


def _form(conn: Connection, asker: Asker, organisation: int | None, now: datetime) -> dict[str, Any]:
    """What the form for a new shift offers: people once the organisation is known."""
    if not permits(asker.role, "roster.edit"):
        return {"keepers": [], "people": None, "organisation": organisation}
    keepers = _keepers(conn, asker)
    chosen = organisation or (keepers[0][0] if len(keepers) == 1 else None)
    people = store.present(conn, chosen, local(now).date()) if chosen is not None else None
    return {"keepers": keepers, "people": people, "organisation": chosen}


@router.get("/rosters")
def rosters(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("roster.view"))]) -> Response:
    """The next days by area, and the areas that nobody answers for."""
    asked, now = filters(request, "area", "organisation", "days"), context.clock.now()
    days = next((n for n in SPANS if str(n) == asked["days"]), SPANS[0])
    organisation = number_of(asked["organisation"])
    path = asker.scope_path if asker.scope_kind is ScopeKind.JURISDICTION else None
    with context.transaction(asker) as conn:
        areas = [(a.id, maps.name_of(a, language_of(request))) for a in rows(conn, QUERIES.roster_areas)]
        values = _form(conn, asker, organisation, now)
        shifts = store.shifts(conn, now, now + timedelta(days=days), asked["area"], organisation)
        cover = store.area_duties(conn, now, path)
    begins = local(now).replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return page(
        request, "pages/rosters.html", shifts=shifts, cover=cover, days=days, spans=SPANS, areas=areas, soon=now + timedelta(hours=12),
        begins=begins.strftime("%Y-%m-%dT%H:%M"), ends=(begins + SHIFT).strftime("%Y-%m-%dT%H:%M"), **values,
    )  # fmt: skip


@router.get("/test-calls")
def test_calls(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("roster.view"))]) -> Response:
    """Which phones are due to be rung, and what came of the last calls."""
    asked, now = filters(request, "organisation", "answered", "before"), context.clock.now()
    wanted = PhoneCheckFilter(
        number_of(asked["organisation"]), {"yes": True, "no": False}.get(asked["answered"])
    )  # fmt: skip
    with context.transaction(asker) as conn:
        found = store.phone_checks(conn, wanted, number_of(asked["before"]), CHECKS + 1)
        due = store.gaps(conn, "test_call_due", now) if permits(asker.role, "register_gaps.view") else None
    more = found[CHECKS - 1].id if len(found) > CHECKS else None
    return page(request, "pages/test_calls.html", checks=found[:CHECKS], due=due, more=more)


@router.get("/officers")
def officers(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("unit.officer"))]) -> Response:
    """Who is named for which lift of a use-unit."""
    asked, today = filters(request, "organisation", "missing"), local(context.clock.now()).date()
    use_unit = asker.organisation_id or number_of(asked["organisation"])
    with context.transaction(asker) as conn:
        use_units = [(o.id, o.name) for o in organisations(conn, "use_unit")] if asker.organisation_id is None else []
        lifts = (
            store.officers_of_lifts(conn, use_unit, today, missing=asked["missing"] == "yes")
            if use_unit is not None
            else None
        )
        people = store.present(conn, use_unit, today) if use_unit is not None else []
    return page(
        request, "pages/officers.html", use_units=use_units, use_unit=use_unit, lifts=lifts, people=people,
    )  # fmt: skip
