"""接警统计: calls as a time series, and durations counted only where they can be computed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__, "calls.sql")


class Bucket(Enum):
    """Width of a point of the series, in the city's time."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class CallPoint:
    """Calls that were reported from ``at`` on."""

    at: datetime
    calls: int
    entrapments: int
    trapped: int


@dataclass(frozen=True, slots=True)
class CallDurations:
    """Durations [s] of the calls of a period; each says of how many calls it could be computed.

    ``arrived_late``: of those with an arrival, how many took longer than 30 minutes. Means are None of no call.
    """

    calls: int
    historical: int
    with_arrival: int
    mean_arrival_seconds: float | None
    arrived_late: int
    with_rescue: int
    mean_rescue_seconds: float | None


def series(conn: Connection, bucket: Bucket, since: datetime, until: datetime) -> list[CallPoint]:
    """Calls over time, oldest first, as the caller may see them; periods without a call are not there."""
    rows = conn.execute(QUERIES.series, {"bucket": bucket.value, "since": since, "until": until})
    return [CallPoint(*row) for row in rows]


def durations(conn: Connection, since: datetime, until: datetime, category: str | None = None) -> CallDurations:
    """Durations of the calls reported from ``since`` to before ``until``."""
    row = conn.execute(QUERIES.durations, {"since": since, "until": until, "category": category}).fetchone()
    return CallDurations(*(row or (0, 0, 0, None, 0, 0, None)))
