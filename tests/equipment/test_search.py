"""Search: every way somebody names a lift, under every scope."""

from __future__ import annotations

from datetime import timedelta

import pytest

from equipment.access.model import Role
from equipment.foundation.database import Connection
from equipment.registry import store
from equipment.registry.store import UnitChanges, UnitFilter
from tests.conftest import START
from tests.equipment.register import Register, as_scoped, as_system


@pytest.fixture
def register(conn: Connection) -> Register:
    made = Register(conn, START)
    made.unit(1, certificate_no="梯11皖L00001(24)", internal_no="A 7#")
    made.unit(
        2,
        jurisdiction_id="341321-01",
        name="砀城广场 2 号扶梯",
        place_name="砀城广场",
        building="",
        address="人民路3号",
    )
    made.unit(3, use_org_id=made.use_units[1], firm_org_id=made.firms[1], building="13栋", entrance="2单元")
    return made


def found(conn: Connection, text: str, **more: str) -> list[str]:
    return [u.id for u in store.search_units(conn, UnitFilter(text, **more))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("130001", ["L000001"]), ("l000002", ["L000002"]), ("311010000201900003", ["L000003"]),
        ("梯11皖L00001（24）", ["L000001"]), ("汴河花园", ["L000001", "L000003"]), ("汴河", ["L000001", "L000003"]),
        ("13栋2单元", ["L000003"]), ("汴河花园 13栋", ["L000003"]), ("bhhy13d", ["L000003"]), ("BHHY", ["L000001", "L000003"]),
        ("砀", ["L000002"]), ("2号扶梯", ["L000002"]), ("人民路", ["L000002"]), ("没有的小区", []), ("%", []), ("A7#", ["L000001"]),
        ("", ["L000001", "L000002", "L000003"]),
    ],
)  # fmt: skip
def test_a_lift_is_found_by_what_people_call_it(
    register: Register, conn: Connection, text: str, expected: list[str]
) -> None:
    assert found(conn, text) == expected


def test_a_new_name_is_found_and_the_old_one_is_not(register: Register, conn: Connection) -> None:
    asker = register.asker(Role.REGULATOR, "341300")
    changes = UnitChanges({"name": "东昌御景1栋电梯", "place_name": "东昌御景"})
    store.update_unit(conn, "L000001", changes, asker, "更名", START + timedelta(days=1))
    assert found(conn, "dcyj") == ["L000001"]
    assert found(conn, "汴河花园") == ["L000003"]
    conn.execute("update equipment.unit set name = '拂晓名邸', place_name = '' where id = 'L000001'")
    assert found(conn, "fxmd") == []
    assert store.fill_initials(conn, START) == 1
    assert found(conn, "fxmd") == ["L000001"]


def test_the_search_shows_what_the_policy_shows(register: Register, conn: Connection) -> None:
    askers = [
        register.asker(Role.INSPECTOR, "341302"), register.asker(Role.REGULATOR, "341300"),
        register.asker(Role.FIRM_MANAGER, register.firms[1]), register.asker(Role.USE_UNIT_OFFICER, register.use_units[0]),
        register.asker(Role.FIRM_MANAGER, register.firms[2]),
    ]  # fmt: skip
    for asker in askers:
        as_scoped(conn, asker)
        by_policy = [row[0] for row in conn.execute("select id from equipment.unit order by no")]
        assert found(conn, "") == by_policy
        assert found(conn, "1300") == by_policy
        assert found(conn, "130003") == [i for i in by_policy if i == "L000003"]
        as_system(conn)
    conn.execute("set local role teshe_scoped")
    assert found(conn, "汴河花园") == []


def test_pages_go_on_by_key_and_filters_narrow(register: Register, conn: Connection) -> None:
    first = store.search_units(conn, UnitFilter("1300"), limit=2)
    rest = store.search_units(conn, UnitFilter("1300"), after=first[-1].no, limit=2)
    assert [u.id for u in (*first, *rest)] == ["L000001", "L000002", "L000003"]
    assert found(conn, "1300", jurisdiction="341302") == ["L000001", "L000003"]
    assert found(conn, "", status="stopped") == []
    assert found(conn, "1300", kind="crane") == []
