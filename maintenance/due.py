"""到期: when the next maintenance of each level is due. Pure.

The law names 15 days (特种设备安全监察条例 art. 31) and four levels (TSG T5002-2017 art. 6); the day limits of the deeper
levels are convention and so settings. A deeper visit counts for the shallower levels too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from maintenance.checklists.catalogue import LEVELS

DAYS: Mapping[str, int] = {"half_month": 15, "quarter": 90, "half_year": 180, "year": 365}
SOON = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Due:
    """One level of one unit. ``last`` None: never done, ``on`` is then when the unit came into use."""

    level: str
    last: date | None
    on: date

    def state(self, today: date) -> str:
        """overdue, soon or ok; the day itself is still in time."""
        if today > self.on:
            return "overdue"
        return "soon" if self.on - today <= SOON else "ok"


def due_dates(visits: Iterable[tuple[str, date]], in_use_since: date, days: Mapping[str, int] = DAYS) -> list[Due]:
    """When each level is due next.

    Parameters
    ----------
    visits
        (level, day) of the unit's records; ``on_demand`` counts as half-monthly.

    >>> [d.on.isoformat() for d in due_dates([("quarter", date(2026, 11, 1))], date(2026, 1, 1))][:2]
    ['2026-11-16', '2027-01-30']
    """
    newest: dict[str, date] = {}
    for level, day in visits:
        depth = LEVELS.index(level) if level in LEVELS else 0
        for reached in LEVELS[: depth + 1]:
            newest[reached] = max(day, newest.get(reached, day))
    return [
        Due(level, newest.get(level), newest.get(level, in_use_since) + timedelta(days=days[level])) for level in LEVELS
    ]
