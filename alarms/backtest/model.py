"""What a back-test is asked, and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alarms.rules.model import Rule
from equipment.registry.model import UnitSummary


@dataclass(frozen=True, slots=True)
class Period:
    """A span of device time, its end not included."""

    begin: datetime
    end: datetime

    @property
    def days(self) -> float:
        """Length [d]."""
        return (self.end - self.begin).total_seconds() / 86_400


@dataclass(frozen=True, slots=True)
class Task:
    """Some rules over some units of one kind: what one process replays."""

    kind: str
    rules: tuple[Rule, ...]
    units: tuple[UnitSummary, ...]
    limits: tuple[tuple[tuple[str, str], float], ...]
    """Limits of districts: (jurisdiction id, name) and value."""
    period: Period


@dataclass(slots=True)
class WouldBe:
    """An alarm as it would have been raised. Times are microseconds since 1970 [µs]; ``cleared_us`` None: not over."""

    rule: str
    unit_no: int
    started_us: int
    raised_us: int
    severity: str
    suppressed: bool
    late: bool
    cleared_us: int | None = None


@dataclass(slots=True)
class Replayed:
    """What one process, or all of them, found.

    ``passed_over``: samples that came after newer ones of their unit, too late to be judged in their place. ``failures``:
    judgements of a rule that raised an exception, by rule.
    """

    alarms: list[WouldBe] = field(default_factory=list)
    rows: int = 0
    passed_over: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    reading_seconds: float = 0.0
    parsing_seconds: float = 0.0
    folding_seconds: float = 0.0

    def add(self, other: Replayed) -> None:
        """Take another part in; times are summed over processes."""
        self.alarms += other.alarms
        self.rows += other.rows
        self.passed_over += other.passed_over
        for rule, times in other.failures.items():
            self.failures[rule] = self.failures.get(rule, 0) + times
        self.reading_seconds += other.reading_seconds
        self.parsing_seconds += other.parsing_seconds
        self.folding_seconds += other.folding_seconds


@dataclass(frozen=True, slots=True)
class Event:
    """What a person reported of a unit: a 96366 call, or an incident that was confirmed without one."""

    unit_no: int
    kind: str
    """entrapment or fault"""
    reported_at: datetime
    source: str
    """``call:17``, ``incident:4``"""


@dataclass(frozen=True, slots=True)
class Matching:
    """Within what time an alarm and a report are about the same [s].

    The alarm is raised from ``before_seconds`` before the report until ``after_seconds`` after it, both ends included.
    """

    before_seconds: float
    after_seconds: float


def units_of(units: Sequence[UnitSummary], wanted: Sequence[str]) -> tuple[UnitSummary, ...]:
    """The units of those ids; all where none is named."""
    names = frozenset(wanted)
    return tuple(unit for unit in units if not names or unit.id in names)
