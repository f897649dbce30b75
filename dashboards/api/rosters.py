"""值班表, 测试电话, and the work lists of the register."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dashboards.api.etags import link_next
from dashboards.context import Context, permit
from dashboards.errors import NotFoundError
from equipment.access.model import Asker
from equipment.parties import store
from equipment.parties.model import Gap, GapCount, NewShift, PhoneCheck, PhoneCheckFilter, PhoneCheckRow, Shift

router = APIRouter(tags=["rosters"])
SHOWN = timedelta(days=7)


class ShiftBody(BaseModel):
    """One person on duty for an area in a span of time."""

    model_config = ConfigDict(extra="forbid")

    organisation_id: int
    area_id: str
    person_id: int
    phone: str = Field(min_length=3, max_length=30)
    since: AwareDatetime
    until: AwareDatetime
    days: int = Field(1, ge=1, le=31, description="The same hours on so many days in a row")


class PhoneCheckBody(BaseModel):
    """A call made to see whether a phone is answered."""

    model_config = ConfigDict(extra="forbid")

    organisation_id: int
    phone: str = Field(min_length=3, max_length=30)
    answered: bool
    seconds_to_answer: int | None = Field(None, ge=0)
    person_id: int | None = None
    note: str = Field("", max_length=500)


@router.get("/rosters")
def shifts(
    context: Context,
    asker: Annotated[Asker, Depends(permit("roster.view"))],
    area: str = "",
    organisation: int | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> list[Shift]:
    """Shifts that touch a span, by default the next seven days; with an area, those that answer for it."""
    first: datetime = since or (until - SHOWN if until else context.clock.now())
    with context.transaction(asker) as conn:
        return store.shifts(conn, first, until or first + SHOWN, area, organisation)


@router.get("/rosters/on-duty")
def on_duty(
    context: Context,
    area: str,
    asker: Annotated[Asker, Depends(permit("roster.view"))],
    at: AwareDatetime | None = None,
) -> list[Shift]:
    """Who answers for an area now, or at a moment."""
    with context.transaction(asker) as conn:
        return store.on_duty(conn, area, at or context.clock.now())


@router.post("/rosters", status_code=201)
def add(context: Context, body: ShiftBody, asker: Annotated[Asker, Depends(permit("roster.edit"))]) -> dict[str, int]:
    """One shift, or the same hours on several days: all of them, or none. ``id`` is the first one's."""
    new = NewShift(**body.model_dump(exclude={"days"}))
    with context.transaction(asker) as conn:
        return {"id": store.add_shifts(conn, new, body.days, asker, context.clock.now())}


@router.delete("/rosters/{shift_id}", status_code=204)
def cancel(context: Context, shift_id: int, asker: Annotated[Asker, Depends(permit("roster.edit"))]) -> None:
    with context.transaction(asker) as conn:
        if not store.cancel_shift(conn, shift_id, asker, context.clock.now()):
            raise NotFoundError("No such shift that is not over, or not yours.")


@router.post("/phone-checks", status_code=201)
def note_phone_check(
    context: Context, body: PhoneCheckBody, asker: Annotated[Asker, Depends(permit("phone.check"))]
) -> dict[str, int]:
    with context.transaction(asker) as conn:
        return {"id": store.note_phone_check(conn, PhoneCheck(**body.model_dump()), asker, context.clock.now())}


@router.get("/phone-checks")
def phone_checks(
    context: Context,
    request: Request,
    response: Response,
    asker: Annotated[Asker, Depends(permit("roster.view"))],
    organisation: int | None = None,
    answered: bool | None = None,
    before: int | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[PhoneCheckRow]:
    """Test calls and their results, newest first."""
    wanted = PhoneCheckFilter(organisation, answered)
    with context.transaction(asker) as conn:
        found = store.phone_checks(conn, wanted, before, limit)
    link_next(request, response, found[-1].id if len(found) == limit else None, "before")
    return found


@router.get("/register/gaps")
def gap_counts(context: Context, asker: Annotated[Asker, Depends(permit("register_gaps.view"))]) -> list[GapCount]:
    """How much the register lacks: lifts without a firm, phones nobody has verified, test calls that are due, …"""
    with context.transaction(asker) as conn:
        return store.gap_counts(conn, context.clock.now())


@router.get("/register/gaps/{what}")
def gaps(
    context: Context,
    what: str,
    asker: Annotated[Asker, Depends(permit("register_gaps.view"))],
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[Gap]:
    if what not in store.GAPS:
        raise NotFoundError(f"The work lists are: {', '.join(store.GAPS)}.")
    with context.transaction(asker) as conn:
        return store.gaps(conn, what, context.clock.now(), limit)
