"""Periods and questions about days, in the database. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from equipment.access.model import Asker
from equipment.access.store import Change, audit
from equipment.errors import InvalidPeriodError, UnknownHandoverError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.history.model import BY_NUMBER, Amendment, Attribute, Handover, Period, Span, Wanted
from equipment.registry.checks import EARLIEST
from equipment.registry.codes import check_rescue_code
from equipment.registry.store import codes_are_free, require_unit

QUERIES = load_queries(__file__)
LOOK_BACK = timedelta(days=31)
"""How long the jobs may have stood still without a change of day being missed."""

OpenWork = Callable[[Connection, int], list[dict[str, Any]]]
"""Lists what is open on a unit, by value: the rooms above this one know."""


def _value(amendment: Amendment) -> str | None:
    value = amendment.value
    if value is None:
        return None
    if amendment.attribute is Attribute.PLATE:
        return check_rescue_code(str(value))
    if amendment.attribute in BY_NUMBER and not str(value).isdecimal():
        raise InvalidPeriodError(f"{amendment.attribute.value}: 需填写单位或人员的编号 (give the id), not {value!r}")
    return str(value)


def _require_span(amendment: Amendment) -> None:
    span = amendment.span
    if span.since < EARLIEST:
        raise InvalidPeriodError(f"起始日 {span.since} 早于 {EARLIEST} (the first day is too early)")
    if span.until is not None and span.until <= span.since:
        raise InvalidPeriodError(f"截止日 {span.until} 须晚于起始日 {span.since} (the period must end after it begins)")
    if amendment.attribute is Attribute.POLICY and amendment.value is not None and span.until is None:
        raise InvalidPeriodError("保单须有截止日 (a policy needs the day it ends)")
    if not amendment.reason.strip():
        raise InvalidPeriodError("请填写更改原因 (say why)")


def amend(conn: Connection, unit_id: str, amendment: Amendment, asker: Asker | None, now: datetime) -> bool:
    """Say what was, is or will be true of a unit over a span; the unit's row of today follows in the same transaction.

    What stood there before is superseded, not deleted. Returns False when it stood there already.

    Raises
    ------
    UnknownUnitError, InvalidPeriodError, InvalidCodeError, InvalidUnitError, DuplicateCodeError, OutOfScopeError
    """
    _require_span(amendment)
    value = _value(amendment)
    unit = require_unit(conn, unit_id)
    before = [p for p in periods(conn, unit.no) if p.attribute == amendment.attribute.value]
    values = {
        "attribute": amendment.attribute.value,
        "unit": unit.no,
        "value": value,
        **asdict(amendment.span),
        "now": now,
        "reason": amendment.reason,
    }
    with codes_are_free(conn):
        row = conn.execute(QUERIES.amend, values).fetchone()
    done = bool(row and row[0])
    if done and asker is not None:
        said = {"value": value, "since": amendment.span.since.isoformat(), "until": _day(amendment.span.until)}
        was = {"periods": [[p.value, p.since.isoformat(), _day(p.until)] for p in before]}
        change = Change(amendment.reason, was, said)
        audit(conn, asker, f"unit.{amendment.attribute.value}", f"unit:{unit_id}", now, change=change)
    return done


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def periods(conn: Connection, unit_no: int, *, superseded: bool = False) -> list[Period]:
    """The history of a unit, by attribute and first day; ``superseded``: also what corrections have replaced."""
    return [Period(*row) for row in conn.execute(QUERIES.periods, {"unit": unit_no, "all": superseded})]


def _conditions(wanted: Wanted) -> dict[str, Any]:
    return {
        "jurisdiction": wanted.jurisdiction,
        "kinds": list(wanted.kinds) or None,
        "status": wanted.status,
        "insured": wanted.insured,
    }


def units_as_of(conn: Connection, day: date, wanted: Wanted) -> int:
    """How many units were so on a day, of those that lay in the caller's scope on that day."""
    row = conn.execute(QUERIES.units_as_of, {"day": day, **_conditions(wanted)}).fetchone()
    return int(row[0]) if row else 0


def unit_days(conn: Connection, span: Span, wanted: Wanted) -> int:
    """Days that such units have stood under exposure in a span, which needs its end.

    Raises
    ------
    InvalidPeriodError
        The span has no end, or ends before it begins.
    """
    if span.until is None or span.until <= span.since:
        raise InvalidPeriodError("请给出起止日期，止晚于起 (give both days, the second after the first)")
    values = {"since": span.since, "until": span.until, **_conditions(wanted)}
    row = conn.execute(QUERIES.unit_days, values).fetchone()
    return int(row[0]) if row else 0


def project_changes(conn: Connection, now: datetime) -> int:
    """Bring units in line with periods that began or ended by themselves; returns how many changed."""
    row = conn.execute(QUERIES.project_changes, (now.astimezone(SHANGHAI).date() - LOOK_BACK, now)).fetchone()
    return int(row[0]) if row else 0


def handovers(conn: Connection, *, open_only: bool = False, after: int = 0, limit: int = 50) -> list[Handover]:
    """移交 in order of their number, those the caller's jurisdiction gave or got."""
    values = {"open": open_only, "after": after, "limit": limit}
    return [Handover(*row) for row in conn.execute(QUERIES.handovers, values)]


def list_open_work(conn: Connection, work: OpenWork, now: datetime) -> int:
    """Write into new hand-overs what was open on their unit; returns into how many."""
    found = conn.execute(QUERIES.unlisted).fetchall()
    for entry, unit_no in found:
        conn.execute(QUERIES.list_open_work, (entry, Jsonb(work(conn, unit_no)), now))
    return len(found)


def receive(conn: Connection, entry: int, asker: Asker, now: datetime) -> None:
    """签收 a hand-over, by the jurisdiction that got the unit.

    Raises
    ------
    UnknownHandoverError
        There is none, it is received already, or it is not the caller's to receive.
    """
    if not conn.execute(QUERIES.receive, (now, asker.account_id, entry)).rowcount:
        raise UnknownHandoverError(f"移交 {entry} 不存在、已签收或不归您签收 (no such hand-over that waits for you)")
    audit(conn, asker, "handover.receive", f"handover:{entry}", now)
