"""Which reports are one event, what a seat may do with them, and what is refused: through the API, at scripted times."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from tests.conftest import Database
from tests.pipeline import FREED, TRAPPED
from tests.platform import Person, Platform, platform_over

LIFT, OTHER = "L000001", "L000002"


@pytest.fixture
def city(database: Database, clock: ManualClock) -> Any:
    with platform_over(database, clock) as made:
        yield made


def call(platform: Platform, **what: Any) -> dict[str, Any]:
    receipt: dict[str, Any] = platform.person(Role.DESK).post(
        "/calls", {"category": "entrapment", "unit_id": LIFT, **what}
    )
    platform.turn()
    return receipt


def open_ones(platform: Platform) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = platform.person(Role.DESK).get("/incidents")
    return sorted(found, key=lambda i: i["id"])


def step(person: Person, incident: dict[str, Any], name: str, **body: Any) -> dict[str, Any]:
    done: dict[str, Any] = person.post(f"/incidents/{incident['id']}/{name}", {"version": incident["version"], **body})
    return done


def refused(person: Person, incident: dict[str, Any], name: str, **body: Any) -> str:
    answer = person.send(f"/incidents/{incident['id']}/{name}", {"version": incident["version"], **body})
    assert answer.status_code in (409, 422), answer.text
    return str(answer.json()["detail"])


def test_sensor_and_three_callers_are_one_incident(city: Platform) -> None:
    city.pipeline.send(LIFT, TRAPPED)
    city.turn(46)
    for people in (2, 3, 1):
        call(city, trapped=people)
        city.clock.advance(60)
    (incident,) = open_ones(city)
    # nobody is forgotten because the last caller saw fewer
    assert (incident["kind"], incident["confirmed"], incident["trapped"]) == ("entrapment", True, 3)


def test_a_complaint_neither_confirms_a_lead_nor_stops_its_clock(city: Platform) -> None:
    city.pipeline.send(LIFT, TRAPPED)
    city.turn(46)
    call(city, category="complaint")
    (incident,) = open_ones(city)
    assert (incident["state"], incident["kind"], incident["confirmed"]) == ("verifying", "entrapment", False)
    city.turn(91)
    assert open_ones(city)[0]["state"] == "dispatched"


def test_people_trapped_today_are_not_the_fault_of_yesterday(city: Platform) -> None:
    call(city, category="fault")
    city.clock.advance(3 * 3600)
    city.turn(1)
    call(city, trapped=1)
    kinds = [i["kind"] for i in open_ones(city)]
    assert kinds == ["fault", "entrapment"]


def test_people_inside_are_one_event_however_long_it_lasts(city: Platform) -> None:
    call(city, trapped=1)
    city.clock.advance(4 * 3600)
    city.turn(1)
    call(city, trapped=1)
    assert len(open_ones(city)) == 1


def test_a_fault_that_turns_out_to_hold_people_becomes_an_entrapment(city: Platform) -> None:
    call(city, category="fault")
    call(city, trapped=2)
    (incident,) = open_ones(city)
    assert (incident["kind"], incident["severity"], incident["trapped"]) == ("entrapment", "critical", 2)


def test_who_rings_again_without_a_plate_means_the_same(city: Platform) -> None:
    call(city, unit_id=None, caller_phone="13800001111", place="某小区")
    call(city, unit_id=None, caller_phone="13800001111")
    call(city, unit_id=None, caller_phone="13800002222")
    assert len(open_ones(city)) == 2


def test_merge_and_split_by_hand_with_reason(city: Platform) -> None:
    desk = city.person(Role.DESK)
    call(city, unit_id=None, trapped=2)
    call(city, trapped=1)
    placeless, placed = open_ones(city)
    assert (
        "原因"
        in desk.send(
            f"/incidents/{placeless['id']}/merge",
            {"version": placeless["version"], "into": placed["id"], "reason": " "},
        ).json()["detail"]
    )
    merged = step(desk, placeless, "merge", into=placed["id"], reason="同一电梯，乘客报错楼栋")
    assert (merged["id"], merged["trapped"]) == (placed["id"], 2)
    assert [i["id"] for i in open_ones(city)] == [placed["id"]]
    # and taken apart again
    rows = city.conn.execute("select source_kind, source_id from alarms.incident_source order by source_id").fetchall()
    assert len(rows) == 2
    everything = [{"kind": k, "id": i} for k, i in rows]
    assert "保留" in refused(desk, merged, "split", sources=everything, reason="x")
    made = step(desk, merged, "split", sources=everything[:1], unit_id=OTHER, reason="实为另一台电梯")
    assert made["id"] != merged["id"]
    assert made["state"] == "accepted"
    assert len(open_ones(city)) == 2
    events = [e["event"] for e in desk.get(f"/incidents/{merged['id']}/history")]
    assert "joined" in events
    assert events[-1] == "split"


def test_help_is_never_merged_away(city: Platform) -> None:
    desk = city.person(Role.DESK)
    call(city, trapped=1)
    call(city, unit_id=OTHER, trapped=1)
    sent, waiting = open_ones(city)
    sent = step(desk, sent, "dispatch")
    words = refused(desk, sent, "merge", into=waiting["id"], reason="同一事件")
    assert "反过来" in words
    waiting = open_ones(city)[1]
    assert step(desk, waiting, "merge", into=sent["id"], reason="同一事件")["state"] == "dispatched"


def test_a_lead_that_nobody_confirms_is_cleared_and_never_an_entrapment(city: Platform) -> None:
    city.pipeline.send(LIFT, TRAPPED)
    city.turn(46)
    city.pipeline.send(LIFT, FREED)
    city.turn(10)
    row = city.conn.execute("select state, outcome, confirmed, freed_at from alarms.incident").fetchone()
    assert row == ("auto_cleared", "auto_cleared", False, None)


@pytest.mark.parametrize(
    ("outcome", "state", "confirmed"),
    [("confirmed", "accepted", True), ("false_alarm", "cancelled", False), ("self_release", "freed", True),
     ("no_answer", "dispatched", False)],
)  # fmt: skip
def test_the_four_outcomes_of_asking(city: Platform, outcome: str, state: str, confirmed: bool) -> None:
    city.pipeline.send(LIFT, TRAPPED)
    city.turn(46)
    (incident,) = open_ones(city)
    done = step(city.person(Role.DESK), incident, "verify", detail={"outcome": outcome, "trapped": 1})
    assert (done["state"], done["confirmed"]) == (state, confirmed)


def test_the_question_card_sets_numbers_and_keeps_words(city: Platform) -> None:
    desk = city.person(Role.DESK)
    call(city, trapped=4)
    (incident,) = open_ones(city)
    told = {
        "trapped": 2,
        "injured": 1,
        "serious_injuries": 1,
        "floor": "5-6",
        "light": False,
        "ages": "70",
        "medical_rescue": True,
    }
    incident = step(desk, incident, "ask", detail=told)
    assert (incident["trapped"], incident["injured"], incident["serious_injuries"]) == (2, 1, 1)
    row = city.conn.execute("select triage, medical_rescue from alarms.incident").fetchone()
    assert row == ({"floor": "5-6", "light": False, "ages": "70"}, True)
    assert "99" in refused(desk, incident, "ask", detail={"trapped": -1})


def test_a_question_is_settled_by_phone_and_an_entrapment_is_not(city: Platform) -> None:
    desk = city.person(Role.DESK)
    call(city, trapped=1)
    (incident,) = open_ones(city)
    assert "困人" in refused(desk, incident, "settle", reason="已解答")


def test_a_step_says_when_and_an_impossible_order_is_refused(city: Platform) -> None:
    desk = city.person(Role.DESK)
    call(city, trapped=1)
    (incident,) = open_ones(city)
    city.clock.advance(300)
    incident = step(desk, incident, "dispatch")
    early = (city.clock.now() - timedelta(minutes=2)).isoformat()
    assert "不能早于派单" in refused(desk, incident, "arrive", at=early)
    late = (city.clock.now() + timedelta(minutes=2)).isoformat()
    assert "将来" in refused(desk, incident, "arrive", at=late)
    incident = step(desk, incident, "answer")
    incident = step(desk, incident, "depart")
    assert incident["state"] == "answered"
    known = city.conn.execute("select answered_how, departed_at is not null from alarms.dispatch").fetchone()
    assert known == ("phone", True)


def test_a_clock_that_goes_backwards_refuses_no_help_and_delays_none(city: Platform) -> None:
    desk = city.person(Role.DESK)
    call(city, trapped=1)
    (incident,) = open_ones(city)
    city.clock.advance(-600)
    incident = step(desk, incident, "dispatch")
    assert incident["dispatched_at"] >= incident["opened_at"]
    said = desk.get(f"/incidents/{incident['id']}/history")[-1]["detail"]
    assert said["clock_behind_seconds"] == 600
    # the timers follow the clock: the order escalates a minute later, not eleven
    city.turn()
    city.turn(61)
    levels = [r[0] for r in city.conn.execute("select level from alarms.dispatch order by id")]
    assert levels == [1, 2]


def test_running_timers_go_back_with_the_clock(city: Platform) -> None:
    desk = city.person(Role.DESK)
    call(city, trapped=1)
    step(desk, open_ones(city)[0], "dispatch")
    city.turn(10)
    city.clock.advance(-900)
    city.turn()
    city.turn(51)
    assert city.conn.execute("select count(*) from alarms.dispatch").fetchone() == (2,)
