"""Shelves, service and suppression by design over the API and the jobs, in scripted time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from tests.conftest import Database
from tests.pipeline import FREED, TRAPPED
from tests.platform import Platform, platform_over

LIFT = "L000001"
TEMPERATURE = {"machine_room_temp_c": 45.0}


@pytest.fixture
def city(database: Database, clock: ManualClock) -> Iterator[Platform]:
    with platform_over(database, clock) as made:
        yield made


def raise_alarm(city: Platform, rule: str, values: dict[str, Any], seconds: float) -> str:
    city.pipeline.send(LIFT, values)
    city.turn(seconds)
    row = city.conn.execute(
        "select id from alarms.alarm where rule = %s order by raised_at desc limit 1", (rule,)
    ).fetchone()
    assert row is not None
    return str(row[0])


def state(city: Platform, key: str) -> str:
    return str(city.person(Role.DESK).get(f"/alarms/{key}")["state"])


def act(city: Platform, key: str, what: str, **body: Any) -> Any:
    return city.person(Role.DESK).send(f"/alarms/{key}/{what}", body)


def events(city: Platform, key: str) -> list[str]:
    return [e["event"] for e in city.person(Role.DESK).get(f"/alarms/{key}/history")["history"]]


def test_a_shelf_ends_by_itself_and_what_is_present_pages_again(city: Platform) -> None:
    key = raise_alarm(city, "lift.machine_room_hot", TEMPERATURE, 605)
    until = (city.clock.now() + timedelta(minutes=4)).isoformat()
    assert act(city, key, "shelve", reason="空调检修", until=until).status_code == 200
    city.turn(239)
    assert state(city, key) == "shelved"
    city.turn(10)
    assert state(city, key) == "unacknowledged"
    assert events(city, key) == ["raised", "shelved", "released"]
    muted = city.person(Role.DESK).get(f"/alarms/{key}/history")["suppressions"]
    assert [(m["kind"], m["scope"], m["reason"]) for m in muted] == [("timed", "alarm", "空调检修")]
    assert muted[0]["author"]
    assert muted[0]["expires_at"]


def test_a_one_shot_shelf_ends_with_the_condition(city: Platform) -> None:
    key = raise_alarm(city, "lift.machine_room_hot", TEMPERATURE, 605)
    assert act(city, key, "shelve", reason="一次", one_shot=True).status_code == 200
    city.pipeline.send(LIFT, {"machine_room_temp_c": 25.0})
    city.turn(120)
    assert state(city, key) == "normal"
    assert events(city, key)[-2:] == ["cleared", "released"]


def test_an_entrapment_is_shelved_by_a_person_not_for_long_and_its_latch_survives(city: Platform) -> None:
    key = raise_alarm(city, "lift.entrapment", TRAPPED, 50)
    now = city.clock.now()
    refused = act(city, key, "shelve", reason="误报", until=(now + timedelta(minutes=16)).isoformat())
    assert refused.status_code == 422
    assert "15" in refused.text
    assert act(city, key, "shelve", reason="误报", until=now.isoformat()).status_code == 422
    assert act(city, key, "out-of-service", reason="误报").status_code == 422
    assert act(city, key, "shelve", reason="现场试验").status_code == 200
    city.pipeline.send(LIFT, FREED)
    city.turn(30)
    assert state(city, key) == "shelved"
    city.turn(15 * 60)
    assert state(city, key) == "latched_unacknowledged"
    assert act(city, key, "reset", reason="现场确认").status_code in (409, 422)
    assert act(city, key, "acknowledge").status_code == 200
    assert act(city, key, "reset", reason="现场确认").status_code == 200
    assert state(city, key) == "normal"


def test_an_entrapment_in_inspection_mode_is_not_muted_without_end(city: Platform) -> None:
    key = raise_alarm(city, "lift.entrapment", TRAPPED | {"service_mode": 2}, 50)
    assert state(city, key) == "suppressed_by_design"
    assert city.conn.execute("select count(*) from alarms.incident").fetchone() == (0,)
    city.clock.advance(timedelta(minutes=61).total_seconds())
    city.turn()
    city.turn(1)
    assert state(city, key) == "unacknowledged"
    assert city.conn.execute("select count(*) from alarms.incident").fetchone() == (1,)


def test_a_stopped_lift_goes_out_of_service_and_comes_back_but_its_entrapment_stays(city: Platform) -> None:
    hot = raise_alarm(city, "lift.machine_room_hot", TEMPERATURE, 605)
    trapped = raise_alarm(city, "lift.entrapment", TRAPPED, 50)
    city.conn.execute("update equipment.unit set status = 'stopped' where id = %s", (LIFT,))
    city.turn(70)
    assert state(city, hot) == "out_of_service"
    assert state(city, trapped) == "unacknowledged"
    city.conn.execute("update equipment.unit set status = 'in_use' where id = %s", (LIFT,))
    city.turn(70)
    assert state(city, hot) == "unacknowledged"


def test_what_a_person_takes_out_of_service_only_a_person_returns(city: Platform) -> None:
    key = raise_alarm(city, "lift.machine_room_hot", TEMPERATURE, 605)
    assert act(city, key, "out-of-service", reason="传感器更换").status_code == 200
    city.turn(3600)
    assert state(city, key) == "out_of_service"
    assert act(city, key, "unshelve", reason="x").status_code == 422
    assert act(city, key, "return-to-service", reason="已更换").status_code == 200
    assert state(city, key) == "unacknowledged"


def test_comments_and_assignments_are_history_and_change_no_state(city: Platform) -> None:
    key = raise_alarm(city, "lift.machine_room_hot", TEMPERATURE, 605)
    assert act(city, key, "comment", text="已电话通知物业").status_code == 200
    offered = city.person(Role.DESK).get(f"/alarms/{key}/assignable")
    firm = next(one for one in offered if one["role"] == "firm")
    assert act(city, key, "assign", assignee=f"organisation:{firm['id']}").status_code == 200
    shown = city.person(Role.DESK).get(f"/alarms/{key}")
    assert (shown["state"], shown["assigned_to"]) == ("unacknowledged", firm["name"])
    assert shown["assigned_organisation"] == firm["id"]
    assert events(city, key) == ["raised", "commented", "assigned"]


def test_an_alarm_is_given_only_to_somebody_who_looks_after_its_lift(city: Platform) -> None:
    key = raise_alarm(city, "lift.machine_room_hot", TEMPERATURE, 605)
    assert act(city, key, "assign", assignee="organisation:999999").status_code == 422
    assert act(city, key, "assign", assignee="值班张工").status_code == 422
    offered = city.person(Role.DESK).get(f"/alarms/{key}/assignable")
    seat = next(one for one in offered if one["kind"] == "account" and one["role"] == "desk")
    assert act(city, key, "assign", assignee=f"account:{seat['id']}", reason="换班").status_code == 200
    given = city.person(Role.DESK).get(f"/alarms/{key}")
    assert (given["assigned_account"], given["assigned_organisation"]) == (seat["id"], None)
    # a firm sees its own people, never the authority's
    offered = city.person(Role.FIRM_MANAGER).client.get(f"/api/v1/alarms/{key}/assignable")
    if offered.status_code == 200:
        assert all(one["role"] not in ("desk", "inspector", "regulator") for one in offered.json())


def test_an_acknowledgement_is_told_to_every_page_in_the_same_transaction(city: Platform) -> None:
    key = raise_alarm(city, "lift.machine_room_hot", TEMPERATURE, 605)
    city.person(Role.DESK).post(f"/alarms/{key}/acknowledge", {})
    row = city.conn.execute(
        "select count(*) from alarms.alarm_event where alarm_id = %s and event = 'acknowledged'", (key,)
    ).fetchone()
    assert row == (1,)
    city.turn()
    told = city.conn.execute(
        "select payload ->> 'event' from equipment.stream_entry where stream = 'desk' and payload ->> 'alarm_id' = %s"
        " order by seq", (key,),
    ).fetchall()  # fmt: skip
    assert told[-1] == ("acknowledged",)


def test_when_the_inspection_ends_what_is_still_present_pages(city: Platform) -> None:
    key = raise_alarm(city, "lift.machine_room_hot", TEMPERATURE | {"service_mode": 2}, 605)
    assert state(city, key) == "suppressed_by_design"
    city.pipeline.send(LIFT, {"service_mode": 2})
    city.turn(5)
    assert state(city, key) == "suppressed_by_design"
    city.pipeline.send(LIFT, {"service_mode": 1})
    city.turn(5)
    city.pipeline.send(LIFT, {"service_mode": 1})
    city.turn(1)
    assert state(city, key) == "unacknowledged"
    assert events(city, key) == ["raised", "released"]
    last = city.person(Role.DESK).get(f"/alarms/{key}/history")["history"][-1]
    assert "抑制条件已结束" in last["reason"]


def test_when_the_inspection_ends_after_the_condition_nothing_pages(city: Platform) -> None:
    key = raise_alarm(city, "lift.machine_room_hot", TEMPERATURE | {"service_mode": 2}, 605)
    city.pipeline.send(LIFT, {"machine_room_temp_c": 25.0})
    city.turn(120)
    city.pipeline.send(LIFT, {"service_mode": 1})
    city.turn(5)
    assert state(city, key) == "normal"
