"""统计, 停机应急包, 补录 and 交接班, as those of the desk use them."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from dashboards.papers.outage_job import OutageJob
from equipment.access.model import Role
from tests.conftest import START
from tests.platform import Person, Platform

LIFT = "L000001"


def step(person: Person, incident: dict[str, Any], name: str, **body: Any) -> dict[str, Any]:
    done: dict[str, Any] = person.post(f"/incidents/{incident['id']}/{name}", {"version": incident["version"], **body})
    return done


def rescue(platform: Platform, *, arrive_seconds: float) -> dict[str, Any]:
    """One entrapment from the call to its close."""
    desk = platform.person(Role.DESK)
    desk.post("/calls", {"category": "entrapment", "unit_id": LIFT, "trapped": 2})
    platform.turn()
    incident: dict[str, Any] = desk.get("/incidents")[0]
    incident = step(desk, incident, "accept")
    platform.clock.advance(60)
    incident = step(desk, incident, "dispatch")
    incident = step(desk, incident, "answer")
    platform.clock.advance(arrive_seconds)
    incident = step(desk, incident, "arrive")
    platform.clock.advance(240)
    incident = step(desk, incident, "free")
    incident = step(desk, incident, "call_back")
    return step(desk, incident, "close", detail={"cause_code": "303"}, reason="门机故障")


def paper(platform: Platform, **changes: Any) -> dict[str, Any]:
    begun = START - timedelta(hours=6)
    plate = platform.person(Role.DESK).get(f"/units/{LIFT}")["rescue_code"]
    times = ("reported_at", "dispatched_at", "arrived_at", "freed_at", "closed_at")
    made = {name: (begun + timedelta(minutes=10 * n)).isoformat() for n, name in enumerate(times)}
    return {"paper_number": "纸-0001", "category": "entrapment", "rescue_code": plate, "trapped": 3, "level": 1, "cause_code": "201",
            "release_mode": "firm", "description": "停电困人", **made, **changes}  # fmt: skip


def page(person: Person, address: str) -> str:
    answer = person.client.get(address, headers={"accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_month_of_the_desk_as_page_workbook_and_pdf(platform: Platform) -> None:
    rescue(platform, arrive_seconds=600)
    rescue(platform, arrive_seconds=1_780)  # 29:40 from the order, 30:40 from the report
    desk = platform.person(Role.DESK)
    text = page(desk, "/statistics")
    assert "困人 2 起，解救 4 人" in text
    assert "超过 30 分钟到达：报警→到达 1 起，派单→到达 0 起" in text
    answer = desk.client.get("/statistics/xlsx?month=2026-03")
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    rows = {row[0]: row[1:] for row in book.get_sheet_by_name("到达与解救用时（困人）").to_python()[1:]}
    assert rows["派单→到达"][:4] == [2, 0, "19 分 50 秒", "100.00%"]
    assert rows["报警→到达"][3] == "50.00%"
    assert desk.client.get("/statistics/pdf?month=2026-03").content.startswith(b"%PDF")
    assert "困人 0 起" in page(desk, "/statistics?month=2026-02")
    assert desk.client.get("/statistics?month=soon").status_code == 422


def test_what_was_kept_on_paper_is_entered_once_with_its_times(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    first = desk.post("/supplements", paper(platform))
    again = desk.post("/supplements", paper(platform))
    assert (first["repeated"], again["repeated"], again["incident_id"]) == (False, True, first["incident_id"])
    incident = desk.get(f"/incidents/{first['incident_id']}")
    assert (incident["state"], incident["confirmed"], incident["trapped"]) == ("closed", True, 3)
    assert incident["arrived_at"].startswith((START - timedelta(hours=5, minutes=40)).strftime("%Y-%m-%dT%H:%M"))
    story = desk.get(f"/incidents/{first['incident_id']}/history")
    assert [e["event"] for e in story] == ["opened", "dispatch", "arrive", "free", "close"]
    assert {e["how_known"] for e in story} == {"paper"}
    platform.turn(120)  # no clock runs, nothing is opened, nobody is called
    assert desk.get("/incidents") == []
    text = page(desk, "/statistics")
    assert "困人 0 起" in text
    assert "另有补录困人 1 起" in text
    assert page(desk, f"/desk/{first['incident_id']}")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"closed_at": None}, "办结时间"),
        ({"level": None}, "响应级别"),
        ({"arrived_at": (START - timedelta(hours=7)).isoformat()}, "早于前一环节"),
        ({"closed_at": (START + timedelta(days=1)).isoformat()}, "将来"),
    ],
)
def test_impossible_papers_are_refused_and_leave_nothing(
    platform: Platform, changes: dict[str, Any], words: str
) -> None:
    desk = platform.person(Role.DESK)
    answer = desk.send("/supplements", paper(platform, **changes))
    assert answer.status_code == 422
    assert words in answer.text
    assert platform.conn.execute("select count(*) from alarms.incident").fetchone() == (0,)
    assert platform.conn.execute("select count(*) from ingest.call_record where source = 'paper'").fetchone() == (0,)


def test_the_same_number_with_other_content_is_no_second_entry(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    desk.post("/supplements", paper(platform))
    answer = desk.send("/supplements", paper(platform, trapped=5))
    assert (answer.status_code, "已补录为" in answer.text) == (409, True)
    assert platform.conn.execute("select trapped from ingest.call_record where source = 'paper'").fetchone() == (3,)


def test_only_a_seat_enters_from_paper(platform: Platform) -> None:
    answer = platform.person(Role.REGULATOR).send("/supplements", paper(platform))
    assert answer.status_code == 403


def test_the_outage_pack_is_written_once_a_day_and_names_plate_address_and_phones(
    platform: Platform, tmp_path: Path
) -> None:
    job = OutageJob(tmp_path / "pack", "96366")
    assert job.turn(platform.conn, START) > 0  # at once, for there is none
    assert job.turn(platform.conn, START) == 0
    folder = tmp_path / "pack" / "2026-03-02"
    names = {f.name for f in folder.iterdir()}
    assert {"index.html", "341302.html", "341302.pdf"} <= names
    row = platform.conn.execute(
        "select u.rescue_code, u.address, f.duty_phone from equipment.unit u join equipment.organisation f on f.id = u.firm_org_id"
        " where u.kind = 'lift' and u.status = 'in_use' and u.jurisdiction_id like '341302%' and f.duty_phone is not null limit 1"
    ).fetchone()
    if row is not None:
        text = (folder / "341302.html").read_text("utf-8")
        assert all(part in text for part in row)
    assert job.turn(platform.conn, START + timedelta(hours=16)) == 0  # 01:00: not before 05:00
    assert job.turn(platform.conn, START + timedelta(hours=20)) > 0
    for day in range(2, 10):
        job.turn(platform.conn, START + timedelta(days=day))
    kept = sorted(f.name for f in (tmp_path / "pack").iterdir())
    assert len(kept) == 8
    assert kept[0] == "2026-03-04"


def test_the_pack_is_a_page_and_files_too(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    plate = desk.get(f"/units/{LIFT}")["rescue_code"]
    assert plate in page(desk, "/outage")
    assert desk.client.get("/outage/pdf").content.startswith(b"%PDF")
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(desk.client.get("/outage/xlsx").content)).sheet_names
    assert "电梯" in sheets


def test_a_shift_is_handed_over_and_taken_over_by_somebody_else(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    rescue(platform, arrive_seconds=300)
    desk.post("/calls", {"category": "entrapment", "unit_id": LIFT, "trapped": 1})
    platform.turn(60)
    answer = desk.client.post("/shift", data={"_csrf": desk.csrf, "notes": "电话 2 号线杂音"}, follow_redirects=False)
    assert answer.status_code == 303
    number = answer.headers["location"].rsplit("/", 1)[1]
    kept = page(desk, f"/shift/{number}")
    for words in ("电话 2 号线杂音", "本班结束的事件", "门系统（303）", "困人"):
        assert words in kept
    own = desk.client.post(f"/shift/{number}/receive", data={"_csrf": desk.csrf}, follow_redirects=False)
    assert own.status_code == 400
    platform.conn.execute(
        "insert into equipment.account (login, display_name, password_hash, role, jurisdiction_id, created_at)"
        " select 'desk2', '坐席乙', password_hash, role, jurisdiction_id, created_at from equipment.account where login = 'desk'"
    )
    other = platform.log_in("desk2")
    taken = other.client.post(
        f"/shift/{number}/receive", data={"_csrf": other.csrf, "remark": "已知悉"}, follow_redirects=False
    )
    assert taken.status_code == 303
    again = other.client.post(f"/shift/{number}/receive", data={"_csrf": other.csrf}, follow_redirects=False)
    assert again.status_code == 400
    assert "坐席乙" in page(desk, "/shift")
    platform.clock.advance(3_600)
    assert page(desk, f"/shift/{number}").count("<h2>") == kept.count("<h2>")
    assert desk.client.get(f"/shift/{number}/pdf").content.startswith(b"%PDF")
