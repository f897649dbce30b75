"""维保合同 and 维保变更."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.api.etags import link_next
from dashboards.context import Context, permit
from equipment.access.model import Asker
from equipment.contracts import store
from equipment.contracts.model import Contract, FirmChange, NewContract, Step

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


@router.get("/contracts")
def contracts(
    context: Context,
    request: Request,
    response: Response,
    asker: Annotated[Asker, Depends(permit("contract.view"))],
    organisation: int | None = None,
    after: int = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Contract]:
    with context.transaction(asker) as conn:
        found = store.contracts(conn, organisation, after, limit)
    link_next(request, response, found[-1].id if len(found) == limit else None)
    return found


@router.post("/contracts", status_code=201)
def register(
    context: Context, body: ContractBody, asker: Annotated[Asker, Depends(permit("contract.register"))]
) -> dict[str, int]:
    with context.transaction(asker) as conn:
        return {"id": store.register_contract(conn, NewContract(**body.model_dump()), asker, context.clock.now())}


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
