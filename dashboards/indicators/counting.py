"""Which deaths a definition counts, over which period, against how many units. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from dashboards.indicators.definitions import FatalityDefinition
from equipment.accidents.model import Accident
from equipment.accidents.register import LEVELS, register
from equipment.foundation.clock import SHANGHAI


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an accident counts, and why (not)."""

    accident: Accident
    counted: bool
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Period:
    """From ``first`` to ``last``, both included; ``elapsed`` is the part of its years that has passed."""

    first: date
    last: date
    elapsed: Fraction

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """Half-open, in the city's time."""
        return midnight(self.first), midnight(self.last + timedelta(days=1))


def midnight(day: date) -> datetime:
    """The moment at which a day begins in the city."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


def part_of_year(year: int, day: date) -> Fraction:
    """Part of ``year`` that has passed at the end of ``day``: 0 before it, 1 after it.

    >>> part_of_year(2026, date(2026, 12, 31))
    Fraction(1, 1)
    """
    first, days = date(year, 1, 1), (date(year + 1, 1, 1) - date(year, 1, 1)).days
    return Fraction(min(max((day - first).days + 1, 0), days), days)


def period_of(definition: FatalityDefinition, year: int, day: date) -> Period:
    """The period of the figure of ``year``, as it stands at the end of ``day``."""
    last = min(day, date(year, 12, 31))
    if definition.period == "rolling_12":
        try:
            first = last.replace(year=last.year - 1) + timedelta(days=1)
        except ValueError:  # the 29th of February
            first = date(last.year - 1, 3, 1)
        return Period(first, last, Fraction(1))
    if definition.period == "multi_year":
        return Period(date(year - definition.years + 1, 1, 1), last, definition.years - 1 + part_of_year(year, day))
    return Period(date(year, 1, 1), last, part_of_year(year, day))


def judge(definition: FatalityDefinition, accident: Accident) -> Verdict:
    """Whether ``accident`` counts under ``definition``."""
    if accident.kind in definition.excluded_kinds:
        return Verdict(
            accident, counted=False, zh="该口径不含此类设备", en="this definition leaves out the kind of equipment"
        )
    if LEVELS.index(accident.level) < LEVELS.index(definition.minimum_level):
        return Verdict(
            accident, counted=False, zh="未达到口径所计的事故等级", en="below the level that this definition counts"
        )
    if accident.counted:
        return Verdict(accident, counted=True, zh="计入", en="counted")
    clause = register().exclusions.get(accident.exclusion or "")
    if clause is not None and clause.id in definition.exclusions_counted:
        return Verdict(
            accident,
            counted=True,
            zh=f"按该口径计入（{clause.clause}）",
            en=f"counted by this definition ({clause.en})",
        )
    if clause is not None:
        return Verdict(
            accident, counted=False, zh=f"不计入：{clause.clause} {clause.zh}", en=f"not counted: {clause.en}"
        )
    reason = accident.not_counted_reason or ""
    return Verdict(accident, counted=False, zh=f"不计入：{reason}", en=f"not counted: {reason}")


def deaths_of(verdicts: Iterable[Verdict]) -> int:
    """Counted deaths within the 30 days."""
    return sum(v.accident.deaths for v in verdicts if v.counted)


def in_period(accidents: Iterable[Accident], period: Period) -> list[Accident]:
    """Accidents that happened within it."""
    start, end = period.bounds
    return [a for a in accidents if start <= a.occurred_at < end]
