"""报警: what is open, and what people do with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from alarms import store
from alarms.store import Alarm, AlarmHistory, Assignee
from alarms.storms.load import Load, load
from alarms.storms.settings import StormSettings
from alarms.suppression import service
from alarms.suppression.service import Shelf, Suppression
from alarms.suppression.settings import settings
from dashboards.context import Context, permit
from equipment.access.model import Asker
from equipment.foundation.clock import SHANGHAI

router = APIRouter(prefix="/alarms", tags=["alarms"])


class Act(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(None, max_length=500)


class Reasoned(BaseModel):
    """Why; it must be said."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


class ShelfAsked(Reasoned):
    """搁置, with when it ends by itself; a one-shot shelf ends with the alarm's condition."""

    until: datetime | None = None
    one_shot: bool = False


class Comment(BaseModel):
    """备注."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=2_000)


class Assignment(Act):
    """指派 to an account or an organisation, as ``/assignable`` names it."""

    assignee: str = Field(pattern=r"^(account|organisation):[0-9]{1,18}$")


class AlarmFile(BaseModel):
    """An alarm with everything that happened to it and every muting."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    alarm: Alarm
    history: list[AlarmHistory]
    suppressions: list[Suppression]


@router.get("")
def open_alarms(
    context: Context,
    asker: Annotated[Asker, Depends(permit("alarm.view"))],
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> list[Alarm]:
    """Alarms that are not normal, most urgent first."""
    with context.transaction(asker) as conn:
        return store.open_alarms(conn, limit)


@router.get("/load")
def load_of(
    context: Context,
    asker: Annotated[Asker, Depends(permit("alarm.load"))],
    console: Literal["desk", "city"] = "desk",
    days: Annotated[int, Query(ge=1, le=366)] = 30,
) -> Load:
    """What the seats are asked to do, beside what a person can do."""
    with context.transaction(asker) as conn:
        return load(conn, console, timedelta(days=days), StormSettings().seats, context.clock.now())


@router.get("/{alarm_id}")
def one(context: Context, alarm_id: str, asker: Annotated[Asker, Depends(permit("alarm.view"))]) -> Alarm:
    with context.transaction(asker) as conn:
        return store.require_alarm(conn, alarm_id)


@router.post("/{alarm_id}/acknowledge")
def acknowledge(
    context: Context, alarm_id: str, act: Act, asker: Annotated[Asker, Depends(permit("alarm.acknowledge"))]
) -> Alarm:
    with context.transaction(asker) as conn:
        store.acknowledge(conn, alarm_id, asker, act.reason, context.clock.now())
        return store.require_alarm(conn, alarm_id)


@router.post("/{alarm_id}/reset")
def reset(
    context: Context, alarm_id: str, act: Reasoned, asker: Annotated[Asker, Depends(permit("alarm.acknowledge"))]
) -> Alarm:
    with context.transaction(asker) as conn:
        store.reset(conn, alarm_id, asker, act.reason, context.clock.now())
        return store.require_alarm(conn, alarm_id)


@router.get("/{alarm_id}/history")
def history(context: Context, alarm_id: str, asker: Annotated[Asker, Depends(permit("alarm.view"))]) -> AlarmFile:
    """Everything that happened to it, oldest first, and who muted it."""
    with context.transaction(asker) as conn:
        alarm = store.require_alarm(conn, alarm_id)
        told, muted = store.history_of(conn, alarm_id), service.suppressions_of(conn, alarm_id)
        return AlarmFile(alarm=alarm, history=told, suppressions=muted)


@router.post("/{alarm_id}/shelve")
def shelve(
    context: Context, alarm_id: str, act: ShelfAsked, asker: Annotated[Asker, Depends(permit("alarm.shelve"))]
) -> Alarm:
    shelf = Shelf(act.reason, act.until and aware(act.until), act.one_shot)
    with context.transaction(asker) as conn:
        service.shelve(conn, alarm_id, asker, shelf, settings(), context.clock.now())
        return store.require_alarm(conn, alarm_id)


@router.post("/{alarm_id}/unshelve")
def unshelve(
    context: Context, alarm_id: str, act: Reasoned, asker: Annotated[Asker, Depends(permit("alarm.shelve"))]
) -> Alarm:
    with context.transaction(asker) as conn:
        service.unshelve(conn, alarm_id, asker, act.reason, context.clock.now())
        return store.require_alarm(conn, alarm_id)


@router.post("/{alarm_id}/out-of-service")
def take_out_of_service(
    context: Context, alarm_id: str, act: Reasoned, asker: Annotated[Asker, Depends(permit("alarm.out_of_service"))]
) -> Alarm:
    with context.transaction(asker) as conn:
        service.take_out_of_service(conn, alarm_id, asker, act.reason, context.clock.now())
        return store.require_alarm(conn, alarm_id)


@router.post("/{alarm_id}/return-to-service")
def return_to_service(
    context: Context, alarm_id: str, act: Reasoned, asker: Annotated[Asker, Depends(permit("alarm.out_of_service"))]
) -> Alarm:
    with context.transaction(asker) as conn:
        service.return_to_service(conn, alarm_id, asker, act.reason, context.clock.now())
        return store.require_alarm(conn, alarm_id)


@router.post("/{alarm_id}/comment")
def comment(
    context: Context, alarm_id: str, act: Comment, asker: Annotated[Asker, Depends(permit("alarm.comment"))]
) -> AlarmFile:
    with context.transaction(asker) as conn:
        store.comment(conn, alarm_id, asker, act.text, context.clock.now())
    return history(context, alarm_id, asker)


@router.get("/{alarm_id}/assignable")
def assignable(
    context: Context, alarm_id: str, asker: Annotated[Asker, Depends(permit("alarm.comment"))]
) -> list[Assignee]:
    """Whom the caller may charge with it."""
    with context.transaction(asker) as conn:
        return store.assignable(conn, store.require_alarm(conn, alarm_id).unit_no)


@router.post("/{alarm_id}/assign")
def assign(
    context: Context, alarm_id: str, act: Assignment, asker: Annotated[Asker, Depends(permit("alarm.comment"))]
) -> Alarm:
    with context.transaction(asker) as conn:
        store.assign(conn, alarm_id, asker, act.assignee, act.reason, context.clock.now())
        return store.require_alarm(conn, alarm_id)


def aware(at: datetime) -> datetime:
    """A time without a zone is the city's, as a form sends it."""
    return at if at.tzinfo is not None else at.replace(tzinfo=SHANGHAI)
