"""任职与代理: dated assignments to a jurisdiction, and delegations that end by themselves.

An assignment takes the place of the account's own jurisdiction for its time. A delegation adds nothing by itself: its
holder takes it up for a session and acts in that area instead of his own until he gives it back or it ends.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from psycopg.rows import class_row

from equipment.access import store
from equipment.errors import AccountInputError
from equipment.foundation.database import Connection

LONGEST_DELEGATION = timedelta(days=92)


class Kind(Enum):
    """What a row gives."""

    ASSIGNMENT = "assignment"
    DELEGATION = "delegation"


@dataclass(frozen=True, slots=True)
class Grant:
    """What is to be given; a delegation needs its end."""

    account_id: int
    jurisdiction_id: str
    kind: Kind
    since: datetime
    until: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """A row, and whether it holds now."""

    id: int
    account_id: int
    jurisdiction_id: str
    kind: str
    since: datetime
    until: datetime | None
    reason: str
    ended_at: datetime | None
    holds: bool


def grant(conn: Connection, wanted: Grant, now: datetime) -> int:
    """Give it; its id.

    Raises
    ------
    AccountInputError
        A delegation without an end or for too long, an end before its beginning, one's own account, an account that no
        jurisdiction bounds, or an area outside of one's own.
    """
    if wanted.until is not None and wanted.until <= max(now, wanted.since):
        raise AccountInputError("结束时间须在开始时间和现在之后 (the end lies before the beginning or in the past)")
    if wanted.kind is Kind.DELEGATION and (wanted.until is None or wanted.until - wanted.since > LONGEST_DELEGATION):
        raise AccountInputError(
            f"代理须有期限，最长 {LONGEST_DELEGATION.days} 天 (a delegation ends, after at most so many days)"
        )
    values = (
        wanted.account_id, wanted.jurisdiction_id, wanted.kind.value, wanted.since, wanted.until, wanted.reason, now,
    )  # fmt: skip
    row = conn.execute(store.QUERIES.grant_assignment, values).fetchone()
    if row is None or row[0] is None:
        raise AccountInputError(
            "不能授予：账号不按辖区划分、是本人账号，或辖区不在您的范围内"
            " (the account is not bound by a jurisdiction, is your own, or the area is not yours to give)"
        )
    return int(row[0])


def end(conn: Connection, assignment_id: int, now: datetime) -> None:
    """End it at once.

    Raises
    ------
    AccountInputError
        There is none, or it is over.
    """
    row = conn.execute(store.QUERIES.end_assignment, (assignment_id, now)).fetchone()
    if row is None or not row[0]:
        raise AccountInputError("没有可结束的任职或代理 (there is none, or it is over already)")


def take_up(conn: Connection, session_token: str, assignment_id: int | None, now: datetime) -> None:
    """Act in a delegated area in this session; None: in one's own again.

    Raises
    ------
    AccountInputError
        No such delegation holds for the asker.
    """
    hashed = hashlib.sha256(session_token.encode()).digest()
    row = conn.execute(store.QUERIES.take_up, (hashed, assignment_id, now)).fetchone()
    if row is None or not row[0]:
        raise AccountInputError("没有有效的代理 (no such delegation holds for you)")


def of_account(conn: Connection, account_id: int, now: datetime) -> list[Assignment]:
    """What an account was given, the newest first."""
    with conn.cursor(row_factory=class_row(Assignment)) as cursor:
        return cursor.execute(store.QUERIES.assignments, {"account": account_id, "now": now}).fetchall()


def delegations(conn: Connection, account_id: int, now: datetime) -> list[Assignment]:
    """Delegations that an account may take up now."""
    return [one for one in of_account(conn, account_id, now) if one.holds and one.kind == Kind.DELEGATION.value]


def acting(conn: Connection, session_token: str) -> int | None:
    """The delegation in which a session acts; None: in its account's own area."""
    hashed = hashlib.sha256(session_token.encode()).digest()
    row = conn.execute(store.QUERIES.acting, (hashed,)).fetchone()
    return None if row is None else row[0]
