"""维保合同 and 维保变更."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.api.etags import IfMatch, etag_of, link_next, require_match
from dashboards.context import Context, permit
from equipment.access.model import Asker
from equipment.contracts import amendments, store
from equipment.contracts.model import (
    Contract,
    ContractChange,
    ContractEvent,
    ContractFilter,
    FirmChange,
    NewContract,
    Step,
)
from equipment.foundation.clock import SHANGHAI

router = APIRouter(tags=["contracts"])


class ContractBody(BaseModel):
    """A contract for lifts of one use-unit, ``until`` not included."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(min_length=1, max_length=100)
    firm_org_id: int
    use_org_id: int
    signed_on: date
    since: date
    until: date
    units: tuple[str, ...] = Field(min_length=1, max_length=10_000)
    mode: Literal["traditional", "on_demand"] = "traditional"


class ContractChangeBody(BaseModel):
    """A change from ``day`` on: ``end`` and ``remove_units``: the first day that it no longer holds; ``extend``: the new one.

    ``units`` belong to ``add_units`` and ``remove_units``.
    """

    model_config = ConfigDict(extra="forbid")

    event: Literal["end", "extend", "add_units", "remove_units"]
    day: date
    reason: str = Field(min_length=1, max_length=500)
    units: tuple[str, ...] = Field((), max_length=10_000)


class Claim(BaseModel):
    """Both codes of the plate in the car: proof that the new firm stood before the lift."""

    model_config = ConfigDict(extra="forbid")

    device_code: str
    rescue_code: str


class StepBody(BaseModel):
    """One step of a party; ``version`` as you saw it."""

    model_config = ConfigDict(extra="forbid")

    event: Literal["confirm", "refuse", "agree", "object", "dismiss", "uphold", "take_over", "withdraw"]
    version: int
    reason: str = Field("", max_length=500)


def today_of(now: datetime) -> date:
    """The day in Shanghai."""
    return now.astimezone(SHANGHAI).date()


@router.get("/contracts")
def contracts(
    context: Context,
    request: Request,
    response: Response,
    asker: Annotated[Asker, Depends(permit("contract.view"))],
    organisation: int | None = None,
    state: Literal["", "in_force", "ending", "over", "ahead"] = "",
    after: int = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Contract]:
    with context.transaction(asker) as conn:
        wanted = ContractFilter(organisation, state)
        found = store.contracts(conn, today_of(context.clock.now()), wanted, after, limit)
    link_next(request, response, found[-1].id if len(found) == limit else None)
    return found


@router.post("/contracts", status_code=201)
def register(
    context: Context, body: ContractBody, asker: Annotated[Asker, Depends(permit("contract.register"))]
) -> dict[str, int]:
    with context.transaction(asker) as conn:
        return {"id": store.register_contract(conn, NewContract(**body.model_dump()), asker, context.clock.now())}


@router.get("/contracts/{contract_id}")
def contract(
    context: Context, contract_id: int, response: Response, asker: Annotated[Asker, Depends(permit("contract.view"))]
) -> dict[str, Any]:
    """The contract, its lifts with the days that it covers each, and what was changed in it, oldest first."""
    with context.transaction(asker) as conn:
        found = amendments.require_contract(conn, contract_id, today_of(context.clock.now()))
        units, entries = amendments.units_of(conn, contract_id), amendments.entries_of(conn, contract_id)
    response.headers["ETag"] = etag_of(found.changed_at)
    return {"contract": found, "units": units, "changes": entries}


@router.post("/contracts/{contract_id}/changes")
def change_contract(
    context: Context,
    contract_id: int,
    body: ContractChangeBody,
    response: Response,
    asker: Annotated[Asker, Depends(permit("contract.register"))],
    if_match: IfMatch = None,
) -> Contract:
    """终止, 续期, 增减电梯. Who answers for a rescue does not change by it: that is the firm of the lift."""
    now = context.clock.now()
    wanted = ContractChange(ContractEvent(body.event), body.day, body.reason, body.units)
    with context.transaction(asker) as conn:
        amendments.lock(conn, contract_id)
        require_match(if_match, amendments.require_contract(conn, contract_id, today_of(now)).changed_at)
        found = amendments.amend(conn, contract_id, wanted, asker, now)
    response.headers["ETag"] = etag_of(found.changed_at)
    return found


@router.get("/firm-changes")
def changes(
    context: Context,
    request: Request,
    response: Response,
    asker: Annotated[Asker, Depends(permit("contract.view"))],
    unit: str = "",
    open_only: bool = True,
    after: int = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[FirmChange]:
    with context.transaction(asker) as conn:
        found = store.changes(conn, unit, after, limit, open_only=open_only)
    link_next(request, response, found[-1].id if len(found) == limit else None)
    return found


@router.post("/firm-changes", status_code=201)
def claim(context: Context, body: Claim, asker: Annotated[Asker, Depends(permit("firm_change.claim"))]) -> FirmChange:
    with context.transaction(asker) as conn:
        number = store.claim(conn, body.device_code, body.rescue_code, asker, context.clock.now())
        return store.require_change(conn, number)


@router.get("/firm-changes/{change_id}")
def one(context: Context, change_id: int, asker: Annotated[Asker, Depends(permit("contract.view"))]) -> dict[str, Any]:
    """The change and its story, oldest first."""
    with context.transaction(asker) as conn:
        found = store.require_change(conn, change_id)
        names = ("event", "from_state", "to_state", "at", "reason")
        story = [dict(zip(names, entry, strict=True)) for entry in store.history_of(conn, change_id)]
    return {"change": found, "events": story}


@router.post("/firm-changes/{change_id}")
def act(
    context: Context, change_id: int, body: StepBody, asker: Annotated[Asker, Depends(permit("firm_change.act"))]
) -> FirmChange:
    """One step; which party may take it stands in the state table. Until ``taken_over`` the old firm answers for rescue."""
    with context.transaction(asker) as conn:
        return store.act(conn, change_id, Step(body.event, body.reason, body.version), asker, context.clock.now())
