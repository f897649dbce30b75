"""Levels of rollups, and the marks of buckets that must be computed again.

A bucket is named by its unit and its minute, in minutes since 1970 [min]; hours and days follow from it. Days are those
of Asia/Shanghai, which has been eight hours ahead of UTC without summer time since 1991.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import numpy as np
import numpy.typing as npt

from equipment.catalogue.model import Kind, Signal, SignalType
from ingest.model import IntArray

ROLLED = (SignalType.FLOAT, SignalType.INT, SignalType.BOOL)
"""Codes and texts have no mean; they are read from the samples themselves."""
MINUTE_US = 60_000_000
MINUTES_OF_HOUR = 60
MINUTES_OF_DAY = 1_440
ZONE_MINUTES = 480
FIRST_MINUTE = MINUTES_OF_DAY
"""Samples with an unusable clock are stored under the first day of 1970: they belong to no bucket."""

MARK = np.dtype([("unit_no", "<i4"), ("minute", "<i4")])
Marks = npt.NDArray[np.void]
"""Distinct (unit, minute) pairs, of dtype ``MARK``."""


class Level(Enum):
    """How wide a bucket is."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def width(self) -> timedelta:
        """Length of a bucket."""
        return _WIDTHS[self]

    @property
    def below(self) -> Level | None:
        """The level it is made from; None: from the samples."""
        return {Level.MINUTE: None, Level.HOUR: Level.MINUTE, Level.DAY: Level.HOUR}[self]

    @property
    def above(self) -> Level | None:
        """The level that is made from it."""
        return {Level.MINUTE: Level.HOUR, Level.HOUR: Level.DAY, Level.DAY: None}[self]

    @property
    def chunk_days(self) -> int:
        """Length of a chunk of the level's tables [d]."""
        return {Level.MINUTE: 7, Level.HOUR: 90, Level.DAY: 1_000}[self]


_WIDTHS = {Level.MINUTE: timedelta(minutes=1), Level.HOUR: timedelta(hours=1), Level.DAY: timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets of one level: unit and first minute of each, both of one length."""

    units: IntArray
    minutes: IntArray

    def __len__(self) -> int:
        return len(self.units)


def rolled(kind: Kind) -> tuple[Signal, ...]:
    """The signals of a kind that have rollups."""
    return tuple(signal for signal in kind.signals if signal.type in ROLLED)


def table_of(kind: Kind, level: Level) -> str:
    """Name of the rollup's table or continuous aggregate."""
    return f"ingest.rollup_{level.value}_{kind.name}"


def pack_marks(units: npt.NDArray[np.integer], ts_us: IntArray) -> bytes:
    """The buckets of samples as they are stored, each once; empty when no sample belongs to a bucket.

    >>> pack_marks(np.array([7, 7]), np.array([0, 30_000_000]) + 86_400_000_000).hex()
    '07000000a0050000'
    """
    minutes = ts_us // MINUTE_US
    # unit and minute as they lie in memory, read as one number: those sort fast, pairs do not
    marks = units.astype("<i8") | minutes.astype("<i8") << 32
    return np.unique(marks[minutes >= FIRST_MINUTE]).tobytes()


def unpack_marks(packed: list[bytes]) -> Marks:
    """Distinct marks of many batches."""
    found: Marks = np.unique(np.frombuffer(b"".join(packed), dtype="<i8")).view(MARK)
    return found


def buckets_of(marks: Marks, level: Level) -> Buckets:
    """The buckets of a level in which marks lie, each once."""
    minutes = marks["minute"].astype(np.int64)
    match level:
        case Level.MINUTE:
            starts = minutes
        case Level.HOUR:
            starts = minutes // MINUTES_OF_HOUR * MINUTES_OF_HOUR
        case Level.DAY:
            starts = (minutes + ZONE_MINUTES) // MINUTES_OF_DAY * MINUTES_OF_DAY - ZONE_MINUTES
    pairs = np.unique(np.stack([marks["unit_no"].astype(np.int64), starts]), axis=1)
    return Buckets(pairs[0], pairs[1])
