"""日管控 周排查 月调度: one signature per site, every lift listed; what was missed is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.verification import LOOKUPS
from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from equipment.transparency.inspection import inspect
from maintenance.duties import service
from maintenance.duties.model import DAILY, MONTHLY, WEEKLY, end_of, missed_days, missed_periods, period_of
from tests.conftest import Database
from tests.platform import Platform, platform_over


@pytest.fixture
def platform(database: Database, clock: ManualClock) -> Iterator[Platform]:
    with platform_over(database, clock) as made:
        yield made


@given(st.sampled_from([DAILY, WEEKLY, MONTHLY]), st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_every_day_belongs_to_one_period(kind: str, day: date) -> None:
    begin = period_of(kind, day)
    assert begin <= day <= end_of(kind, begin)
    assert period_of(kind, end_of(kind, begin) + timedelta(days=1)) > begin


def test_a_lift_left_out_makes_a_missed_day_and_today_is_not_missed_yet() -> None:
    monday = date(2026, 3, 2)
    found = missed_days({monday: 3, monday + timedelta(days=1): 2}, 3, monday, monday + timedelta(days=2))
    assert [(m.period_on, m.left_out, m.of) for m in found] == [(monday + timedelta(days=1), 1, 3)]
    assert missed_periods(WEEKLY, [monday], monday, monday + timedelta(days=7)) == []
    assert len(missed_periods(WEEKLY, [], monday, monday + timedelta(days=7))) == 1
    assert missed_periods(WEEKLY, [], monday, monday + timedelta(days=6)) == []


class Property:
    """The use-unit of the demo accounts."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.officer = platform.person(Role.USE_UNIT_OFFICER)
        row = platform.conn.execute("select organisation_id from equipment.account where login = 'property'").fetchone()
        assert row is not None
        self.organisation = int(row[0])
        self.lifts = service.lifts(platform.conn, self.organisation)
        self.site = self.lifts[0].site

    def list_of(self, **problems: str) -> dict[str, Any]:
        day = (self.platform.clock.now() + timedelta(hours=8)).date()
        units = {
            lift.id: {"result": "problem", "note": problems[lift.id]} if lift.id in problems else {"result": "ok"}
            for lift in self.lifts if lift.site == self.site
        }  # fmt: skip
        return {"site": self.site, "day": day.isoformat(), "units": units, "device": "phone #1"}


def test_one_signature_covers_a_site_and_nothing_found_is_a_report(platform: Platform) -> None:
    use_unit = Property(platform)
    filed = use_unit.officer.post("/duties/daily", use_unit.list_of())
    assert (filed["zero_risk"], filed["late"], filed["repeated"]) == (True, False, False)
    again = use_unit.officer.post("/duties/daily", use_unit.list_of())
    assert (again["id"], again["repeated"]) == (filed["id"], True)
    report = use_unit.officer.get("/duties")[0]
    assert [u["id"] for u in report["content"]["units"]] == sorted(
        lift.id for lift in use_unit.lifts if lift.site == use_unit.site
    )
    page = use_unit.officer.client.get("/duties").text
    assert "零风险报告" in page
    platform.turn()
    inspect(platform.conn, LOOKUPS)
    with pytest.raises(Exception, match="append-only"):
        platform.conn.execute("update maintenance.duty_report set zero_risk = false")


def test_a_problem_opens_a_lead_and_must_be_described(platform: Platform) -> None:
    use_unit = Property(platform)
    lift = next(lift for lift in use_unit.lifts if lift.site == use_unit.site).id
    body = use_unit.list_of(**{lift: ""})
    assert use_unit.officer.send("/duties/daily", body).status_code == 422
    filed = use_unit.officer.post("/duties/daily", use_unit.list_of(**{lift: "层门异响，已停用并通知维保"}))
    assert not filed["zero_risk"]
    assert len(filed["leads"]) == 1
    found = platform.conn.execute("select source_kind, state from maintenance.lead where id = %s", (filed["leads"][0],))
    assert found.fetchone() == ("use_unit_check", "pending")


def test_a_list_that_leaves_a_lift_out_or_comes_too_late_is_refused(platform: Platform) -> None:
    use_unit = Property(platform)
    body = use_unit.list_of()
    short = {**body, "units": dict(list(body["units"].items())[1:])}
    answer = use_unit.officer.send("/duties/daily", short)
    assert answer.status_code == 422
    assert next(iter(body["units"])) in answer.json()["detail"]
    assert use_unit.officer.send("/duties/daily", {**body, "day": "2026-02-01"}).status_code == 422
    assert use_unit.officer.send("/duties/daily", {**body, "day": "2026-03-03"}).status_code == 422
    assert use_unit.officer.post("/duties/daily", {**body, "day": "2026-03-01"})["late"]


def test_weekly_and_monthly_are_the_directors_and_what_was_missed_is_named(platform: Platform) -> None:
    use_unit = Property(platform)
    use_unit.officer.post("/duties/daily", use_unit.list_of())
    assert use_unit.officer.get("/duties/missed")["never"] is False
    refused = use_unit.officer.send("/duties/weekly", {"week": "2026-03-02", "findings": "无", "measures": "无"})
    assert refused.status_code == 403
    director = platform.person(Role.USE_UNIT_DIRECTOR)
    director.post("/duties/weekly", {"week": "2026-03-04", "findings": "未发现隐患", "measures": "继续"})
    director.post("/duties/monthly", {"month": "2026-03-02", "attendees": "总经理", "minutes": "听取汇报"})
    filed = {r["kind"]: r for r in director.get("/duties")}
    assert filed["weekly"]["content"]["days_checked"] == 1
    assert filed["monthly"]["period_on"] == "2026-03-01"
    missed = director.get("/duties/missed")["missed"]
    assert {m["kind"] for m in missed} == {"daily", "weekly", "monthly"}
    assert "2026-03-02" not in {m["period_on"] for m in missed if m["kind"] in ("daily", "weekly")}
    overseen = platform.person(Role.REGULATOR).client.get("/duties").text
    assert "2026-03-02" in overseen
    assert platform.person(Role.FIRM_MANAGER).client.get("/api/v1/duties").status_code == 403


def test_in_the_evening_use_units_that_file_are_reminded_once(platform: Platform) -> None:
    use_unit = Property(platform)
    use_unit.officer.post("/duties/daily", use_unit.list_of())
    platform.clock.advance(86_400)
    assert service.remind(platform.conn, platform.clock.now()) == 0
    platform.clock.advance(8 * 3600)
    assert service.remind(platform.conn, platform.clock.now()) == len(use_unit.lifts)
    assert service.remind(platform.conn, platform.clock.now()) == 0
