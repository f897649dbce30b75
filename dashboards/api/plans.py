"""维保计划: on-demand plans, who goes to which lift, reminders."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from dashboards.context import Context, permit
from dashboards.pages.reads import rows
from equipment.access.model import Asker
from maintenance.plans import service
from maintenance.plans.conditions import LONGEST_INTERVAL_DAYS, Condition
from maintenance.plans.service import Plan, Proposal

router = APIRouter(tags=["plans"])
REMINDED = timedelta(days=7)


class NewPlan(BaseModel):
    """What the firm proposes for a lift."""

    model_config = ConfigDict(extra="forbid")

    unit: str = Field(min_length=1, max_length=40)
    interval_days: int = Field(ge=15, le=LONGEST_INTERVAL_DAYS)
    items: str = Field(min_length=1, max_length=4_000)
    quality_target: str = Field(min_length=1, max_length=1_000)


class Reason(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=500)


class Assignment(BaseModel):
    """Who goes to the lift."""

    model_config = ConfigDict(extra="forbid")

    person: int


@router.get("/units/{unit_id}/on-demand/conditions")
def conditions(
    context: Context, unit_id: str, asker: Annotated[Asker, Depends(permit("plan.view"))]
) -> list[Condition]:
    """How the entry conditions of on-demand maintenance stand; what is unknown is not met."""
    with context.transaction(asker) as conn:
        return service.judge(conn, unit_id, context.clock.now())


@router.post("/on-demand-plans", status_code=201)
def propose(context: Context, wanted: NewPlan, asker: Annotated[Asker, Depends(permit("plan.propose"))]) -> Plan:
    """Propose on-demand maintenance; the use-unit agrees, the authority accepts."""
    proposal = Proposal(wanted.interval_days, wanted.items, wanted.quality_target)
    with context.transaction(asker) as conn:
        made = service.propose(conn, wanted.unit, proposal, asker, context.clock.now())
        return service.require(conn, made)


@router.get("/on-demand-plans")
def plans(context: Context, asker: Annotated[Asker, Depends(permit("plan.view"))], unit: str = "") -> list[Plan]:
    with context.transaction(asker) as conn:
        return service.plans(conn, unit)


@router.post("/on-demand-plans/{plan}/agree")
def agree(context: Context, plan: int, why: Reason, asker: Annotated[Asker, Depends(permit("plan.agree"))]) -> Plan:
    return _act(context, plan, "agree", why, asker)


@router.post("/on-demand-plans/{plan}/accept")
def accept(context: Context, plan: int, why: Reason, asker: Annotated[Asker, Depends(permit("plan.accept"))]) -> Plan:
    """Accept: from today the lift is in on-demand mode. Every condition must hold."""
    return _act(context, plan, "accept", why, asker)


@router.post("/on-demand-plans/{plan}/end")
def end(context: Context, plan: int, why: Reason, asker: Annotated[Asker, Depends(permit("plan.end"))]) -> Plan:
    """End a plan with a reason: from today the traditional days count."""
    return _act(context, plan, "end", why, asker)


def _act(context: Context, plan: int, event: str, why: Reason, asker: Asker) -> Plan:
    with context.transaction(asker) as conn:
        return service.act(conn, plan, event, why.reason, asker, context.clock.now())


@router.post("/units/{unit_id}/worker", status_code=204)
def assign(
    context: Context, unit_id: str, wanted: Assignment, asker: Annotated[Asker, Depends(permit("plan.assign"))]
) -> None:
    """Say who of the firm goes to a lift."""
    with context.transaction(asker) as conn:
        service.assign(conn, unit_id, wanted.person, asker, context.clock.now())


@router.get("/reminders")
def reminders(
    context: Context, asker: Annotated[Asker, Depends(permit("plan.view"))], kind: str = ""
) -> list[dict[str, Any]]:
    """Reminders of the last seven days: ``visit``, ``confirmation``, ``duty``."""
    with context.transaction(asker) as conn:
        since = context.clock.now() - REMINDED
        found = rows(conn, service.QUERIES.reminders, {"since": since, "kind": kind, "limit": 500})
    return [row._asdict() for row in found]
