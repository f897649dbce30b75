"""One incident as the statistics see it, and the definitions of what is counted.

Counted is what a person has confirmed: a sensor alone is a lead, and a city that fits sensors must not look worse for it.
Drills, tests and 补录 are natures of their own and never in a figure of real incidents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from equipment.foundation.clock import SHANGHAI


class Start(Enum):
    """From when the 30 minutes run. Published figures rarely say which, so both are kept, and each figure names its own."""

    REPORTED = "reported"
    """报警: when the desk first heard of it."""
    DISPATCHED = "dispatched"
    """派单: when the first order went out."""


class Nature(Enum):
    """性质."""

    REAL = "real"
    DRILL = "drill"
    TEST = "test"
    SUPPLEMENT = "supplement"
    """补录: kept on paper while the platform was away, entered later with its original times."""


@dataclass(frozen=True, slots=True)
class Case:
    """One confirmed incident.

    ``level`` is the level of response whose people came: that of the first order that arrived, else the highest that
    was ordered; None without an order. ``built`` is when the lift was first used.
    """

    id: int
    number: str
    kind: str
    nature: Nature
    first_source: str
    reported_at: datetime
    dispatched_at: datetime | None
    arrived_at: datetime | None
    freed_at: datetime | None
    trapped: int | None
    level: int | None
    cause: str | None
    release_mode: str | None
    place: str
    district: str | None
    firm: str | None
    maker: str | None
    built: date | None

    @property
    def entrapment(self) -> bool:
        """困人: people were inside and somebody freed them; 自行脱困 is a kind of its own."""
        return self.kind == "entrapment"

    def start(self, start: Start) -> datetime | None:
        """The moment from which the 30 minutes run."""
        return self.reported_at if start is Start.REPORTED else self.dispatched_at

    def arrival(self, start: Start) -> timedelta | None:
        """到达 minus the start; None where one is missing or their order is impossible."""
        return _span(self.start(start), self.arrived_at)

    def release(self) -> timedelta | None:
        """解救 minus 到达."""
        return _span(self.arrived_at, self.freed_at)

    def hour(self) -> int:
        """Hour of the city's day in which it was reported, 0 to 23."""
        return self.reported_at.astimezone(SHANGHAI).hour

    def age_years(self) -> int | None:
        """Full years of the lift's use on the day of the report."""
        if self.built is None:
            return None
        day = self.reported_at.astimezone(SHANGHAI).date()
        return day.year - self.built.year - ((day.month, day.day) < (self.built.month, self.built.day))


def _span(earlier: datetime | None, later: datetime | None) -> timedelta | None:
    if earlier is None or later is None or later < earlier:
        return None
    return later - earlier


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the city, ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def months(self) -> float:
        """How many months: whole ones count one, a part of a month its share of days."""
        total, day = 0.0, self.first
        while day <= self.last:
            following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            end = min(following - timedelta(days=1), self.last)
            total += ((end - day).days + 1) / (following - day.replace(day=1)).days
            day = following
        return total

    @property
    def since(self) -> datetime:
        """Its first instant."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=SHANGHAI)

    @property
    def until(self) -> datetime:
        """The instant after its last."""
        after = self.last + timedelta(days=1)
        return datetime(after.year, after.month, after.day, tzinfo=SHANGHAI)
