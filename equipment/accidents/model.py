"""事故 and their levels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class AccidentLevel(Enum):
    """事故等级, mildest first (特种设备安全监察条例 art. 61-64)."""

    GENERAL = "general"
    LARGER = "larger"
    MAJOR = "major"
    EXTRAORDINARY = "extraordinary"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From how many on (included) a level is reached."""

    level: AccidentLevel
    deaths: int
    serious_injuries: int
    loss_yuan: int


THRESHOLDS = (
    Thresholds(AccidentLevel.EXTRAORDINARY, 30, 100, 100_000_000),
    Thresholds(AccidentLevel.MAJOR, 10, 50, 50_000_000),
    Thresholds(AccidentLevel.LARGER, 3, 10, 10_000_000),
)
"""特种设备安全监察条例 art. 61-63; below all of them an accident is 一般."""


def level_of(deaths: int, serious_injuries: int, loss_yuan: float) -> AccidentLevel:
    """The highest level that any of the three reaches.

    >>> level_of(3, 0, 0.0)
    <AccidentLevel.LARGER: 'larger'>
    """
    for row in THRESHOLDS:
        if deaths >= row.deaths or serious_injuries >= row.serious_injuries or loss_yuan >= row.loss_yuan:
            return row.level
    return AccidentLevel.GENERAL


@dataclass(frozen=True, slots=True)
class NewAccident:
    """An accident as it is reported. ``counted`` False needs a reason (总局令第50号 art. 3)."""

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


@dataclass(frozen=True, slots=True)
class Accident:
    """One entry of the register."""

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
