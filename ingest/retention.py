"""How long readings and rollups are kept (保留期), and the horizon before which samples are refused.

The horizon moves in three steps, each of which may be the last before a crash, and all of which are repeated:

1. writers are stopped for a moment and from now on refuse what is older: it is kept in quarantine as ``too_old``;
2. every rollup that is still marked is computed, because its samples are still there;
3. the horizon of the rollups follows, and the chunks before it are dropped.

Alarms, leads and hazards carry their evidence by value, so nothing of theirs is lost with the samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, LiteralString, Self

import numpy as np
from psycopg import sql
from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.schema import table_of as reading_table
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.foundation.migrations import time_partitions
from equipment.foundation.timescale import TimePartition
from ingest.model import BoolArray, Columns, Flag
from ingest.rollups.model import Level, table_of
from ingest.rollups.refresh import Refresh

QUERIES = load_queries(__file__, "retention.sql")
FIRST_DAY = datetime(1970, 1, 2, tzinfo=UTC)
"""Samples with an unusable clock lie before it; their age is that of their receipt."""
BATCHES_KEPT = 100_000
"""Per shard, however old: a shard that hears little keeps the batches that its checkpoint needs."""
ROWS_AT_ONCE = 50_000

Parameters = Sequence[Any] | Mapping[str, Any]


class RetentionSettings(BaseSettings):
    """How long each level is kept."""

    model_config = SettingsConfigDict(env_prefix="TESHE_RETENTION_", frozen=True, extra="ignore")

    raw_days: int = Field(90, ge=2, description="Samples as they came; back-tests reach as far [d]")
    minute_days: int = Field(400, ge=3, description="Rollups per minute [d]")
    hour_days: int = Field(1_830, ge=3, description="Rollups per hour, and the account per unit [d]")
    day_days: int = Field(7_320, ge=3, description="Rollups per day [d]")

    @model_validator(mode="after")
    def _coarser_is_kept_longer(self) -> Self:
        if not self.raw_days < self.minute_days <= self.hour_days <= self.day_days:
            raise ValueError(
                "keep coarser levels longer: raw_days < minute_days <= hour_days <= day_days"
                f" (now {self.raw_days}, {self.minute_days}, {self.hour_days}, {self.day_days})"
            )
        return self

    def days_of(self, level: Level) -> int:
        """How long a level of rollups is kept [d]."""
        return {Level.MINUTE: self.minute_days, Level.HOUR: self.hour_days, Level.DAY: self.day_days}[level]


@dataclass(frozen=True, slots=True)
class Dropped:
    """What one run has let go."""

    raw_chunks: int
    rollup_chunks: int
    unusable_clock_rows: int
    batches: int
    unit_hours: int

    @property
    def total(self) -> int:
        """Everything together."""
        return self.raw_chunks + self.rollup_chunks + self.unusable_clock_rows + self.batches + self.unit_hours


def accept_from_us(conn: Connection) -> int:
    """Device time from which on samples are accepted [µs since 1970]; it cannot move before the transaction has ended."""
    cursor = conn.execute(QUERIES.accept_from)
    cursor.nextset()
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def too_old(columns: Columns, accept_from: int) -> BoolArray:
    """Where a sample lies before the horizon; one with an unusable clock has no time that could."""
    usable = (columns.flags & Flag.CLOCK_UNUSABLE.value) == 0
    found: BoolArray = usable & (columns.ts_us < accept_from)
    return np.asarray(found, dtype=np.bool_)


def midnight_before(now: datetime, days: int) -> datetime:
    """Midnight in Shanghai, so many days ago: no day is ever half kept."""
    local = now.astimezone(SHANGHAI)
    return datetime.combine(local.date() - timedelta(days=days), time(), SHANGHAI).astimezone(UTC)


def enforce(conn: Connection, refresh: Refresh, settings: RetentionSettings, now: datetime) -> Dropped:
    """Let go what has been kept long enough. ``conn`` is in autocommit mode."""
    tables = time_partitions(("ingest",))
    raw_until = midnight_before(now, settings.raw_days)
    with conn.transaction():
        conn.execute(QUERIES.stop_writers)
        conn.execute(QUERIES.accept_later, {"cutoff": raw_until, "now": now})
    refresh.run_all(conn)
    raw_chunks, rollup_chunks = _drop_raw(conn, tables), 0
    for kind in load_catalogue().measured:
        for level in Level:
            until = midnight_before(now, settings.days_of(level))
            rollup_chunks += _drop(conn, tables[table_of(kind, level)], until)
    unusable = _drop_unusable(conn, raw_until)
    batches = _repeat(conn, QUERIES.drop_batches, {"cutoff": raw_until, "most": ROWS_AT_ONCE, "kept": BATCHES_KEPT})
    hours = _repeat(conn, QUERIES.drop_unit_hours, (midnight_before(now, settings.hour_days), ROWS_AT_ONCE))
    return Dropped(raw_chunks, rollup_chunks, unusable, batches, hours)


def _drop_raw(conn: Connection, tables: dict[str, TimePartition]) -> int:
    with conn.transaction():
        conn.execute(QUERIES.take_turn)
        conn.execute(QUERIES.complete_later)
        row = conn.execute(QUERIES.horizon).fetchone()
        until = row[1] if row else FIRST_DAY
        return sum(_drop(conn, tables[reading_table(kind)], until) for kind in load_catalogue().measured)


def _drop(conn: Connection, partition: TimePartition, until: datetime) -> int:
    row = conn.execute(QUERIES.drop_chunks, (partition.table, partition.chunk, FIRST_DAY, until)).fetchone()
    return int(row[0]) if row else 0


def _drop_unusable(conn: Connection, until: datetime) -> int:
    return sum(
        conn.execute(
            sql.SQL("delete from {} where ts < %s and received_at < %s").format(sql.Identifier(*reading_table(kind).split("."))),
            (FIRST_DAY, until),
        ).rowcount
        for kind in load_catalogue().measured
    )  # fmt: skip


def _repeat(conn: Connection, statement: LiteralString, values: Parameters) -> int:
    """A delete in slices, each its own transaction, so that nobody waits long for its locks."""
    total = 0
    while True:
        count = int(conn.execute(statement, values).rowcount)
        total += count
        if count < ROWS_AT_ONCE:
            return total
