"""Where leads come from, what joins, and that none expires silently."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from equipment.foundation import stream
from maintenance.errors import DataError
from maintenance.triage import load_sources, read_sources
from tests.maintenance.office import LIFT, Office

SHIPPED = set(load_sources())


def pending(office: Office) -> dict[str, dict[str, Any]]:
    return {lead["cause"]: lead for lead in office.inspector.get("/leads")}


def quiet(office: Office) -> None:
    """The lift owes nothing, so that a test sees only what it is about."""
    office.conn.execute("update equipment.unit set status = 'stopped' where id <> %s", (LIFT,))
    office.conn.execute("update equipment.unit set insurance_valid_to = '2027-01-01' where id = %s", (LIFT,))


def inspected(office: Office, on: date, conclusion: str) -> None:
    office.conn.execute(
        "insert into equipment.inspection (unit_no, kind, performed_on, conclusion, recorded_at) values (%s, 'periodic', %s, %s, now())",
        (office.unit_no, on, conclusion),
    )


def walk(office: Office, days: float = 0) -> None:
    """A day's walk over the register."""
    office.platform.clock.advance(days * 86_400)
    for _ in range(4):
        office.platform.clock.advance(3)
        office.platform.turn()


def test_a_policy_that_ran_out_is_a_lead_and_what_was_judged_is_not_opened_again(office: Office) -> None:
    quiet(office)
    office.conn.execute("update equipment.unit set insurance_valid_to = '2026-02-01' where id = %s", (LIFT,))
    walk(office)
    lead = pending(office)["overdue:insurance"]
    assert (lead["source_kind"], lead["urgent"], lead["evidence"]["due"]) == ("overdue_insurance", False, "2026-02-01")
    walk(office, days=1)
    assert pending(office)["overdue:insurance"]["occurrences"] == 1
    office.inspector.post(f"/leads/{lead['id']}/decide", {"decision": "self_rectify", "reason": "已通知续保"})
    walk(office, days=1)
    assert "overdue:insurance" not in pending(office)


def test_a_day_late_is_within_what_the_source_tolerates(office: Office) -> None:
    quiet(office)
    office.conn.execute("update equipment.unit set insurance_valid_to = '2026-02-25' where id = %s", (LIFT,))
    walk(office)
    assert "overdue:insurance" not in pending(office)
    walk(office, days=3)
    assert "overdue:insurance" in pending(office)


def test_a_duty_that_was_made_good_is_marked_and_still_judged_by_a_person(office: Office) -> None:
    quiet(office)
    office.conn.execute("update equipment.unit set insurance_valid_to = '2026-02-01' where id = %s", (LIFT,))
    walk(office)
    assert pending(office)["overdue:insurance"]["answered_at"] is None
    office.conn.execute("update equipment.unit set insurance_valid_to = '2027-02-01' where id = %s", (LIFT,))
    walk(office, days=1)
    assert pending(office)["overdue:insurance"]["answered_at"] is not None


def test_a_failed_inspection_suggests_its_clause(office: Office) -> None:
    quiet(office)
    inspected(office, date(2026, 2, 20), "failed")
    walk(office)
    lead = pending(office)["inspection:failed"]
    assert (lead["suggested_grade"], lead["suggested_clause"], lead["urgent"]) == ("major", "4.6 a", True)


def test_a_unit_whose_past_is_unknown_opens_nothing(office: Office) -> None:
    quiet(office)
    walk(office)
    assert [c for c in pending(office) if c.startswith("overdue:maintenance")] == []


def test_visits_that_stopped_are_one_lead_for_all_levels(office: Office) -> None:
    quiet(office)
    office.conn.execute(
        "insert into maintenance.record (id, unit_no, firm_org_id, idempotency_key, level, template, workers, started_at, ended_at,"
        " received_at, state, content, digest) values (gen_random_uuid(), %s, %s, 'k', 'half_month', 't', '[]', %s, %s, %s,"
        " 'confirmed', '{}', '\\x00')",
        (office.unit_no, office.firm_org, *[office.platform.clock.now() - timedelta(days=30)] * 3),
    )
    walk(office)
    lead = pending(office)["overdue:maintenance"]
    assert lead["evidence"]["levels"][0]["level"] == "half_month"


def test_a_wrong_gas_is_a_lead_about_the_station(office: Office) -> None:
    now = office.platform.clock.now()
    station = office.conn.execute("select organisation_id from equipment.filling_station limit 1").fetchone()[0]
    office.conn.execute("update equipment.organisation set jurisdiction_id = '341302' where id = %s", (station,))
    payload = {
        "event": "hazard", "clause": "4.5 b", "prevented": False, "at": now.isoformat(), "code": "3413020000000001",
        "cylinder_no": 17, "cylinder_medium": "lpg", "medium": "dme", "station_id": station, "owner_station_id": station,
        "reasons": ["wrong_medium"],
    }  # fmt: skip
    for _ in range(2):
        with office.conn.transaction():
            stream.publish(office.conn, "cylinders", "hazard", payload, unit_no=None, now=now)
        office.platform.turn()
    lead = pending(office)["cylinder:4.5 b"]
    assert (lead["unit_id"], lead["organisation_id"], lead["suggested_clause"]) == (None, station, "4.5 b")
    assert (lead["urgent"], lead["occurrences"]) == (True, 2)
    verdict = {"decision": "hazard", "reason": "核对充装记录属实", "grade": "major"}
    hazard = office.inspector.post(f"/leads/{lead['id']}/decide", verdict)["hazard_id"]
    found = office.inspector.get(f"/hazards/{hazard}")
    assert (found["org_id"], found["unit_no"], found["clause"]) == (station, None, "4.5 b")


def test_a_complaint_at_the_hotline_is_a_lead_once(office: Office) -> None:
    desk = office.platform.log_in("desk")
    desk.post("/calls", {"category": "complaint", "unit_id": LIFT})
    office.platform.turn()
    office.platform.turn()
    assert pending(office)["public:call"]["occurrences"] == 1


def test_confirmed_entrapments_join_what_the_alarms_opened(office: Office) -> None:
    quiet(office)
    now = office.platform.clock.now()
    for number in range(2):
        office.conn.execute(
            "insert into alarms.incident (number, unit_no, state, kind, severity, first_source, confirmed, opened_at)"
            " values (%s, %s, 'closed', 'entrapment', 'critical', 'call', true, %s)",
            (f"20260220-{number:04d}", office.unit_no, now - timedelta(days=number + 1)),
        )
    walk(office)
    lead = pending(office)["entrapment"]
    assert (lead["evidence"]["count"], lead["urgent"]) == (2, True)
    office.platform.clock.advance(600)
    walk(office)
    assert pending(office)["entrapment"]["occurrences"] == 1


@pytest.mark.parametrize("source", ["public", "media", "inspection", "handed_down", "transferred", "self_report"])
def test_what_a_person_enters_keeps_its_source_and_document(office: Office, source: str) -> None:
    lead = office.report(source=source, document="宿安办〔2026〕3号")
    found = next(x for x in office.inspector.get("/leads") if x["id"] == lead)
    assert (found["source_kind"], found["evidence"]["document"]) == (source, "宿安办〔2026〕3号")


def test_nobody_enters_what_only_a_machine_finds(office: Office) -> None:
    body = {"source": "overdue_insurance", "unit_id": LIFT, "summary": "x"}
    answer = office.inspector.send("/leads", body)
    assert answer.status_code == 409
    assert "handed_down" in answer.json()["detail"]


def test_the_same_cause_joins_the_open_hazard_instead_of_opening_another(office: Office) -> None:
    lead = office.report(cause="门锁")
    hazard = office.inspector.post(f"/leads/{lead}/decide", {"decision": "hazard", "reason": "属实"})["hazard_id"]
    again = office.report(cause="门锁", summary="门锁仍短接")
    assert again == lead
    assert office.events(hazard) == ["list", "seen"]
    assert office.inspector.get("/leads") == []


def test_many_leads_are_judged_by_one_decision_with_one_reason(office: Office) -> None:
    found = [office.report(summary=f"第 {n} 条", cause=f"c{n}") for n in range(5)]
    verdict = {"lead_ids": found, "decision": "unfounded", "reason": "同一施工所致"}
    assert len(office.inspector.post("/leads/decide", verdict)) == 5
    assert office.inspector.get("/leads") == []
    rows = office.conn.execute(
        "select distinct decision_reason, state from maintenance.lead where id = any(%s)", (found,)
    )
    assert rows.fetchall() == [("同一施工所致", "unfounded")]


def test_what_is_left_to_the_unit_is_told_to_it_and_answered_by_it(office: Office) -> None:
    lead = office.report(summary="轿厢照明不足")
    assert office.officer.send(f"/leads/{lead}/answer", {"said": "已更换灯管"}).status_code == 409
    office.inspector.post(f"/leads/{lead}/decide", {"decision": "self_rectify", "reason": "请物业更换"})
    shown = office.officer.client.get("/ledger/hazards", headers={"accept": "text/html"}).text
    assert "轿厢照明不足" in shown
    assert "请物业更换" in shown
    assert office.inspector.send(f"/leads/{lead}/answer", {"said": "x"}).status_code == 403
    office.officer.post(f"/leads/{lead}/answer", {"said": "已更换灯管"})
    assert office.officer.send(f"/leads/{lead}/answer", {"said": "再次"}).status_code == 409
    assert "已更换灯管" in office.officer.client.get("/ledger/hazards", headers={"accept": "text/html"}).text
    assert "已更换灯管" in office.inspector.client.get(f"/ledger/leads/{lead}", headers={"accept": "text/html"}).text


def test_the_second_who_judges_a_lead_is_told_who_was_first(office: Office) -> None:
    lead = office.report()
    office.inspector.post(f"/leads/{lead}/decide", {"decision": "unfounded", "reason": "施工"})
    answer = office.second_inspector().send(f"/leads/{lead}/decide", {"decision": "hazard", "reason": "属实"})
    name = office.conn.execute("select display_name from equipment.account where login = 'inspector'").fetchone()[0]
    assert answer.status_code == 409
    assert name in answer.json()["detail"]
    assert "不成立" in answer.json()["detail"]


def test_a_batch_is_all_or_nothing_and_names_the_one_that_refuses(office: Office) -> None:
    found = [office.report(cause=f"c{n}") for n in range(3)]
    office.inspector.post(f"/leads/{found[1]}/decide", {"decision": "unfounded", "reason": "x"})
    answer = office.inspector.send("/leads/decide", {"lead_ids": found, "decision": "unfounded", "reason": "x"})
    assert answer.status_code == 409
    assert f"线索 {found[1]}" in answer.json()["detail"]
    assert len(office.inspector.get("/leads")) == 2


def test_an_urgent_lead_is_escalated_every_day_until_somebody_judges_it(office: Office) -> None:
    lead = office.report(source="handed_down")
    plain = office.report(source="public", cause="p")

    def told(which: int) -> list[str]:
        rows = office.conn.execute("select event from maintenance.lead_event where lead_id = %s order by id", (which,))
        return [row[0] for row in rows]

    office.later(hours=24, seconds=1)
    assert told(lead) == ["opened", "escalated"]
    office.later(hours=24, seconds=1)
    assert told(lead) == ["opened", "escalated", "escalated"]
    office.later(hours=48)
    assert told(plain) == ["opened", "overdue"]
    office.inspector.post(f"/leads/{lead}/decide", {"decision": "unfounded", "reason": "已处理"})
    office.later(hours=48)
    assert told(lead)[-1] == "unfounded"


def test_a_table_of_sources_with_a_mistake_names_it() -> None:
    good = "{urgent: false, deadline_hours: 1, grade: general, zh: x}"
    table = "sources:\n" + "".join(f"  {name}: {good}\n" for name in SHIPPED)
    assert set(read_sources(table)) == SHIPPED
    for wrong in ("grade: worse", "clauses: {lift: 9.9 z}", "tolerance_days: -1", "times: 0", "deadline_hours: x"):
        broken = table.replace(f"  public: {good}", f"  public: {good[:-1]}, {wrong}}}")
        with pytest.raises(DataError, match="public"):
            read_sources(broken)
