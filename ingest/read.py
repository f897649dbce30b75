"""Readings for people: the newest values of a unit, one signal over time. The caller's scope decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Signal, SignalType
from equipment.foundation.database import Connection, load_queries
from ingest.rollups.model import ROLLED, Level

QUERIES = load_queries(__file__, "read.sql")
ROWS_LOOKED_AT = 120
"""A signal that is in none of a unit's newest rows is shown as never heard."""


@dataclass(frozen=True, slots=True)
class Held:
    """A value with the server time of its sample."""

    value: Any
    at: datetime


def latest_values(conn: Connection, kind: str, unit_no: int) -> dict[str, Held]:
    """The newest value of each signal that was heard lately; empty outside the caller's scope."""
    found: dict[str, Held] = {}
    known = load_catalogue().kind(kind)
    if known is None or not known.signals:
        return found
    rows = [row[0] for row in conn.execute(QUERIES.recent_rows, (kind, unit_no, ROWS_LOOKED_AT))]
    moments = [datetime.fromisoformat(row["server_time"]) for row in rows]
    for at, row in sorted(zip(moments, rows, strict=True), key=lambda pair: pair[0], reverse=True):
        for signal in known.signals:
            value = row.get(signal.name)
            if value is not None and signal.name not in found:
                found[signal.name] = Held(value, at)
    return found


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a chart, of one or more samples.

    ``value``: of samples the newest; of a rollup the mean, and for a bool the share of samples that were true. ``low``
    and ``high``: extremes of the samples behind it, None for codes and texts.
    """

    at: datetime
    value: Any
    low: Any
    high: Any
    samples: int


@dataclass(frozen=True, slots=True)
class Course:
    """A signal over time. ``level``: ``raw``, or the rollup (``minute``, ``hour``, ``day``) that the points are from."""

    level: str
    points: list[Point]


def course(
    conn: Connection, kind: str, unit_no: int, signal: Signal, span: tuple[datetime, datetime], most: int
) -> Course:
    """A signal in ``[from, until)`` by device time, oldest first, in at most ``most`` points.

    Samples where they are few enough or nothing finer would be left, else the finest rollup that fits. Times of the
    points are server times. ``signal`` is one of the kind's catalogue.
    """
    since, until = span
    level = _level(conn, kind, unit_no, span, most) if signal.type in ROLLED else None
    if level is None:
        extremes = signal.type in (SignalType.FLOAT, SignalType.INT)
        rows = conn.execute(QUERIES.sample_points, (kind, unit_no, signal.name, since, until, most, extremes))
        return Course("raw", [Point(*row) for row in rows])
    ordered = signal.type is not SignalType.BOOL
    while True:
        values = (kind, level.value, unit_no, signal.name, since, until, most, ordered)
        points = [Point(*row) for row in conn.execute(QUERIES.rollup_points, values)]
        # what a finer level no longer has, a coarser one may
        if points or level.above is None:
            return Course(level.value, points)
        level = level.above


def _level(conn: Connection, kind: str, unit_no: int, span: tuple[datetime, datetime], most: int) -> Level | None:
    """The rollup to read, or None for the samples themselves."""
    since, until = span
    row = conn.execute(QUERIES.complete_from).fetchone()
    if row is None or since >= row[0]:
        found = conn.execute(QUERIES.count_samples, (kind, unit_no, since, until, most + 1)).fetchone()
        few = found is not None and found[0] <= most
        if few or (until - since) / Level.MINUTE.width < most / 4:
            return None
    return next((level for level in Level if (until - since) / level.width <= most), Level.DAY)
