"""Due dates as the law counts them: the years of a lift, early windows, idle time, warnings, and what is not known."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.due.dates import Due, Facts, Inspection, add_months, due_dates, judged, month_end, schedule
from equipment.due.rules import read_rules, rule_table
from equipment.errors import CatalogueError

BASE = date(2010, 5, 17)


def lift(*inspections: Inspection, **more: object) -> Facts:
    values: dict[str, object] = {
        "variety": "3110", "kind": "lift", "status": "in_use", "first_use": BASE, "certificate_no": "梯11皖L00001(10)",
        "insured_to": None, "inspections": (Inspection("supervision", BASE, passed=True), *inspections),
    }  # fmt: skip
    return Facts(**(values | more))  # type: ignore[arg-type]


def of(facts: Facts, duty: str, today: date) -> Due:
    return next(d for d in due_dates(facts, today) if d.duty == duty)


def test_a_lift_is_inspected_in_the_years_of_the_rule_and_yearly_after_fifteen() -> None:
    table = rule_table()
    years = [day.year - 2010 for day, _ in schedule(table.named("lift-inspection"), table, BASE)][:10]
    assert years == [1, 4, 7, 9, 11, 13, 15, 16, 17, 18]
    tested = [day.year - 2010 for day, _ in schedule(table.named("lift-self-test"), table, BASE)]
    assert tested == [2, 3, 5, 6, 8, 10, 12, 14]
    marks = {day.year - 2010: clause.mark for day, clause in schedule(table.named("lift-inspection"), table, BASE)}
    assert (marks[15], marks[16]) == ("V", "M")


@given(st.integers(0, 89))
def test_every_year_has_either_an_inspection_or_a_self_test(year: int) -> None:
    table = rule_table()
    inspected = {d.year for d, _ in schedule(table.named("lift-inspection"), table, BASE)}
    tested = {d.year for d, _ in schedule(table.named("lift-self-test"), table, BASE)}
    assert (2011 + year in inspected) != (2011 + year in tested)


def test_an_early_inspection_answers_its_date_and_moves_no_other() -> None:
    early = Inspection("periodic", date(2011, 3, 2), passed=True)
    assert of(lift(early), "inspection", date(2011, 6, 1)).on == date(2014, 5, 31)
    too_early = Inspection("periodic", date(2011, 2, 20), passed=True)
    assert of(lift(too_early), "inspection", date(2011, 4, 1)).on == date(2011, 5, 31)
    late = Inspection("periodic", date(2011, 9, 2), passed=True)
    assert of(lift(late), "inspection", date(2011, 10, 1)).on == date(2014, 5, 31)
    failed = Inspection("periodic", date(2011, 5, 2), passed=False)
    assert of(lift(failed), "inspection", date(2011, 5, 3)).on == date(2011, 5, 31)


def test_a_missed_date_is_overdue_and_what_nobody_recorded_is_unknown() -> None:
    first = Inspection("periodic", date(2011, 5, 2), passed=True)
    missed = of(lift(first), "inspection", date(2014, 6, 1))
    assert (missed.on, missed.state) == (date(2014, 5, 31), "overdue")
    assert of(lift(), "inspection", date(2026, 3, 2)).state != "overdue"
    assert of(lift(first_use=None, inspections=()), "inspection", date(2026, 3, 2)).why == "no_base"
    assert of(lift(inspections=()), "inspection", date(2010, 6, 1)).why == "base_assumed"


def test_a_major_repair_skips_that_years_inspection() -> None:
    first = Inspection("periodic", date(2011, 5, 2), passed=True)
    repaired = Inspection("repair_supervision", date(2014, 9, 9), passed=True)
    assert of(lift(first, repaired), "inspection", date(2014, 10, 1)).on == date(2017, 5, 31)


def test_an_idle_lift_owes_an_inspection_before_it_runs_again_and_keeps_its_years() -> None:
    idle = lift(status="stopped", idle=((date(2012, 1, 1), None),))
    assert of(idle, "restart", date(2013, 1, 1)).state == "before_restart"
    assert "restart" not in {d.duty for d in due_dates(idle, date(2012, 12, 31))}
    restarted = lift(
        Inspection("periodic", date(2011, 5, 2), passed=True),
        Inspection("restart", date(2013, 8, 20), passed=True),
        idle=((date(2012, 1, 1), date(2013, 8, 21)),),
    )
    assert of(restarted, "inspection", date(2013, 9, 1)).on == date(2014, 8, 31)


@pytest.mark.parametrize(
    ("days", "state", "warning"), [(61, "ok", None), (60, "soon", 60), (30, "soon", 30), (7, "soon", 7), (0, "soon", 7), (-1, "overdue", None)]
)  # fmt: skip
def test_insurance_warns_at_60_30_and_7_days(days: int, state: str, warning: int | None) -> None:
    today = date(2026, 3, 2)
    found = of(lift(insured_to=today + timedelta(days=days)), "insurance", today)
    assert (found.state, found.warn_days) == (state, warning)
    assert found.clause is not None
    assert not found.clause.verified


@pytest.mark.parametrize(
    ("variety", "kind", "duty", "months", "verified"),
    [
        ("5110", "vehicle", "inspection", 24, True), ("5210", "vehicle", "inspection", 12, True), ("1100", "boiler", "inspection", 12, False),
        ("1100", "boiler", "internal_inspection", 24, False), ("2150", "pressure_vessel", "inspection", 36, False),
        ("4860", "crane", "inspection", 12, False), ("4110", "crane", "inspection", 24, False), ("9110", "ropeway", "inspection", 12, False),
    ],
)  # fmt: skip
def test_other_kinds_follow_the_table_with_their_mark(
    variety: str, kind: str, duty: str, months: int, verified: bool
) -> None:
    found = of(lift(variety=variety, kind=kind), duty, BASE)
    assert found.on == month_end(add_months(BASE, months))
    assert found.clause is not None
    assert found.clause.verified is verified


def test_a_kind_without_a_rule_is_unknown_and_a_scrapped_unit_owes_nothing() -> None:
    assert of(lift(variety="8310", kind="pressure_pipe"), "inspection", BASE).why == "no_rule"
    assert due_dates(lift(status="scrapped"), BASE) == []


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.dates(date(2000, 1, 1), date(2060, 1, 1)))
def test_the_day_itself_is_in_time(on: date, today: date) -> None:
    state, _ = judged(on, today, (60, 30, 7))
    assert (state == "overdue") == (today > on)


def test_a_rule_table_with_a_mistake_is_refused() -> None:
    rule = "{id: a, duty: inspection, varieties: ['3'], warn: [7], clause: x, mark: V%s}"
    for more in ("", ", every: 12, years: [1]", ", besides: b", ", every: 12}\n  - {id: a, duty: x, varieties: ['3'], warn: [7], clause: x, mark: V, every: 1"):  # fmt: skip
        with pytest.raises(CatalogueError):
            read_rules(f"rules:\n  - {rule % more}\ndates: {{}}")
