"""事故: one entry of the register, what follows it, and the clock of its reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

FACTS = frozenset(
    {"moved_people", "stranded_people", "stranded_minutes", "boiler_mw", "exploded", "out_hours", "pipe_dn_mm",
     "overturned", "main_member_broken"}
)  # fmt: skip
"""Measures that only some kinds of equipment have; a flag is 1. They decide the level like deaths do."""


class AccidentLevel(Enum):
    """事故等级, mildest first (特种设备安全监察条例 art. 61-64)."""

    BELOW = "below"
    """未达等级: an event that reaches none of the four levels."""
    GENERAL = "general"
    LARGER = "larger"
    MAJOR = "major"
    EXTRAORDINARY = "extraordinary"


@dataclass(frozen=True, slots=True)
class NewAccident:
    """An accident as it is reported.

    ``deaths`` are those within the 30 days that count, ``later_deaths`` those after them. ``known_at``: when the head of
    the unit learned of it, from which the first hour runs (None: at once). ``counted`` False needs a reason, ``exclusion``
    is that reason as a clause (总局令第50号 art. 3). ``facts`` has keys of :data:`FACTS`.
    """

    kind: str
    jurisdiction_id: str
    occurred_at: datetime
    reported_at: datetime
    deaths: int = 0
    serious_injuries: int = 0
    trapped_minutes: int | None = None
    loss_yuan: float | None = None
    counted: bool = True
    not_counted_reason: str | None = None
    narrative: str = ""
    unit_no: int | None = None
    minor_injuries: int = 0
    trapped_people: int | None = None
    later_deaths: int = 0
    known_at: datetime | None = None
    cause: str = "open"
    exclusion: str | None = None
    facts: Mapping[str, float] = field(default_factory=dict)
    incident_number: str | None = None

    @property
    def measures(self) -> dict[str, float]:
        """Everything that can decide the level; what is not known counts as not reached."""
        return {
            **self.facts,
            "deaths": self.deaths,
            "serious_injuries": self.serious_injuries,
            "loss_yuan": self.loss_yuan or 0,
            "trapped_minutes": self.trapped_minutes or 0,
        }


@dataclass(frozen=True, slots=True)
class Accident:
    """One entry of the register; ``level_basis`` names the criteria that gave its level."""

    id: int
    number: str
    corrects: int | None
    unit_no: int | None
    kind: str
    jurisdiction_id: str
    occurred_at: datetime
    reported_at: datetime
    level: AccidentLevel
    deaths: int
    serious_injuries: int
    trapped_minutes: int | None
    loss_yuan: float | None
    counted: bool
    not_counted_reason: str | None
    narrative: str
    minor_injuries: int
    trapped_people: int | None
    later_deaths: int
    known_at: datetime | None
    cause: str
    exclusion: str | None
    facts: dict[str, float]
    incident_number: str | None
    level_basis: list[str]
    correction_reason: str | None
    recorded_by: int | None
    recorded_at: datetime


class Outcome(Enum):
    """伤亡变化: how it is with one person."""

    DEATH = "death"
    SERIOUS = "serious"
    MINOR = "minor"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Casualty:
    """One person's condition changed (30 日内伤亡变化): ``before`` None is somebody who was not counted yet."""

    before: Outcome | None
    after: Outcome
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What was added to an accident: a report upward, a fact, a casualty, the investigation, the closure."""

    id: int
    number: str
    event: str
    step: str | None
    at: datetime
    recorded_at: datetime
    account_id: int | None
    note: str
    detail: dict[str, object]


FOLLOW_UPS = ("report", "fact", "casualty", "investigation", "closure")
