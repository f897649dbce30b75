"""The board over a real database: cuts, stages, what moved, official definitions, reports that equal the board."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from dashboards.commands import app
from dashboards.indicators import publish, reference
from dashboards.indicators.board import read_board
from dashboards.indicators.cuts import refresh_due, take_cut
from dashboards.indicators.errors import NoDataCutError, OfficialError, ReferenceFileError
from dashboards.indicators.standing import Coverage
from dashboards.reports.errors import NoChineseFontError, PeriodError
from dashboards.reports.model import Document, ReportKind, ReportPeriod
from dashboards.reports.render import as_pdf, chinese_font
from dashboards.reports.runner import SlowWork
from dashboards.reports.service import draw_up, due, make, moment_of, stored
from equipment.access.model import Role
from equipment.accidents import store
from equipment.accidents.model import NewAccident
from equipment.city.build import build_city
from equipment.cylinders.coverage import trace_coverage
from equipment.foundation.clock import SHANGHAI, ManualClock
from equipment.foundation.database import Connection, DatabaseRole
from tests.conftest import START, Database
from tests.platform import Platform

PASSWORD = "board-city-7"  # of a throw-away database


@pytest.fixture
def city(database: Database) -> Iterator[Connection]:
    with database.connect(autocommit=True) as conn:
        build_city(conn, units=30, seed=7, now=START, password=PASSWORD)
        yield conn


def lifts(conn: Connection) -> list[tuple[int, int]]:
    rows = conn.execute(
        "select no, firm_org_id from equipment.unit where kind in ('lift', 'escalator') and status = 'in_use' and firm_org_id is not null order by no"
    )
    return [(int(no), int(firm)) for no, firm in rows]


def file_record(conn: Connection, unit: tuple[int, int], at: datetime, state: str = "submitted") -> None:
    conn.execute(
        "insert into maintenance.record (id, unit_no, firm_org_id, idempotency_key, level, template, workers, started_at, ended_at, received_at, state, content, digest)"
        " values (%s, %s, %s, %s, 'half_month', 'x', '[]', %s, %s, %s, %s, '{}', 'x')",
        (uuid4(), *unit, str(uuid4()), at, at, at, state),
    )


def cut(conn: Connection, at: datetime) -> int:
    refresh_due(conn)
    return take_cut(conn, at)


def stage(conn: Connection, target: str, unit: int) -> int | None:
    row = conn.execute(f"select {target} from dashboards.unit_stage where unit_no = %s".encode(), (unit,)).fetchone()
    return None if row is None else row[0]


def covered(conn: Connection, at: datetime, target: str) -> Coverage:
    return next(c for c in read_board(conn, at).coverages if c.definition.id == target)


def test_paperless_is_effective_only_when_every_visit_was_filed(city: Connection) -> None:
    whole, gap, once, silent = lifts(city)[:4]
    for n in range(6):
        file_record(city, whole, START - timedelta(days=14 * n))
        if n != 2:
            file_record(city, gap, START - timedelta(days=14 * n))
    file_record(city, once, START - timedelta(days=3))
    city.execute("update equipment.unit set firm_org_id = %s where no = %s", (whole[1], silent[0]))
    city.execute(
        "update equipment.unit set first_use_date = %s where no = %s",
        (START.date() - timedelta(days=5), lifts(city)[5][0]),
    )
    cut(city, START)
    assert [stage(city, "paperless", u[0]) for u in (whole, gap, once, silent)] == [3, 2, 2, 1]
    assert stage(city, "paperless", lifts(city)[5][0]) == -1
    assert covered(city, START, "paperless").effective == 1
    assert covered(city, START, "paperless").excluded == 1


def test_a_lift_with_an_accepted_on_demand_plan_is_due_by_its_interval(city: Connection) -> None:
    planned, proposed = lifts(city)[:2]
    for unit, steps in ((planned, ("propose", "agree", "accept")), (proposed, ("propose", "agree"))):
        plan = city.execute(
            "insert into maintenance.on_demand_plan (unit_no, firm_org_id, state, interval_days, items, quality_target, proposed_at)"
            " values (%s, %s, %s, 30, 'x', 'x', %s) returning id",
            (*unit, "accepted" if "accept" in steps else "agreed", START - timedelta(days=200)),
        ).fetchone()
        assert plan is not None
        for event in steps:
            city.execute(
                "insert into maintenance.on_demand_plan_event (plan_id, unit_no, event, at) values (%s, %s, %s, %s)",
                (plan[0], unit[0], event, START - timedelta(days=100)),
            )
        for n in range(4):
            file_record(city, unit, START - timedelta(days=29 * n))
    cut(city, START)
    assert [stage(city, "paperless", u[0]) for u in (planned, proposed)] == [3, 2]


def test_the_hotline_needs_plate_and_phone_within_ninety_days(city: Connection) -> None:
    city.execute(
        "update equipment.unit set rescue_code = coalesce(rescue_code, lpad((900000 + no)::text, 6, '0')) where kind in ('lift', 'escalator')"
    )
    # two units of two firms
    both = lifts(city)[0]
    other = next(u for u in lifts(city) if u[1] != both[1])
    by = (None, START)
    store.record_hotline_check(city, (both[0], None), START - timedelta(days=80), by, passed=True)
    store.record_hotline_check(city, (None, both[1]), START - timedelta(days=10), by, passed=True)
    store.record_hotline_check(city, (other[0], None), START - timedelta(days=91), by, passed=True)
    cut(city, START)
    assert stage(city, "hotline", both[0]) == 3
    assert stage(city, "hotline", other[0]) == 1
    store.record_hotline_check(city, (both[0], None), START - timedelta(hours=1), by, passed=False)
    cut(city, START + timedelta(seconds=1))
    assert stage(city, "hotline", both[0]) == 2


def test_insurance_confirmation_and_terminals(city: Connection) -> None:
    today = START.astimezone(SHANGHAI).date()
    a, b = lifts(city)[:2]
    city.execute("update equipment.unit set insurance_valid_to = %s where no = %s", (today, a[0]))
    city.execute(
        "update equipment.unit set insurance_valid_to = %s, device_model = null where no = %s",
        (today - timedelta(days=1), b[0]),
    )
    file_record(city, a, START - timedelta(days=10), "confirmed")
    file_record(city, a, START - timedelta(hours=5))
    file_record(city, b, START - timedelta(days=10))
    city.execute(
        "insert into ingest.unit_state (unit_no, online, last_received_at) values (%s, true, %s)", (a[0], START)
    )
    cut(city, START)
    assert [stage(city, t, a[0]) for t in ("insurance", "confirmed", "iot")] == [3, 3, 3]
    assert [stage(city, t, b[0]) for t in ("insurance", "confirmed", "iot")] == [2, 1, -1]


def new_lift(conn: Connection, unit: str, first_use: date) -> int:
    row = conn.execute(
        "insert into equipment.unit (id, kind, variety_code, name, address, jurisdiction_id, jurisdiction_path, use_org_id, status, first_use_date, parameters, changed_at)"
        " select %s, kind, '3110', name, address, jurisdiction_id, jurisdiction_path, use_org_id, 'in_use', %s, '{}', %s"
        " from equipment.unit where no = %s returning no",
        (unit, first_use, START, lifts(conn)[0][0]),
    ).fetchone()
    assert row is not None
    return int(row[0])


def inspected(conn: Connection, unit: int, kind: str, on: date, passed: str = "passed") -> None:
    conn.execute(
        "insert into equipment.inspection (unit_no, kind, performed_on, conclusion, recorded_at) values (%s, %s, %s, %s, %s)",
        (unit, kind, on, passed, START),
    )


def test_inspection_and_self_test_follow_from_the_due_dates_of_the_register(city: Connection) -> None:
    # today is the 2nd of March 2026
    firsts = (date(2025, 9, 10), *[date(2019, 5, 1)] * 4, date(2009, 5, 1), date(2009, 5, 1))
    new, kept, late, silent, failed, taken_over, old = [new_lift(city, f"T{n}", day) for n, day in enumerate(firsts)]
    # inspected after 1 and 4 years, tested in the years between; the next inspection is that of year 7, the next test of year 8
    for unit in (kept, late):
        for kind, year in (("periodic", 2020), ("self_test", 2021), ("self_test", 2022), ("periodic", 2023)):
            inspected(city, unit, kind, date(year, 5, 20))
    for year in (2024, 2025):
        inspected(city, kept, "self_test", date(year, 5, 20))
    inspected(city, failed, "periodic", date(2020, 5, 20), "failed")
    # the register knows only its last inspection; and of a lift of 16 years nothing: no self-test is owed any more
    inspected(city, taken_over, "periodic", date(2025, 4, 20))
    cut(city, START)

    def both(unit: int) -> tuple[int | None, int | None]:
        return stage(city, "inspection", unit), stage(city, "self_test", unit)

    assert [both(u) for u in (new, kept, late, silent, failed)] == [(3, 3), (3, 3), (3, 2), (1, 1), (1, 1)]
    assert [both(u) for u in (taken_over, old)] == [(3, -1), (1, -1)]
    # what becomes known later is seen by the next cut
    inspected(city, late, "self_test", date(2024, 5, 2))
    inspected(city, late, "self_test", date(2025, 5, 2))
    cut(city, START + timedelta(minutes=10))
    assert stage(city, "self_test", late) == 3
    # a day that passes makes them overdue without anything being computed again
    assert refresh_due(city) == 0
    cut(city, START + timedelta(days=100))
    assert (stage(city, "inspection", kept), stage(city, "self_test", kept)) == (2, 3)


def test_a_cut_counts_what_was_in_use_on_its_day_under_the_place_and_the_firm_of_then(database: Database) -> None:
    today = START.astimezone(SHANGHAI).date()
    with database.connect(autocommit=True) as conn:
        build_city(conn, units=30, seed=7, now=START, password=PASSWORD)
        (unit, _), (moved, _) = lifts(conn)[:2]
        for attribute, no, value in (("status", unit, "scrapped"), ("jurisdiction", moved, "341321")):
            conn.execute(
                "select equipment.amend(%s, %s, %s, daterange(%s, null), %s, '报废移交')",
                (attribute, no, value, today - timedelta(days=10), START),
            )
        conn.execute("update equipment.unit set jurisdiction_id = '341321' where no = %s", (moved,))
    with database.connect(DatabaseRole.OWNER, autocommit=True) as conn:
        then, now = today - timedelta(days=11), today
        for name in ("stage_paperless", "stage_insurance", "stage_hotline", "stage_confirmed"):
            counted = [
                {row[0] for row in conn.execute(f"select unit_no from dashboards.{name}(%s)".encode(), (day,))}
                for day in (then, now)
            ]
            assert counted[0] - counted[1] == {unit}, name
        places = [
            conn.execute("select area from dashboards.in_use_on(%s) where unit_no = %s", (day, moved)).fetchone()
            for day in (then, now)
        ]
        assert places[0] != places[1]


def test_records_stand_as_they_did_at_the_end_of_the_day(city: Connection, database: Database) -> None:
    unit = lifts(city)[0]
    file_record(city, unit, START - timedelta(days=20), "confirmed")
    city.execute("update maintenance.record set confirmed_at = %s where unit_no = %s", (START - timedelta(days=2), unit[0]))  # fmt: skip
    with database.connect(DatabaseRole.OWNER, autocommit=True) as conn:

        def confirmed(back: int) -> int:
            day = (START - timedelta(days=back)).astimezone(SHANGHAI).date()
            found: dict[int, int] = dict(
                conn.execute("select * from dashboards.stage_confirmed(%s)", (day,)).fetchall()
            )
            return found[unit[0]]

        assert [confirmed(back) for back in (0, 5, 21)] == [3, 1, -1]


def test_what_moved_since_the_month_began_names_gained_and_lost(city: Connection) -> None:
    today = START.astimezone(SHANGHAI).date()
    city.execute("update equipment.unit set insurance_valid_to = null")
    a, b, c = (u[0] for u in lifts(city)[:3])
    city.execute("update equipment.unit set insurance_valid_to = %s where no = %s", (today + timedelta(days=2), a))
    cut(city, START)
    city.execute(
        "update equipment.unit set insurance_valid_to = %s where no = any(%s)", (today + timedelta(days=300), [b, c])
    )
    later = START + timedelta(days=5)
    cut(city, later)
    moved = next(m for m in read_board(city, later).movements if m.definition.id == "insurance")
    assert (moved.gained, moved.lost, moved.net) == (2, 1, 1)
    assert sum(net for _, net in moved.mostly) == 1
    # next month begins from where this one ended
    following = START + timedelta(days=32)
    cut(city, following)
    assert not next(m for m in read_board(city, following).movements if m.definition.id == "insurance").any


def test_events_are_counted_per_month_and_older_months_are_kept(city: Connection) -> None:
    unit = lifts(city)[0][0]

    def entrapment(number: str, at: datetime) -> None:
        city.execute(
            "insert into alarms.incident (number, unit_no, state, kind, severity, first_source, confirmed, opened_at) values (%s, %s, 'closed', 'entrapment', 'critical', 'call', true, %s)",
            (number, unit, at),
        )

    entrapment("a", START - timedelta(days=200))
    entrapment("b", START)
    cut(city, START)
    entrapment("late", START - timedelta(days=200))  # arrives after its month was counted
    entrapment("c", START + timedelta(minutes=1))
    cut(city, START + timedelta(hours=1))
    item = read_board(city, START + timedelta(hours=1)).leading[0]
    assert item.counts[-1] == 2
    assert sum(item.counts) == 3


def test_stocks_are_those_of_the_newest_cut_of_each_month_and_a_month_without_a_cut_is_missing(
    city: Connection,
) -> None:
    unit = lifts(city)[0][0]

    def open_hazards(at: datetime) -> tuple[tuple[date, ...], tuple[int, ...]]:
        cut(city, at)
        board = read_board(city, at)
        item = next(x for x in board.leading if x.definition.measure == "open_major_hazards")
        assert item.p_against_last is None
        assert board.open_major_hazards == item.counts[-1]
        return item.months, item.counts

    assert open_hazards(START) == ((date(2026, 3, 1),), (0,))
    city.execute(
        "insert into maintenance.hazard (number, unit_no, state, grade, clause, description, opened_at, opened_by, due_at)"
        " values ('m1', %s, 'listed', 'major', '4.6 b)', 'x', %s, 1, %s)",
        (unit, START, START + timedelta(days=1)),
    )
    assert open_hazards(START + timedelta(days=2)) == ((date(2026, 3, 1),), (1,))
    city.execute("update maintenance.hazard set grade = 'general'")
    # nothing was counted in April
    assert open_hazards(START + timedelta(days=61)) == ((date(2026, 3, 1), date(2026, 5, 1)), (1, 0))
    overdue = next(
        x for x in read_board(city, START + timedelta(days=3)).leading if x.definition.measure == "overdue_duties"
    )
    assert overdue.counts[-1] >= 1


def test_an_old_moment_shows_the_old_cut_and_before_the_first_there_is_none(city: Connection) -> None:
    first = cut(city, START)
    later = cut(city, START + timedelta(days=1))
    assert cut(city, START) == first
    assert read_board(city, START + timedelta(hours=1)).facts.cut.id == first
    assert read_board(city, START + timedelta(days=2)).facts.cut.id == later
    with pytest.raises(NoDataCutError):
        read_board(city, START - timedelta(days=1))


def test_of_finished_months_the_last_cut_stays(city: Connection) -> None:
    for day in (0, 1, 2, 40, 45):
        cut(city, START + timedelta(days=day))
    kept = [row[0] for row in city.execute("select (cut_at - %s) from dashboards.data_cut order by cut_at", (START,))]
    assert kept == [timedelta(days=2), timedelta(days=40), timedelta(days=45)] or kept[0] == timedelta(days=2)
    assert timedelta(days=0) not in kept


def test_undecided_until_a_document_says_otherwise(city: Connection) -> None:
    cut(city, START)
    today = START.astimezone(SHANGHAI).date()
    assert read_board(city, START).official is None
    with pytest.raises(OfficialError):
        publish.make_official(city, "registered", " ", "张局", today, (None, START))
    publish.make_official(city, "registered", "宿市监特设〔2026〕12 号", "张局", today, (None, START))
    board = read_board(city, START)
    assert board.official is not None
    assert board.official.document_no == "宿市监特设〔2026〕12 号"
    assert board.main.definition.id == "registered"
    # what was known before the choice does not know it
    assert read_board(city, START + timedelta(hours=1), day=today - timedelta(days=1)).official is None
    publish.make_official(city, None, "撤回〔2026〕1 号", "张局", today, (None, START + timedelta(seconds=1)))
    assert read_board(city, START + timedelta(seconds=2)).official is None


def test_a_published_value_is_stored_whole_and_made_again(city: Connection) -> None:
    cut(city, START)
    store.report(
        city,
        NewAccident("lift", "341302", START - timedelta(days=20), START - timedelta(days=20), deaths=1),
        None,
        START - timedelta(days=20),
    )
    publish.make_official(city, "in_use", "文〔2026〕1 号", "局", START.date(), (None, START))
    board = read_board(city, START)
    number = publish.publish(city, board.facts, board.main, START)
    value = publish.require_value(city, number)
    assert value.printed == board.main.printed == value.again()
    assert value.inputs.accidents[0][2:] == (1, True)
    assert value.known_at == START
    with pytest.raises(psycopg.errors.Error):
        city.execute("update dashboards.indicator_value set value = '{}'")


@pytest.mark.parametrize(
    "line",
    [
        "全国,20x4,deaths,1,V,s",
        "全国,2024,grief,1,V,s",
        "全国,2024,deaths,-1,V,s",
        "全国,2024,deaths,nan,V,s",
        "全国,2024,deaths,1,Q,s",
        ",2024,deaths,1,V,s",
    ],
)
def test_a_line_of_reference_figures_that_cannot_be_right_is_named(line: str) -> None:
    with pytest.raises(ReferenceFileError, match="第 2 行"):
        reference.read_reference(("area,year,measure,value,mark,source\n" + line).encode())


def test_reference_figures_come_from_a_file_and_replace_earlier_ones(city: Connection) -> None:
    figures = reference.read_reference(
        "area,year,measure,value,mark,source\n全国,2025,deaths,101,V,通报\n安徽,2025,deaths,3,M,通报\n".encode(
            "gb18030"
        )
    )
    assert reference.import_reference(city, figures, START) == 2
    assert reference.import_reference(city, figures, START) == 0
    again = reference.read_reference(
        "area,year,measure,value,mark,source\n安徽,2025,deaths,4,V,更正\n".encode("utf-8-sig")
    )
    assert reference.import_reference(city, again, START) == 1
    cut(city, START)
    known = read_board(city, START).facts.reference_of("安徽")
    assert (known[2025]["deaths"].value, known[2025]["deaths"].mark) == (4, "V")
    national = read_board(city, START).facts.reference_of("全国")
    assert national[2021]["published_rate"].value == 0.08
    assert national[2013]["deaths"].mark == "M"
    with pytest.raises(ReferenceFileError, match="mark"):
        reference.read_reference(b"area,year,measure,value,source\n")


def numbers(document: Document, title: str) -> dict[Any, tuple[Any, ...]]:
    table = next(s.table for s in document.sections if s.title == title)
    assert table is not None
    return {row[0]: row for row in table.rows}


def test_the_report_has_the_numbers_of_the_board_for_the_same_cut(city: Connection) -> None:
    for n, unit in enumerate(lifts(city)[:6]):
        for k in range(6):
            file_record(city, unit, START - timedelta(days=14 * k + n % 2), "confirmed")
    store.report(
        city,
        NewAccident("lift", "341302", START - timedelta(days=1), START - timedelta(days=1), deaths=1),
        None,
        START - timedelta(days=1),
    )
    cut(city, START)
    period = ReportPeriod.read(ReportKind.MONTHLY, "2026-03")
    board = read_board(city, START)
    made = make(city, period, START)
    for c in board.coverages:
        row = numbers(made.document, "覆盖率目标")[c.definition.zh]
        assert row[2] == ("未知" if c.share is None else f"{c.share * 100:.1f}%")
        assert row[4:8] == (c.of, c.connected, c.enabled, c.effective)
    assert f"万台死亡率 {board.main.printed}" in made.document.sections[0].paragraphs[0]
    candidates = numbers(made.document, "各候选口径对照")
    assert [candidates[f.definition.zh][1] for f in board.monitor.candidates if not f.definition.cylinders] == [
        f.printed for f in board.monitor.candidates if not f.definition.cylinders
    ]
    # what happens later does not change what was reported for that moment
    store.report(
        city,
        NewAccident("lift", "341302", START - timedelta(hours=5), START, deaths=2),
        None,
        START + timedelta(minutes=1),
    )
    cut(city, START + timedelta(hours=1))
    again, _ = draw_up(city, period, START + timedelta(hours=2), known_at=START)
    assert again == made.document
    assert draw_up(city, period, START + timedelta(hours=2))[0] != made.document
    assert made.id is not None
    assert stored(city, made.id)[1] == made.document


def test_the_files_say_what_the_document_says(city: Connection) -> None:
    cut(city, START)
    made = make(city, ReportPeriod.read(ReportKind.YEARLY, "2026"), START, store=False)
    assert made.id is None
    assert made.pdf.startswith(b"%PDF-1.7")
    assert b"pdfaid:part" in made.pdf
    assert b"pdfaid:conformance" in made.pdf
    assert b"NotoSans" in made.pdf
    book = CalamineWorkbook.from_filelike(io.BytesIO(made.xlsx))
    rows = book.get_sheet_by_name("覆盖率目标").to_python()
    table = next(s.table for s in made.document.sections if s.title == "覆盖率目标")
    assert table is not None
    assert [tuple(r) for r in rows[1:]] == [
        tuple(float(c) if isinstance(c, int) else c for c in row) for row in table.rows
    ]
    assert book.get_sheet_by_name("概要").to_python()[0][0] == "宿州市特种设备安全年报 2026 年"
    assert "允许死亡" not in json.dumps(made.document.as_json(), ensure_ascii=False)


def test_periods() -> None:
    october = ReportPeriod.read(ReportKind.MONTHLY, "2026-10")
    assert (october.first, october.last, october.stem) == (
        date(2026, 10, 1),
        date(2026, 10, 31),
        "teshe-monthly-2026-10",
    )
    assert ReportPeriod.before(ReportKind.MONTHLY, date(2026, 1, 1)).first == date(2025, 12, 1)
    for kind, text in ((ReportKind.MONTHLY, "2026"), (ReportKind.MONTHLY, "2026-13"), (ReportKind.YEARLY, "26-1")):
        with pytest.raises(PeriodError):
            ReportPeriod.read(kind, text)
    with pytest.raises(PeriodError, match="没有开始"):
        moment_of(october, datetime(2026, 9, 30, tzinfo=SHANGHAI))
    assert moment_of(october, datetime(2026, 12, 1, tzinfo=SHANGHAI)) == datetime(2026, 11, 1, 2, 0, tzinfo=SHANGHAI)


def test_the_calendar_makes_each_report_once(city: Connection, database: Database) -> None:
    clock = ManualClock(START)
    slow = SlowWork(database.url, clock)
    slow.turn(city, clock.now())
    # February had no cut: there is nothing to report of it
    assert city.execute("select count(*) from dashboards.report").fetchone() == (0,)
    at = datetime(2026, 4, 1, 1, 59, tzinfo=SHANGHAI)
    assert due(city, at, "341300")[0].first == date(2026, 2, 1)
    at += timedelta(minutes=1)
    assert due(city, at, "341300")[0].first == date(2026, 3, 1)
    slow.turn(city, at)
    slow.turn(city, at + timedelta(seconds=5))
    found = city.execute("select kind, period, scheduled from dashboards.report").fetchall()
    assert found == [("monthly", date(2026, 3, 1), True)]
    with pytest.raises(psycopg.errors.Error):
        city.execute("delete from dashboards.report")


def test_cuts_are_made_every_ten_minutes_and_not_oftener(city: Connection, database: Database) -> None:
    slow = SlowWork(database.url, ManualClock(START))
    for seconds in (0, 5, 300, 599, 600, 605):
        slow.turn(city, START + timedelta(seconds=seconds))
    assert city.execute("select count(*) from dashboards.data_cut").fetchone() == (2,)


def test_without_a_chinese_font_nothing_is_set_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboards.reports.render.FONTS", ("No Such Font",))
    chinese_font.cache_clear()
    with pytest.raises(NoChineseFontError, match="fonts-noto-cjk"):
        as_pdf(Document("标题", "期", ()), START)
    chinese_font.cache_clear()


def test_the_commands(city: Connection, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(SHANGHAI)
    cut(city, now - timedelta(minutes=1))
    publish.make_official(city, "in_use", "文〔2026〕1 号", "局", now.date(), (None, now))
    monkeypatch.setenv("TESHE_DATABASE_URL", database.url)
    result = CliRunner().invoke(app, ["report", "monthly", "--month", f"{now:%Y-%m}", "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert sorted(p.suffix for p in (tmp_path / "out").iterdir()) == [".json", ".pdf", ".xlsx"]
    result = CliRunner().invoke(app, ["indicator", "recompute", "--json"])
    assert json.loads(result.stdout) == {"values": 1, "different": []}
    file = tmp_path / "figures.csv"
    file.write_text("area,year,measure,value,mark,source\n安徽,2025,deaths,3,M,通报\n", "utf-8")
    assert "1 added" in CliRunner().invoke(app, ["indicator", "import-reference", str(file)]).stdout


def test_the_pages_and_the_api_over_the_whole_path(platform: Platform) -> None:
    regulator, inspector = platform.person(Role.REGULATOR), platform.person(Role.INSPECTOR)
    made = inspector.post(
        "/accidents",
        {"occurred_at": START.isoformat(), "kind": "lift", "jurisdiction_id": "341302", "serious_injuries": 1},
    )
    number = made["number"]
    platform.clock.advance(3_600)
    at = platform.clock.now().isoformat()
    changed = inspector.post(f"/accidents/{number}/casualties", {"before": "serious", "after": "death", "at": at})
    assert changed["deaths"] == 1
    inspector.post(
        f"/accidents/{number}/follow-ups", {"event": "report", "step": "city", "at": at, "note": "李警官 0557"}
    )
    shown = regulator.get(f"/accidents/{number}")
    assert [r["state"] for r in shown["reporting"]][:2] == ["in_time", "in_time"]
    assert len(shown["entries"]) == 2
    answer = inspector.send(
        "/indicators/official",
        {"definition": "in_use", "document_no": "x", "approved_by": "y", "valid_from": "2026-03-02"},
    )
    assert answer.status_code == 403
    regulator.post(
        "/indicators/official",
        {"definition": "in_use", "document_no": "宿〔2026〕1 号", "approved_by": "王局", "valid_from": "2026-03-02"},
    )
    assert regulator.get("/indicators/fatality")["definition"]["official"] is True
    assert {c["target_id"] for c in regulator.get("/indicators/coverage")["coverage"]} >= {
        "paperless",
        "insurance",
        "hotline",
    }
    regulator.post("/hotline-checks", {"unit_id": platform.pipeline.lifts[0], "subject": "plate", "passed": True})
    platform.clock.advance(61)
    assert regulator.post("/indicators/cut", {})["cut"]
    pages = ["/board", "/board/wall", "/board/fatality", "/board/accidents", f"/board/accidents/{number}", "/board/coverage/hotline?only=all",
             "/board/coverage/iot?only=lost", "/board/reference", "/board/reports", "/board/report?kind=monthly&period=2026-03", "/board/definitions", "/board/accident"]  # fmt: skip
    for address in pages:
        page = regulator.client.get(address, headers={"accept": "text/html"})
        assert page.status_code == 200, f"{address}: {page.text[:300]}"
        assert "允许死亡" not in page.text
    assert "宿〔2026〕1 号" in regulator.client.get("/board", headers={"accept": "text/html"}).text
    wall = regulator.client.get("/board/wall", headers={"accept": "text/html"}).text
    assert "死亡" not in wall
    for address, status in (
        ("/board?at=yesterday", 400),
        ("/board/coverage/luck", 422),
        ("/board/accidents/SG1999-1", 404),
        ("/board/report?period=2026-99", 422),
        ("/board/reports/77", 422),
        ("/board?at=2020-01-01T00:00:00%2B08:00", 422),
    ):
        assert regulator.client.get(address, headers={"accept": "text/html"}).status_code == status, address
    made_report = regulator.client.post(
        "/board/reports?kind=monthly&period=2026-03", headers={"X-CSRF-Token": regulator.csrf}, follow_redirects=False
    )
    assert made_report.status_code == 303, made_report.text
    place = made_report.headers["location"]
    assert regulator.client.get(place + "/pdf").content.startswith(b"%PDF")
    assert regulator.client.get(place + "/xlsx").content.startswith(b"PK")
    assert regulator.get("/indicators/values")[0]["again"] == regulator.get("/indicators/values")[0]["printed"]
    # a district sees its own numbers only
    whole, own = regulator.get("/indicators/coverage"), inspector.get("/indicators/coverage")
    count = {c["target_id"]: c["of"] for c in whole["coverage"]}
    assert all(c["of"] <= count[c["target_id"]] for c in own["coverage"])
    assert sum(c["of"] for c in own["coverage"]) < sum(count.values())


def test_cylinders_are_traced_as_the_cylinder_register_says(city: Connection) -> None:
    row = city.execute("select id from equipment.organisation where kind = 'use_unit' order by id limit 1").fetchone()
    assert row is not None
    city.execute(
        "insert into equipment.filling_station (organisation_id, registered_at) values (%s, %s)", (row[0], START)
    )
    for serial, code in (("1", "QP-0001"), ("2", None), ("3", "QP-0003")):
        city.execute(
            "insert into equipment.cylinder (station_id, code, maker_code, serial, make_date, variety_code, medium, state, state_since, registered_at, changed_at)"
            " values (%s, %s, 'M1', %s, '2020-01-01', '2310', 'lpg', 'empty', %s, %s, %s)",
            (row[0], code, serial, START, START - timedelta(days=1), START),
        )
    cut(city, START)
    found = covered(city, START, "cylinder_trace")
    wanted = trace_coverage(city, START.astimezone(SHANGHAI).date())
    assert (found.effective, found.of) == (wanted.traced, wanted.cylinders)
    assert 0 < found.effective < found.of
    with_cylinders = read_board(city, START, definition="with_cylinders").main
    assert with_cylinders.inputs.cylinders == wanted.cylinders
