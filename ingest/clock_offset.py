"""Device clocks: how far each is off, whether that is steady, and what a sample's server time is.

Transport only ever adds delay, so the difference of receive time and device time is the clock's offset plus a little.
A difference that stays the same over several messages is a wrong clock and is corrected; one that jumps about is late
data, whose device time is believed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingest.model import BoolArray, Flag, IntArray

STEADY_MESSAGES = 6
STEADY_WITHIN_US = 2_000_000.0
CORRECTED_FROM_US = 5_000_000.0
WEIGHT = 0.25
UNUSABLE_DAY_US = 86_400_000_000
"""Samples with an unusable clock are kept under the first day of 1970: their time of day stays, and no device can make
a partition for every day of a century."""


@dataclass(frozen=True, slots=True)
class ClockLimits:
    """From where on a device clock cannot be used at all, and a sample counts as late [µs]."""

    future_us: int
    past_us: int
    late_us: int


class ClockOffsets:
    """Offset estimate per unit, in arrays indexed by the unit's number."""

    def __init__(self, limits: ClockLimits) -> None:
        self._limits = limits
        self._offset = np.zeros(0)
        self._spread = np.zeros(0)
        self._count = np.zeros(0, dtype=np.int64)

    def _grow(self, size: int) -> None:
        more = size - len(self._offset)
        if more > 0:
            self._offset = np.concatenate([self._offset, np.zeros(more)])
            self._spread = np.concatenate([self._spread, np.zeros(more)])
            self._count = np.concatenate([self._count, np.zeros(more, dtype=np.int64)])

    def seed(self, unit_no: int, offset_us: float) -> None:
        """Remember a steady offset from an earlier run."""
        self._grow(unit_no + 1)
        self._offset[unit_no], self._spread[unit_no], self._count[unit_no] = offset_us, 0.0, STEADY_MESSAGES

    def steady(self, units: IntArray) -> BoolArray:
        """Whether the clock of each unit is off by a steady amount."""
        found: BoolArray = (
            (self._count[units] >= STEADY_MESSAGES)
            & (self._spread[units] < STEADY_WITHIN_US)
            & (np.abs(self._offset[units]) > CORRECTED_FROM_US)
        )
        return found

    def offset_us(self, units: IntArray) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The estimate [µs], server minus device."""
        return self._offset[units]

    def judge(
        self, units: IntArray, ts_us: IntArray, received_us: IntArray, newest: BoolArray
    ) -> tuple[IntArray, IntArray, IntArray]:
        """Stored device time, server time [µs] and flags of samples in order of arrival.

        Parameters
        ----------
        newest
            True for the last sample of each message: only that one speaks of the clock.
        """
        if len(units):
            self._grow(int(units.max()) + 1)
        difference = received_us - ts_us
        unusable = (difference < -self._limits.future_us) | (difference > self._limits.past_us)
        self._learn(units[newest & ~unusable], difference[newest & ~unusable].astype(np.float64))
        steady = self.steady(units) & ~unusable
        server = np.where(steady, ts_us + self._offset[units].astype(np.int64), ts_us)
        # a sample cannot have been taken after it arrived
        server = np.minimum(np.where(unusable, received_us, server), received_us)
        late = (received_us - server > self._limits.late_us) & ~unusable
        flags = late * Flag.LATE.value + unusable * Flag.CLOCK_UNUSABLE.value + steady * Flag.CLOCK_CORRECTED.value
        stored = np.where(unusable, ts_us % UNUSABLE_DAY_US, ts_us)
        return stored, server, flags

    def _learn(self, units: IntArray, difference: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
        """Take in one difference per unit; of several in a batch the last counts."""
        last, position = np.unique(units[::-1], return_index=True)
        values = difference[::-1][position]
        first = self._count[last] == 0
        change = values - self._offset[last]
        jumped = np.abs(change) > 4 * STEADY_WITHIN_US
        restart = first | jumped
        self._offset[last] = np.where(restart, values, self._offset[last] + WEIGHT * change)
        self._spread[last] = np.where(restart, 0.0, (1 - WEIGHT) * self._spread[last] + WEIGHT * np.abs(change))
        self._count[last] = np.where(restart, 1, self._count[last] + 1)
