"""The load on the seats: every threshold at its exact boundary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from alarms.storms.load import TARGETS, Load, Verdict, load
from tests.alarms.storms.console import Console

TARGET = {t.name: t for t in TARGETS}
DAY = timedelta(days=1)
MONTH = timedelta(days=30)


def alarm(
    console: Console, key: str, began: float, cleared: float | None = None, rule: str = "lift.machine_room_hot"
) -> None:
    """One alarm with its two transitions, by seconds before now."""
    now = console.clock.now()
    unit = console.lifts[0]
    at = now - timedelta(seconds=began)
    over = None if cleared is None else now - timedelta(seconds=cleared)
    console.conn.execute(
        "insert into alarms.alarm (id, unit_no, shard, rule, rule_version, severity, receivers, state, active, started_at,"
        " raised_at, cleared_at, evidence) values (%s, %s, 0, %s, 1, 'low', '{desk}', %s, %s, %s, %s, %s, '{}')",
        (key, unit, rule, "unacknowledged" if over is None else "normal", over is None, at, at, over),
    )
    for event, moment in (("raised", at), ("cleared", over)):
        if moment is not None:
            console.conn.execute(
                "insert into alarms.alarm_event (alarm_id, unit_no, event, from_state, to_state, at, recorded_at)"
                " values (%s, %s, %s, 'normal', 'normal', %s, %s)", (key, unit, event, moment, moment),
            )  # fmt: skip


def paged(console: Console, seconds_ago: Sequence[float], key: str = "a", *, muted: bool = False) -> None:
    for ago in seconds_ago:
        console.conn.execute(
            "insert into alarms.annunciation (alarm_id, unit_no, rule, severity, event, desk, muted, district, at)"
            " values (%s, %s, 'lift.machine_room_hot', 'low', 'raised', true, %s, '', %s)",
            (key, console.lifts[0], muted, console.clock.now() - timedelta(seconds=ago)),
        )


def measured(console: Console, period: timedelta = DAY, seats: int = 1) -> Load:
    return load(console.conn, "desk", period, seats, console.clock.now())


def figure(found: Load, name: str) -> tuple[float | None, Verdict]:
    one = next(f for f in found.figures if f.target.name == name)
    return one.value, one.verdict


def test_without_a_record_every_rate_is_unknown_and_never_good(console: Console) -> None:
    found = measured(console)
    assert {f.target.name for f in found.figures if f.verdict is Verdict.UNKNOWN} >= {
        "per_hour", "busy_share", "flood_share", "most_in_ten_minutes", "top_share",
    }  # fmt: skip
    assert not found.long_enough


def test_alarms_are_shared_by_the_seats_and_what_is_muted_is_not_counted(console: Console) -> None:
    alarm(console, "a", 90_000, 80_000)
    paged(console, [90_000])  # the record is older than the period
    paged(console, range(100, 86_400, 600), "a")
    paged(console, range(1, 400), "a", muted=True)
    one, two = measured(console), measured(console, seats=2)
    assert figure(one, "per_ten_minutes") == (1.0, Verdict.MET)
    assert figure(one, "per_hour") == (6.0, Verdict.MET)
    assert figure(two, "per_hour")[0] == 3.0
    paged(console, [50])
    assert figure(measured(console), "per_hour")[1] is Verdict.MANAGEABLE


@pytest.mark.parametrize(
    ("ago", "expected"), [(range(10), 10), (range(11), 11), ([600, *range(10)], 10), ([599.9, *range(10)], 11)]
)
def test_the_most_in_ten_minutes_leaves_out_what_lies_ten_minutes_back(
    console: Console, ago: Sequence[float], expected: int
) -> None:
    alarm(console, "a", 90_000, 80_000)
    paged(console, ago)
    value, verdict = figure(measured(console), "most_in_ten_minutes")
    assert (value, verdict) == (expected, Verdict.MET if expected <= 10 else Verdict.EXCEEDED)


def test_ten_in_an_interval_are_not_busy_and_eleven_are(console: Console) -> None:
    alarm(console, "a", 90_000, 80_000)
    paged(console, [90_000])
    paged(console, [10] * 10)
    assert figure(measured(console), "busy_share") == (0.0, Verdict.MET)
    paged(console, [10])
    assert figure(measured(console), "busy_share")[0] == pytest.approx(1 / 144)


def test_one_percent_in_flood_is_too_much_and_less_is_not(console: Console) -> None:
    assert TARGET["flood_share"].judge(0.0099) is Verdict.MET
    assert TARGET["flood_share"].judge(0.01) is Verdict.EXCEEDED
    alarm(console, "a", 90_000, 80_000)
    paged(console, [90_000])
    now = console.clock.now()
    console.conn.execute(
        "insert into alarms.flood (console, started_at, ended_at, peak) values ('desk', %s, %s, 12)",
        (now - timedelta(seconds=1864), now - timedelta(seconds=1000)),
    )
    assert figure(measured(console), "flood_share")[0] == pytest.approx(0.01)


@pytest.mark.parametrize(("span", "transitions", "chatters"), [(299.9, 6, True), (300.0, 6, False), (100.0, 5, False)])
def test_chattering_is_more_than_five_transitions_within_five_minutes(
    console: Console, span: float, transitions: int, chatters: bool
) -> None:
    alarm(console, "a", 90_000, 80_000)
    paged(console, [90_000])
    step = span / (transitions - 1)
    moments = [2_000 - i * step for i in range(transitions)]
    for n in range(0, transitions, 2):
        alarm(console, f"c{n}", moments[n], moments[n + 1] if n + 1 < transitions else None)
    assert bool(measured(console).chattering) is chatters


@pytest.mark.parametrize(("seconds", "fleeting"), [(9.9, True), (10.0, False)])
def test_fleeting_is_over_in_less_than_ten_seconds(console: Console, seconds: float, fleeting: bool) -> None:
    alarm(console, "f", 1_000, 1_000 - seconds)
    assert bool(measured(console).fleeting) is fleeting


@pytest.mark.parametrize(("hours", "stale"), [(24.0, False), (24.001, True)])
def test_stale_is_present_for_more_than_a_day(console: Console, hours: float, stale: bool) -> None:
    alarm(console, "s", hours * 3600)
    assert bool(measured(console, MONTH).stale) is stale


def test_four_stale_alarms_are_within_the_target_and_five_are_not() -> None:
    assert TARGET["stale"].judge(4) is Verdict.MET
    assert TARGET["stale"].judge(5) is Verdict.EXCEEDED


def test_thirty_days_of_records_are_long_enough(console: Console) -> None:
    alarm(console, "a", 90_000, 80_000)
    paged(console, [30 * 86_400 - 60])
    assert not measured(console, MONTH).long_enough
    paged(console, [30 * 86_400])
    assert measured(console, MONTH).long_enough
