"""The figures of the desk from its confirmed incidents. Pure: ``figures(cases, …)`` reads no clock and no database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from alarms.statistics.model import Case, Nature, Period, Start

LIMIT = timedelta(minutes=30)
"""到达时限, 安徽省电梯安全监督管理办法: exactly 30 minutes is in time."""
BINS = tuple((low, low + 5) for low in range(0, 30, 5))
"""[0,5) [5,10) … [25,30) minutes, half open, judged on seconds; what is not below 30 is the last bin."""
SLOTS = tuple(f"{h:02d}-{h + 2:02d}" for h in range(0, 24, 2))
"""Twelve slots of two hours."""
AGES = ((0, 5), (5, 10), (10, 15), (15, 20))
UNKNOWN = "未知"


@dataclass(frozen=True, slots=True)
class Times:
    """Durations of one step: how many are known, their mean, their bins.

    ``missing`` were not recorded or are impossible (an arrival before its order): they are in no mean and in no bin.
    """

    known: int
    missing: int
    mean_seconds: float | None
    bins: tuple[int, ...]
    in_time: int

    @property
    def share_in_time(self) -> float | None:
        """Share of the known ones that are not over 30 minutes."""
        return self.in_time / self.known if self.known else None


@dataclass(frozen=True, slots=True)
class Group:
    """One row of a breakdown; means in seconds, from the order (派单) and from the report (报警)."""

    name: str
    entrapments: int
    people: int
    from_report: Times
    from_order: Times
    release: Times


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of one period. ``lifts`` None: how many are in use is not known, and no rate is given."""

    period: Period
    lifts: int | None
    by_nature: Mapping[Nature, int]
    incidents: int
    by_kind: Mapping[str, int]
    entrapments: int
    supplements: int
    people_freed: int
    people_unknown: int
    by_source: Mapping[str, int]
    arrival: Mapping[Start, Times]
    release: Times
    levels: Mapping[int | None, int]
    late: Mapping[Start, tuple[Case, ...]]
    causes: Mapping[str | None, int]
    release_modes: Mapping[str | None, int]
    groups: Mapping[str, tuple[Group, ...]]

    def rate(self, count: int | None = None) -> float | None:
        """困人率: entrapments ÷ months ÷ lifts in use."""
        wanted = self.entrapments if count is None else count
        return None if not self.lifts else wanted / self.period.months / self.lifts

    def daily_rate(self) -> float | None:
        """Entrapments ÷ days ÷ lifts in use."""
        return None if not self.lifts else self.entrapments / self.period.days / self.lifts


def times(durations: Iterable[timedelta | None]) -> Times:
    """Sum up durations; None is missing."""
    all_ = list(durations)
    known = [d for d in all_ if d is not None]
    bins = [0] * (len(BINS) + 1)
    for duration in known:
        bins[min(int(duration / timedelta(minutes=5)), len(BINS))] += 1
    mean = sum(d.total_seconds() for d in known) / len(known) if known else None
    return Times(len(known), len(all_) - len(known), mean, tuple(bins), sum(d <= LIMIT for d in known))


def age_band(case: Case) -> str:
    """Years of use of the lift, in bands of five."""
    years = case.age_years()
    if years is None or years < 0:
        return UNKNOWN
    return next((f"{low}–{high - 1} 年" for low, high in AGES if low <= years < high), f"{AGES[-1][1]} 年以上")


BREAKDOWNS: Mapping[str, Callable[[Case], str]] = {
    "district": lambda c: c.district or UNKNOWN,
    "firm": lambda c: c.firm or UNKNOWN,
    "maker": lambda c: c.maker or UNKNOWN,
    "age": age_band,
    "hour": lambda c: SLOTS[c.hour() // 2],
}
BY_NAME = frozenset({"age", "hour"})
"""Breakdowns whose order is that of their names; the others begin with the greatest count."""


def breakdown(cases: Sequence[Case], name: str) -> tuple[Group, ...]:
    """Entrapments by one property."""
    parts: dict[str, list[Case]] = {}
    for case in cases:
        parts.setdefault(BREAKDOWNS[name](case), []).append(case)
    rows = [
        Group(
            key, len(own), people(own), times(c.arrival(Start.REPORTED) for c in own),
            times(c.arrival(Start.DISPATCHED) for c in own), times(c.release() for c in own),
        )
        for key, own in parts.items()
    ]  # fmt: skip
    if name in BY_NAME:
        return tuple(sorted(rows, key=lambda g: (g.name == UNKNOWN, len(g.name.split("–")[0]), g.name)))
    return tuple(sorted(rows, key=lambda g: (-g.entrapments, g.name)))


def people(cases: Iterable[Case]) -> int:
    """解救人数: those who were inside and have been freed, where the number is known."""
    return sum(c.trapped or 0 for c in cases if c.freed_at is not None)


def late(cases: Iterable[Case], start: Start) -> tuple[Case, ...]:
    """The list of those over 30 minutes, longest first."""
    found = [(span, c) for c in cases if (span := c.arrival(start)) is not None and span > LIMIT]
    return tuple(c for _, c in sorted(found, key=lambda f: (-f[0].total_seconds(), f[1].id)))


def figures(cases: Sequence[Case], period: Period, lifts: int | None) -> Figures:
    """Sum up the confirmed incidents that were reported within a period."""
    real = [c for c in cases if c.nature is Nature.REAL]
    trapped = [c for c in real if c.entrapment]
    return Figures(
        period=period,
        lifts=lifts,
        by_nature={n: sum(c.nature is n for c in cases) for n in Nature},
        incidents=len(real),
        by_kind=dict(Counter(c.kind for c in real)),
        entrapments=len(trapped),
        supplements=sum(c.entrapment and c.nature is Nature.SUPPLEMENT for c in cases),
        people_freed=people(trapped),
        people_unknown=sum(c.trapped is None for c in trapped),
        by_source=dict(Counter(c.first_source for c in trapped)),
        arrival={start: times(c.arrival(start) for c in trapped) for start in Start},
        release=times(c.release() for c in trapped),
        levels=dict(Counter(c.level for c in trapped)),
        late={start: late(trapped, start) for start in Start},
        causes=dict(Counter(c.cause for c in trapped)),
        release_modes=dict(Counter(c.release_mode for c in trapped)),
        groups={name: breakdown(trapped, name) for name in BREAKDOWNS},
    )
