"""应急台: whom to ring and what came of it, tasks left behind, the two-hour rule, and the watchdog's word."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from alarms.desk import calling, two_hours, watchdog
from alarms.desk.calling import Callee, CallOut, Task
from alarms.desk.phone import QUERIES
from alarms.desk.two_hours import PossibleAccident
from alarms.incidents.settings import DeskSettings
from alarms.paging.settings import PagingSettings
from dashboards.context import Context, permit
from dashboards.errors import NotFoundError
from dashboards.zone import standing
from equipment.access.model import Asker
from equipment.access.store import audit
from equipment.accidents.model import NewAccident

router = APIRouter(tags=["desk"])


class CallOutBody(BaseModel):
    """A call that the seat has made, and what came of it."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(pattern="^(duty|firm|manager|safety_officer|station|property|firm|caller|emergency)$")
    phone: str = Field(min_length=3, max_length=30)
    result: str
    organisation_id: int | None = None
    person_id: int | None = None
    name: str = Field("", max_length=60)
    note: str = Field("", max_length=500)


class Resolution(BaseModel):
    """What was done about a task."""

    model_config = ConfigDict(extra="forbid")

    resolution: str = Field(min_length=1, max_length=500)


class Decision(BaseModel):
    """What a possible accident was found to be."""

    model_config = ConfigDict(extra="forbid")

    decision: str
    accident_number: str | None = Field(None, max_length=40)
    reason: str = Field(min_length=1, max_length=500)


class NamedPerson(BaseModel):
    """Somebody who is told of long entrapments in an area."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60)
    phone: str = Field(min_length=3, max_length=30)
    channels: list[str] = Field(default_factory=lambda: ["voice", "sms"], min_length=1, max_length=4)


class Accident(BaseModel):
    """What an incident may be, and the report as far as the incident knows it."""

    possible: PossibleAccident
    report: NewAccident


class Watch(BaseModel):
    """Whether the timers are acted on. ``reason`` None: all is well.

    ``duty``: addresses that the watchdog tells; ``told`` and ``not_told``: of its newest round.
    ``link`` is why the internet side's news cannot be relied on; ``link_age_seconds`` how old it is, None when there is
    one installation.
    """

    reason: str | None
    late_seconds: int
    overdue: int
    unsent: int
    beat_at: datetime | None
    duty: int
    told: int
    not_told: int
    told_at: datetime | None
    link: str | None = None
    link_age_seconds: int | None = None


@router.get("/incidents/{incident_id}/callees")
def callees(
    context: Context, incident_id: int, asker: Annotated[Asker, Depends(permit("incident.handle"))]
) -> list[Callee]:
    """Whom to ring, in order: duty roster, firm, manager, 电梯安全员, property, nearest stations, 119."""
    with context.transaction(asker) as conn:
        return calling.call_list(conn, incident_id, context.clock.now())


@router.post("/incidents/{incident_id}/calls-out", status_code=201)
def call_out(
    context: Context, incident_id: int, body: CallOutBody, asker: Annotated[Asker, Depends(permit("incident.handle"))]
) -> dict[str, int]:
    """接通 无人接 停机 拒绝 错号 非我维保; the last two open a task for the register."""
    with context.transaction(asker) as conn:
        number = calling.note_call(conn, incident_id, CallOut(**body.model_dump()), asker, context.clock.now())
    return {"id": number}


@router.get("/desk/tasks")
def tasks(context: Context, asker: Annotated[Asker, Depends(permit("desk.view"))]) -> list[Task]:
    """What is still to be put right."""
    with context.transaction(asker) as conn:
        return calling.tasks(conn)


@router.post("/desk/tasks/{task_id}/close", status_code=204)
def close_task(
    context: Context, task_id: int, body: Resolution, asker: Annotated[Asker, Depends(permit("phone.check"))]
) -> None:
    """It was put right."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        if not calling.close_task(conn, task_id, body.resolution, asker, now):
            raise NotFoundError("No such open task.")
        audit(conn, asker, "desk.close_task", f"task:{task_id}", now)


@router.get("/desk/watch")
def watch(context: Context, asker: Annotated[Asker, Depends(permit("desk.view"))]) -> Watch:
    """What the watchdog sees at this moment, from this process, which is not the escalator's."""
    now, settings = context.clock.now(), DeskSettings()
    with context.transaction(asker) as conn:
        lag = watchdog.seen(conn, now)
        told, failed, told_at = conn.execute(QUERIES.watchdog_told).fetchone() or (0, 0, None)
        zones = standing.look(conn, context.settings.link_stale_seconds, now)
    seconds, reason = watchdog.judge(lag, settings, now)
    return Watch(
        reason=reason, late_seconds=seconds, overdue=lag.overdue, unsent=lag.unsent, beat_at=lag.beat_at,
        duty=len(PagingSettings().duty), told=told, not_told=failed, told_at=told_at,
        link=zones.warning if zones else None, link_age_seconds=zones.age_seconds if zones else None,
    )  # fmt: skip


@router.get("/incidents/{incident_id}/accident")
def possible_accident(
    context: Context, incident_id: int, asker: Annotated[Asker, Depends(permit("incident.view"))]
) -> Accident:
    """可能的一般事故: until when it must be reported, and the report prefilled."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        found = two_hours.possible(conn, incident_id, now)
    return Accident(possible=found, report=two_hours.prefilled(found, now))


@router.post("/incidents/{incident_id}/accident", status_code=204)
def decide(
    context: Context, incident_id: int, body: Decision, asker: Annotated[Asker, Depends(permit("accident.report"))]
) -> None:
    """It was reported under a number, or it is none, with the reason."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        two_hours.decide(conn, incident_id, (body.decision, body.accident_number, body.reason), asker, now)
        audit(conn, asker, "accident.decide", f"incident:{incident_id}", now)


@router.post("/desk/named", status_code=201)
def name_person(
    context: Context, body: NamedPerson, asker: Annotated[Asker, Depends(permit("desk.name"))]
) -> dict[str, Any]:
    """Name somebody who is told at 30, 60, 90 and 110 minutes, for the caller's own area."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        values = (body.name, body.phone, asker.scope_path, body.channels, now, asker.account_id)
        row = conn.execute(QUERIES.insert_named, values).fetchone()
        audit(conn, asker, "desk.name", f"named:{row[0] if row else 0}", now)
    return {"id": row[0] if row else 0}


@router.post("/desk/named/{person_id}/end", status_code=204)
def unname_person(context: Context, person_id: int, asker: Annotated[Asker, Depends(permit("desk.name"))]) -> None:
    """He is told no more."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        if conn.execute(QUERIES.end_named, (now, person_id)).fetchone() is None:
            raise NotFoundError("No such person.")
        audit(conn, asker, "desk.unname", f"named:{person_id}", now)
