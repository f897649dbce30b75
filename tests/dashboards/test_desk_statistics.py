"""The desk's figures as page, workbook and JSON: the same numbers, by the same definitions, for whoever may see them."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from equipment.access.model import Role
from tests.dashboards.test_desk_papers import page, paper, rescue
from tests.platform import Platform

MONTH = "month=2026-03"


@pytest.fixture
def month(platform: Platform) -> Platform:
    """Three rescues (one late by the report alone, one by both clocks), a drill, a test and a 补录."""
    for seconds in (600, 1_780, 2_400):
        rescue(platform, arrive_seconds=seconds)
        platform.clock.advance(3_600)
    rescue(platform, arrive_seconds=30)
    rescue(platform, arrive_seconds=30)
    for number, nature in ((4, "drill"), (5, "test")):
        platform.conn.execute("update alarms.incident set nature = %s where id = (select id from alarms.incident order by id offset %s limit 1)",
                              (nature, number - 1))  # fmt: skip
    platform.person(Role.DESK).post("/supplements", paper(platform))
    return platform


def tables(text: str) -> dict[str, list[list[str]]]:
    """Tables of the page under their headings, cell by cell."""
    found = {}
    for title, body in re.findall(r"<h2>[一二三四五六七八九十]、(.*?)</h2>(.*?)</section>", text, re.S):
        rows = re.findall(r"<tr>(.*?)</tr>", body, re.S)
        cells = [[unescape(c) for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)] for row in rows]
        if cells:
            found[unescape(title)] = cells
    return found


def cell(value: Any) -> str:
    """A cell of the workbook as the page writes it: whole numbers without a point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def test_the_workbook_is_the_page_cell_by_cell(month: Platform) -> None:
    desk = month.person(Role.DESK)
    shown = tables(page(desk, f"/statistics?{MONTH}"))
    assert len(shown) >= 9
    book = CalamineWorkbook.from_filelike(io.BytesIO(desk.client.get(f"/statistics/xlsx?{MONTH}").content))
    for title, rows in shown.items():
        sheet = book.get_sheet_by_name(title[:31]).to_python()
        numbers = [[cell(v) if v != "" else "" for v in row] for row in sheet]
        assert numbers == [[re.sub(r"^(-?\d+)\.0$", r"\1", c) for c in row] for row in rows], title
    words = [str(v) for row in book.get_sheet_by_name("概要").to_python() for v in row]
    for sentence in re.findall(r"<p>(.*?)</p>", page(desk, f"/statistics?{MONTH}").partition("<article")[2], re.S):
        assert unescape(sentence) in words


def test_the_json_says_what_the_page_says(month: Platform) -> None:
    desk = month.person(Role.DESK)
    shown = tables(page(desk, f"/statistics?{MONTH}"))
    told = desk.get(f"/statistics/desk?{MONTH}")
    assert (told["entrapments"], told["people_freed"], told["entrapments_on_paper"]) == (3, 6, 1)
    assert told["by_nature"] == {"real": 3, "drill": 1, "test": 1, "supplement": 1}
    spans = {row[0]: row[1:] for row in shown["到达与解救用时（困人）"][1:]}
    for key, name in (("arrival_reported", "报警→到达"), ("arrival_dispatched", "派单→到达"), ("release", "到达→解救")):
        known, missing, mean, share, *bins = spans[name]
        figures = told[key]
        assert [figures["known"], figures["missing"], *figures["bins"].values()] == [
            int(v) for v in (known, missing, *bins)
        ]
        whole = round(figures["mean_seconds"])
        assert mean == f"{whole // 60} 分 {whole % 60:02d} 秒"
        assert share == f"{figures['share_in_time'] * 100:.2f}%"
    # the two starts of the 30 minutes are two figures
    assert (told["late_from_report"], told["late_from_order"]) == (2, 1)
    assert [row[0] for row in shown["超过 30 分钟到达"][1:]] == [c["number"] for c in told["late"]]
    for name, title in (("district", "辖区"), ("firm", "维保单位"), ("maker", "制造单位")):
        rows = shown[f"按{title}（困人）"][1:]
        assert [(r[0], int(r[1]), int(r[2])) for r in rows] == [
            (g["name"], g["entrapments"], g["people_freed"]) for g in told["groups"][name]
        ]
    both = [g for name in ("age", "hour") for g in told["groups"][name]]
    assert [(r[1], int(r[2])) for r in shown["按梯龄和时段（困人）"][1:]] == [
        (g["name"], g["entrapments"]) for g in both
    ]
    seats = shown["坐席负荷（ISA-18.2）"][1:]
    assert [(r[0], int(r[1]), int(r[2])) for r in seats] == [
        (s["name"], s["hours"], s["incidents_taken"]) for s in told["load"]["seats"]
    ]
    assert set(told["definitions"]) >= {"monthly_rate", "arrival_reported", "arrival_dispatched", "bins"}


def test_a_rate_without_a_known_number_of_lifts_is_null_and_not_nought(month: Platform) -> None:
    told = month.person(Role.DESK).get(f"/statistics/desk?{MONTH}&district=000000")
    assert (told["lifts"], told["monthly_rate"], told["daily_rate"]) == (None, None, None)


def test_any_days_may_be_asked_and_impossible_ones_are_refused(month: Platform) -> None:
    desk = month.person(Role.DESK)
    day = (month.clock.now() + timedelta(hours=8)).date()
    told = desk.get(f"/statistics/desk?first={day}&last={day}")
    assert (told["days"], told["entrapments"]) == (1, 3)
    for bad in (
        "month=soon",
        f"first={day}",
        f"first={day}&last=2020-01-01",
        f"{MONTH}&first={day}&last={day}",
        "first=2020-01-01&last=2026-01-01",
    ):
        answer = desk.client.get(f"/api/v1/statistics/desk?{bad}")
        assert answer.status_code in (400, 422), bad
        assert answer.json()["detail"]


def test_a_firm_is_no_reader_of_the_citys_statistics(month: Platform) -> None:
    assert month.person(Role.FIRM_MANAGER).client.get(f"/api/v1/statistics/desk?{MONTH}").status_code == 403
