"""维保合同: which firm keeps which lifts until when; a new one, its end, its extension, lifts added and taken out."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.api.etags import etag_of
from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.reads import filters
from dashboards.rendering import local
from equipment.access.matrix import permits
from equipment.access.model import Asker, ScopeKind
from equipment.contracts import amendments, store
from equipment.contracts.model import Contract, ContractFilter
from equipment.foundation.database import Connection
from equipment.registry.store import organisations

router = APIRouter(include_in_schema=False)
SHOWN = 50
STATES = ("in_force", "ending", "over", "ahead")


def number_of(text: str) -> int | None:
    """An id from an address; None where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else None


def _parties(conn: Connection, asker: Asker) -> dict[str, list[tuple[int, str]]]:
    """Who may be named in a contract: one's own organisation on its side, else whom one sees."""
    found = {
        side: [(o.id, o.name) for o in organisations(conn, kind)]
        for side, kind in (("firms", "maintenance_firm"), ("use_units", "use_unit"))
    }
    own = {ScopeKind.FIRM: "firms", ScopeKind.USE_UNIT: "use_units"}.get(asker.scope_kind)
    if own is not None:
        found[own] = [(number, name) for number, name in found[own] if number == asker.organisation_id]
    return found


@router.get("/contracts")
def contracts(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("contract.view"))]
) -> Response:
    asked, today = filters(request, "organisation", "state", "after"), local(context.clock.now()).date()
    wanted = ContractFilter(number_of(asked["organisation"]), asked["state"] if asked["state"] in STATES else "")
    with context.transaction(asker) as conn:
        found = store.contracts(conn, today, wanted, number_of(asked["after"]) or 0, SHOWN + 1)
    return page(
        request, "pages/contracts.html", contracts=found[:SHOWN], states=STATES, organisation=wanted.organisation,
        next=found[SHOWN - 1].id if len(found) > SHOWN else None,
    )  # fmt: skip


@router.get("/contracts/new")
def new(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("contract.register"))]) -> Response:
    """First the parties, then the lifts of the use-unit: the form is made of them."""
    asked, today = filters(request, "firm", "use_unit"), local(context.clock.now()).date()
    with context.transaction(asker) as conn:
        sides = _parties(conn, asker)
        firm = number_of(asked["firm"]) or (sides["firms"][0][0] if len(sides["firms"]) == 1 else None)
        use_unit = number_of(asked["use_unit"]) or (sides["use_units"][0][0] if len(sides["use_units"]) == 1 else None)
        lifts = store.lifts_of(conn, use_unit, today) if use_unit is not None else []
    return page(
        request, "pages/contract_new.html", firms=sides["firms"], use_units=sides["use_units"], firm=firm, use_unit=use_unit, lifts=lifts,
        year_end=date(today.year, 12, 31),
    )  # fmt: skip


def _choices(conn: Connection, contract: Contract, today: date) -> dict[str, Any]:
    """What may be added and taken out."""
    covered = {u.unit_id for u in amendments.units_of(conn, contract.id) if u.until > today}
    lifts = store.lifts_of(conn, contract.use_org_id, today)
    return {"addable": [lift for lift in lifts if lift.unit_id not in covered and lift.contract is None]}


@router.get("/contracts/{contract_id}")
def contract(
    request: Request,
    context: Context,
    contract_id: int,
    asker: Annotated[Asker, Depends(permit("contract.view"))],
) -> Response:
    today = local(context.clock.now()).date()
    with context.transaction(asker) as conn:
        found = amendments.require_contract(conn, contract_id, today)
        values: dict[str, Any] = {
            "units": amendments.units_of(conn, contract_id),
            "entries": amendments.entries_of(conn, contract_id),
        }
        if permits(asker.role, "contract.register"):
            values |= _choices(conn, found, today)
    changeable = permits(asker.role, "contract.register") and found.state(today) not in ("void", "over")
    return page(
        request, "pages/contract.html", contract=found, etag=etag_of(found.changed_at), state=found.state(today),
        changeable=changeable, **values,
    )  # fmt: skip
