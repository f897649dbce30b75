"""报警泛滥 by ISA-18.2-2016 §16: more annunciations in ten minutes than a person can answer.

A flood starts with the annunciation that makes a ten-minute count greater than ten and ends when a ten-minute count is
less than five: exactly ten start none, exactly five end none. An annunciation counts for ten minutes, its own instant
included, the instant ten minutes later not.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=10)
STARTS_ABOVE = 10
ENDS_BELOW = 5


@dataclass(frozen=True, slots=True)
class Flood:
    """One flood; ``ended_at`` None: it goes on. ``peak``: the greatest count of its windows."""

    started_at: datetime
    ended_at: datetime | None
    peak: int


def count_at(times: Sequence[datetime], now: datetime, window: timedelta = WINDOW) -> int:
    """Annunciations of the window that ends now; ``times`` in order."""
    return bisect_right(times, now) - bisect_right(times, now - window)


def floods(times: Sequence[datetime], now: datetime, seats: int = 1) -> list[Flood]:
    """The floods in annunciations at ``times`` (in order), looked at until ``now``; ``seats`` share them.

    >>> from datetime import UTC
    >>> zero = datetime(2026, 3, 2, tzinfo=UTC)
    >>> [f.peak for f in floods([zero] * 11, zero)], floods([zero] * 10, zero)
    ([11], [])
    """
    starts_above, ends_below = STARTS_ABOVE * seats, ENDS_BELOW * seats
    found: list[Flood] = []
    started: datetime | None = None
    peak = 0
    # the count rises at each time and falls ten minutes after it
    for at in sorted({moment for t in times for moment in (t, t + WINDOW) if moment <= now}):
        count = count_at(times, at)
        if started is None and count > starts_above:
            started, peak = at, count
        elif started is not None:
            peak = max(peak, count)
            if count < ends_below:
                found.append(Flood(started, at, peak))
                started = None
    if started is not None:
        found.append(Flood(started, None, peak))
    return found
