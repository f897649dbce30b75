"""应急事件: one route per step, each with its own action in the matrix."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from alarms.incidents import joining, service, store
from alarms.incidents.model import Command, Incident, IncidentEvent, Outcome
from alarms.incidents.settings import DeskSettings
from alarms.incidents.store import IncidentHistory, Milestone
from dashboards.context import Context, permit
from dashboards.errors import BadRequestError
from equipment.access.model import Asker, ScopeKind
from equipment.foundation.database import Connection
from equipment.registry import store as registry

router = APIRouter(prefix="/incidents", tags=["incidents"])

SEAT_STEPS = (
    IncidentEvent.ACCEPT,
    IncidentEvent.DISPATCH,
    IncidentEvent.ESCALATE,
    IncidentEvent.SELF_RELEASE,
    IncidentEvent.CALL_BACK,
    IncidentEvent.CLOSE,
    IncidentEvent.CANCEL,
    IncidentEvent.ASK,
    IncidentEvent.REASSURE,
    IncidentEvent.SETTLE,
)
RESPONSE_STEPS = (
    IncidentEvent.ANSWER,
    IncidentEvent.REFUSE,
    IncidentEvent.DEPART,
    IncidentEvent.ARRIVE,
    IncidentEvent.FREE,
    IncidentEvent.NOTE,
)
OWN_ROUTES = (IncidentEvent.CONFIRM, IncidentEvent.MERGE, IncidentEvent.SPLIT)
"""Steps of the seat that say more than a step: verify, merge, split."""


def action_of_event(event: IncidentEvent) -> str:
    """The action of the access table that a step asks for; "" for what nobody does by hand."""
    if event in SEAT_STEPS or event in OWN_ROUTES:
        return "incident.handle"
    return "incident.respond" if event in RESPONSE_STEPS else ""


class Step(BaseModel):
    """One step. ``version`` is the incident's as you saw it; ``at`` when it happened, if not now."""

    model_config = ConfigDict(extra="forbid")

    version: int
    at: datetime | None = None
    reason: str | None = Field(None, max_length=500)
    detail: dict[str, Any] = Field(default_factory=dict)


class SourceOf(BaseModel):
    """One report of an incident."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(pattern="^(alarm|call|qr)$")
    id: str = Field(max_length=80)


class MergeBody(BaseModel):
    """合并 into another incident."""

    model_config = ConfigDict(extra="forbid")

    version: int
    into: int
    reason: str = Field(min_length=1, max_length=500)


class SplitBody(BaseModel):
    """拆分: reports that tell of another event, and the lift it is about if it is another one."""

    model_config = ConfigDict(extra="forbid")

    version: int
    sources: list[SourceOf] = Field(min_length=1, max_length=200)
    unit_id: str | None = Field(None, max_length=40)
    rescue_code: str | None = Field(None, pattern="^[0-9]{6}$", description="The other lift by its plate")
    reason: str = Field(min_length=1, max_length=500)


def command(incident_id: int, event: IncidentEvent, step: Step, asker: Asker) -> Command:
    """What ``asker`` wants, with how it is known: by the seat, or by the firm's own report."""
    if step.at is not None and step.at.tzinfo is None:
        raise BadRequestError("'at' needs a time zone, such as 2026-11-23T08:00:00+08:00.")
    return Command(
        incident_id=incident_id,
        event=event,
        actor=asker.account_id,
        actor_name=asker.display_name,
        how_known="firm_app" if asker.scope_kind is ScopeKind.FIRM else "seat",
        version=step.version,
        at=step.at,
        reason=step.reason,
        detail=step.detail,
    )


@router.get("")
def incidents(
    context: Context,
    asker: Annotated[Asker, Depends(permit("incident.view"))],
    state: str = "open",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> list[Incident]:
    """Open incidents, or with ``state=all`` the newest of any state."""
    with context.transaction(asker) as conn:
        return store.open_incidents(conn, limit) if state == "open" else store.recent_incidents(conn, limit)


@router.get("/{incident_id}")
def one(context: Context, incident_id: int, asker: Annotated[Asker, Depends(permit("incident.view"))]) -> Incident:
    with context.transaction(asker) as conn:
        return store.find(conn, incident_id)


@router.get("/{incident_id}/history")
def history(
    context: Context, incident_id: int, asker: Annotated[Asker, Depends(permit("incident.view"))]
) -> list[IncidentHistory]:
    with context.transaction(asker) as conn:
        store.find(conn, incident_id)
        return store.history_of(conn, incident_id)


@router.get("/{incident_id}/milestones")
def milestones(
    context: Context, incident_id: int, asker: Annotated[Asker, Depends(permit("incident.view"))]
) -> list[Milestone]:
    """报警 派单 出发 到达 解救 回访 办结: when each was, who said so, and how it is known."""
    with context.transaction(asker) as conn:
        store.find(conn, incident_id)
        return store.milestones_of(conn, incident_id)


@router.post("/{incident_id}/verify")
def verify(
    context: Context, incident_id: int, step: Step, asker: Annotated[Asker, Depends(permit("incident.handle"))]
) -> Incident:
    """核实: ``detail.outcome`` is confirmed, false_alarm, self_release or no_answer."""
    try:
        outcome = Outcome(step.detail.get("outcome"))
    except ValueError:
        known = ", ".join(o.value for o in Outcome)
        raise BadRequestError(f"detail.outcome must be one of {known}.") from None
    asked = command(incident_id, IncidentEvent.CONFIRM, step, asker)
    with context.transaction(asker) as conn:
        return service.verify(conn, asked, outcome, DeskSettings(), context.clock.now())


@router.post("/{incident_id}/merge")
def merge(
    context: Context, incident_id: int, body: MergeBody, asker: Annotated[Asker, Depends(permit("incident.handle"))]
) -> Incident:
    """合并: this incident is the same event as another; returns the one that goes on."""
    asked = command(incident_id, IncidentEvent.MERGE, Step(version=body.version, reason=body.reason), asker)
    with context.transaction(asker) as conn:
        return joining.merge(conn, asked, body.into, context.clock.now())


@router.post("/{incident_id}/split", status_code=201)
def split(
    context: Context, incident_id: int, body: SplitBody, asker: Annotated[Asker, Depends(permit("incident.handle"))]
) -> Incident:
    """拆分: some of its reports tell of another event; returns the incident that they open."""
    asked = command(incident_id, IncidentEvent.SPLIT, Step(version=body.version, reason=body.reason), asker)
    with context.transaction(asker) as conn:
        unit_no = None if body.unit_id is None else registry.require_unit(conn, body.unit_id).no
        if body.rescue_code is not None:
            unit_no = _by_plate(conn, body.rescue_code)
        wanted = joining.Split([(s.kind, s.id) for s in body.sources], unit_no)
        return joining.split(conn, asked, wanted, DeskSettings(), context.clock.now())


def _by_plate(conn: Connection, plate: str) -> int:
    found = registry.find_numbers(conn, plate, 2)
    if len(found) != 1:
        raise BadRequestError(f"没有识别码为 {plate} 的电梯 (no lift has this plate): check the six digits.")
    return found[0]


def _route(event: IncidentEvent, action: str) -> Callable[..., Incident]:
    allowed = permit(action)

    def take_step(
        context: Context, incident_id: int, step: Step, asker: Annotated[Asker, Depends(allowed)]
    ) -> Incident:
        now = context.clock.now()
        with context.transaction(asker) as conn:
            done = service.act(conn, command(incident_id, event, step, asker), DeskSettings(), now)
            if event is IncidentEvent.ACCEPT:
                service.acknowledge_alarms(conn, incident_id, asker, now)
            return done

    take_step.__name__ = event.value
    take_step.__doc__ = event.name.replace("_", " ").capitalize()
    # the annotation names a local of this function, which FastAPI could not look up as text
    take_step.__annotations__["asker"] = Annotated[Asker, Depends(allowed)]
    return take_step


for _event in (*SEAT_STEPS, *RESPONSE_STEPS):
    router.add_api_route(f"/{{incident_id}}/{_event.value}", _route(_event, action_of_event(_event)), methods=["POST"])
