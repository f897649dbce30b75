"""报警: what is open, and what people do with it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from alarms import store
from alarms.store import Alarm
from dashboards.context import Context, permit
from equipment.access.model import Asker

router = APIRouter(prefix="/alarms", tags=["alarms"])


class Act(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(None, max_length=500)


class Reasoned(BaseModel):
    """Why; it must be said."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


class Shelf(Reasoned):
    """搁置, with when it ends by itself."""

    until: datetime


@router.get("")
def open_alarms(
    context: Context,
    asker: Annotated[Asker, Depends(permit("alarm.view"))],
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> list[Alarm]:
    """Alarms that are not normal, most urgent first."""
    with context.transaction(asker) as conn:
        return store.open_alarms(conn, limit)


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


@router.post("/{alarm_id}/shelve")
def shelve(
    context: Context, alarm_id: str, act: Shelf, asker: Annotated[Asker, Depends(permit("alarm.shelve"))]
) -> Alarm:
    with context.transaction(asker) as conn:
        store.shelve(conn, alarm_id, asker, act.reason, act.until, context.clock.now())
        return store.require_alarm(conn, alarm_id)
