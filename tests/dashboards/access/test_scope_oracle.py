"""Every read of the interface as every role in a city of two firms and two districts, against an oracle.

The oracle knows the city as it was written down here, and nothing of the product's queries: who belongs where decides
what an answer may and must name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from equipment.access import scope
from equipment.access.matrix import permits
from equipment.access.model import SCOPE_OF, Asker, Role, ScopeKind
from equipment.credentials import store as credentials
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import DatabaseRole, ensure_login
from equipment.history import store as history
from equipment.history.model import Wanted
from equipment.registry import store
from tests.conftest import PACKAGES, START, Database
from tests.dashboards.test_permissions import routes
from tests.equipment.register import Register
from tests.pipeline import TRAPPED
from tests.platform import Person, Platform, platform_over

PASSWORD = "register-city-5"  # that of the register's accounts
CITY, DISTRICTS = "341300", ("341302", "341321")


@dataclass(frozen=True)
class Lift:
    """A lift as it was written into the register."""

    id: str
    district: str
    firm: int
    use_unit: int


@dataclass(frozen=True)
class Somebody:
    """A role with its bound, and the lifts that the oracle gives him."""

    role: Role
    bound: str | int
    login: str
    sees: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.role.value} of {self.bound}"


@dataclass
class Town:
    """The city, its lifts and everybody in it."""

    platform: Platform
    lifts: list[Lift]
    everybody: list[Somebody]
    sessions: dict[str, Person] = field(default_factory=dict)

    def person(self, who: Somebody) -> Person:
        if who.login not in self.sessions:
            self.sessions[who.login] = self.platform.log_in(who.login, PASSWORD)
        return self.sessions[who.login]


def oracle(lifts: list[Lift], role: Role, bound: str | int) -> frozenset[str]:
    """Lifts whose firm, use-unit or district is the bound."""
    kind = SCOPE_OF[role]
    return frozenset(
        lift.id
        for lift in lifts
        if (kind is ScopeKind.FIRM and lift.firm == bound)
        or (kind is ScopeKind.USE_UNIT and lift.use_unit == bound)
        or (kind is ScopeKind.JURISDICTION and bound in (CITY, lift.district))
    )


def build(database: Database) -> tuple[list[Lift], list[Somebody]]:
    with database.connect() as conn:
        register = Register(conn, START)
        lifts = []
        for number in range(8):
            district, firm, use_unit = DISTRICTS[number & 1], number >> 1 & 1, number >> 2 & 1
            lift = Lift(f"L{number + 1:06d}", district, register.firms[firm], register.use_units[use_unit])
            register.unit(
                number + 1,
                jurisdiction_id=district,
                firm_org_id=lift.firm,
                use_org_id=lift.use_unit,
                device_model="basic",
            )
            credentials.issue(conn, lift.id, START)
            lifts.append(lift)
        everybody = []
        for role in Role:
            kinds: dict[ScopeKind, tuple[str | int, ...]] = {
                ScopeKind.FIRM: tuple(register.firms[:2]),
                ScopeKind.USE_UNIT: tuple(register.use_units[:2]),
                ScopeKind.JURISDICTION: (CITY, *DISTRICTS),
            }
            for bound in kinds[SCOPE_OF[role]]:
                asker = register.asker(role, bound)
                everybody.append(Somebody(role, bound, asker.login, oracle(lifts, role, bound)))
        conn.commit()
    return lifts, everybody


def work_on(town: Town) -> None:
    """A record, a hazard and a lead of every lift: what rooms above the registry show of it."""
    now = town.platform.clock.now()
    checklists = next(w for w in town.everybody if w.role is Role.FIRM_WORKER)
    items = town.person(checklists).get(f"/units/{min(checklists.sees)}/checklist?level=half_month")
    results = [{"id": i["id"], "result": "pass"} for i in items if not i["condition_zh"]]
    results[0] |= {"result": "fail", "note": "异响"}
    for lift in town.lifts:
        worker = next(w for w in town.everybody if w.role is Role.FIRM_WORKER and w.bound == lift.firm)
        body = {
            "unit_id": lift.id, "level": "half_month", "workers": [{"name": "张三"}], "items": results,
            "sign_in": {"at": (now - timedelta(minutes=40)).isoformat()}, "sign_out": {"at": now.isoformat()},
            "submitted_at": now.isoformat(),
        }  # fmt: skip
        town.person(worker).post("/records", body, Idempotency_Key=f"oracle-{lift.id}")
        town.platform.conn.execute(
            "insert into maintenance.hazard (number, unit_no, state, grade, description, opened_at, opened_by,"
            " responsible_org_id) select 'YH-' || %(id)s, no, 'rectifying', 'general', %(id)s, %(now)s, 1, firm_org_id"
            " from equipment.unit where id = %(id)s", {"id": lift.id, "now": now},
        )  # fmt: skip
    town.platform.turn(5)


@pytest.fixture
def town(database: Database, clock: ManualClock) -> Iterator[Town]:
    lifts, everybody = build(database)
    with platform_over(database, clock) as platform:
        for lift in lifts:
            platform.pipeline.send(lift.id, TRAPPED)
        platform.turn(120)
        work_on(Town(platform, lifts, everybody))
        assert len({a[0] for a in platform.conn.execute("select unit_no from alarms.alarm")}) == len(lifts)
        yield Town(platform, lifts, everybody)


def test_the_town_tells_its_people_apart(town: Town) -> None:
    seen = {who.name: len(who.sees) for who in town.everybody}
    assert set(seen.values()) == {4, 8}
    assert len(town.everybody) == 2 * 4 + 3 * 6


def named(text: str, lifts: list[Lift]) -> set[str]:
    """Lifts that an answer names: by id, device code, plate, or credential."""
    return {
        lift.id
        for number, lift in enumerate(lifts, 1)
        if lift.id in text or f"3110100002019{number:05d}" in text or f'"{130000 + number}"' in text
    }


@pytest.mark.timeout(600)
def test_no_read_names_what_the_oracle_hides(town: Town) -> None:
    """Every GET of the interface and of the pages, once for each lift where the address takes one."""
    reads = sorted({(path, action) for method, path, action in routes() if method == "GET" and action is not None})
    assert len(reads) > 60
    numbers = {
        "alarm_id": [str(r[0]) for r in town.platform.conn.execute("select id from alarms.alarm")],
        "incident_id": [str(r[0]) for r in town.platform.conn.execute("select id from alarms.incident")],
        "unit_id": [lift.id for lift in town.lifts],
        "record_id": [
            str(r[0]) for r in town.platform.conn.execute("select id from maintenance.record order by unit_no")
        ],
        "hazard_id": [str(r[0]) for r in town.platform.conn.execute("select id from maintenance.hazard order by id")],
        "lead_id": [str(r[0]) for r in town.platform.conn.execute("select id from maintenance.lead order by id")],
    }
    assert all(numbers.values()), "a room has nothing to show, so nothing is shown about it"
    # three of each will do here: what one lift shows to whom is tried for all of them below
    numbers = {name: values[:3] for name, values in numbers.items()}
    asked = 0
    for who in town.everybody:
        client = town.person(who).client
        for path, action in reads:
            wanted = re.findall(r"\{(\w+)\}", path)
            values = numbers.get(wanted[0], ["1"]) if wanted else [""]
            for value in values:
                address = re.sub(r"\{[^}]*\}", "1", re.sub(r"\{\w+\}", value, path, count=1))
                answer = client.get(address, params={"limit": "500"}, follow_redirects=False)
                asked += 1
                assert answer.status_code < 500, f"{who.name} {address}: {answer.text[:300]}"
                assert (answer.status_code == 403) is not permits(who.role, action), f"{who.name} {address}"
                if answer.status_code == 200:
                    leaked = named(answer.text, town.lifts) - who.sees
                    assert not leaked, f"{who.name} sees {sorted(leaked)} in {address}"
    assert asked > 1_500


LISTS = (
    ("/units?limit=500", "unit.view"),
    ("/units?limit=500&q=L0000", "unit.view"),
    ("/alarms?limit=1000", "alarm.view"),
    ("/incidents?limit=1000", "incident.view"),
    ("/exports/units.csv", "unit.export"),
    ("/hazards?limit=500", "hazard.view"),
)


def test_the_lists_name_all_that_the_oracle_shows(town: Town) -> None:
    for who in town.everybody:
        for address, action in LISTS:
            if permits(who.role, action):
                answer = town.person(who).client.get(f"/api/v1{address}")
                assert answer.status_code == 200, answer.text
                shown = {lift.id for lift in town.lifts if lift.id in answer.text}
                if address.startswith("/incidents") and not shown:
                    shown = incidents_of(town, [row["id"] for row in answer.json()])
                assert shown == who.sees, f"{who.name} {address}"


def incidents_of(town: Town, ids: list[int]) -> set[str]:
    rows = town.platform.conn.execute(
        "select u.id from alarms.incident i join equipment.unit u on u.no = i.unit_no where i.id = any(%s)", (ids,)
    )
    return {row[0] for row in rows}


BY_UNIT = (
    ("/units/{}", "unit.view"),
    ("/units/{}/history", "unit.view"),
    ("/units/{}/due", "unit.view"),
    ("/units/{}/readings?signals=speed_m_s", "unit.view"),
    ("/units/{}/credentials", "device.view"),
)


def test_one_lift_is_shown_or_does_not_exist(town: Town) -> None:
    for who in town.everybody:
        for address, action in BY_UNIT:
            if permits(who.role, action):
                for lift in town.lifts:
                    answer = town.person(who).client.get(f"/api/v1{address.format(lift.id)}")
                    expected = 200 if lift.id in who.sees else 404
                    assert answer.status_code == expected, f"{who.name} {address} {lift.id}: {answer.text[:200]}"


def test_counts_and_exposure_count_what_the_oracle_counts(town: Town) -> None:
    day = "2026-03-02"
    for who in town.everybody:
        if permits(who.role, "unit.view"):
            person = town.person(who)
            assert person.get(f"/units/count?on={day}")["units"] == len(who.sees), who.name
            found = person.get("/units/exposure?since=2026-03-02&until=2026-03-03")["unit_days"]
            assert found == len(who.sees), who.name
            for district in DISTRICTS:
                expected = len({lift.id for lift in town.lifts if lift.district == district} & who.sees)
                assert person.get(f"/units/count?on={day}&district={district}")["units"] == expected, who.name


def test_a_login_that_merely_inherits_the_scoped_role_sees_no_more(town: Town, database: Database) -> None:
    """Also after RESET ROLE, when the role is not exactly teshe_scoped."""
    with database.connect(DatabaseRole.OWNER, autocommit=True) as owner:
        ensure_login(owner, "teshe_web_oracle", "oracle-secret-1", DatabaseRole.SCOPED)
    try:
        url = make_conninfo(database.url, user="teshe_web_oracle", password="oracle-secret-1")
        for who in town.everybody:
            organisation, path = (who.bound, None) if isinstance(who.bound, int) else (None, path_of(who.bound))
            asker = Asker(1, who.login, who.login, who.role, organisation, path)
            with psycopg.connect(url) as conn:
                scope.apply(conn, asker)
                found = store.search_units(conn, store.UnitFilter("", "", "", ""), 0, 500)
                assert {unit.id for unit in found} == who.sees, who.name
                assert history.units_as_of(conn, START.date(), Wanted()) == len(who.sees), who.name
                shown = {row[0] for row in conn.execute("select id from equipment.unit")}
                assert shown == who.sees, who.name
                assert conn.execute("select equipment.is_operator(), equipment.is_scoped()").fetchone() == (False, True)
            with psycopg.connect(url) as conn:
                assert store.search_units(conn, store.UnitFilter("", "", "", ""), 0, 500) == []
    finally:
        with database.connect(DatabaseRole.OWNER, autocommit=True) as owner:
            owner.execute("drop role teshe_web_oracle")


def path_of(area: str) -> str:
    return "/341300/" if area == CITY else f"/341300/{area}/"


def test_no_function_takes_a_login_for_the_system_because_its_role_has_another_name(database: Database) -> None:
    with database.connect(DatabaseRole.OWNER) as conn:
        rows = conn.execute(
            r"""select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                where n.nspname = any(%s) and p.proname not in ('is_scoped', 'is_operator')
                  and p.prosrc ~ 'current_setting\(''role''[^)]*\)\s*(=|<>|!=|is distinct from|is not distinct from)\s*''teshe_scoped'''""",
            (list(PACKAGES),),
        ).fetchall()
    assert rows == [], "ask equipment.is_scoped() instead"
