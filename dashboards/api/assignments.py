"""任职与代理: given by the security administrator, taken up by their holder for a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dashboards.api.accounts import BIGGEST
from dashboards.api.sessions import renewed, set_cookie
from dashboards.context import SESSION_COOKIE, Context, WebContext, permit
from dashboards.pages.reads import QUERIES
from equipment.access import accounts, assignments
from equipment.access.assignments import Assignment, Grant, Kind
from equipment.access.model import Asker
from equipment.access.store import Change, audit
from equipment.errors import AccountInputError

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


class HandOver(BaseModel):
    """Who takes the open work over, and why."""

    model_config = ConfigDict(extra="forbid")

    to: int = Field(ge=1, le=BIGGEST, description="Account of the same role and organisation")
    reason: str = Field(min_length=1, max_length=500)


@dataclass(frozen=True, slots=True)
class Moved:
    """How much open work has moved."""

    moved: int


def given(context: WebContext, asker: Asker, account_id: int, wanted: NewAssignment) -> int:
    """Give it and write it into the audit."""
    now = context.clock.now()
    grant = Grant(account_id, wanted.jurisdiction_id, wanted.kind, wanted.since or now, wanted.until, wanted.reason)
    with context.transaction(asker) as conn:
        holder = accounts.by_id(conn, account_id)
        number = assignments.grant(conn, grant, now)
        change = Change(wanted.reason, after=wanted.model_dump(mode="json", exclude={"reason"}))
        audit(conn, asker, "assignment.give", f"account:{holder.login}", now, change=change)
    return number


def ended(context: WebContext, asker: Asker, account_id: int, assignment_id: int) -> None:
    """End it and write that into the audit."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        holder = accounts.by_id(conn, account_id)
        assignments.end(conn, assignment_id, now)
        after = {"assignment_id": assignment_id}
        audit(conn, asker, "assignment.end", f"account:{holder.login}", now, change=Change(after=after))


def taken_up(context: WebContext, asker: Asker, session: str, assignment_id: int | None) -> None:
    """Act there in this session, and write that into the audit."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        assignments.take_up(conn, session, assignment_id, now)
        after = {"assignment_id": assignment_id}
        audit(conn, asker, "assignment.take_up", f"account:{asker.login}", now, change=Change(after=after))


def handed_over(context: WebContext, asker: Asker, account_id: int, wanted: HandOver) -> int:
    """Move what is charged to the account by name, and write it into the audit; how much it was.

    Raises
    ------
    AccountInputError
        The other account is of another role or organisation, closed, or outside of the asker's area.
    """
    now = context.clock.now()
    with context.transaction(asker) as conn:
        holder, heir = accounts.by_id(conn, account_id), accounts.by_id(conn, wanted.to)
        row = conn.execute(QUERIES.hand_over_work, (account_id, wanted.to, wanted.reason, now)).fetchone()
        if row is None or row[0] is None:
            raise AccountInputError(
                "不能移交：接收人须是同一角色、同一单位的有效账号，且在您的辖区内"
                " (whoever takes over needs an open account of the same role and organisation, in your area)"
            )
        change = Change(wanted.reason, after={"to": heir.login, "moved": row[0]})
        audit(conn, asker, "work.hand_over", f"account:{holder.login}", now, change=change)
    return int(row[0])


@router.get("/accounts/{account_id}/assignments")
def listing(context: Context, account_id: int, asker: Managing) -> list[Assignment]:
    with context.transaction(asker) as conn:
        return assignments.of_account(conn, accounts.by_id(conn, account_id).id, context.clock.now())


@router.post("/accounts/{account_id}/assignments", status_code=201)
def give(context: Context, account_id: int, wanted: NewAssignment, asker: Managing) -> Given:
    return Given(given(context, asker, account_id, wanted))


@router.post("/accounts/{account_id}/assignments/{assignment_id}/end", status_code=204)
def end(context: Context, account_id: int, assignment_id: int, asker: Managing) -> None:
    ended(context, asker, account_id, assignment_id)


@router.post("/accounts/{account_id}/hand-over")
def hand_over(context: Context, account_id: int, wanted: HandOver, asker: Managing) -> Moved:
    """交接: what is charged to a person by name moves to another; what is bound to an area moves with the assignment."""
    return Moved(handed_over(context, asker, account_id, wanted))


@router.get("/me/assignments")
def own(context: Context, asker: Own) -> list[Assignment]:
    with context.transaction(asker) as conn:
        return assignments.of_account(conn, asker.account_id, context.clock.now())


@router.post("/me/acting", status_code=204)
def take_up(request: Request, context: Context, wanted: TakeUp, response: Response, asker: Own) -> None:
    """Act in a delegated area in this session, or in your own again; the session gets a fresh name."""
    taken_up(context, asker, request.cookies.get(SESSION_COOKIE, ""), wanted.assignment_id)
    set_cookie(context, response, renewed(request, context, asker, alone=False))
