"""Time as a parameter: only :class:`SystemClock` reads the machine's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""The zone of every edge: pages, day boundaries, reports."""


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back [s], for intervals only."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some fixed moment [s]."""
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told, for tests and replays."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a manual clock starts at an aware time")
        self._now = start.astimezone(UTC)
        self._elapsed = 0.0

    def now(self) -> datetime:
        """The moment it was set to."""
        return self._now

    def monotonic(self) -> float:
        """Seconds it was advanced in all [s]."""
        return self._elapsed

    def advance(self, seconds: float) -> datetime:
        """Move on by ``seconds`` (negative: the wall clock was set back) and return the new moment."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += max(0.0, seconds)
        return self._now
