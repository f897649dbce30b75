"""Scores on cases made by hand, with their boundaries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alarms.backtest.model import Event, Matching, WouldBe
from alarms.backtest.score import Bounds, Score, counted_for, score
from ingest.decode import to_us

ZERO = datetime(2026, 3, 2, tzinfo=UTC)
SECOND = 1_000_000
HOUR = 3_600.0
MATCHING = Matching(3_600, 900)
BOUNDS = Bounds(to_us(ZERO), to_us(ZERO + timedelta(hours=24)), to_us(ZERO + timedelta(hours=30)))


def alarm(seconds: float, unit: int = 1, *, suppressed: bool = False) -> WouldBe:
    at = to_us(ZERO) + round(seconds * SECOND)
    return WouldBe("lift.test", unit, at - 45 * SECOND, at, "critical", suppressed, late=False)


def call(seconds: float, unit: int = 1, source: str = "call:1") -> Event:
    return Event(unit, "entrapment", ZERO + timedelta(seconds=seconds), source)


def judged(alarms: list[WouldBe], events: list[Event], **more: object) -> Score:
    return score(alarms, events, MATCHING, BOUNDS, more.get("silent", set()), more.get("vouched", frozenset()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("raised", "confirmed"),
    [(10 * HOUR - 3_600, 1), (10 * HOUR - 3_600.000001, 0), (10 * HOUR + 900, 1), (10 * HOUR + 900.000001, 0)],
)
def test_both_ends_of_the_window_count(raised: float, confirmed: int) -> None:
    found = judged([alarm(raised)], [call(10 * HOUR)])
    assert (found.confirmed, found.unconfirmed) == (confirmed, 1 - confirmed)
    assert (found.answered, found.missed) == (confirmed, 1 - confirmed)


def test_another_lift_confirms_nothing() -> None:
    found = judged([alarm(10 * HOUR, unit=2)], [call(10 * HOUR, unit=1)])
    assert (found.confirmed, found.unconfirmed, found.missed) == (0, 1, 1)


def test_the_lead_counts_from_the_first_alarm_of_the_call() -> None:
    found = judged(
        [alarm(10 * HOUR - 300), alarm(10 * HOUR - 60), alarm(15 * HOUR + 30)],
        [call(10 * HOUR), call(15 * HOUR, source="call:2")],
    )
    assert found.leads_seconds == [300.0, -30.0]
    assert found.confirmed == 3
    assert found.leads() == {"after": 1, "to_1_min": 0, "to_5_min": 0, "to_15_min": 1, "over_15_min": 0}
    assert found.plain(1.0)["lead_median_seconds"] == 135.0


def test_unknown_is_neither_answered_nor_missed() -> None:
    quiet, early, late = (
        call(10 * HOUR, source="call:q"),
        call(600, source="call:e"),
        call(24 * HOUR - 60, source="call:l"),
    )
    found = judged([], [quiet, early, late], silent={"call:q"})
    assert (found.events, found.silent, found.edge, found.missed) == (3, 1, 2, 0)
    assert found.recall is None


def test_an_alarm_of_a_silent_device_answers_all_the_same() -> None:
    found = judged([alarm(10 * HOUR - 60)], [call(10 * HOUR)], silent={"call:1"})
    assert (found.answered, found.silent) == (1, 0)


def test_an_alarm_whose_window_is_open_is_pending() -> None:
    bounds = Bounds(BOUNDS.begin_us, BOUNDS.end_us, to_us(ZERO) + 3_600 * SECOND + 1)
    found = score([alarm(0), alarm(1)], [], MATCHING, bounds, set())
    assert (found.unconfirmed, found.pending) == (1, 1)
    assert found.precision == 0.0


def test_what_is_suppressed_by_design_is_apart() -> None:
    found = judged([alarm(HOUR * 5, suppressed=True)], [call(HOUR * 5)])
    assert (found.alarms, found.suppressed, found.confirmed, found.missed) == (0, 1, 0, 1)


def test_a_person_vouches_without_a_call() -> None:
    one = alarm(HOUR * 5)
    found = judged([one], [], vouched={(1, one.raised_us)})
    assert (found.confirmed, found.unconfirmed) == (1, 0)


def test_nothing_divided_is_unknown_and_the_rate_is_of_unit_months() -> None:
    empty = judged([], [])
    assert empty.precision is None
    assert empty.recall is None
    assert empty.rate(30) is None
    many = judged([alarm(HOUR * h) for h in range(5, 15)], [])
    many.units = 20
    assert many.rate(30.4375) == 0.5


def test_a_rule_that_opens_no_incident_is_compared_with_every_report() -> None:
    assert counted_for("entrapment") == {"entrapment"}
    assert counted_for(None) == counted_for("fault") == {"entrapment", "fault"}
