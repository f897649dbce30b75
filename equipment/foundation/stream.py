"""Gap-free numbered streams over PostgreSQL.

Serial ids commit out of order, so nobody's cursor reads them. A writer inserts a pending row in his own transaction;
one sequencer per stream numbers what has committed. Readers see only numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from equipment.foundation.database import Connection, load_queries, try_advisory_lock

QUERIES = load_queries(__file__, "stream.sql")
CHANNEL = "teshe_stream"
"""Notification channel; the payload is the stream's name."""
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One numbered message."""

    stream: str
    seq: int
    kind: str
    unit_no: int | None
    payload: dict[str, Any]
    created_at: datetime


def publish(
    conn: Connection, stream: str, kind: str, payload: dict[str, Any], *, unit_no: int | None, now: datetime
) -> None:
    """Add a message to ``stream``; it exists when the caller's transaction commits.

    ``unit_no`` decides who may see it where the stream is shown to people.
    """
    conn.execute(QUERIES.publish, (stream, kind, unit_no, Jsonb(payload), now))


def publish_many(
    conn: Connection, stream: str, kind: str, messages: Sequence[tuple[int | None, dict[str, Any]]], now: datetime
) -> None:
    """:func:`publish` for many messages, as (unit_no, payload), in their order."""
    with conn.cursor() as cursor:
        cursor.executemany(QUERIES.publish, [(stream, kind, unit, Jsonb(payload), now) for unit, payload in messages])


def sequence(conn: Connection, stream: str, now: datetime) -> int:
    """Number what has committed since the last call; returns how many.

    Runs in the caller's transaction, which should hold nothing else. Another sequencer at work: 0.
    """
    if not try_advisory_lock(conn, f"sequencer:{stream}"):
        return 0
    row = conn.execute(QUERIES.sequence, {"stream": stream, "now": now, "batch": BATCH}).fetchone()
    numbered = int(row[0]) if row else 0
    if numbered:
        conn.execute("select pg_notify(%s, %s)", (CHANNEL, stream))
    return numbered


def sequence_waiting(conn: Connection, now: datetime) -> dict[str, int]:
    """Number what has committed to any stream, each in a transaction of its own; how many of which.

    ``conn`` commits by itself and has no transaction open.
    """
    done: dict[str, int] = {}
    for (name,) in conn.execute(QUERIES.waiting).fetchall():
        with conn.transaction():
            done[name] = sequence(conn, name, now)
    return done


def read_after(conn: Connection, stream: str, seq: int, limit: int = BATCH) -> list[StreamEntry]:
    """Entries with a number above ``seq``, oldest first, at most ``limit``."""
    return [StreamEntry(stream, *row) for row in conn.execute(QUERIES.read_after, (stream, seq, limit))]


def head(conn: Connection, stream: str) -> int:
    """The newest number; 0 for a stream that has none."""
    row = conn.execute(QUERIES.head, (stream,)).fetchone()
    return int(row[0]) if row else 0


def consume(conn: Connection, consumer: str, stream: str, limit: int = BATCH) -> Sequence[StreamEntry]:
    """What ``consumer`` has not yet taken; locks its cursor until the transaction ends."""
    conn.execute(QUERIES.ensure_cursor, (consumer, stream))
    row = conn.execute(QUERIES.lock_cursor, (consumer, stream)).fetchone()
    return read_after(conn, stream, int(row[0]) if row else 0, limit)


def advance(conn: Connection, consumer: str, stream: str, seq: int) -> None:
    """Record, in the transaction that did the work, that everything up to ``seq`` is done."""
    conn.execute(QUERIES.advance, (seq, consumer, stream))
