"""The figures against a plain recount, and the published figures that their definitions must reproduce."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.statistics.figures import SLOTS, UNKNOWN, Figures, figures
from alarms.statistics.load import Act, Annunciation, load
from alarms.statistics.model import Case, Nature, Period, Start

ZERO = datetime(2026, 3, 1, 16, tzinfo=UTC)  # 2 March, midnight in Shanghai
MONTH = Period(date(2026, 3, 1), date(2026, 3, 31))


def case(number: int = 1, **values: object) -> Case:
    made: dict[str, object] = {
        "id": number, "number": f"20260302-{number:04d}", "kind": "entrapment", "nature": Nature.REAL, "first_source": "call",
        "reported_at": ZERO, "dispatched_at": None, "arrived_at": None, "freed_at": None, "trapped": 1, "level": None,
        "cause": None, "release_mode": None, "place": "银河花园", "district": "埇桥区", "firm": "甲", "maker": "乙", "built": None,
    }  # fmt: skip
    return Case(**(made | values))  # type: ignore[arg-type]


def after(minutes: float) -> datetime:
    return ZERO + timedelta(minutes=minutes)


seconds = st.one_of(st.none(), st.integers(-600, 4_000), st.sampled_from([299, 300, 1_799, 1_800, 1_801]))


@st.composite
def cases(draw: st.DrawFn) -> list[Case]:
    found = []
    for number in range(draw(st.integers(0, 25))):
        at = ZERO + timedelta(hours=draw(st.integers(0, 700)))

        def later(base: datetime = at) -> datetime | None:
            span = draw(seconds)
            return None if span is None else base + timedelta(seconds=span)

        found.append(
            case(
                number,
                kind=draw(st.sampled_from(["entrapment", "entrapment", "fault", "self_release"])),
                nature=draw(st.sampled_from([Nature.REAL, Nature.REAL, Nature.REAL, *Nature])),
                first_source=draw(st.sampled_from(["call", "alarm", "qr"])),
                reported_at=at, dispatched_at=later(), arrived_at=later(), freed_at=later(),
                trapped=draw(st.one_of(st.none(), st.integers(0, 9))),
                level=draw(st.sampled_from([None, 1, 2, 3])),
                cause=draw(st.sampled_from([None, "201", "303"])),
                district=draw(st.sampled_from([None, "埇桥区", "砀山县"])),
                firm=draw(st.sampled_from([None, "甲", "乙"])),
                built=draw(st.one_of(st.none(), st.dates(date(1996, 1, 1), date(2026, 3, 1)))),
            )
        )  # fmt: skip
    return found


@given(cases(), st.one_of(st.none(), st.integers(1, 30_000)))
def test_every_figure_equals_a_plain_recount(found: list[Case], lifts: int | None) -> None:
    f = figures(found, MONTH, lifts)
    real = [c for c in found if c.nature is Nature.REAL and c.kind == "entrapment"]
    assert f.entrapments == len(real)
    assert f.people_freed == sum(c.trapped for c in real if c.trapped is not None and c.freed_at is not None)
    assert f.by_source == {s: n for s in ("call", "alarm", "qr") if (n := sum(c.first_source == s for c in real))}
    assert sum(f.levels.values()) == sum(f.causes.values()) == len(real)
    for start in Start:
        spans = []
        for c in real:
            begin = c.reported_at if start is Start.REPORTED else c.dispatched_at
            if begin is not None and c.arrived_at is not None and c.arrived_at >= begin:
                spans.append((c.arrived_at - begin).total_seconds())
        recount = [sum(300 * i <= s < 300 * (i + 1) for s in spans) for i in range(6)] + [
            sum(s >= 1_800 for s in spans)
        ]
        t = f.arrival[start]
        assert list(t.bins) == recount
        assert (t.known, t.missing) == (len(spans), len(real) - len(spans))
        assert t.in_time == sum(s <= 1_800 for s in spans)
        assert len(f.late[start]) == sum(s > 1_800 for s in spans)
        assert t.mean_seconds == (pytest.approx(sum(spans) / len(spans)) if spans else None)
    for groups in f.groups.values():
        assert sum(g.entrapments for g in groups) == len(real)
        assert len({g.name for g in groups}) == len(groups)
    assert f.rate() == (None if lifts is None else pytest.approx(len(real) / lifts))


def test_the_published_rates_of_jiangsu_and_qingdao() -> None:
    """Jiangsu 2020: 0.55 % a month; Qingdao, half of 2018: 0.01 % a day."""
    one = figures([], Period(date(2020, 1, 1), date(2020, 12, 31)), 610_490)
    assert one.rate(40_171) == pytest.approx(0.00548, abs=1e-5)
    days = Period(date(2018, 1, 1), date(2018, 6, 30))
    assert days.days == 181
    assert 1_096 / days.days / 59_200 == pytest.approx(0.000102, abs=1e-6)


def test_exactly_thirty_minutes_is_in_time_and_in_the_last_bin() -> None:
    f = figures([case(arrived_at=after(30)), case(2, arrived_at=after(30) + timedelta(seconds=1))], MONTH, None)
    t = f.arrival[Start.REPORTED]
    assert (t.bins[-1], t.in_time, [c.id for c in f.late[Start.REPORTED]]) == (2, 1, [2])
    assert f.rate() is None


def test_both_starts_are_kept_apart() -> None:
    f = figures([case(dispatched_at=after(12), arrived_at=after(35))], MONTH, 10)
    assert [len(f.late[s]) for s in (Start.REPORTED, Start.DISPATCHED)] == [1, 0]


def test_drills_tests_and_supplements_are_in_no_figure_of_real_incidents() -> None:
    found = [case(n, nature=nature) for n, nature in enumerate(Nature)]
    f = figures(found, MONTH, 10)
    assert (f.incidents, f.entrapments, f.supplements) == (1, 1, 1)
    assert set(f.by_nature.values()) == {1}


def test_hours_are_those_of_the_city_and_ages_full_years() -> None:
    at = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)  # 19:30
    f = figures([case(reported_at=at, built=date(2016, 3, 3)), case(2, built=date(2016, 3, 2)), case(3)], MONTH, 10)
    assert {g.name for g in f.groups["hour"]} == {SLOTS[0], "18-20"}
    assert {g.name: g.entrapments for g in f.groups["age"]} == {"5–9 年": 1, "10–14 年": 1, UNKNOWN: 1}


def test_months_of_a_period() -> None:
    assert Period(date(2026, 1, 1), date(2026, 12, 31)).months == pytest.approx(12)
    assert Period(date(2026, 3, 1), date(2026, 3, 31)).since == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert Period(date(2026, 2, 15), date(2026, 2, 28)).months == pytest.approx(0.5)


def test_an_empty_period_claims_nothing() -> None:
    f: Figures = figures([], MONTH, 100)
    assert (f.rate(), f.arrival[Start.REPORTED].mean_seconds, f.arrival[Start.REPORTED].share_in_time) == (
        0,
        None,
        None,
    )


def test_the_load_is_shared_by_the_seats_that_were_at_work() -> None:
    rung = [Annunciation(after(n / 10), "critical", "lift.entrapment") for n in range(12)]
    acts = [Act(1, "甲", after(1), "accept", 20.0), Act(2, "乙", after(2), "note", 90.0)]
    found = load(rung, acts, ZERO, ZERO + timedelta(days=1))
    assert (found.annunciations, found.per_hour, found.busiest, found.floods) == (12, 6.0, 6.0, 1)
    assert (found.over_share, found.unattended) == (0.0, 0)
    assert [(s.name, s.taken, s.mean_take_seconds) for s in found.seats] == [("甲", 1, 20.0), ("乙", 0, None)]


def test_what_rings_while_nobody_is_at_work_is_shown_and_not_divided_away() -> None:
    found = load([Annunciation(after(61), "high", "x")] * 11, [], ZERO, ZERO + timedelta(hours=10))
    assert (found.per_hour, found.unattended, found.busiest) == (None, 11, 11.0)
    assert found.over_share == pytest.approx(1 / 60)


def test_a_seat_bears_its_share_of_what_rang_in_its_hours() -> None:
    # 24 in the first hour, borne by two seats; 6 in the second, by one of them alone
    rung = [Annunciation(after(n / 10), "high", "x") for n in range(24)]
    rung += [Annunciation(after(65 + n), "high", "x") for n in range(6)]
    acts = [
        Act(1, "甲", after(1), "accept", 20.0),
        Act(2, "乙", after(2), "note", 9.0),
        Act(1, "甲", after(70), "note", 9.0),
    ]
    found = load(rung, acts, ZERO, ZERO + timedelta(days=1))
    first, second = found.seats
    assert (first.hours, first.rung, first.per_hour, first.busiest) == (2, 18.0, 9.0, 12.0)
    assert first.over_share == pytest.approx(1 / 12)
    assert (second.hours, second.rung, second.per_hour) == (1, 12.0, 12.0)
    assert second.over_share == pytest.approx(1 / 6)
    assert sum(s.rung for s in found.seats) == found.annunciations - found.unattended
