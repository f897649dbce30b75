"""Leads out of records that nobody defended, and out of duties of use-units that were left undone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from equipment.access.model import Role
from equipment.foundation.clock import SHANGHAI
from maintenance.duties import service as duties
from maintenance.slow import SlowMaintenance
from tests.dashboards.test_story import record
from tests.maintenance.office import LIFT, Office
from tests.maintenance.test_leads import pending, quiet, walk
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
