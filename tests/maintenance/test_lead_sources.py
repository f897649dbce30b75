"""Leads out of records that nobody defended, and out of duties of use-units that were left undone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from alarms.rules.load import load_pack
from equipment.access.model import Role
from equipment.foundation.clock import SHANGHAI
from maintenance.duties import service as duties
from maintenance.slow import SlowMaintenance
from maintenance.triage import BY_HAND, load_sources, load_triage, triage_of
from tests.dashboards.test_cylinders import fill
from tests.dashboards.test_story import record
from tests.maintenance.office import LIFT, Office
from tests.maintenance.test_leads import pending, quiet, walk
from tests.pipeline import RESTING
from tests.platform import LOGIN_OF


def look(office: Office, minutes: float = 11) -> None:
    """The clockwork that looks at records."""
    work, conn, clock = SlowMaintenance("", office.platform.clock), office.conn, office.platform.clock
    office.platform.turn()
    work.turn(conn, clock.now())
    clock.advance(minutes * 60)
    while work.turn(conn, clock.now()):
        pass
    office.platform.turn()


def short_visit(office: Office, key: str, minutes: int = 3) -> str:
    now = office.platform.clock.now()
    office.platform.people.clear()  # sessions end while the test lets days pass
    body = record(office.platform, LIFT, "none", "") | {
        "sign_in": {"at": (now - timedelta(minutes=minutes)).isoformat()}
    }
    worker = office.person(LOGIN_OF[Role.FIRM_WORKER])
    return str(worker.post("/records", body, Idempotency_Key=key)["record_id"])


def implausible(office: Office) -> dict[str, Any] | None:
    return pending(office).get("implausible")


def test_findings_that_nobody_answered_in_time_are_a_lead_with_their_words(office: Office) -> None:
    quiet(office)
    made = short_visit(office, "visit-0001")
    look(office)
    assert implausible(office) is None
    look(office, 8 * 24 * 60)
    lead = implausible(office)
    assert lead is not None
    assert (lead["source_kind"], lead["evidence"]["record"], lead["urgent"]) == ("implausible", made, False)
    said = lead["evidence"]["findings"][0]
    assert (said["check"], said["weight"]) == ("far_too_short", 35)
    assert "3 分钟" in said["words"]
    look(office)
    assert implausible(office)["occurrences"] == 1  # type: ignore[index]
    office.inspector.post(f"/leads/{lead['id']}/decide", {"decision": "unfounded", "reason": "两人作业"})
    look(office, 24 * 60)
    assert implausible(office) is None


def test_an_answer_keeps_a_finding_out_until_an_inspector_upholds_it(office: Office) -> None:
    quiet(office)
    made = short_visit(office, "visit-0001")
    look(office)
    worker = office.person(LOGIN_OF[Role.FIRM_WORKER])
    finding = worker.get(f"/records/{made}/plausibility")["findings"][0]["id"]
    worker.post(f"/findings/{finding}/answer", {"reason": "两人同时作业"})
    look(office, 8 * 24 * 60)
    assert implausible(office) is None
    office.inspector.post(f"/findings/{finding}/uphold", {"reason": "无其他人签名"})
    office.platform.turn()
    assert implausible(office) is not None


def test_a_score_below_what_is_worth_a_look_opens_nothing_and_a_second_record_joins(office: Office) -> None:
    quiet(office)
    short_visit(office, "visit-0001", minutes=17)
    look(office)
    look(office, 8 * 24 * 60)
    assert implausible(office) is None
    short_visit(office, "visit-0002")
    look(office)
    look(office, 8 * 24 * 60)
    first = implausible(office)
    short_visit(office, "visit-0003")
    look(office)
    look(office, 8 * 24 * 60)
    again = implausible(office)
    assert first is not None
    assert again is not None
    assert (again["id"], again["occurrences"]) == (first["id"], 2)


class Property:
    """A use-unit that keeps its lists here, with its lifts in one district."""

    def __init__(self, office: Office) -> None:
        self.office = office
        quiet(office)
        office.conn.execute(
            "update equipment.organisation set jurisdiction_id = '341302' where id = %s", (office.use_org,)
        )
        self.lifts = duties.lifts(office.conn, office.use_org)

    def check(self) -> None:
        """Every lift of every site, today."""
        day = self.office.platform.clock.now().astimezone(SHANGHAI).date().isoformat()
        for site in {lift.site for lift in self.lifts}:
            units = {lift.id: {"result": "ok"} for lift in self.lifts if lift.site == site}
            self.office.officer.post("/duties/daily", {"site": site, "day": day, "units": units})


def test_a_use_unit_that_never_filed_here_opens_nothing(office: Office) -> None:
    Property(office)
    walk(office, days=40)
    assert [cause for cause in pending(office) if cause.startswith("duty:")] == []


def test_days_left_out_are_one_lead_about_the_use_unit_and_judged_once_a_month(office: Office) -> None:
    use_unit = Property(office)
    use_unit.check()
    walk(office, days=5)
    assert "duty:daily" not in pending(office)  # one day is beyond filing, and three make one
    walk(office, days=3)
    lead = pending(office)["duty:daily"]
    assert (lead["source_kind"], lead["organisation_id"], lead["unit_id"]) == ("missed_duty", office.use_org, None)
    assert lead["evidence"]["periods"] == ["2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"]
    assert lead["evidence"]["days"][0]["left_out"] == len(use_unit.lifts)
    walk(office, days=1)
    assert pending(office)["duty:daily"]["occurrences"] == 1
    office.inspector.post(f"/leads/{lead['id']}/decide", {"decision": "self_rectify", "reason": "已提醒"})
    walk(office, days=10)
    assert "duty:daily" not in pending(office)
    walk(office, days=20)
    assert pending(office)["duty:daily"]["evidence"]["periods"][0] == "2026-04-01"


def test_a_week_without_its_report_is_marked_when_it_is_made_good(office: Office) -> None:
    use_unit = Property(office)
    use_unit.check()
    walk(office, days=12)
    lead = pending(office)["duty:weekly"]
    assert lead["evidence"]["periods"] == ["2026-03-02"]
    director = office.person(LOGIN_OF[Role.USE_UNIT_DIRECTOR])
    director.post("/duties/weekly", {"week": "2026-03-04", "findings": "无", "measures": "继续"})
    walk(office, days=1)
    assert pending(office)["duty:weekly"]["answered_at"] is not None


def test_a_month_without_its_minutes_becomes_a_hazard_of_the_use_unit(office: Office) -> None:
    use_unit = Property(office)
    use_unit.check()
    walk(office, days=36)
    assert "duty:monthly" not in pending(office)  # of the month in which they began, not all is known
    walk(office, days=30)
    lead = pending(office)["duty:monthly"]
    assert lead["evidence"]["periods"] == ["2026-04-01"]
    hazard = office.inspector.post(f"/leads/{lead['id']}/decide", {"decision": "hazard", "reason": "核查无会议纪要"})[
        "hazard_id"
    ]
    assert office.hand_over(hazard)["responsible_org_id"] == office.use_org
    assert office.act(office.officer, hazard, "receipt")["state"] == "receipted"
    assert office.officer.get("/hazards")[0]["id"] == hazard


def test_a_duty_that_is_done_again_without_a_gap_is_the_fact_that_closes_its_hazard(office: Office) -> None:
    use_unit = Property(office)
    use_unit.check()
    walk(office, days=8)
    lead = pending(office)["duty:daily"]
    verdict = {"decision": "hazard", "reason": "核查属实"}
    hazard = office.inspector.post(f"/leads/{lead['id']}/decide", verdict)["hazard_id"]
    for _ in range(7):
        office.platform.clock.advance(86_400)
        use_unit.check()
        assert "连续" in office.refused(office.officer, hazard, "self_close", evidence="已恢复")
    office.platform.clock.advance(86_400)
    assert office.act(office.officer, hazard, "self_close", evidence="已恢复")["state"] == "closed"


def inspected(office: Office, kind: str, on: str) -> None:
    office.conn.execute(
        "insert into equipment.inspection (unit_no, kind, performed_on, conclusion, recorded_at) values (%s, %s, %s, 'passed', now())",
        (office.unit_no, kind, on),
    )


def test_an_inspection_and_a_self_test_that_are_due_by_law_are_leads_of_their_own(office: Office) -> None:
    quiet(office)
    office.conn.execute("update equipment.unit set first_use_date = '2016-02-10' where id = %s", (LIFT,))
    inspected(office, "supervision", "2016-02-10")
    inspected(office, "periodic", "2022-02-10")
    walk(office)
    found = pending(office)
    assert (found["overdue:inspection"]["source_kind"], found["overdue:inspection"]["urgent"]) == (
        "overdue_inspection",
        True,
    )
    assert found["overdue:self_test"]["source_kind"] == "overdue_self_test"
    assert found["overdue:self_test"]["evidence"]["days"] > 0
    inspected(office, "periodic", office.platform.clock.now().date().isoformat())
    walk(office, days=1)
    assert all(pending(office)[f"overdue:{duty}"]["answered_at"] for duty in ("inspection", "self_test"))


def test_a_station_that_fills_the_wrong_gas_is_a_lead_from_the_fill_itself(office: Office) -> None:
    station = office.person("filling")
    own, organisation = office.conn.execute(
        "select c.code, c.station_id from equipment.cylinder c join equipment.account a on a.organisation_id = c.station_id"
        " where a.login = 'filling' and c.medium = 'lpg' limit 1"
    ).fetchone()
    office.conn.execute("update equipment.organisation set jurisdiction_id = '341302' where id = %s", (organisation,))
    wrong = fill(office.platform, own, medium="dme")
    answer = station.post("/fills", {"fills": [wrong]}, Idempotency_Key="wrong-gas-1")
    assert answer["items"][0]["outcome"] == "refused"
    office.platform.turn()
    lead = pending(office)["cylinder:4.5 b"]
    assert (lead["source_kind"], lead["organisation_id"], lead["urgent"]) == ("cylinder", organisation, True)
    assert lead["evidence"]["code"] == own


def test_an_alarm_that_comes_again_and_again_is_a_lead_at_its_third_time(office: Office) -> None:
    """安全回路断开, of which only the firm is told: once or twice is no pattern."""
    quiet(office)
    broken = RESTING | {"car_moving": True, "speed_m_s": 1.0, "safety_chain_closed": False}
    for number in range(3):
        for values in (*[broken] * 4, *[RESTING] * 14):
            office.platform.pipeline.send(LIFT, values)
            office.platform.pipeline.wait(1)
        office.platform.turn()
        assert ("alarm:lift.safety_chain_open" in pending(office)) == (number == 2)
    lead = pending(office)["alarm:lift.safety_chain_open"]
    assert (lead["source_kind"], lead["urgent"], lead["evidence"]["count"]) == ("alarm_pattern", False, 3)
    assert len(lead["evidence"]["alarms"]) == 3


def test_every_entry_of_the_table_of_alarms_can_be_reached() -> None:
    for entry in load_triage():
        rules = [r for r in load_pack().rules if triage_of(r.id) is entry]
        reached = [r.id for r in rules if entry.takes({x.value for x in r.receivers}, r.incident_kind)]
        assert reached, entry.rule


def test_a_failed_item_of_a_record_names_its_clause_and_its_record(office: Office) -> None:
    worker = office.person(LOGIN_OF[Role.FIRM_WORKER])
    body = record(office.platform, LIFT, "A-1-21", "门锁短接线未拆")
    made = worker.post("/records", body, Idempotency_Key="failed-1")
    lead = pending(office)["item:A-1-21"]
    assert (lead["source_kind"], lead["suggested_clause"], lead["urgent"]) == ("record_item", "4.6 b", True)
    assert lead["evidence"]["record"] == made["record_id"]


def test_every_source_of_the_table_is_published_by_somebody() -> None:
    """A source that nobody publishes would be a promise; each of these names is opened by a test of this folder or of its room."""
    walked = {
        "overdue_maintenance",
        "overdue_inspection",
        "overdue_self_test",
        "overdue_insurance",
        "failed_inspection",
    }
    found = {"entrapment", "cylinder", "implausible", "missed_duty"}
    assert set(load_sources()) == walked | found | set(BY_HAND)
