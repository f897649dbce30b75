"""Who sees and who may write what: a station its own, an inspector his area, the public no person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import msgspec
import psycopg
import pytest

from equipment.access.model import Role
from equipment.cylinders import coverage, filling, movements, register, stations, store
from equipment.cylinders.filling import read_call
from equipment.cylinders.model import Movement
from equipment.cylinders.settings import CylinderSettings
from equipment.cylinders.stations import NewLicence, NewPolicy
from equipment.errors import NotAStationError, OutOfScopeError, UnknownCylinderError
from equipment.foundation.database import Connection, DatabaseRole
from tests.equipment.cylinders.conftest import DUE, MADE, Yard

TABLES = ("cylinder", "filling_station", "filling_licence", "cylinder_refusal", "fill_batch")


def seen(conn: Connection, yard: Yard) -> tuple[int, ...]:
    """How many cylinders, stations, licences, refusals, calls, fills and traced cylinders are there."""
    now = yard.clock.now()
    rows = [conn.execute(f"select count(*) from equipment.{table}".encode()).fetchone() for table in TABLES]
    counts = [int(row[0]) for row in rows if row]
    fills = store.fills(conn, now.replace(year=2025), now.replace(year=2027))
    return *counts, len(fills), coverage.trace_coverage(conn, now.date()).cylinders


@pytest.fixture
def filled(each_yard: Yard) -> Yard:
    each_yard.send(each_yard.fill("A-0001"), each_yard.fill("B-0001"))
    each_yard.send(each_yard.fill("B-0001"), station=each_yard.b)
    return each_yard


def test_every_scope_sees_its_own_and_nothing_else(filled: Yard) -> None:
    yard = filled
    expected = (
        (yard.asker(Role.USE_UNIT_OFFICER, yard.a), (3, 1, 1, 1, 1, 1, 3)),
        (yard.asker(Role.USE_UNIT_DIRECTOR, yard.b), (1, 1, 1, 0, 1, 1, 1)),
        (yard.asker(Role.USE_UNIT_OFFICER, 999_999), (0, 0, 0, 0, 0, 0, 0)),
        (yard.asker(Role.FIRM_MANAGER, yard.a), (0, 0, 0, 0, 0, 0, 0)),
        (yard.asker(Role.INSPECTOR, None, "/341300/341302/"), (3, 1, 1, 1, 1, 1, 3)),
        (yard.asker(Role.REGULATOR, None, "/341300/"), (4, 2, 2, 1, 2, 2, 4)),
    )
    for asker, counts in expected:
        with yard.as_asker(asker) as conn:
            assert seen(conn, yard) == counts, asker
    with yard.database.connect(DatabaseRole.SCOPED) as conn:
        assert seen(conn, yard) == (0,) * 7


def test_a_station_reads_nothing_of_another_ones_cylinder(filled: Yard) -> None:
    with filled.as_asker(filled.asker(Role.USE_UNIT_DIRECTOR, filled.a)) as conn:
        with pytest.raises(UnknownCylinderError):
            store.find(conn, "B-0001")
        assert store.fills_of(conn, 4) == []
        assert store.events_of(conn, 4) == []
        for table in ("cylinder_fill", "cylinder_event"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                conn.execute(f"select * from equipment.{table}".encode())


def test_a_station_works_under_its_scope_from_registration_to_the_fill(yard: Yard) -> None:
    asker = yard.asker(Role.USE_UNIT_DIRECTOR, yard.a)
    now, settings = yard.clock.now(), CylinderSettings()
    with yard.as_asker(asker) as conn:
        made = {"maker_code": "1", "serial": "N1", "make_date": MADE, "variety_code": "2320", "medium": "lpg",
                "code": "A-NEW1", "next_inspection": DUE}  # fmt: skip
        caller = stations.caller_of(conn, asker)
        answer = register.register(conn, [msgspec.Raw(msgspec.json.encode(made))], caller.station_id, asker, now)
        assert answer.registered == 1
        call = read_call(
            msgspec.json.encode({"fills": [yard.fill("A-NEW1"), yard.fill("B-0001"), yard.fill("X-0000")]})
        )
        filled = filling.submit(conn, call, "scoped-01", caller, now, settings)
        assert (filled.accepted, filled.refused) == (1, 2)
        moved = movements.move(
            conn, "A-NEW1", Movement("deliver", recipient="张某", phone="1", address="x"), asker, now, settings
        )
        assert moved.state == "delivered"
        assert [d.recipient for d in store.deliveries_of(conn, store.find(conn, "A-NEW1").no)] == ["张某"]
    with pytest.raises(NotAStationError):
        stations.caller_of(yard.conn, yard.asker(Role.USE_UNIT_DIRECTOR, 999_999))


def test_what_is_not_ones_own_cannot_be_written(yard: Yard) -> None:
    now = yard.clock.now()
    licence = NewLicence("X", ["lpg"], MADE, DUE)
    policy = NewPolicy("P-1", "示例保险", MADE, DUE)
    director = yard.asker(Role.USE_UNIT_DIRECTOR, yard.a)
    inspector = yard.asker(Role.INSPECTOR, None, "/341300/341302/")
    made = msgspec.Raw(
        msgspec.json.encode(
            {"maker_code": "1", "serial": "N1", "make_date": MADE, "variety_code": "2320", "medium": "lpg"}
        )
    )
    refused: list[tuple[object, Callable[[Connection], object]]] = [
        (director, lambda c: stations.add_licence(c, yard.a, licence, None, now)),
        (director, lambda c: stations.add_policy(c, yard.b, policy, None, now)),
        (director, lambda c: register.register(c, [made], yard.b, None, now)),
        (inspector, lambda c: stations.add_licence(c, yard.b, licence, None, now)),
        (
            director,
            lambda c: movements.move(c, "A-0001", Movement("freeze", reason="x"), director, now, CylinderSettings()),
        ),
        (
            inspector,
            lambda c: movements.move(c, "A-0001", Movement("send_inspection"), inspector, now, CylinderSettings()),
        ),
    ]
    for asker, act in refused:
        with yard.as_asker(asker) as conn, pytest.raises(OutOfScopeError):  # type: ignore[arg-type]
            act(conn)
    with yard.as_asker(director) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("select equipment.keep_fills(%s)", (f'[{{"station_id": {yard.b}}}]',))
    with yard.as_asker(inspector) as conn:
        assert stations.add_licence(conn, yard.a, licence, None, now) > 0
        assert stations.add_policy(conn, yard.a, policy, None, now) > 0


def test_the_public_page_says_what_is_known_and_names_no_person(filled: Yard) -> None:
    yard = filled
    yard.conn.commit()
    with yard.database.connect(DatabaseRole.SCOPED) as conn:
        found = store.public(conn, "A-0001", yard.clock.now())
        assert store.public(conn, "X-0000", yard.clock.now()) is None
        assert store.public(conn, "A-\x00", yard.clock.now()) is None
    assert found is not None
    assert (found.station, found.state, found.inspection_valid, found.insured, found.licensed) == (
        "甲充装站",
        "full",
        True,
        False,
        True,
    )
    assert (found.filled_at, round(found.net_kg or 0, 1), found.end_of_life) == (
        yard.clock.now(),
        14.5,
        MADE.replace(year=2031),
    )
    assert "王充装" not in str(asdict(found))
