"""Floods by ISA-18.2 §16 at their boundaries: as a function, and through the database across a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alarms.storms.flood import WINDOW, Flood, count_at, floods
from tests.alarms.storms.console import Console

ZERO = datetime(2026, 3, 2, tzinfo=UTC)
OVERSPEED = "lift.overspeed"


def at(*seconds: float) -> list[datetime]:
    return [ZERO + timedelta(seconds=s) for s in seconds]


def test_exactly_ten_in_ten_minutes_are_no_flood_and_eleven_are() -> None:
    ten = at(*range(0, 600, 60))
    assert floods(ten, ZERO + WINDOW * 3) == []
    eleven = sorted([*ten, *at(599)])
    assert [f.started_at for f in floods(eleven, ZERO + WINDOW * 3)] == at(599)
    assert floods(sorted([*ten, *at(600)]), ZERO + WINDOW * 3) == [], (
        "the first has left the window when the 11th comes"
    )


def test_exactly_five_go_on_and_four_end_it() -> None:
    times = at(*range(11), 300, 301, 302, 303, 304)
    assert floods(times, ZERO + timedelta(seconds=899)) == [Flood(at(10)[0], None, 16)]
    assert count_at(times, ZERO + timedelta(seconds=899)) == 5
    assert floods(times, ZERO + timedelta(seconds=900)) == [Flood(at(10)[0], at(900)[0], 16)]


def test_seats_share_the_load() -> None:
    assert floods(at(*range(20)), ZERO + timedelta(seconds=30), seats=2) == []
    assert len(floods(at(*range(21)), ZERO + timedelta(seconds=30), seats=2)) == 1


@given(st.lists(st.integers(0, 3_600), max_size=80), st.integers(0, 5_000), st.integers(0, 5_000))
def test_looking_earlier_never_sees_another_past(seconds: list[int], one: int, other: int) -> None:
    times = at(*sorted(seconds))
    early, late = ZERO + timedelta(seconds=min(one, other)), ZERO + timedelta(seconds=max(one, other))
    before, after = floods(times, early), floods(times, late)
    assert [f.started_at for f in before] == [f.started_at for f in after if f.started_at <= early]
    for flood in after:
        assert count_at(times, flood.started_at) > 10
        assert flood.ended_at is None or count_at(times, flood.ended_at) < 5


def flood_rows(console: Console, which: str = "city") -> list[tuple[float, float | None, int]]:
    return console.all("select started_at, ended_at, peak from alarms.flood where console = %s order by id", which)


def test_a_flood_begins_lasts_over_a_restart_and_ends(console: Console) -> None:
    units = console.lifts
    for n in range(10):
        console.say(n, "raised", OVERSPEED, [units[n]])
    console.to(60)
    assert flood_rows(console) == []
    console.say(61, "raised", OVERSPEED, [units[10]])
    console.to(62)
    assert flood_rows(console) == [(61.0, None, 11)]
    console.restart()
    console.to(120)
    assert flood_rows(console) == [(61.0, None, 11)]
    assert flood_rows(console, "desk") == [], "none of them rings the desk"
    # the window empties from second 600 on: one leaves a second; five left at 605
    console.to(605)
    assert count_now(console) == 5
    assert flood_rows(console) == [(61.0, None, 11)]
    console.to(660)
    assert flood_rows(console) == [(61.0, 606.0, 11)]


def count_now(console: Console) -> int:
    return int(console.one("select count(*) from alarms.annunciation where at > %s", console.clock.now() - WINDOW))


def test_what_was_missed_while_nobody_looked_is_found_at_its_own_time(console: Console) -> None:
    units = console.lifts
    runner, console.turn = console.turn, lambda: None  # type: ignore[method-assign]
    for n in range(12):
        console.say(n, "raised", OVERSPEED, [units[n]])
    console.to(1500)
    console.turn = runner  # type: ignore[method-assign]
    console.restart()
    console.turn()
    assert flood_rows(console) == [(10.0, 607.0, 12)]
