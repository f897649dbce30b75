"""The list of the ledger: every filter, the reader's scope, his saved filters."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.maintenance.office import LIFT, Office


def numbers(office: Office, query: str = "") -> list[int]:
    return [h["id"] for h in office.inspector.get(f"/hazards?{query}")]


def test_every_filter_of_the_list(office: Office) -> None:
    general = office.hazard(cause="a")
    major = office.hazard("major", "4.6 b", stop_use=True, source="public")
    office.hand_over(general, days=1)
    assert sorted(numbers(office)) == [general, major]
    assert numbers(office, "grade=major") == [major]
    assert numbers(office, "state=handed_over") == [general]
    assert numbers(office, "flag=stop_use") == [major]
    assert numbers(office, "district=341302&source=public") == [major]
    assert numbers(office, f"firm={office.firm_org}") != []
    assert numbers(office, "district=341321") == []
    assert numbers(office, "age=1") == []
    office.platform.clock.advance(2 * 86_400)
    assert len(numbers(office, "age=1")) == 2
    assert numbers(office, "state=overdue") == [general]
    assert numbers(office, "state=closed") == []


def test_words_are_found_in_number_unit_and_open_description(office: Office) -> None:
    hazard = office.hazard()
    number = office.inspector.get(f"/hazards/{hazard}")["number"]
    name = office.conn.execute("select rescue_code from equipment.unit where id = %s", (LIFT,)).fetchone()[0]
    for q in (number, number.lower(), name, LIFT, "门锁短接"):
        assert numbers(office, f"q={q}") == [hazard], q
    assert numbers(office, "q=没有这样的") == []


def test_a_filter_that_cannot_be_is_named(office: Office) -> None:
    for query, word in (
        ("state=gone", "recheck"),
        ("grade=worst", "major"),
        ("flag=x", "stop_use"),
        ("firm=x", "整数"),
    ):
        answer = office.inspector.client.get(f"/api/v1/hazards?{query}")
        assert answer.status_code == 422
        assert word in answer.json()["detail"]


def test_the_counts_above_the_list_are_those_of_its_rows_in_the_district_and_in_the_city(office: Office) -> None:
    late = office.hazard(cause="a")
    office.hazard("major", "4.6 b", source="public")
    office.hand_over(late, days=1)
    office.platform.clock.advance(2 * 86_400)
    for person in (office.inspector, office.regulator):
        assert len(person.get("/hazards?")) == 2
        page = person.client.get("/ledger/hazards", headers={"accept": "text/html"}).text
        shown = dict(re.findall(r'href="/ledger/hazards\?([^"]+)"[^>]*>(?:<[^>]+>|\s)*(\d+)', page))
        assert (shown["state=open"], shown["state=overdue"], shown["state=open&amp;grade=major"]) == ("2", "1", "1")


def test_another_district_sees_nothing_of_it(office: Office) -> None:
    hazard = office.hazard()
    stranger = office.second_inspector("341321", "stranger")
    assert stranger.get("/hazards") == []
    assert stranger.client.get(f"/api/v1/hazards/{hazard}").status_code == 404
    assert "no such" in office.refused(stranger, hazard, "unsubstantiate", evidence="x")
    assert [h["id"] for h in office.officer.get("/hazards")] == [hazard]


def test_a_reader_keeps_filters_of_his_own(office: Office) -> None:
    office.inspector.post("/ledger/views", {"name": "重大逾期", "query": "?state=overdue&grade=major&x=1"})
    again = office.inspector.post("/ledger/views", {"name": "重大逾期", "query": "state=open&grade=major"})
    assert [(v["name"], v["query"]) for v in again] == [("重大逾期", "state=open&grade=major")]
    assert office.regulator.get("/ledger/views") == []
    assert office.inspector.send("/ledger/views", {"name": "x", "query": "grade=worst"}).status_code == 422
    assert office.inspector.post(f"/ledger/views/{again[0]['id']}/forget", {}) == []


def test_many_are_handed_over_at_once_each_to_its_own_unit_or_none(office: Office) -> None:
    found = [office.hazard(cause=f"c{n}") for n in range(3)]
    due = (office.platform.clock.now() + timedelta(days=7)).date().isoformat()
    body = {"hazard_ids": found, "to": "use_unit", "measures": "限期整改", "due_at": due}
    done = office.inspector.post("/hazards/hand-over", body)
    assert {h["state"] for h in done} == {"handed_over"}
    assert {h["responsible_org_id"] for h in done} == {office.use_org}
    papers = [office.inspector.get(f"/hazards/{h}/documents")[0]["number"] for h in found]
    assert papers == [f"埇市监特交〔2026〕{n}号" for n in (1, 2, 3)]
    fourth = office.hazard(cause="major", grade="major", clause="4.6 b")
    answer = office.inspector.send("/hazards/hand-over", {**body, "hazard_ids": [*found, fourth]})
    assert answer.status_code == 409
    assert "责任人" in answer.json()["detail"]
    assert office.inspector.get(f"/hazards/{fourth}")["state"] == "listed"


@pytest.mark.parametrize("due", ["2020-01-01", "soon"])
def test_a_deadline_that_cannot_be_is_refused(office: Office, due: str) -> None:
    hazard = office.hazard()
    detail = {"responsible_org_id": office.use_org, "measures": "x", "due_at": due}
    office.refused(office.inspector, hazard, "hand_over", **detail)
