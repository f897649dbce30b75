"""Which lift is next, at which level, and what is late."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from maintenance.checklists.catalogue import LEVELS
from maintenance.plans.calendar import Maintained, by_day, coverage, next_visit

TODAY = date(2026, 4, 1)


def lift(*visits: tuple[str, date], name: str = "A") -> Maintained:
    return Maintained(name, name, "银河一路", visits, date(2020, 1, 1))


def test_the_fifteenth_day_is_in_time_and_the_sixteenth_is_overdue() -> None:
    assert next_visit(lift(("half_month", TODAY - timedelta(days=15))), TODAY).state == "soon"
    assert next_visit(lift(("half_month", TODAY - timedelta(days=16))), TODAY).state == "overdue"


def test_a_deeper_visit_resets_the_shallower() -> None:
    visit = next_visit(lift(("year", TODAY - timedelta(days=1))), TODAY)
    assert (visit.level, visit.on) == ("half_month", TODAY + timedelta(days=14))


def test_a_lift_without_record_is_unknown_and_stands_on_today() -> None:
    visit = next_visit(lift(), TODAY)
    assert visit.state == "unknown"
    assert by_day([visit], TODAY, 15) == [(TODAY, [visit])]
    assert coverage([visit]).in_time == 0


@given(
    st.lists(st.lists(st.tuples(st.sampled_from(LEVELS), st.dates(date(2024, 1, 1), TODAY)), max_size=4), max_size=8)
)
def test_every_lift_is_counted_once(histories: list[list[tuple[str, date]]]) -> None:
    visits = [next_visit(lift(*h), TODAY) for h in histories]
    found = coverage(visits)
    assert found.in_time + found.overdue + found.unknown == found.total == len(histories)
    assert sum(len(day) for _, day in by_day(visits, TODAY, 366)) == len(histories)
