"""Where an inspector acts, at scripted times: dated assignments, delegations that end by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from tests.conftest import START, Database
from tests.dashboards.access.test_scope_oracle import DISTRICTS, PASSWORD, Town, build
from tests.pipeline import TRAPPED
from tests.platform import Person, platform_over

HOME, OTHER = DISTRICTS
DAY = 24 * 3600


@pytest.fixture
def town(database: Database, clock: ManualClock) -> Iterator[Town]:
    lifts, everybody = build(database)
    with platform_over(database, clock) as platform:
        yield Town(platform, lifts, everybody)


class Cast:
    """The security administrator of the city, and the inspector of one district."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.inspector_login = next(w.login for w in town.everybody if w.role is Role.INSPECTOR and w.bound == HOME)
        self.admin_login = next(
            w.login for w in town.everybody if w.role is Role.SECURITY_ADMIN and w.bound == "341300"
        )
        self.number = self._number(self.inspector_login)

    def _number(self, login: str) -> int:
        row = self.town.platform.conn.execute("select id from equipment.account where login = %s", (login,)).fetchone()
        assert row is not None
        return int(row[0])

    def inspector(self) -> Person:
        return self.town.platform.log_in(self.inspector_login, PASSWORD)

    def admin(self) -> Person:
        return self.town.platform.log_in(self.admin_login, PASSWORD)

    def lifts_in(self, district: str) -> set[str]:
        return {lift.id for lift in self.town.lifts if lift.district == district}

    def give(self, kind: str, until: datetime | None, since: datetime | None = None, **more: Any) -> Any:
        body = {"jurisdiction_id": OTHER, "kind": kind, "reason": "轮岗"} | more
        body |= {"until": until.isoformat()} if until else {}
        body |= {"since": since.isoformat()} if since else {}
        return self.admin().send(f"/accounts/{self.number}/assignments", body)


def seen(person: Person) -> set[str]:
    return {unit["id"] for unit in person.get("/units?limit=500")}


@pytest.fixture
def cast(town: Town) -> Cast:
    return Cast(town)


def test_an_assignment_moves_the_scope_on_its_day_and_back_after_it(cast: Cast, clock: ManualClock) -> None:
    answer = cast.give("assignment", START + timedelta(days=2), START + timedelta(days=1))
    assert answer.status_code == 201, answer.text
    assert seen(cast.inspector()) == cast.lifts_in(HOME)
    clock.advance(DAY)
    person = cast.inspector()
    assert seen(person) == cast.lifts_in(OTHER)
    clock.advance(DAY / 4)
    assert seen(person) == cast.lifts_in(OTHER)
    clock.advance(DAY * 3 / 4)
    assert seen(cast.inspector()) == cast.lifts_in(HOME)


def test_a_delegation_is_taken_up_for_a_session_and_ends_by_itself_within_it(cast: Cast, clock: ManualClock) -> None:
    number = cast.give("delegation", START + timedelta(hours=2)).json()["id"]
    person, elsewhere = cast.inspector(), cast.inspector()
    assert seen(person) == cast.lifts_in(HOME)
    before = person.client.cookies["teshe_session"]
    person.post("/me/acting", {"assignment_id": number})
    assert person.client.cookies["teshe_session"] != before, "more rights, another name"
    assert (seen(person), seen(elsewhere)) == (cast.lifts_in(OTHER), cast.lifts_in(HOME))
    person.post("/me/acting", {})
    assert seen(person) == cast.lifts_in(HOME)
    person.post("/me/acting", {"assignment_id": number})
    clock.advance(2 * 3600)
    assert seen(person) == cast.lifts_in(HOME)
    assert person.send("/me/acting", {"assignment_id": number}).status_code == 422
    assert [a["holds"] for a in person.get("/me/assignments")] == [False]


def test_a_delegation_that_is_ended_is_over_at_once(cast: Cast) -> None:
    number = cast.give("delegation", START + timedelta(days=10)).json()["id"]
    person = cast.inspector()
    person.post("/me/acting", {"assignment_id": number})
    cast.admin().post(f"/accounts/{cast.number}/assignments/{number}/end", {})
    assert seen(person) == cast.lifts_in(HOME)
    rows = cast.town.platform.conn.execute(
        "select action from equipment.audit_entry where action like 'assignment.%' order by id"
    ).fetchall()
    assert [r[0] for r in rows] == ["assignment.give", "assignment.take_up", "assignment.end"]


def test_what_cannot_be_given(cast: Cast) -> None:
    assert cast.give("delegation", None).status_code == 422
    assert cast.give("delegation", START + timedelta(days=93)).status_code == 422
    assert cast.give("delegation", START - timedelta(days=1)).status_code == 422
    assert cast.give("assignment", None, jurisdiction_id="nowhere").status_code == 422
    district = next(w.login for w in cast.town.everybody if w.role is Role.SECURITY_ADMIN and w.bound == HOME)
    beyond = cast.town.platform.log_in(district, PASSWORD).send(
        f"/accounts/{cast.number}/assignments", {"jurisdiction_id": OTHER, "kind": "assignment", "reason": "x"}
    )
    assert beyond.status_code == 422
    own = cast._number(cast.admin_login)
    body = {"jurisdiction_id": OTHER, "kind": "assignment", "reason": "x"}
    assert cast.admin().send(f"/accounts/{own}/assignments", body).status_code == 422
    firm = cast._number(next(w.login for w in cast.town.everybody if w.role is Role.FIRM_MANAGER))
    assert cast.admin().send(f"/accounts/{firm}/assignments", body).status_code == 422


def test_nobody_takes_up_what_is_anothers(cast: Cast) -> None:
    number = cast.give("delegation", START + timedelta(days=1)).json()["id"]
    other = next(w.login for w in cast.town.everybody if w.role is Role.INSPECTOR and w.bound == OTHER)
    person = cast.town.platform.log_in(other, PASSWORD)
    assert person.send("/me/acting", {"assignment_id": number}).status_code == 422
    assert seen(person) == cast.lifts_in(OTHER)


def sent(person: Person, address: str, **form: str) -> Any:
    return person.client.post(address, data={"_csrf": person.csrf} | form, follow_redirects=False)


def test_the_page_gives_ends_and_says_what_is_wrong(town: Town) -> None:
    cast = Cast(town)
    admin, page = cast.admin(), f"/accounts/{cast.number}/assignments"
    assert "没有任职或代理记录" in admin.client.get(page).text
    wrong = sent(admin, page, kind="delegation", jurisdiction_id=OTHER, reason="替班到月底")
    assert (wrong.status_code, "代理须有期限" in wrong.text, "替班到月底" in wrong.text) == (422, True, True)
    assert (
        sent(admin, page, kind="delegation", jurisdiction_id=OTHER, until="2026-13-01", reason="x").status_code == 422
    )
    assert (
        sent(admin, page, kind="delegation", jurisdiction_id=OTHER, until="2026-03-06", reason="替班").status_code
        == 303
    )
    row = town.platform.conn.execute("select id, until from equipment.assignment").fetchone()
    assert row is not None
    assert row[1].isoformat() == "2026-03-06T16:00:00+00:00", "until Friday: its last moment in the city"
    shown = admin.client.get(page).text
    assert "替班" in shown
    inspector = cast.inspector()
    assert "替班" in inspector.client.get("/account").text
    assert sent(inspector, "/account/acting", assignment=str(row[0])).status_code == 303
    assert seen(inspector) == cast.lifts_in(OTHER)
    assert "正在代理" in inspector.client.get("/account").text
    assert sent(inspector, "/account/acting").status_code == 303
    assert seen(inspector) == cast.lifts_in(HOME)
    assert sent(inspector, "/account/acting", assignment=str(row[0])).status_code == 303
    assert sent(admin, f"{page}/{row[0]}/end").status_code == 303
    assert seen(inspector) == cast.lifts_in(HOME)
    assert sent(admin, f"{page}/{row[0]}/end").status_code == 422
    refused = inspector.client.get(page)
    assert refused.status_code == 403


def test_a_hand_over_moves_the_alarms_charged_to_a_person(town: Town) -> None:
    cast, conn = Cast(town), town.platform.conn
    town.platform.pipeline.send(town.lifts[0].id, TRAPPED)
    town.platform.turn(60)
    firm = town.lifts[0].firm
    worker = next(w for w in town.everybody if w.role is Role.FIRM_WORKER and w.bound == firm)
    other_firm = next(w for w in town.everybody if w.role is Role.FIRM_WORKER and w.bound != firm)
    leaving = cast._number(worker.login)
    made = conn.execute(
        "insert into equipment.account (login, display_name, password_hash, role, organisation_id, created_at)"
        " select 'heir', '接班人', 'x', role, organisation_id, now() from equipment.account where id = %s returning id", (leaving,),
    ).fetchone()  # fmt: skip
    assert made is not None
    conn.execute("update alarms.alarm set assigned_account = %s, assigned_to = 'x' where state <> 'normal'", (leaving,))
    admin, page = cast.admin(), f"/accounts/{leaving}/hand-over"
    assert sent(admin, page, to=str(cast._number(other_firm.login)), reason="离职").status_code == 422
    assert sent(admin, page, to="", reason="离职").status_code == 422
    assert sent(admin, page, to=str(made[0]), reason=" ").status_code == 422
    done = sent(admin, page, to=str(made[0]), reason="离职")
    rows = conn.execute("select assigned_account, assigned_to from alarms.alarm where state <> 'normal'").fetchall()
    assert rows
    assert set(rows) == {(made[0], "接班人")}
    assert (done.status_code, f"已移交 {len(rows)} 条报警" in done.text) == (200, True)
    event = conn.execute(
        "select reason, evidence->>'assigned_to' from alarms.alarm_event where event = 'assigned'"
    ).fetchone()
    assert event == ("离职", "接班人")
    audit = conn.execute(
        "select subject, after->>'moved' from equipment.audit_entry where action = 'work.hand_over'"
    ).fetchone()
    assert audit == (f"account:{worker.login}", str(len(rows)))
    manager = next(w for w in town.everybody if w.role is Role.FIRM_MANAGER and w.bound == firm)
    assert sent(town.person(manager), page, to=str(made[0]), reason="x").status_code == 403
