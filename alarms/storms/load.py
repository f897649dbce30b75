"""操作负荷 by ISA-18.2-2016 §16 and EEMUA 191: what the seats are asked to do, beside what a person can do.

Counted is what paged somebody (``alarms.annunciation`` that nothing muted), shared by the seats. A figure for which the
record is too short is unknown, never good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from alarms.storms.flood import STARTS_ABOVE
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__, "load.sql")
BASIS = timedelta(days=30)
"""A judgement needs so long a record (ISA-18.2-2016 §16)."""
TEN_MINUTES = timedelta(minutes=10)
PARTS = ("low", "medium", "high", "critical")


class Verdict(Enum):
    """Where a figure stands to its targets."""

    MET = "met"
    MANAGEABLE = "manageable"
    """Above what is acceptable, within what can just be managed."""
    EXCEEDED = "exceeded"
    UNKNOWN = "unknown"
    """Nothing recorded."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should be at most. ``most`` None: between the two is nothing."""

    name: str
    acceptable: float
    most: float | None
    unit: str
    source: str
    inclusive: bool = True
    """The limit itself is within."""

    def judge(self, value: float | None) -> Verdict:
        """Where a value stands.

        >>> Target("x", 1, 2, "", "").judge(1), Target("x", 1, None, "", "", inclusive=False).judge(1)
        (<Verdict.MET: 'met'>, <Verdict.EXCEEDED: 'exceeded'>)
        """
        if value is None:
            return Verdict.UNKNOWN
        if value < self.acceptable or (self.inclusive and value == self.acceptable):
            return Verdict.MET
        return Verdict.MANAGEABLE if self.most is not None and value <= self.most else Verdict.EXCEEDED


ISA = "ISA-18.2-2016 §16"
TARGETS = (
    Target("per_hour", 6, 12, "/h", ISA),
    Target("per_ten_minutes", 1, 2, "/10 min", ISA),
    Target("busy_share", 0.01, None, "%", ISA, inclusive=False),
    Target("most_in_ten_minutes", 10, None, "", ISA),
    Target("flood_share", 0.01, None, "%", ISA, inclusive=False),
    Target("top_share", 0.01, 0.05, "%", ISA),
    Target("chattering", 0, None, "", ISA),
    Target("fleeting", 0, None, "", ISA),
    Target("stale", 4, None, "", ISA + " (< 5)"),
)
"""EEMUA 191 agrees where it says the same: one in ten minutes in steady state, ten in ten minutes after an upset."""
PRIORITIES = {"low": 0.80, "medium": 0.15, "high": 0.05, "critical": 0.01}
"""Shares of the priorities (ISA-18.2-2016 §16, EEMUA 191): 80, 15 and 5 %, below 1 % for a highest of four."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its target."""

    target: Target
    value: float | None

    @property
    def verdict(self) -> Verdict:
        """Where it stands."""
        return self.target.judge(self.value)


@dataclass(frozen=True, slots=True)
class Nuisance:
    """One rule at one unit that costs attention."""

    rule: str
    title_zh: str
    title_en: str
    unit_id: str
    unit_name: str
    times: int
    at: datetime | None
    """The last time; for a stale alarm, since when."""
    alarm_id: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """The load on a console over a period."""

    console: str
    since: datetime
    until: datetime
    """The record goes from ``since``, which is later than asked for where nothing older is recorded."""
    long_enough: bool
    seats: int
    annunciated: int
    floods: int
    figures: tuple[Figure, ...]
    shares: dict[str, float]
    """Of the priorities."""
    top: tuple[Nuisance, ...]
    chattering: tuple[Nuisance, ...]
    fleeting: tuple[Nuisance, ...]
    stale: tuple[Nuisance, ...]
    course: tuple[tuple[datetime, float], ...]
    """Annunciations per seat and ten minutes over the last day; intervals without any are left out."""


def load(conn: Connection, console: str, period: timedelta, seats: int, now: datetime) -> Load:
    """The load on ``console`` (desk or city) over the ``period`` that ends now, as the caller may see its units."""
    first = conn.execute(QUERIES.basis, (console == "desk",)).fetchone()
    began = first[0] if first else None
    since = now - period if began is None else max(now - period, began - timedelta(microseconds=1))
    asked = {"since": since, "until": now, "desk": console == "desk", "console": console}
    shared = seats if console == "desk" else 1
    lists = {name: _nuisances(conn, query, asked) for name, query in _LISTS.items()}
    row = conn.execute(QUERIES.rate, asked).fetchone()
    total, most = (int(row[0]), int(row[1])) if row else (0, 0)
    row = conn.execute(QUERIES.in_flood, asked).fetchone()
    flooded, floods = (float(row[0]), int(row[1])) if row else (0.0, 0)
    row = conn.execute(QUERIES.busy_intervals, asked | {"above": STARTS_ABOVE * shared}).fetchone()
    busy = int(row[0]) if row else 0
    span = now - since
    intervals = max(1, -(-span // TEN_MINUTES))
    recorded = began is not None and span > timedelta(0)
    values: dict[str, float | None] = {
        "per_hour": total / shared / (span / timedelta(hours=1)) if recorded else None,
        "per_ten_minutes": total / shared / (span / TEN_MINUTES) if recorded else None,
        "busy_share": busy / intervals if recorded else None,
        "most_in_ten_minutes": most / shared if recorded else None,
        "flood_share": flooded / span.total_seconds() if recorded else None,
        "top_share": sum(n.times for n in lists["top"]) / total if total else None,
        "chattering": len(lists["chattering"]) if recorded else None,
        "fleeting": len(lists["fleeting"]) if recorded else None,
        "stale": len(lists["stale"]),
    }
    by_severity: dict[str, int] = dict(conn.execute(QUERIES.by_severity, asked).fetchall())
    day = asked | {"since": max(since, now - timedelta(days=1)), "step": TEN_MINUTES.total_seconds()}
    course = tuple((at, n / shared) for at, n in conn.execute(QUERIES.by_interval, day).fetchall())
    return Load(
        console=console, since=since, until=now, long_enough=recorded and span >= BASIS,
        seats=shared, annunciated=total, floods=floods,
        figures=tuple(Figure(target, values[target.name]) for target in TARGETS),
        shares={name: by_severity.get(name, 0) / total for name in PARTS} if total else {},
        top=lists["top"], chattering=lists["chattering"], fleeting=lists["fleeting"], stale=lists["stale"], course=course,
    )  # fmt: skip


_LISTS = {
    "top": QUERIES.top,
    "chattering": QUERIES.chattering,
    "fleeting": QUERIES.fleeting,
    "stale": QUERIES.stale,
}


def _nuisances(conn: Connection, query: Any, asked: dict[str, Any]) -> tuple[Nuisance, ...]:
    found: list[Nuisance] = []
    for rule, zh, en, unit_id, unit_name, times, *more in conn.execute(query, asked).fetchall():
        at, key = [*more, None, None][:2]
        found.append(Nuisance(rule, zh, en, unit_id, unit_name, times, at, key))
    return tuple(found)
