"""Calls over the API as a call centre's software and a seat use it: one, many, chosen, counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from tests.conftest import Database
from tests.pipeline import TRAPPED
from tests.platform import Platform, platform_over

LIFT, OTHER = "L000001", "L000002"


@pytest.fixture
def platform(database: Database, clock: ManualClock) -> Iterator[Platform]:
    with platform_over(database, clock) as made:
        made.conn.execute("update equipment.unit set registration_code = 'R1' where id in (%s, %s)", (LIFT, OTHER))
        yield made


def number(platform: Platform, unit: str) -> int:
    row = platform.conn.execute("select no from equipment.unit where id = %s", (unit,)).fetchone()
    return int(row[0]) if row else 0


def test_one_call_is_one_call_however_often_it_is_sent(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    first = desk.post("/calls", {"category": "fault", "unit_id": LIFT}, Idempotency_Key="press-1")
    platform.clock.advance(90_000)  # past midnight
    body = {"category": "fault", "unit_id": LIFT}
    again = platform.log_in("desk").post("/calls", body, Idempotency_Key="press-1")
    assert (first["result"], again["result"], again["id"]) == ("new", "unchanged", first["id"])


def test_in_a_batch_each_call_stands_for_itself(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    at = platform.clock.now().isoformat()
    batch = [
        {"category": "entrapment", "unit_id": LIFT, "external_id": "W1", "reported_at": at},
        {"category": "explosion", "external_id": "W2", "reported_at": at},
        {"category": "fault", "registration_code": "R1", "reported_at": at},
    ]
    refused = desk.send("/calls/batch", batch)
    assert refused.status_code == 400
    for expected in ("new", "unchanged"):
        answer = desk.post("/calls/batch", batch, Idempotency_Key="batch-1")
        assert [item["receipt"] and item["receipt"]["result"] for item in answer] == [expected, None, expected]
        assert "category" in answer[1]["problem"]
        assert answer[2]["external_id"] == "key-batch-1-2"
        assert sorted(answer[2]["receipt"]["candidates"]) == [LIFT, OTHER]
    assert platform.conn.execute("select count(*) from ingest.call_record").fetchone() == (2,)


def test_a_chosen_lift_reaches_the_incident(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    receipt = desk.post("/calls", {"category": "entrapment", "registration_code": "R1", "trapped": 1})
    assert receipt["unit_id"] is None
    platform.turn()
    (incident,) = desk.get("/incidents")
    assert incident["unit_no"] is None
    assert desk.send(f"/calls/{receipt['id']}/unit", {"unit_id": "nobody"}).status_code == 422
    desk.post(f"/calls/{receipt['id']}/unit", {"unit_id": OTHER})
    platform.turn()
    (incident,) = desk.get("/incidents")
    assert incident["unit_no"] == number(platform, OTHER)
    page = desk.client.get(f"/calls/{receipt['id']}", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert OTHER in page.text


def test_a_chosen_lift_with_an_open_incident_takes_the_call_over(platform: Platform) -> None:
    platform.pipeline.send(LIFT, TRAPPED)
    platform.turn(46)
    desk = platform.person(Role.DESK)
    receipt = desk.post("/calls", {"category": "entrapment", "registration_code": "R1", "trapped": 3})
    platform.turn()
    assert len(desk.get("/incidents")) == 2
    desk.post(f"/calls/{receipt['id']}/unit", {"unit_id": LIFT})
    platform.turn()
    (incident,) = desk.get("/incidents")
    assert (incident["unit_no"], incident["confirmed"], incident["trapped"]) == (number(platform, LIFT), True, 3)
    states = platform.conn.execute("select state, merged_into is not null from alarms.incident order by id").fetchall()
    assert states == [("accepted", False), ("merged", True)]
    sources = platform.conn.execute("select distinct incident_id from alarms.incident_source").fetchall()
    assert len(sources) == 1


def test_pages_of_a_call_show_the_choice_and_the_list_finds_what_is_to_be_chosen(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    receipt = desk.post("/calls", {"category": "entrapment", "registration_code": "R1", "cause_code": "405"})
    listed = desk.client.get("/calls?link=ambiguous", headers={"Accept": "text/html"}).text
    assert f"/calls/{receipt['id']}" in listed
    page = desk.client.get(f"/calls/{receipt['id']}", headers={"Accept": "text/html"}).text
    assert page.count(f"/api/v1/calls/{receipt['id']}/unit") == 2
    assert "制动器" in page
    english = desk.client.get(f"/calls/{receipt['id']}?lang=en", headers={"Accept": "text/html"}).text
    assert "Brake" in english
    auditor = platform.person(Role.AUDITOR).client.get(f"/calls/{receipt['id']}", headers={"Accept": "text/html"}).text
    assert f"/api/v1/calls/{receipt['id']}/unit" not in auditor
    assert desk.client.get("/calls/999999", headers={"Accept": "text/html"}).status_code == 404


def test_reference_data_and_statistics_are_served(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    known = desk.get("/calls/reference")
    assert known["causes"]["405"]["parent"] == "400"
    desk.post("/calls", {"category": "entrapment", "unit_id": LIFT, "trapped": 2})
    since, until = (platform.clock.now() + timedelta(days=d) for d in (-1, 1))
    found = platform.person(Role.AUDITOR).client.get(
        "/api/v1/calls/statistics", params={"since": since.isoformat(), "until": until.isoformat(), "bucket": "hour"}
    )
    assert found.status_code == 200, found.text
    assert [(p["calls"], p["trapped"]) for p in found.json()["points"]] == [(1, 2)]
    assert found.json()["durations"]["with_arrival"] == 0
