"""What was, is and will be true of a unit: periods, due dates, inspections, officers, hand-overs."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.api.etags import link_next
from dashboards.context import Context, permit
from equipment.access.model import Asker
from equipment.due import store as due
from equipment.due.dates import Due, Inspection
from equipment.foundation.clock import SHANGHAI
from equipment.history import store
from equipment.history.model import Amendment, Attribute, Handover, Period, Span
from equipment.parties import store as parties
from equipment.registry.store import require_unit

router = APIRouter(tags=["units"])


class PeriodBody(BaseModel):
    """One value for one span, ``until`` not included; ``value`` null: there was none. Also for days that are past."""

    model_config = ConfigDict(extra="forbid")

    attribute: Literal[
        "status", "jurisdiction", "owner", "use_unit", "firm", "policy", "mode", "plate", "director", "officer"
    ]
    value: str | int | None
    since: date
    until: date | None = None
    reason: str = Field(min_length=1, max_length=500)


class InspectionBody(BaseModel):
    """One 检验 or 自行检测."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["supervision", "repair_supervision", "periodic", "self_test", "restart"]
    on: date
    passed: bool
    report_no: str | None = Field(None, max_length=100)
    body_org_id: int | None = None


class OfficerBody(BaseModel):
    """Who is named for the lift from today on; null: nobody any more."""

    model_config = ConfigDict(extra="forbid")

    duty: Literal["director", "officer"]
    person_id: int | None = None


class OfficersBody(OfficerBody):
    """The same for several lifts: all of them, or none."""

    units: tuple[str, ...] = Field(min_length=1, max_length=2_000)


@router.get("/units/{unit_id}/history")
def periods(
    context: Context,
    unit_id: str,
    asker: Annotated[Asker, Depends(permit("unit.view"))],
    superseded: Annotated[bool, Query(description="Also what corrections have replaced")] = False,
) -> list[Period]:
    with context.transaction(asker) as conn:
        return store.periods(conn, require_unit(conn, unit_id).no, superseded=superseded)


@router.post("/units/{unit_id}/history", status_code=201)
def amend(
    context: Context, unit_id: str, body: PeriodBody, asker: Annotated[Asker, Depends(permit("unit.edit"))]
) -> dict[str, bool]:
    """Correct the history; the unit of today follows. ``changed`` false: it stood there already."""
    wanted = Amendment(Attribute(body.attribute), body.value, Span(body.since, body.until), body.reason)
    with context.transaction(asker) as conn:
        return {"changed": store.amend(conn, unit_id, wanted, asker, context.clock.now())}


@router.get("/units/{unit_id}/due")
def due_dates(context: Context, unit_id: str, asker: Annotated[Asker, Depends(permit("unit.view"))]) -> list[Due]:
    """What the law says is due, each with its clause and how far that is verified."""
    today = context.clock.now().astimezone(SHANGHAI).date()
    with context.transaction(asker) as conn:
        return due.due_of(conn, require_unit(conn, unit_id), today)


@router.get("/units/{unit_id}/inspections")
def inspections(
    context: Context, unit_id: str, asker: Annotated[Asker, Depends(permit("unit.view"))]
) -> list[Inspection]:
    with context.transaction(asker) as conn:
        return due.inspections(conn, require_unit(conn, unit_id).no)


@router.post("/units/{unit_id}/inspections", status_code=201)
def add_inspection(
    context: Context, unit_id: str, body: InspectionBody, asker: Annotated[Asker, Depends(permit("unit.edit"))]
) -> dict[str, int]:
    new = Inspection(body.kind, body.on, body.passed, body.report_no)
    with context.transaction(asker) as conn:
        return {"id": due.add_inspection(conn, unit_id, new, body.body_org_id, asker, context.clock.now())}


@router.post("/units/{unit_id}/officers", status_code=204)
def name_officer(
    context: Context, unit_id: str, body: OfficerBody, asker: Annotated[Asker, Depends(permit("unit.officer"))]
) -> None:
    """Name the 电梯安全总监 or 电梯安全员 of a lift (总局令第74号)."""
    with context.transaction(asker) as conn:
        parties.name_officer(conn, unit_id, body.duty, body.person_id, asker, context.clock.now())


@router.post("/officers", status_code=204)
def name_officers(
    context: Context, body: OfficersBody, asker: Annotated[Asker, Depends(permit("unit.officer"))]
) -> None:
    """Name the same person for several lifts of one use-unit."""
    with context.transaction(asker) as conn:
        for unit_id in sorted(set(body.units)):
            parties.name_officer(conn, unit_id, body.duty, body.person_id, asker, context.clock.now())


@router.get("/handovers")
def handovers(
    context: Context,
    request: Request,
    response: Response,
    asker: Annotated[Asker, Depends(permit("handover.view"))],
    open_only: bool = True,
    after: int = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Handover]:
    """Units that went from one jurisdiction to another, with the work that was open on them."""
    with context.transaction(asker) as conn:
        found = store.handovers(conn, open_only=open_only, after=after, limit=limit)
    link_next(request, response, found[-1].id if len(found) == limit else None)
    return found


@router.post("/handovers/{handover_id}/receive", status_code=204)
def receive(context: Context, handover_id: int, asker: Annotated[Asker, Depends(permit("handover.receive"))]) -> None:
    with context.transaction(asker) as conn:
        store.receive(conn, handover_id, asker, context.clock.now())
