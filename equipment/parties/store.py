"""Organisations and people in the database. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from equipment.access.model import Asker
from equipment.access.store import Change, audit
from equipment.errors import (
    DuplicateCodeError,
    EquipmentInputError,
    InvalidPeriodError,
    OutOfScopeError,
    UnknownOrganisationError,
    UnknownPersonError,
    UnknownUnitError,
)
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.parties.model import (
    PHONE_HOLDS,
    TEST_CALL_EVERY,
    AreaDuty,
    CreditGrade,
    Gap,
    GapCount,
    Licence,
    LiftOfficers,
    NewLicence,
    NewShift,
    OrganisationRow,
    PersonRow,
    PhoneCheck,
    PhoneCheckFilter,
    PhoneCheckRow,
    Shift,
)
from equipment.registry.codes import check_credit_code

QUERIES = load_queries(__file__)
ORGANISATION_CHANGES = frozenset(
    {"name", "credit_code", "jurisdiction_id", "address", "duty_phone", "lon", "lat", "datum"}
)
OWN_CHANGES = frozenset({"address", "duty_phone"})
"""What an organisation may correct of itself."""
PERSON_CHANGES = frozenset({"name", "phone", "duty", "left_on"})
GAPS = ("no_firm", "no_contract", "no_use_unit", "no_plate", "no_officer", "phone_unverified", "test_call_due")
"""The work lists of the register."""


@contextmanager
def refusals_in_words(conn: Connection) -> Iterator[None]:
    """Undo the statements inside when they break a rule of the database, and say which."""
    try:
        with conn.transaction():
            yield
    except (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation) as error:
        raise DuplicateCodeError("已登记，或与已有的重叠 (registered already, or overlaps what is)") from error
    except (psycopg.errors.CheckViolation, psycopg.errors.ForeignKeyViolation) as error:
        raise EquipmentInputError(f"取值无效 (a value is not valid): {error.diag.constraint_name}") from error
    except psycopg.errors.NoDataFound as error:
        raise UnknownPersonError("该人员不是此使用单位的在职人员 (not one of the use-unit's people)") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise OutOfScopeError("不在您的管辖范围内 (outside your scope)") from error


def organisations(
    conn: Connection, today: date, kind: str = "", text: str = "", after: int = 0, limit: int = 50
) -> list[OrganisationRow]:
    """A page of organisations in order of their number."""
    values = {"today": today, "id": None, "kind": kind, "text": text.strip(), "after": after, "limit": limit}
    return [OrganisationRow(*row) for row in conn.execute(QUERIES.organisation_rows, values)]


def require_organisation(conn: Connection, organisation: int, today: date) -> OrganisationRow:
    """The organisation of that id.

    Raises
    ------
    UnknownOrganisationError
    """
    values = {"today": today, "id": organisation, "kind": "", "text": "", "after": 0, "limit": 1}
    row = conn.execute(QUERIES.organisation_rows, values).fetchone()
    if row is None:
        raise UnknownOrganisationError(f"没有单位 {organisation} (no such organisation, or not yours to see)")
    return OrganisationRow(*row)


def _update(conn: Connection, table: str, key: int, values: Mapping[str, Any], now: datetime) -> int:
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values
    )
    statement = sql.SQL("update equipment.{} set {}, changed_at = {} where id = {}").format(
        sql.Identifier(table), assignments, sql.Placeholder("changed_at"), sql.Placeholder("key")
    )
    return conn.execute(statement, {**values, "changed_at": now, "key": key}).rowcount


def _known(values: Mapping[str, Any], allowed: frozenset[str]) -> None:
    unknown = values.keys() - allowed
    if unknown:
        raise EquipmentInputError(f"不可修改的字段 (these cannot be changed): {', '.join(sorted(unknown))}")


def update_organisation(
    conn: Connection, organisation: int, values: Mapping[str, Any], asker: Asker, reason: str, now: datetime
) -> OrganisationRow:
    """Correct an organisation, with what stood there before in the audit.

    Raises
    ------
    UnknownOrganisationError, EquipmentInputError, InvalidCodeError, DuplicateCodeError, OutOfScopeError
    """
    today = now.astimezone(SHANGHAI).date()
    conn.execute(QUERIES.lock_organisation, (organisation,))
    before = require_organisation(conn, organisation, today)
    _known(values, OWN_CHANGES if asker.organisation_id is not None else ORGANISATION_CHANGES)
    changed = dict(values)
    if changed.get("credit_code") is not None:
        changed["credit_code"] = check_credit_code(str(changed["credit_code"]))
    if "name" in changed and not str(changed["name"] or "").strip():
        raise EquipmentInputError("名称不能为空 (the name is needed)")
    if not changed:
        return before
    with refusals_in_words(conn):
        done = _update(conn, "organisation", organisation, changed, now)
    if not done:
        raise OutOfScopeError("您的角色不能修改单位信息 (your role may not change an organisation)")
    was = {name: getattr(before, name, None) for name in changed}
    audit(conn, asker, "organisation.edit", f"organisation:{organisation}", now, change=Change(reason, was, changed))
    return require_organisation(conn, organisation, today)


def add_licence(conn: Connection, new: NewLicence, asker: Asker | None, now: datetime) -> int:
    """Record a licence; returns its id.

    Raises
    ------
    InvalidPeriodError, DuplicateCodeError, EquipmentInputError, OutOfScopeError
    """
    if new.until <= new.since:
        raise InvalidPeriodError("许可证止日须晚于起日 (the licence must end after it begins)")
    with refusals_in_words(conn):
        row = conn.execute(
            QUERIES.insert_licence,
            (new.organisation_id, new.kind, new.number, new.scope, new.since, new.until, now),
        ).fetchone()
    if asker is not None:
        audit(conn, asker, "licence.add", f"organisation:{new.organisation_id}", now, change=Change(new.number))
    return int(row[0]) if row else 0


def licences(conn: Connection, organisation: int) -> list[Licence]:
    """Licences, newest first."""
    return [Licence(*row) for row in conn.execute(QUERIES.licences, (organisation,))]


def add_grade(conn: Connection, organisation: int, grade: CreditGrade, asker: Asker | None, now: datetime) -> None:
    """Give a credit grade from a day on.

    Raises
    ------
    DuplicateCodeError, EquipmentInputError, OutOfScopeError
    """
    account = None if asker is None else asker.account_id
    with refusals_in_words(conn):
        conn.execute(QUERIES.insert_grade, (organisation, grade.grade, grade.since, grade.basis, now, account))
    if asker is not None:
        audit(conn, asker, "credit.grade", f"organisation:{organisation}", now, change=Change(grade.basis))


def grades(conn: Connection, organisation: int) -> list[CreditGrade]:
    """Credit grades, newest first."""
    return [CreditGrade(*row) for row in conn.execute(QUERIES.grades, (organisation,))]


def people(conn: Connection, organisation: int | None = None, after: int = 0, limit: int = 50) -> list[PersonRow]:
    """People in order of their number, of one organisation or all that the caller may see."""
    values = {"id": None, "organisation": organisation, "after": after, "limit": limit}
    return [PersonRow(*row) for row in conn.execute(QUERIES.person_rows, values)]


def present(conn: Connection, organisation: int, today: date, limit: int = 200) -> list[PersonRow]:
    """The people who work for an organisation on a day."""
    return [p for p in people(conn, organisation, limit=limit) if p.left_on is None or p.left_on > today]


def require_person(conn: Connection, person: int) -> PersonRow:
    """The person of that id.

    Raises
    ------
    UnknownPersonError
    """
    values = {"id": person, "organisation": None, "after": 0, "limit": 1}
    row = conn.execute(QUERIES.person_rows, values).fetchone()
    if row is None:
        raise UnknownPersonError(f"没有人员 {person} (no such person, or not yours to see)")
    return PersonRow(*row)


def update_person(
    conn: Connection, person: int, values: Mapping[str, Any], asker: Asker, reason: str, now: datetime
) -> PersonRow:
    """Correct a person; ``left_on`` ends his work there.

    Raises
    ------
    UnknownPersonError, EquipmentInputError, OutOfScopeError
    """
    conn.execute(QUERIES.lock_person, (person,))
    before = require_person(conn, person)
    _known(values, PERSON_CHANGES)
    if not values:
        return before
    with refusals_in_words(conn):
        done = _update(conn, "person", person, values, now)
    if not done:
        raise OutOfScopeError("您的角色不能修改人员信息 (your role may not change a person)")
    # names and phones are personal data: the audit says that they changed, not what they were
    change = Change(reason, {"fields": sorted(values)}, None)
    audit(conn, asker, "person.edit", f"person:{person}", now, change=change)
    return require_person(conn, person)


def add_certificate(
    conn: Connection, person: int, kind: str, number: str, days: tuple[date, date], now: datetime
) -> None:
    """Record a certificate, first and last valid day; the newest also stands with the person.

    Raises
    ------
    InvalidPeriodError, DuplicateCodeError, UnknownPersonError, OutOfScopeError
    """
    if days[1] < days[0]:
        raise InvalidPeriodError("证书止日早于起日 (the certificate ends before it begins)")
    require_person(conn, person)
    with refusals_in_words(conn):
        conn.execute(QUERIES.insert_certificate, (person, kind, number, days[0], days[1], now))
        conn.execute(QUERIES.newest_certificate, {"person": person, "now": now})


def note_phone_check(conn: Connection, check: PhoneCheck, asker: Asker | None, now: datetime) -> int:
    """Record that a phone was rung, and whether somebody answered; returns its id.

    Raises
    ------
    EquipmentInputError, OutOfScopeError
    """
    account = None if asker is None else asker.account_id
    values = (
        check.organisation_id, check.person_id, check.phone, now, check.answered, check.seconds_to_answer, check.note, account
    )  # fmt: skip
    with refusals_in_words(conn):
        row = conn.execute(QUERIES.insert_phone_check, values).fetchone()
    return int(row[0]) if row else 0


def add_shift(conn: Connection, new: NewShift, asker: Asker | None, now: datetime) -> int:
    """Enter a shift of the duty roster; returns its id.

    Raises
    ------
    InvalidPeriodError, DuplicateCodeError, EquipmentInputError, UnknownPersonError, OutOfScopeError
    """
    if new.until <= new.since:
        raise InvalidPeriodError("班次止时须晚于起时 (the shift must end after it begins)")
    if require_person(conn, new.person_id).organisation_id != new.organisation_id:
        raise UnknownPersonError("该人员不属于此单位 (not one of this organisation's people)")
    values = (new.organisation_id, new.area_id, new.person_id, new.phone, new.since, new.until, now)
    with refusals_in_words(conn):
        row = conn.execute(QUERIES.insert_shift, values).fetchone()
    number = int(row[0]) if row else 0
    if asker is not None:
        audit(conn, asker, "roster.add", f"shift:{number}", now)
    return number


def add_shifts(conn: Connection, new: NewShift, days: int, asker: Asker | None, now: datetime) -> int:
    """The same hours on ``days`` days in a row, all or none; returns the id of the first.

    Raises
    ------
    InvalidPeriodError, DuplicateCodeError, EquipmentInputError, UnknownPersonError, OutOfScopeError
    """
    if days > 1 and new.until - new.since > timedelta(days=1):
        raise InvalidPeriodError("每日班次不能超过 24 小时 (a shift of every day is no longer than a day)")
    with conn.transaction():
        made = [
            add_shift(conn, replace(new, since=new.since + step, until=new.until + step), asker, now)
            for step in (timedelta(days=n) for n in range(days))
        ]
    return made[0]


def cancel_shift(conn: Connection, shift: int, asker: Asker, now: datetime) -> bool:
    """Take a shift off the roster that is not over; False when there is none."""
    done = conn.execute(QUERIES.cancel_shift, (now, shift, now)).rowcount > 0
    if done:
        audit(conn, asker, "roster.cancel", f"shift:{shift}", now)
    return done


def shifts(
    conn: Connection, since: datetime, until: datetime, area: str = "", organisation: int | None = None
) -> list[Shift]:
    """Shifts that touch a span; with an area, those that answer for it (its own or of an area above).

    Raises
    ------
    InvalidPeriodError
        The span ends before it begins.
    """
    if until < since:
        raise InvalidPeriodError("结束时间早于开始时间 (the span ends before it begins: swap since and until)")
    values = {"since": since, "until": until, "area": area, "organisation": organisation}
    return [Shift(*row) for row in conn.execute(QUERIES.shifts, values)]


def on_duty(conn: Connection, area: str, at: datetime) -> list[Shift]:
    """Who answers for an area at a moment."""
    return [s for s in shifts(conn, at, at, area) if s.since <= at < s.until]


def area_duties(conn: Connection, at: datetime, path: str | None = None) -> list[AreaDuty]:
    """City and districts, below a path, with who is on duty at a moment; also those where nobody is."""
    return [AreaDuty(*row) for row in conn.execute(QUERIES.area_duties, {"at": at, "path": path})]


def phone_checks(
    conn: Connection, wanted: PhoneCheckFilter, before: int | None = None, limit: int = 50
) -> list[PhoneCheckRow]:
    """Test calls, newest first; ``before`` is the id of the last one of the page before."""
    values = {"organisation": wanted.organisation, "answered": wanted.answered, "before": before, "limit": limit}
    return [PhoneCheckRow(*row) for row in conn.execute(QUERIES.phone_checks, values)]


def name_officer(conn: Connection, unit_id: str, duty: str, person: int | None, asker: Asker, now: datetime) -> None:
    """Name the 电梯安全总监 (director) or 电梯安全员 (officer) of a lift from today on; None: nobody any more.

    Raises
    ------
    UnknownUnitError, UnknownPersonError, OutOfScopeError
    """
    today = now.astimezone(SHANGHAI).date()
    with refusals_in_words(conn):
        row = conn.execute(QUERIES.name_officer, (duty, person, today, now, "任命", unit_id)).fetchone()
    if row is None:
        raise UnknownUnitError(f"没有设备 {unit_id} (no such unit)")
    audit(conn, asker, f"unit.{duty}", f"unit:{unit_id}", now, change=Change("任命", None, {"person": person}))


def officers_of_lifts(
    conn: Connection, use_unit: int, today: date, limit: int = 2_000, *, missing: bool = False
) -> list[LiftOfficers]:
    """Lifts of a use-unit with who is named for them; ``missing``: only those where somebody is not."""
    values = {"use_unit": use_unit, "today": today, "limit": limit, "missing": missing}
    return [LiftOfficers(*row) for row in conn.execute(QUERIES.officers_of_lifts, values)]


def gap_counts(conn: Connection, now: datetime) -> list[GapCount]:
    """How long each work list is, also the empty ones."""
    found = {row[0]: row[1] for row in conn.execute(f"{QUERIES.gap_rows} {QUERIES.count_gaps}", _gap_values(now))}
    return [GapCount(what, found.get(what, 0)) for what in GAPS]


def gaps(conn: Connection, what: str, now: datetime, limit: int = 200) -> list[Gap]:
    """One work list: lifts without a firm, phones nobody has verified, …"""
    values = _gap_values(now) | {"what": what, "limit": limit}
    return [Gap(*row) for row in conn.execute(f"{QUERIES.gap_rows} {QUERIES.list_gaps}", values)]


def _gap_values(now: datetime) -> dict[str, Any]:
    return {
        "today": now.astimezone(SHANGHAI).date(),
        "verified_since": now - PHONE_HOLDS,
        "tested_since": now - TEST_CALL_EVERY,
    }
