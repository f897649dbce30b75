"""Two filling stations with a few cylinders at a scripted time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from equipment.access import scope
from equipment.access.model import Asker, Role
from equipment.cylinders import filling, register, stations
from equipment.cylinders.filling import FillCall
from equipment.cylinders.model import BatchAnswer, Fill, NewCylinder
from equipment.cylinders.settings import CylinderSettings
from equipment.cylinders.stations import Caller, NewLicence
from equipment.foundation.clock import SHANGHAI, ManualClock
from equipment.foundation.database import Connection, DatabaseRole
from equipment.registry.store import NewOrganisation, create_organisation, load_jurisdictions
from tests.conftest import Database

MADE = date(2023, 5, 1)
DUE = date(2027, 5, 1)


@dataclass
class Yard:
    """Station A in 埇桥区 and station B in 砀山县, each licensed for LPG, each with cylinders A-0001.. and B-0001.."""

    database: Database
    conn: Connection
    clock: ManualClock
    a: int
    b: int
    keys: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))

    def cylinder(self, code: str, station: int | None = None, **values: Any) -> None:
        """Register one more."""
        made: dict[str, Any] = {
            "maker_code": "10890", "serial": f"S{code}", "make_date": MADE, "variety_code": "2320", "medium": "lpg",
            "code": code, "tare_kg": 16.5, "max_fill_kg": 14.9, "next_inspection": DUE,
        }  # fmt: skip
        raw = msgspec.Raw(msgspec.json.encode(NewCylinder(**(made | values))))
        answer = register.register(self.conn, [raw], station or self.a, None, self.clock.now())
        assert answer.registered == 1, answer

    def fill(self, code: str, minutes: float = 0, **values: Any) -> Fill:
        """A sound fill, ``minutes`` from now."""
        at = self.clock.now() + timedelta(minutes=minutes)
        made: dict[str, Any] = {
            "code": code, "medium": "lpg", "checked_at": at - timedelta(minutes=5), "filled_at": at,
            "appearance_ok": True, "leak_free": True, "residual_mpa": 0.1, "empty_kg": 16.6, "full_kg": 31.0,
            "gun": "G1", "scale": "S1", "filler": "王充装", "checker": "李检查",
        }  # fmt: skip
        return Fill(**(made | values))

    def send(self, *fills: Fill, station: int | None = None, key: str | None = None) -> BatchAnswer:
        """A call of a station's filling system, under the system role."""
        call = FillCall([msgspec.Raw(msgspec.json.encode(fill)) for fill in fills])
        name = key or f"key-{next(self.keys):06d}"
        caller = Caller(station or self.a, None)
        return filling.submit(self.conn, call, name, caller, self.clock.now(), CylinderSettings())

    def state(self, code: str) -> str:
        """Where a cylinder stands."""
        row = self.conn.execute("select state from equipment.cylinder where code = %s", (code,)).fetchone()
        assert row is not None
        return str(row[0])

    def asker(self, role: Role, organisation: int | None = None, path: str | None = None) -> Asker:
        """Somebody with a scope."""
        return Asker(1, role.value, role.value, role, organisation, path)

    def as_asker(self, asker: Asker) -> Connection:
        """A scoped connection with that scope set; what was done before must be committed."""
        self.conn.commit()
        conn = self.database.connect(DatabaseRole.SCOPED)
        scope.apply(conn, asker)
        return conn

    def count(self, table: str) -> int:
        """Rows of a table."""
        row = self.conn.execute(f"select count(*) from equipment.{table}".encode()).fetchone()
        return int(row[0]) if row else 0


def _build(database: Database, clock: ManualClock) -> Iterator[Yard]:
    with database.connect() as conn:
        load_jurisdictions(conn)
        now: datetime = clock.now()
        today = now.astimezone(SHANGHAI).date()
        found = []
        for name, home in (("甲充装站", "341302"), ("乙充装站", "341321")):
            station = create_organisation(conn, NewOrganisation("filling_station", name, home), now)
            stations.register_station(conn, station, None, now)
            licence = NewLicence("TS4234001", ["lpg"], today - timedelta(days=1_000), today + timedelta(days=700))
            stations.add_licence(conn, station, licence, None, now)
            found.append(station)
        yard = Yard(database, conn, clock, found[0], found[1])
        for code in ("A-0001", "A-0002", "A-0003"):
            yard.cylinder(code)
        yard.cylinder("B-0001", yard.b)
        conn.commit()
        yield yard
        conn.rollback()


@pytest.fixture
def yard(database: Database, clock: ManualClock) -> Iterator[Yard]:
    yield from _build(database, clock)


@pytest.fixture
def each_yard(each_database: Database, clock: ManualClock) -> Iterator[Yard]:
    """On every level of the database that is here."""
    yield from _build(each_database, clock)
