"""The registry (设备台账) in the database. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from equipment.access.model import Asker
from equipment.access.store import Change, audit
from equipment.catalogue.varieties import jurisdictions
from equipment.errors import (
    ChangedMeanwhileError,
    DuplicateCodeError,
    InvalidUnitError,
    OutOfScopeError,
    UnknownUnitError,
)
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries, set_local, violated_constraint
from equipment.registry.checks import as_text, require_sound
from equipment.registry.codes import check_credit_code
from equipment.registry.initials import SPOKEN, initials_of, initials_of_texts
from equipment.registry.model import NewUnit, Organisation, Unit, UnitSummary

QUERIES = load_queries(__file__)
PAGE = 50
FILLED_AT_ONCE = 2_000
FOUND_AT_MOST = 2_000
"""More matches than this nobody reads: the search is to be narrowed."""
CODE_NAMES = {
    "id": "设备编号 id",
    "device_code": "设备代码",
    "rescue_code": "救援识别码",
    "credit_code": "统一社会信用代码",
}
"""Columns that are unique in the city, as the field calls them."""
CHANGEABLE = frozenset(f.name for f in fields(NewUnit)) - {"id", "kind"}
"""What a correction may touch: a unit's identity and kind are for ever."""


@dataclass(frozen=True, slots=True)
class UnitChanges:
    """Values to be corrected; ``read_at`` is the ``changed_at`` that the caller has seen."""

    values: Mapping[str, Any]
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UnitFilter:
    """What a list of units is narrowed to; an empty text is no condition."""

    text: str = ""
    kind: str = ""
    status: str = ""
    jurisdiction: str = ""


@dataclass(frozen=True, slots=True)
class NewOrganisation:
    """A 单位 to be registered."""

    kind: str
    name: str
    jurisdiction_id: str
    credit_code: str | None = None
    address: str | None = None
    duty_phone: str | None = None
    lon: float | None = None
    lat: float | None = None
    datum: str = "unknown"


@dataclass(frozen=True, slots=True)
class Person:
    """人员 with his certificate."""

    id: int
    organisation_id: int
    name: str
    phone: str | None
    duty: str
    certificate_no: str | None
    certificate_valid_to: date | None


@dataclass(frozen=True, slots=True)
class UnitCount:
    """How many units of a kind and status, and how many of them have a plate, a valid policy, a terminal."""

    kind: str
    status: str
    units: int
    with_plate: int
    insured: int
    with_terminal: int


def _one(conn: Connection, where: str, value: object) -> Unit | None:
    row = conn.execute(f"{QUERIES.unit_columns} {getattr(QUERIES, where)}", (value,)).fetchone()
    return None if row is None else Unit(*row)


def find_by_id(conn: Connection, unit_id: str) -> Unit | None:
    """The unit of that id, if the caller may see it."""
    return _one(conn, "where_id", unit_id)


def find_by_no(conn: Connection, no: int) -> Unit | None:
    """The unit of that number, if the caller may see it."""
    return _one(conn, "where_no", no)


def find_by_rescue_code(conn: Connection, code: str) -> Unit | None:
    """The unit of a 6-digit plate (救援识别码), if the caller may see it."""
    return _one(conn, "where_rescue_code", code)


def require_unit(conn: Connection, unit_id: str) -> Unit:
    """The unit of that id.

    Raises
    ------
    UnknownUnitError
        There is none, or the caller may not see it.
    """
    unit = find_by_id(conn, unit_id)
    if unit is None:
        raise UnknownUnitError(f"没有设备 {unit_id} (no such unit): check the id in the registry")
    return unit


def search_units(conn: Connection, wanted: UnitFilter, after: int = 0, limit: int = PAGE) -> list[Unit]:
    """A page of units in order of their number; ``after`` is the last number of the page before."""
    values = {
        "words": wanted.text.split(),
        "kind": wanted.kind,
        "status": wanted.status,
        "jurisdiction": wanted.jurisdiction,
        "after": after,
        "limit": limit,
    }
    rows = conn.execute(f"{QUERIES.unit_columns} {QUERIES.search}", values)
    return [Unit(*row) for row in rows]


def find_numbers(conn: Connection, text: str, limit: int = FOUND_AT_MOST) -> list[int]:
    """Numbers of the units that have every word of a text, in order, at most ``limit``."""
    return [row[0] for row in conn.execute(QUERIES.find_numbers, (text.split(), limit))]


def units_for_worker(conn: Connection) -> list[UnitSummary]:
    """Every unit, as the worker needs it."""
    return [UnitSummary(*row) for row in conn.execute(QUERIES.units_for_worker)]


@contextmanager
def codes_are_free(conn: Connection) -> Iterator[None]:
    """Undo the one statement inside when it breaks a rule of the database, and say it in the field's words."""
    try:
        with conn.transaction():
            yield
    except psycopg.errors.UniqueViolation as error:
        column = (
            (violated_constraint(error) or "").removeprefix("unit_").removeprefix("organisation_").removesuffix("_key")
        )
        raise DuplicateCodeError(f"{CODE_NAMES.get(column, column)} 已被占用 (taken by another one)") from error
    except psycopg.errors.ExclusionViolation as error:
        raise DuplicateCodeError(
            f"{CODE_NAMES['rescue_code']} 在此期间属于另一台设备 (another unit's in that time)"
        ) from error
    except (psycopg.errors.NoDataFound, psycopg.errors.ForeignKeyViolation) as error:
        raise InvalidUnitError("辖区或单位不存在 (no such jurisdiction or organisation)") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise OutOfScopeError(
            "不在您的管辖范围内 (outside your scope): the registrar of that district can do this"
        ) from error


def create_unit(conn: Connection, unit: NewUnit, now: datetime) -> int:
    """Register a unit; returns its number.

    Raises
    ------
    InvalidUnitError, DuplicateCodeError, OutOfScopeError
    """
    require_sound(unit, now.astimezone(SHANGHAI).date())
    values = {f.name: getattr(unit, f.name) for f in fields(unit)}
    values |= {"parameters": Jsonb(unit.parameters or {}), "now": now, "initials": initials_of(unit)}
    with codes_are_free(conn):
        row = conn.execute(QUERIES.insert_unit, values).fetchone()
    return int(row[0]) if row else 0


def update_unit(conn: Connection, unit_id: str, changes: UnitChanges, asker: Asker, reason: str, now: datetime) -> Unit:
    """Correct values of a unit, and write who did it and what stood there before.

    Raises
    ------
    UnknownUnitError, InvalidUnitError, DuplicateCodeError, OutOfScopeError
    ChangedMeanwhileError
        It was changed since ``changes.read_at``.
    """
    conn.execute(QUERIES.lock_unit, (unit_id,))
    before = require_unit(conn, unit_id)
    if changes.read_at is not None and before.changed_at != changes.read_at:
        raise ChangedMeanwhileError(f"设备 {unit_id} 已被他人修改，请刷新后重试 (changed meanwhile: read it again)")
    unknown = changes.values.keys() - CHANGEABLE
    if unknown:
        raise InvalidUnitError(f"不可修改的字段 (these cannot be changed): {', '.join(sorted(unknown))}")
    changed = {name: value for name, value in changes.values.items() if getattr(before, name) != value}
    if not changed:
        return before
    after = replace(before, **changed)
    require_sound(after, now.astimezone(SHANGHAI).date())
    if changed.keys() & SPOKEN:
        changed = {**changed, "initials": initials_of(after)}
    stored = {name: Jsonb(value) if name == "parameters" else value for name, value in changed.items()}
    assignments = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in stored)
    statement = sql.SQL("update equipment.unit set {}, changed_at = {} where no = {}").format(
        assignments, sql.Placeholder("changed_at"), sql.Placeholder("no")
    )
    # the periods that the change opens carry its reason
    set_local(conn, "teshe.reason", reason)
    with codes_are_free(conn):
        done = conn.execute(statement, {**stored, "changed_at": now, "no": before.no}).rowcount
    if not done:
        raise OutOfScopeError("您的角色不能修改设备信息 (your role may not change a unit)")
    told = [name for name in changed if name != "initials"]
    was = {name: as_text(getattr(before, name)) for name in told}
    now_is = {name: as_text(changed[name]) for name in told}
    audit(conn, asker, "unit.edit", f"unit:{unit_id}", now, change=Change(reason, was, now_is))
    return require_unit(conn, unit_id)


def create_organisation(conn: Connection, organisation: NewOrganisation, now: datetime) -> int:
    """Register an organisation; returns its id.

    Raises
    ------
    InvalidCodeError
        The credit code cannot be right.
    DuplicateCodeError
        It is registered already.
    """
    code = None if organisation.credit_code is None else check_credit_code(organisation.credit_code)
    with codes_are_free(conn):
        row = conn.execute(
        QUERIES.insert_organisation,
        (
            organisation.kind, organisation.name, code, organisation.jurisdiction_id, organisation.address,
            organisation.duty_phone, organisation.lon, organisation.lat, organisation.datum, now,
        ),
    ).fetchone()  # fmt: skip
    return int(row[0]) if row else 0


def organisations(conn: Connection, kind: str) -> list[Organisation]:
    """All organisations of a kind that the caller may see."""
    return [Organisation(*row) for row in conn.execute(QUERIES.organisations_of_kind, (kind,))]


def create_person(
    conn: Connection,
    organisation_id: int,
    name: str,
    phone: str | None,
    duty: str,
    certificate: tuple[str, date] | None,
) -> int:
    """Register a person; ``certificate`` is its number and last valid day."""
    number, valid_to = certificate or (None, None)
    row = conn.execute(QUERIES.insert_person, (organisation_id, name, phone, duty, number, valid_to)).fetchone()
    return int(row[0]) if row else 0


def count_units(conn: Connection, today: date, jurisdiction: str = "") -> list[UnitCount]:
    """Units by kind and status below a jurisdiction (empty: all the caller may see), insured as of ``today``."""
    path = f"/{jurisdiction}/" if jurisdiction else ""
    return [UnitCount(*row) for row in conn.execute(QUERIES.counts, {"today": today, "jurisdiction": path})]


def fill_initials(conn: Connection, now: datetime) -> int:
    """Write the initials of units that were registered or renamed past this store; returns of how many."""
    found = conn.execute(QUERIES.without_initials, (FILLED_AT_ONCE,)).fetchall()
    made = [(row[0], initials_of_texts(row[1:])) for row in found]
    conn.execute(QUERIES.write_initials, ([no for no, _ in made], [text or "-" for _, text in made]))
    return len(made)


def load_jurisdictions(conn: Connection) -> None:
    """Put the city's jurisdictions into the database; those that are there stay."""
    for j in jurisdictions().values():
        conn.execute(QUERIES.insert_jurisdiction, (j.id, j.parent, j.kind, j.zh, j.en, j.gb2260, j.path))
