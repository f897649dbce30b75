"""The one module that knows how far TimescaleDB is present, and hides the difference.

``NONE`` plain PostgreSQL, native range partitions; ``APACHE`` hypertables, no policies; ``COMMUNITY`` also columnstore,
continuous aggregates and policies. The level is probed by trying, not read from a version string.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import LiteralString

import psycopg
from psycopg import sql

from equipment.foundation.database import Connection, advisory_lock


class TimescaleLevel(IntEnum):
    """What the server offers; each level has what the ones before it have."""

    NONE = 0
    APACHE = 1
    COMMUNITY = 2


@dataclass(frozen=True, slots=True)
class TimePartition:
    """How a table is cut along time."""

    table: str
    column: str
    chunk: timedelta


def _try(conn: Connection, statement: LiteralString) -> bool:
    try:
        with conn.transaction():
            conn.execute(sql.SQL(statement))
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedFile):
        return False
    return True


def install(conn: Connection) -> TimescaleLevel:
    """Create the extension where the server has it, then probe. Needs the owner."""
    row = conn.execute("select 1 from pg_available_extensions where name = 'timescaledb'").fetchone()
    if row is not None:
        _try(conn, "create extension if not exists timescaledb")
    return probe(conn)


def probe(conn: Connection) -> TimescaleLevel:
    """The level of the database this connection is in."""
    row = conn.execute("select 1 from pg_extension where extname = 'timescaledb'").fetchone()
    if row is None:
        return TimescaleLevel.NONE
    gapfill = _try(
        conn,
        "select time_bucket_gapfill('1 day', t, '2020-01-01', '2020-01-02')"
        " from (values (timestamptz '2020-01-01')) v(t) group by 1",
    )
    return TimescaleLevel.COMMUNITY if gapfill else TimescaleLevel.APACHE


def make_partitioned(conn: Connection, partition: TimePartition, level: TimescaleLevel) -> None:
    """Turn a fresh table into a hypertable; on plain PostgreSQL it was created partitioned and only needs its register."""
    if level is not TimescaleLevel.NONE:
        conn.execute(
            "select create_hypertable(%s::regclass, %s::name, chunk_time_interval => %s::interval, create_default_indexes => false)",
            (partition.table, partition.column, partition.chunk),
        )


def _floor(moment: datetime, chunk: timedelta) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return moment - (moment - epoch) % chunk


class Partitions:
    """Keeps a table's partitions ahead of its rows on plain PostgreSQL; does nothing on hypertables."""

    def __init__(self, level: TimescaleLevel, partition: TimePartition) -> None:
        self._level = level
        self._partition = partition
        self._known: set[datetime] = set()

    def ensure(self, conn: Connection, moments: Iterable[datetime]) -> None:
        """Create what is missing for rows at these moments, and nothing for the time between them.

        Runs in the caller's transaction. A partition made by a transaction that rolls back is made again, so what is
        known is learned only from the catalogue.
        """
        if self._level is not TimescaleLevel.NONE:
            return
        for start in sorted({_floor(moment, self._partition.chunk) for moment in moments} - self._known):
            self._ensure_one(conn, start)

    def _ensure_one(self, conn: Connection, start: datetime) -> None:
        schema, table = self._partition.table.split(".")
        name = f"{table}_{start:%Y%m%d}"
        exists = "select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = %s and c.relname = %s"
        if conn.execute(exists, (schema, name)).fetchone() is not None:
            self._known.add(start)
            return
        advisory_lock(conn, f"partition:{schema}.{name}")
        if conn.execute(exists, (schema, name)).fetchone() is None:
            conn.execute(
                "select equipment.make_partition(%s::regclass, %s, %s)",
                (self._partition.table, start, start + self._partition.chunk),
            )
