"""The registry (设备台账) in the database. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime

from psycopg.types.json import Jsonb

from equipment.catalogue.varieties import jurisdictions
from equipment.errors import UnknownUnitError
from equipment.foundation.database import Connection, load_queries
from equipment.registry.codes import check_credit_code
from equipment.registry.model import NewUnit, Organisation, Unit, UnitSummary

QUERIES = load_queries(__file__)
PAGE = 50


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
        "text": wanted.text,
        "like": "%" + wanted.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%",
        "kind": wanted.kind,
        "status": wanted.status,
        "jurisdiction": f"/{wanted.jurisdiction}/" if wanted.jurisdiction else "",
        "after": after,
        "limit": limit,
    }
    rows = conn.execute(f"{QUERIES.unit_columns} {QUERIES.search}", values)
    return [Unit(*row) for row in rows]


def units_for_worker(conn: Connection) -> list[UnitSummary]:
    """Every unit, as the worker needs it."""
    return [UnitSummary(*row) for row in conn.execute(QUERIES.units_for_worker)]


def create_unit(conn: Connection, unit: NewUnit, now: datetime) -> int:
    """Register a unit; returns its number."""
    values = {f.name: getattr(unit, f.name) for f in fields(unit)}
    values |= {"parameters": Jsonb(unit.parameters or {}), "now": now}
    row = conn.execute(QUERIES.insert_unit, values).fetchone()
    return int(row[0]) if row else 0


def create_organisation(conn: Connection, organisation: NewOrganisation, now: datetime) -> int:
    """Register an organisation; returns its id.

    Raises
    ------
    InvalidCodeError
        The credit code cannot be right.
    """
    code = None if organisation.credit_code is None else check_credit_code(organisation.credit_code)
    row = conn.execute(
        QUERIES.insert_organisation,
        (
            organisation.kind, organisation.name, code, organisation.jurisdiction_id, organisation.address,
            organisation.duty_phone, organisation.lon, organisation.lat, organisation.datum, now,
        ),
    ).fetchone()  # fmt: skip
    return int(row[0]) if row else 0


def find_organisation(conn: Connection, organisation_id: int) -> Organisation | None:
    """The organisation, if the caller may see it."""
    row = conn.execute(QUERIES.organisation, (organisation_id,)).fetchone()
    return None if row is None else Organisation(*row)


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


def people_of(conn: Connection, organisation_id: int) -> Sequence[Person]:
    """The people of an organisation."""
    return [Person(*row) for row in conn.execute(QUERIES.people_of, (organisation_id,))]


def count_units(conn: Connection, today: date, jurisdiction: str = "") -> list[UnitCount]:
    """Units by kind and status below a jurisdiction (empty: all the caller may see), insured as of ``today``."""
    path = f"/{jurisdiction}/" if jurisdiction else ""
    return [UnitCount(*row) for row in conn.execute(QUERIES.counts, {"today": today, "jurisdiction": path})]


def load_jurisdictions(conn: Connection) -> None:
    """Put the city's jurisdictions into the database; those that are there stay."""
    for j in jurisdictions().values():
        conn.execute(QUERIES.insert_jurisdiction, (j.id, j.parent, j.kind, j.zh, j.en, j.gb2260, j.path))
