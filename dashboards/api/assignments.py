"""任职与代理: given by the security administrator, taken up by their holder for a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dashboards.api.accounts import BIGGEST
from dashboards.api.sessions import renewed, set_cookie
from dashboards.context import SESSION_COOKIE, Context, permit
from equipment.access import accounts, assignments
from equipment.access.assignments import Assignment, Grant, Kind
from equipment.access.model import Asker
from equipment.access.store import Change, audit

router = APIRouter(tags=["accounts"])
Managing = Annotated[Asker, Depends(permit("account.manage"))]
Own = Annotated[Asker, Depends(permit("self.manage"))]


class NewAssignment(BaseModel):
    """An area for a time; a delegation needs its end."""

    model_config = ConfigDict(extra="forbid")

    jurisdiction_id: str = Field(min_length=1, max_length=40)
    kind: Kind
    since: AwareDatetime | None = Field(None, description="Default: from now on")
    until: AwareDatetime | None = None
    reason: str = Field(min_length=1, max_length=500)


class TakeUp(BaseModel):
    """In which delegated area this session acts; null: in your own."""

    model_config = ConfigDict(extra="forbid")

    assignment_id: int | None = Field(None, ge=1, le=BIGGEST)


@dataclass(frozen=True, slots=True)
class Given:
    """Its number."""

    id: int


@router.get("/accounts/{account_id}/assignments")
def listing(context: Context, account_id: int, asker: Managing) -> list[Assignment]:
    with context.transaction(asker) as conn:
        return assignments.of_account(conn, accounts.by_id(conn, account_id).id, context.clock.now())


@router.post("/accounts/{account_id}/assignments", status_code=201)
def give(context: Context, account_id: int, wanted: NewAssignment, asker: Managing) -> Given:
    now = context.clock.now()
    grant = Grant(account_id, wanted.jurisdiction_id, wanted.kind, wanted.since or now, wanted.until, wanted.reason)
    with context.transaction(asker) as conn:
        holder = accounts.by_id(conn, account_id)
        number = assignments.grant(conn, grant, now)
        change = Change(wanted.reason, after=wanted.model_dump(mode="json", exclude={"reason"}))
        audit(conn, asker, "assignment.give", f"account:{holder.login}", now, change=change)
    return Given(number)


@router.post("/accounts/{account_id}/assignments/{assignment_id}/end", status_code=204)
def end(context: Context, account_id: int, assignment_id: int, asker: Managing) -> None:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        holder = accounts.by_id(conn, account_id)
        assignments.end(conn, assignment_id, now)
        after = {"assignment_id": assignment_id}
        audit(conn, asker, "assignment.end", f"account:{holder.login}", now, change=Change(after=after))


@router.get("/me/assignments")
def own(context: Context, asker: Own) -> list[Assignment]:
    with context.transaction(asker) as conn:
        return assignments.of_account(conn, asker.account_id, context.clock.now())


@router.post("/me/acting", status_code=204)
def take_up(request: Request, context: Context, wanted: TakeUp, response: Response, asker: Own) -> None:
    """Act in a delegated area in this session, or in your own again; the session gets a fresh name."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        assignments.take_up(conn, request.cookies.get(SESSION_COOKIE, ""), wanted.assignment_id, now)
        after = {"assignment_id": wanted.assignment_id}
        audit(conn, asker, "assignment.take_up", f"account:{asker.login}", now, change=Change(after=after))
    set_cookie(context, response, renewed(request, context, asker, alone=False))
