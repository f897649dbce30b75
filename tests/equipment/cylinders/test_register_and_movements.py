"""Registering, moving, keeping and letting go; export; coverage."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.access.model import Role
from equipment.cylinders import coverage, export, movements, register, retention, store
from equipment.cylinders.coverage import trace_coverage
from equipment.cylinders.judge import is_web_address
from equipment.cylinders.model import Movement
from equipment.cylinders.settings import CylinderSettings, add_months
from equipment.errors import CylinderInputError, CylinderStepError, UnknownCylinderError
from equipment.foundation import timescale
from equipment.foundation.migrations import time_partitions
from tests.equipment.cylinders.conftest import Yard

SETTINGS = CylinderSettings()


def registered(yard: Yard, *entries: dict[str, Any]) -> register.RegisterAnswer:
    sound = {
        "maker_code": "1",
        "serial": "N1",
        "make_date": "2024-01-01",
        "variety_code": "2320",
        "medium": "lpg",
        "code": "N-0001",
    }
    call = register.read_call(msgspec.json.encode({"cylinders": [sound | entry for entry in entries]}))
    return register.register(yard.conn, call.cylinders, yard.a, None, yard.clock.now())


def test_one_cylinder_has_one_code(yard: Yard) -> None:
    answer = registered(yard, {}, {}, {"serial": "N2"}, {"code": "A-0001", "serial": "N3"}, {"code": None, "serial": "N4"},
                        {"code": "B-0001", "serial": "N5"})  # fmt: skip
    assert [i.outcome for i in answer.items] == ["registered", "repeated", "taken", "taken", "registered", "taken"]
    assert registered(yard, {}).items[0].outcome == "repeated"
    assert yard.count("cylinder") == 6


def test_what_cannot_be_right_is_named(yard: Yard) -> None:
    bad: list[tuple[dict[str, Any], str]] = [
        ({"code": "a"}, "code"), ({"code": "有字"}, "code"), ({"variety_code": "3110"}, "variety_code"), ({"medium": "water"}, "medium"),
        ({"make_date": "2027-01-01"}, "make_date"), ({"make_date": "soon"}, "make_date"), ({"tare_kg": 0}, "tare_kg"),
        ({"volume_l": -1}, "volume_l"), ({"next_inspection": "2020-01-01"}, "next_inspection"),
        ({"last_inspection": "2027-01-01"}, "last_inspection"), ({"scrap_date": "2020-01-01"}, "scrap_date"),
        ({"serial": " "}, "serial"), ({"serial": "a\u0000"}, "serial"), ({"extra": 1}, "extra"),
    ]  # fmt: skip
    answer = registered(yard, *(change for change, _ in bad))
    assert answer.invalid == len(bad)
    for item, (_, word) in zip(answer.items, bad, strict=True):
        assert word in item.detail, item


def move(yard: Yard, code: str, event: str, minutes: float = 0, **values: Any) -> movements.Moved:
    supervises = event in ("freeze", "unfreeze")
    asker = yard.asker(Role.INSPECTOR, None, "/341300/") if supervises else yard.asker(Role.USE_UNIT_OFFICER, yard.a)
    at = yard.clock.now() + timedelta(minutes=minutes)
    return movements.move(yard.conn, code, Movement(event, at, **values), asker, yard.clock.now(), SETTINGS)


def test_a_cylinder_goes_round(each_yard: Yard) -> None:
    yard = each_yard
    yard.send(yard.fill("A-0001", minutes=-60))
    assert move(yard, "A-0001", "deliver", -50, recipient="张某", address="某小区").state == "delivered"
    assert move(yard, "A-0001", "deliver", -50, recipient="张某", address="某小区") == movements.Moved(
        "A-0001", "delivered", repeated=True
    )
    assert move(yard, "A-0001", "return", -40).state == "empty"
    assert move(yard, "A-0001", "send_inspection", -30).state == "inspection"
    assert move(yard, "A-0001", "pass_inspection", -20).state == "empty"
    found = store.find(yard.conn, "A-0001")
    today = yard.clock.now().date()
    assert (found.last_inspection, found.next_inspection) == (today, add_months(today, 48))
    assert move(yard, "A-0001", "freeze", -10, reason="核查").state == "frozen"
    assert yard.send(yard.fill("A-0001")).items[0].reasons == ("not_fillable",)
    assert move(yard, "A-0001", "unfreeze", -5, reason="核查完毕").state == "empty"
    assert move(yard, "A-0001", "scrap", 0, reason="到期").state == "scrapped"
    found = store.find(yard.conn, "A-0001")
    assert (found.scrap_date, found.next_inspection) == (today, None)
    assert [e.event for e in reversed(store.events_of(yard.conn, found.no))] == [
        "deliver", "return", "send_inspection", "pass_inspection", "freeze", "unfreeze", "scrap",
    ]  # fmt: skip


def test_a_step_that_is_not_possible_is_refused_and_changes_nothing(yard: Yard) -> None:
    with pytest.raises(CylinderStepError, match="deliver"):
        move(yard, "A-0001", "deliver")
    with pytest.raises(UnknownCylinderError):
        move(yard, "X-0000", "deliver")
    assert yard.state("A-0001") == "empty"
    assert yard.count("cylinder_event") == 0


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"event": "explode"}, "event"), ({"event": "finish"}, "event"), ({"event": "check"}, "event"), ({"event": "scrap"}, "reason"),
        ({"event": "return", "recipient": "x"}, "recipient"), ({"event": "deliver", "phone": "1"}, "recipient"),
        ({"event": "return", "minutes": 60}, "at"), ({"event": "return", "next_inspection": date(2030, 1, 1)}, "next_inspection"),
        ({"event": "pass_inspection", "next_inspection": date(2020, 1, 1)}, "next_inspection"),
        ({"event": "deliver", "recipient": "x" * 300}, "recipient"),
    ],
)  # fmt: skip
def test_a_movement_that_cannot_be_right_is_named(yard: Yard, values: dict[str, Any], word: str) -> None:
    with pytest.raises(CylinderInputError, match=word):
        move(yard, "A-0001", **values)


def test_due_lists_and_their_counts_agree(yard: Yard) -> None:
    today = yard.clock.now().date()
    yard.cylinder("A-LATE", next_inspection=today - timedelta(days=1))
    yard.cylinder("A-OLD1", next_inspection=today - timedelta(days=90))
    yard.cylinder("A-SOON", next_inspection=today)
    yard.cylinder("A-NONE", next_inspection=None)
    overdue = store.due_for_inspection(yard.conn, date.min, today)
    assert [c.code for c in overdue] == ["A-OLD1", "A-LATE"]
    assert [c.code for c in store.without_inspection(yard.conn)] == ["A-NONE"]
    assert store.due_counts(yard.conn, yard.clock.now()) == store.DueCounts(2, 1, 1)
    move(yard, "A-OLD1", "lose", reason="被盗")
    assert store.due_counts(yard.conn, yard.clock.now()).overdue == 1


def test_search_is_by_whole_code_or_serial_and_pages_by_number(yard: Yard) -> None:
    assert [c.code for c in store.search(yard.conn, store.CylinderFilter("SA-0002"))] == ["A-0002"]
    assert [c.code for c in store.search(yard.conn, store.CylinderFilter("A-0003"))] == ["A-0003"]
    first = store.search(yard.conn, store.CylinderFilter(), 0, 2)
    rest = store.search(yard.conn, store.CylinderFilter(), first[-1].no, 10)
    assert [c.code for c in [*first, *rest]] == ["A-0001", "A-0002", "A-0003", "B-0001"]
    assert store.search(yard.conn, store.CylinderFilter(state="full")) == []


def test_fills_page_within_one_moment(yard: Yard) -> None:
    for number in range(5):
        yard.cylinder(f"M-{number:04d}")
    yard.send(*(yard.fill(f"M-{number:04d}") for number in range(5)))
    now, seen, at = yard.clock.now(), [], (yard.clock.now() + timedelta(seconds=1), 0)
    while page := store.fills(yard.conn, now - timedelta(days=1), *at, 2):
        seen += [f.code for f in page]
        at = (page[-1].filled_at, page[-1].cylinder_no)
    assert seen == [f"M-{number:04d}" for number in reversed(range(5))]


def test_coverage_counts_what_left_its_whole_trace(yard: Yard) -> None:
    day = yard.clock.now().date()
    assert trace_coverage(yard.conn, day) == coverage.TraceCoverage(day, 30, 4, 4, 4)
    registered(yard, {"code": None})
    yard.send(yard.fill("A-0001"), yard.fill("A-0002", filler=None), yard.fill("B-0001"))
    found = trace_coverage(yard.conn, day)
    # A-0002 has no filler, B-0001 was filled by another station, one has no code
    assert (found.cylinders, found.coded, found.traced, found.share) == (5, 4, 2, 0.4)
    assert trace_coverage(yard.conn, day + timedelta(days=40)).traced == 4
    assert trace_coverage(yard.conn, date(2020, 1, 1)).share is None
    move(yard, "A-0003", "lose", reason="被盗")
    assert trace_coverage(yard.conn, day).cylinders == 4


def test_traces_are_kept_as_long_as_they_must_and_then_go_with_their_personal_data(each_yard: Yard) -> None:
    yard = each_yard
    early = yard.clock.now() - timedelta(days=900)
    yard.send(yard.fill("A-0001", minutes=-900 * 24 * 60), yard.fill("A-0002"))
    yard.conn.execute(
        "insert into equipment.cylinder_delivery (cylinder_no, at, station_id, recipient) values (1, %s, %s, '张某')",
        (early, yard.a),
    )
    assert retention.keep_traces(yard.conn, yard.clock.now()) == 0
    assert (yard.count("cylinder_fill"), yard.count("cylinder_delivery")) == (2, 1)
    retention.keep_traces(yard.conn, yard.clock.now(), CylinderSettings(trace_retention_days=730))
    assert (yard.count("cylinder_fill"), yard.count("cylinder_delivery")) == (1, 0)
    found = store.public(yard.conn, "A-0001", yard.clock.now())
    assert found is not None
    assert (found.filled_at, found.net_kg) == (early, None)
    with pytest.raises(ValueError, match="730"):
        CylinderSettings(trace_retention_days=10)
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        yard.conn.execute("select equipment.drop_cylinder_traces(now() - interval '1 year')")


def test_partitions_of_the_functions_are_those_of_the_plumbing(yard: Yard) -> None:
    yard.send(yard.fill("A-0001"))
    for name in ("cylinder_fill", "cylinder_event"):
        partition = time_partitions(("equipment",))[f"equipment.{name}"]
        yard.conn.execute("select equipment.cylinder_partition(%s::regclass, %s)", (partition.table, yard.clock.now()))
        before = yard.conn.execute("select count(*) from pg_inherits").fetchone()
        timescale.Partitions(timescale.TimescaleLevel.NONE, partition).ensure(yard.conn, [yard.clock.now()])
        assert yard.conn.execute("select count(*) from pg_inherits").fetchone() == before


def test_an_export_holds_what_is_shown_and_no_formula(yard: Yard) -> None:
    registered(yard, {"serial": "=1+1", "maker_code": "@x"})
    yard.send(yard.fill("A-0001", note="+cmd", vacuum_mpa=-0.08))
    cylinders = export.header(export.CYLINDER_COLUMNS) + export.rows_of(
        store.search(yard.conn, store.CylinderFilter()), export.CYLINDER_COLUMNS
    )
    rows = list(csv.reader(io.StringIO(cylinders.decode("utf-8-sig"))))
    assert rows[0][0] == "气瓶编码"
    assert rows[-1][2:4] == ["'@x", "'=1+1"]
    assert {len(row) for row in rows} == {len(export.CYLINDER_COLUMNS)}
    fills = store.fills(yard.conn, yard.clock.now() - timedelta(days=1), yard.clock.now() + timedelta(seconds=1))
    (row,) = csv.reader(io.StringIO(export.rows_of(fills, export.FILL_COLUMNS).decode()))
    shown = dict(zip(export.FILL_COLUMNS, row, strict=True))
    assert (shown["filled_at"], shown["vacuum_mpa"], shown["note"], shown["passed"]) == (
        "2026-03-02 09:00:00",
        "-0.08",
        "'+cmd",
        "1",
    )


@given(st.dates(date(1950, 1, 1), date(2090, 1, 1)), st.integers(0, 600))
def test_months_are_added_to_the_same_day_or_the_last_of_the_month(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).month != later.month)


@given(st.text(max_size=60))
def test_no_text_breaks_the_check_of_an_address(text: str) -> None:
    assert is_web_address(text) is False or text.startswith(("http://", "https://")) or "://" in text
