"""Rollups are computed anew where samples came in: own tables by bucket, continuous aggregates by window.

Markers are inserted in the transaction of their samples. A refresh of our own deletes the markers it sees and computes
their buckets in one REPEATABLE READ transaction, so a sample that it does not see leaves a marker that it does not
delete. A continuous aggregate cannot be refreshed inside a transaction: its markers go when its refresh has succeeded.

A bucket before the horizon is never computed: its samples are gone, what the rollup says of it is final.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind
from equipment.foundation.database import Connection, load_queries
from equipment.foundation.migrations import time_partitions
from equipment.foundation.timescale import Partitions, TimescaleLevel, probe
from ingest.model import IntArray
from ingest.rollups.ddl import refresh_sql
from ingest.rollups.model import (
    FIRST_MINUTE,
    MINUTE_US,
    MINUTES_OF_DAY,
    ZONE_MINUTES,
    Buckets,
    Level,
    Marks,
    buckets_of,
    pack_marks,
    table_of,
    unpack_marks,
)

QUERIES = load_queries(__file__)
MARKERS_AT_ONCE = 5_000
"""Markers (one per batch and kind) of one refresh: bounds its length and its memory."""
BUCKETS_AT_ONCE = 20_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def mark_dirty(conn: Connection, samples: Mapping[str, tuple[npt.NDArray[np.integer], IntArray]]) -> None:
    """Mark the buckets of stored samples, in the transaction that stores them; new rows, never an update.

    Parameters
    ----------
    samples
        By kind: unit numbers and device times [µs since 1970], one entry per stored sample.
    """
    _insert_marks(conn, Level.MINUTE, {kind: pack_marks(units, ts_us) for kind, (units, ts_us) in samples.items()})


def _insert_marks(conn: Connection, level: Level, packed: Mapping[str, bytes]) -> None:
    kept = {kind: marks for kind, marks in packed.items() if marks}
    if kept:
        conn.execute(QUERIES.insert_marks, (level.value, list(kept), list(kept.values())))


def minute_at(minute: int) -> datetime:
    """The moment of a minute since 1970 [min]."""
    return EPOCH + timedelta(minutes=minute)


class Refresh:
    """Keeps rollups up to date through one connection in autocommit mode."""

    def __init__(self, conn: Connection) -> None:
        self._level = probe(conn)
        partitions = time_partitions(("ingest",))
        self._partitions: dict[str, Partitions] = {}
        self._kinds: dict[str, Kind] = {kind.name: kind for kind in load_catalogue().measured}
        for kind in self._kinds.values():
            for level in Level:
                table = table_of(kind, level)
                self._partitions[table] = Partitions(self._level, partitions[table])
        self._aggregates = self._level is TimescaleLevel.COMMUNITY and self._has_aggregates(conn)

    @property
    def uses_aggregates(self) -> bool:
        """Whether rollups are continuous aggregates here, not tables of our own."""
        return self._aggregates

    def run(self, conn: Connection, level: Level) -> int:
        """Compute every marked bucket of a level; returns how many markers are done.

        The level above gets its markers in the same transaction. ``conn`` has no transaction open.
        """
        done = 0
        while True:
            count = self._refresh_aggregates(conn, level) if self._aggregates else self._refresh_tables(conn, level)
            done += count
            if count < MARKERS_AT_ONCE:
                return done

    def run_all(self, conn: Connection) -> int:
        """Bring every level up to date, from minutes to days."""
        return sum(self.run(conn, level) for level in Level)

    def _has_aggregates(self, conn: Connection) -> bool:
        kind = next(iter(self._kinds.values()))
        row = conn.execute(QUERIES.is_aggregate, (table_of(kind, Level.MINUTE),)).fetchone()
        return bool(row and row[0])

    def _refresh_tables(self, conn: Connection, level: Level) -> int:
        with conn.transaction():
            conn.execute(QUERIES.repeatable_read)
            # takes no snapshot: what we see begins after any other refresh and any move of the horizon has ended
            conn.execute(QUERIES.take_turn)
            taken = conn.execute(QUERIES.take_marks, (level.value, MARKERS_AT_ONCE)).fetchall()
            first = _complete_from(conn)
            above: dict[str, bytes] = {}
            for name, packed, _ in taken:
                if name in self._kinds:
                    marks = _from(unpack_marks(packed), first)
                    self._compute(conn, self._kinds[name], level, buckets_of(marks, level))
                    above[name] = _marks_above(marks, level)
            _mark_above(conn, level, above)
        return sum(int(count) for _, _, count in taken)

    def _compute(self, conn: Connection, kind: Kind, level: Level, buckets: Buckets) -> None:
        statement = refresh_sql(kind, level).encode()
        for part, since, until in _slices(buckets, level):
            self._partitions[table_of(kind, level)].ensure(conn, _moments(part))
            values = {
                "units": part.units.tolist(), "minutes": part.minutes.tolist(), "since": since, "until": until,
            }  # fmt: skip
            conn.execute(statement, values)

    def _refresh_aggregates(self, conn: Connection, level: Level) -> int:
        seen = conn.execute(QUERIES.see_marks, (level.value, MARKERS_AT_ONCE)).fetchall()
        first = _complete_from(conn)
        for name, packed, ids in seen:
            above: dict[str, bytes] = {}
            if name in self._kinds:
                marks = _from(unpack_marks(packed), first)
                for since, until in windows(buckets_of(marks, level), level):
                    conn.execute(QUERIES.refresh_aggregate, (table_of(self._kinds[name], level), since, until))
                above[name] = _marks_above(marks, level)
            with conn.transaction():
                _mark_above(conn, level, above)
                conn.execute(QUERIES.forget_marks, (ids,))
        return sum(len(ids) for _, _, ids in seen)


def _from(marks: Marks, first_minute: int) -> Marks:
    kept: Marks = marks[marks["minute"] >= first_minute]
    return kept


def _marks_above(marks: Marks, level: Level) -> bytes:
    """The marks of the level above, each bucket by its first minute."""
    if level.above is None:
        return b""
    buckets = buckets_of(marks, level.above)
    return pack_marks(buckets.units, buckets.minutes * MINUTE_US)


def _mark_above(conn: Connection, level: Level, packed: Mapping[str, bytes]) -> None:
    if level.above is not None:
        _insert_marks(conn, level.above, packed)


def _complete_from(conn: Connection) -> int:
    row = conn.execute(QUERIES.complete_from).fetchone()
    return int(row[0]) if row else FIRST_MINUTE


def _moments(buckets: Buckets) -> Iterator[datetime]:
    return (minute_at(int(minute)) for minute in np.unique(buckets.minutes))


def _slices(buckets: Buckets, level: Level) -> Iterator[tuple[Buckets, datetime, datetime]]:
    """Buckets day by day, so that each statement looks into few partitions, and not too many at once."""
    days = (buckets.minutes + ZONE_MINUTES) // MINUTES_OF_DAY
    for day in np.unique(days):
        index = np.flatnonzero(days == day)
        for start in range(0, len(index), BUCKETS_AT_ONCE):
            part = index[start : start + BUCKETS_AT_ONCE]
            chosen = Buckets(buckets.units[part], buckets.minutes[part])
            since, last = int(chosen.minutes.min()), int(chosen.minutes.max())
            yield chosen, minute_at(since), minute_at(last) + level.width


def windows(buckets: Buckets, level: Level) -> list[tuple[datetime, datetime]]:
    """Runs of neighbouring buckets as windows of time, oldest first."""
    width = round(level.width.total_seconds() / 60)
    starts = np.unique(buckets.minutes)
    if not len(starts):
        return []
    breaks = np.flatnonzero(np.diff(starts) > width) + 1
    runs = np.split(starts, breaks)
    return [(minute_at(int(run[0])), minute_at(int(run[-1]) + width)) for run in runs]
