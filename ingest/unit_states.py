"""最新状态 per unit, in memory and, at most once a second, in the database.

Rewriting a unit's row for each of its messages would cost the database as much as storing the message. What is in
memory also tells which samples are newer than everything stored of their unit, and so cannot be there already.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from equipment.foundation.database import Connection, load_queries
from ingest.clock_offset import ClockOffsets
from ingest.model import BoolArray, Columns, IntArray

QUERIES = load_queries(__file__)
EVERY_SECONDS = 1.0
NEVER_US = -(2**62)


class UnitStates:
    """Newest times of each unit, in arrays indexed by the unit's number; times in µs since 1970."""

    def __init__(self) -> None:
        self._newest_ts: IntArray = np.zeros(0, dtype=np.int64)
        self._server: IntArray = np.zeros(0, dtype=np.int64)
        self._received: IntArray = np.zeros(0, dtype=np.int64)
        self._seq: IntArray = np.zeros(0, dtype=np.int64)
        self._dirty: BoolArray = np.zeros(0, dtype=np.bool_)
        self._written: npt.NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        self._written_at: datetime | None = None
        self._loaded = False

    def reload(self) -> None:
        """Shards changed hands or a transaction failed: what is stored must be looked up again."""
        self._loaded = False
        self._written = np.zeros(0, dtype=np.intp)

    def newer(self, conn: Connection, columns: Columns) -> BoolArray:
        """Which samples have a device time beyond everything that is stored of their unit."""
        if not self._loaded:
            self._load(conn)
        self._grow(columns.unit_no)
        found: BoolArray = columns.ts_us > self._newest_ts[columns.unit_no]
        return found

    def take(self, columns: Columns) -> None:
        """Samples that were stored in this transaction."""
        if not len(columns):
            return
        units = columns.unit_no.astype(np.intp)
        self._grow(units)
        for held, came in (
            (self._newest_ts, columns.ts_us),
            (self._server, columns.server_us),
            (self._received, columns.received_us),
        ):
            np.maximum.at(held, units, came)
        self._seq[units] = columns.seq  # of several the last counts
        self._dirty[units] = True

    def due(self, now: datetime) -> bool:
        """Whether something is to be written, and it is time."""
        waited = self._written_at is None or abs((now - self._written_at).total_seconds()) >= EVERY_SECONDS
        return waited and bool(self._dirty.any())

    def write(self, conn: Connection, clocks: ClockOffsets, now: datetime) -> None:
        """Write what changed; it stays due until :meth:`confirm`."""
        units = np.flatnonzero(self._dirty)
        offsets = clocks.offset_us(units) / 1000.0
        conn.execute(
            QUERIES.upsert_state,
            (
                units.tolist(), _known(self._newest_ts[units]), _known(self._server[units]), _known(self._received[units]),
                self._seq[units].tolist(), offsets.tolist(), clocks.steady(units).tolist(),
            ),
        )  # fmt: skip
        self._written, self._written_at = units, now

    def confirm(self) -> None:
        """The transaction that wrote was committed."""
        self._dirty[self._written] = False
        self._written = np.zeros(0, dtype=np.intp)

    def _load(self, conn: Connection) -> None:
        rows = conn.execute(QUERIES.newest_times).fetchall()
        if rows:
            units = np.array([row[0] for row in rows], dtype=np.intp)
            self._grow(units)
            np.maximum.at(self._newest_ts, units, np.array([row[1] for row in rows], dtype=np.int64))
        self._loaded = True

    def _grow(self, units: npt.NDArray[Any]) -> None:
        more = (int(units.max()) + 1 if len(units) else 0) - len(self._dirty)
        if more > 0:
            never = np.full(more, NEVER_US, dtype=np.int64)
            self._newest_ts = np.concatenate([self._newest_ts, never])
            self._server = np.concatenate([self._server, never])
            self._received = np.concatenate([self._received, never])
            self._seq = np.concatenate([self._seq, np.zeros(more, dtype=np.int64)])
            self._dirty = np.concatenate([self._dirty, np.zeros(more, dtype=np.bool_)])


def _known(us: IntArray) -> list[int]:
    return [int(value) for value in us]
