"""On-demand plans: three steps, conditions that must hold and go on holding; a route; reminders that come once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from equipment.registry.coordinates import Position
from maintenance.plans import service
from maintenance.plans.calendar import Maintained, next_visit, route
from maintenance.plans.conditions import Facts, Holds, conditions, met
from maintenance.slow import SlowMaintenance
from tests.conftest import Database
from tests.dashboards.test_story import record
from tests.platform import Platform, platform_over

TODAY = date(2026, 4, 1)
GOOD = Facts(
    "in_use", use_unit=True, licensed=True, grade="A", inspection="ok", insurance="soon", terminal=True, online=True
)


@pytest.fixture
def platform(database: Database, clock: ManualClock) -> Iterator[Platform]:
    with platform_over(database, clock) as made:
        yield made


BAD = [
    {"status": "stopped"}, {"use_unit": False}, {"licensed": False}, {"grade": "C"}, {"grade": None},
    {"inspection": "overdue"}, {"inspection": None}, {"insurance": "overdue"}, {"terminal": False}, {"online": None},
    {"online": False},
]  # fmt: skip


@pytest.mark.parametrize("change", BAD)
def test_every_condition_alone_keeps_a_lift_out_and_unknown_is_not_met(change: dict[str, Any]) -> None:
    assert met(conditions(GOOD))
    found = conditions(replace(GOOD, **change))
    assert sum(c.holds is not Holds.YES for c in found) == 1


def test_an_accepted_interval_stands_in_the_place_of_fifteen_days_and_a_year_stays_a_year() -> None:
    lift = Maintained("A", "A", "", (("year", TODAY - timedelta(days=20)),), None, interval_days=30)
    visit = next_visit(lift, TODAY)
    assert (visit.level, visit.on, visit.state) == ("half_month", TODAY + timedelta(days=10), "ok")
    late = Maintained("A", "A", "", (("year", TODAY - timedelta(days=366)), ("half_month", TODAY)), None, 30)
    assert next_visit(late, TODAY).level == "year"


@given(st.lists(st.tuples(st.floats(116, 117), st.floats(33, 34)) | st.none(), max_size=12))
def test_a_route_goes_to_every_lift_once(places: list[tuple[float, float] | None]) -> None:
    lifts = [
        Maintained(
            str(i), "", "", (("half_month", TODAY - timedelta(days=15 + i)),), None, place=Position(*p) if p else None
        )
        for i, p in enumerate(places)
    ]
    found = route([next_visit(lift, TODAY) for lift in lifts])
    assert sorted(v.unit.unit_id for v, _ in found) == sorted(lift.unit_id for lift in lifts)
    known = [metres is not None for _, metres in found[1:]]
    assert known == sorted(known, reverse=True)


def ready(platform: Platform) -> str:
    """A lift that meets every condition."""
    conn, now = platform.conn, platform.clock.now()
    row = conn.execute(
        "select u.id, u.no, u.firm_org_id from equipment.unit u"
        " join equipment.account f on f.login = 'firm' and f.organisation_id = u.firm_org_id"
        " join equipment.account p on p.login = 'property' and p.organisation_id = u.use_org_id"
        " join equipment.account i on i.login = 'inspector' join equipment.jurisdiction j on j.id = i.jurisdiction_id"
        " where u.kind = 'lift' and starts_with(u.jurisdiction_path, j.path) order by u.no"
    ).fetchone()
    assert row is not None
    unit, no, firm = row
    conn.execute("delete from equipment.credit_grade where organisation_id = %s", (firm,))
    conn.execute("delete from equipment.licence where organisation_id = %s", (firm,))
    conn.execute(
        "insert into equipment.licence (organisation_id, kind, number, valid, recorded_at)"
        " values (%s, 'maintenance', 'TS3', '[2020-01-01,2030-01-01)', %s)", (firm, now),
    )  # fmt: skip
    conn.execute(
        "insert into equipment.credit_grade (organisation_id, grade, since, basis, recorded_at) values (%s, 'B', '2025-01-01', 't', %s)",
        (firm, now),
    )
    conn.execute(
        "update equipment.unit set device_model = 'TS-L2', insurance_valid_to = '2027-01-01', first_use_date = '2023-05-01' where no = %s",
        (no,),
    )
    conn.execute("reset role")
    conn.execute("alter table equipment.inspection disable trigger inspection_append_only")
    conn.execute("delete from equipment.inspection where unit_no = %s", (no,))
    for kind, on in (("supervision", "2023-05-01"), ("periodic", "2024-05-01")):
        conn.execute(
            "insert into equipment.inspection (unit_no, kind, performed_on, conclusion, recorded_at) values (%s, %s, %s, 'passed', %s)",
            (no, kind, on, now),
        )
    conn.execute("update ingest.unit_state set online = true where unit_no = %s", (no,))
    if conn.execute("select 1 from ingest.unit_state where unit_no = %s", (no,)).fetchone() is None:
        conn.execute("insert into ingest.unit_state (unit_no, online) values (%s, true)", (no,))
    conn.execute("set role teshe_system")
    return str(unit)


def test_the_firm_proposes_the_use_unit_agrees_the_authority_accepts_and_a_lost_grade_suspends(
    platform: Platform,
) -> None:
    unit = ready(platform)
    firm, director, inspector = (
        platform.person(r) for r in (Role.FIRM_MANAGER, Role.USE_UNIT_DIRECTOR, Role.INSPECTOR)
    )
    body = {"unit": unit, "interval_days": 30, "items": "按附件", "quality_target": "月困人率低于 0.5 次"}
    plan = firm.post("/on-demand-plans", body)
    assert {c["name"] for c in plan["conditions"] if c["holds"] != "yes"} == set(), plan["conditions"]
    assert firm.send("/on-demand-plans", body).status_code == 409
    assert inspector.send(f"/on-demand-plans/{plan['id']}/accept", {}).status_code == 409
    director.post(f"/on-demand-plans/{plan['id']}/agree", {})
    accepted = inspector.post(f"/on-demand-plans/{plan['id']}/accept", {})
    assert accepted["state"] == "accepted"
    mode = "select maintenance_mode from equipment.unit where id = %s"
    assert platform.conn.execute(mode, (unit,)).fetchone() == ("on_demand",)
    assert next(lift for lift in service.lifts(platform.conn) if lift.unit.unit_id == unit).unit.interval_days == 30
    platform.conn.execute("update equipment.credit_grade set grade = 'C' where basis = 't'")
    assert service.suspend_unmet(platform.conn, platform.clock.now()) == 1
    assert platform.conn.execute(mode, (unit,)).fetchone() == ("traditional",)
    assert inspector.send(f"/on-demand-plans/{plan['id']}/accept", {}).status_code == 409
    page = director.client.get("/on-demand-plans").text
    assert "不符合" in page
    ended = firm.post(f"/on-demand-plans/{plan['id']}/end", {"reason": "改回传统"})
    assert ended["state"] == "ended"


def test_a_worker_has_his_lifts_and_a_reminder_comes_once(platform: Platform) -> None:
    unit = ready(platform)
    firm = platform.person(Role.FIRM_MANAGER)
    row = platform.conn.execute(
        "insert into equipment.person (organisation_id, name, duty) select organisation_id, '赵六', '维保' from equipment.account where login = 'firm' returning id"
    ).fetchone()
    assert row is not None
    firm.post(f"/units/{unit}/worker", {"person": row[0]})
    assert firm.send(f"/units/{unit}/worker", {"person": 999_999}).status_code == 409
    platform.person(Role.FIRM_WORKER).post("/records", record(platform, unit, "none", ""), Idempotency_Key="visit-0001")
    work = SlowMaintenance("", platform.clock)
    count = "select count(*) from maintenance.reminder m join equipment.unit u on u.no = m.unit_no where u.id = %s and m.kind = %s"
    platform.clock.advance(14 * 86_400)
    work.turn(platform.conn, platform.clock.now())
    assert platform.conn.execute(count, (unit, "visit")).fetchone() == (0,)
    assert platform.conn.execute(count, (unit, "confirmation")).fetchone() == (1,)
    for _ in range(3):
        platform.clock.advance(86_400 / 3)
        work.turn(platform.conn, platform.clock.now())
    assert platform.conn.execute(count, (unit, "visit")).fetchone() == (1,)
    platform.people.clear()
    page = platform.person(Role.FIRM_WORKER).client.get(f"/firm/plan?worker={row[0]}").text
    assert "今日到期" in page
    assert "赵六" in page
