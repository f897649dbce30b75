"""Due, overdue and coverage of a firm's lifts: 15 days and the four levels, or an accepted on-demand interval. Pure.

One visit answers one lift: of the levels that are due together, the deepest is done and includes the others.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from equipment.registry.coordinates import Position, distance_m
from maintenance.checklists.catalogue import LEVELS
from maintenance.due import DAYS, due_dates


@dataclass(frozen=True, slots=True)
class Maintained:
    """A lift, with the (level, day) of its records. ``in_use_since`` None: the register does not know.

    ``interval_days``: of its accepted on-demand plan, in the place of the 15 days; the deeper levels stay as they are.
    ``place``: WGS-84, None: unknown.
    """

    unit_id: str
    name: str
    address: str
    visits: tuple[tuple[str, date], ...]
    in_use_since: date | None
    interval_days: int | None = None
    place: Position | None = None
    person: int | None = None
    worker: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """The next visit of a lift. ``state``: overdue, soon, ok, or unknown where no record says when the last one was."""

    unit: Maintained
    level: str
    on: date | None
    state: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many lifts are in time, overdue, or unknown: the three add up to ``total``."""

    total: int
    in_time: int
    overdue: int
    unknown: int


def next_visit(unit: Maintained, today: date) -> Visit:
    """The next visit of a lift and its level.

    >>> lift = Maintained("A", "", "", (("year", date(2026, 1, 1)), ("half_month", date(2026, 3, 20))), None)
    >>> visit = next_visit(lift, date(2026, 4, 1))
    >>> visit.level, visit.on.isoformat(), visit.state
    ('quarter', '2026-04-01', 'soon')
    """
    if not unit.visits:
        return Visit(unit, LEVELS[0], None, "unknown")
    days = DAYS if unit.interval_days is None else {**DAYS, LEVELS[0]: unit.interval_days}
    due = [d for d in due_dates(unit.visits, unit.in_use_since or today, days) if d.last is not None]
    first = min(due, key=lambda d: d.on)
    together = [d for d in due if d.on <= max(first.on, today)]
    return Visit(unit, together[-1].level, first.on, first.state(today))


def coverage(visits: Sequence[Visit]) -> Coverage:
    """Count the lifts by state. A lift without any record is unknown, never in time."""
    overdue = sum(v.state == "overdue" for v in visits)
    unknown = sum(v.state == "unknown" for v in visits)
    return Coverage(len(visits), len(visits) - overdue - unknown, overdue, unknown)


def by_day(visits: Sequence[Visit], today: date, days: int) -> list[tuple[date, list[Visit]]]:
    """The calendar of the next ``days`` days: overdue and unknown lifts stand on today, each day by address."""
    found: defaultdict[date, list[Visit]] = defaultdict(list)
    for visit in visits:
        on = today if visit.on is None else max(visit.on, today)
        if on < today + timedelta(days=days):
            found[on].append(visit)
    return [(day, sorted(found[day], key=lambda v: (v.unit.address, v.unit.name))) for day in sorted(found)]


def route(visits: Sequence[Visit]) -> list[tuple[Visit, float | None]]:
    """One way through the lifts of a day: from the most overdue to the nearest, and so on, each with its metres from the last.

    Straight lines, not roads. Lifts without a known place come last, by address, without metres.
    """
    left = sorted((v for v in visits if v.unit.place is not None), key=lambda v: (v.on or date.min, v.unit.unit_id))
    unknown = sorted((v for v in visits if v.unit.place is None), key=lambda v: (v.unit.address, v.unit.name))
    found: list[tuple[Visit, float | None]] = []
    here: Position | None = None
    while left:
        at = here
        following = left[0] if at is None else min(left, key=lambda v: _metres(at, v))
        found.append((following, None if at is None else _metres(at, following)))
        left.remove(following)
        here = following.unit.place
    return found + [(v, None) for v in unknown]


def _metres(here: Position, visit: Visit) -> float:
    return math.inf if visit.unit.place is None else distance_m(here, visit.unit.place)
