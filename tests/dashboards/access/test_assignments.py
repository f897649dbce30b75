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
