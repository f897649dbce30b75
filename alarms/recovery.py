"""Reads stored readings back as columns, in the order in which they were judged: for recovery and back-test."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

import numpy as np
from psycopg import sql

from alarms.engine.state import KindState
from equipment.catalogue.model import Signal, SignalType
from equipment.foundation.database import Connection, load_queries
from ingest.codes.lists import bits_of
from ingest.decode import to_us
from ingest.model import Columns

QUERIES = load_queries(__file__)
Key = tuple[int, int, int, int]


def codes_since(conn: Connection, shard: int, batch: int, since: Any) -> dict[Key, tuple[str, list[str]]]:
    """Codes of the samples after a batch, by key."""
    found: dict[Key, tuple[str, list[str]]] = {}
    for unit, ts, channel, seq, code_list, code in conn.execute(QUERIES.code_events_since, (shard, batch, since)):
        found.setdefault((unit, to_us(ts), channel, seq), (code_list, []))[1].append(code)
    return found


def rows_since(conn: Connection, state: KindState, shard: int, batch: int) -> dict[int, Columns]:
    """Samples of one kind and shard stored after ``batch``, by batch number, each in the order of judgement."""
    signals = [s for s in state.kind.signals if s.type is not SignalType.TEXT]
    columns = ["unit_no", "ts", "channel", "seq", "content", "server_time", "received_at", "flags", "batch"]
    names = sql.SQL(", ").join(map(sql.Identifier, (*columns, *(s.name for s in signals))))
    table = sql.Identifier("ingest", f"reading_{state.kind.name}")
    rows = conn.execute(
        sql.SQL("select {} from {} where shard = %s and batch > %s order by batch, received_at, ts, seq").format(
            names, table
        ),
        (shard, batch),
    ).fetchall()
    if not rows:
        return {}
    oldest = min(row[1] for row in rows) - timedelta(seconds=1)
    codes = codes_since(conn, shard, batch, oldest)
    parts: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        parts[row[8]].append(row)
    return {number: columns_of(state.kind.name, signals, part, shard, codes) for number, part in parts.items()}


def columns_of(
    kind: str, signals: list[Signal], rows: list[tuple[Any, ...]], shard: int, codes: dict[Key, tuple[str, list[str]]]
) -> Columns:
    """Database rows as columns. A signal that was absent and one that was null are both absent here."""
    count = len(rows)
    key = list(zip(*(row[:9] for row in rows), strict=True))
    ts = np.array([to_us(value) for value in key[1]], dtype=np.int64)
    sent = [codes.get((row[0], int(us), row[2], row[3])) for row, us in zip(rows, ts, strict=True)]
    values: dict[str, Any] = {}
    valid: dict[str, Any] = {}
    for position, signal in enumerate(signals, start=9):
        column = [row[position] for row in rows]
        valid[signal.name] = np.array([value is not None for value in column], dtype=np.bool_)
        values[signal.name] = np.array([0.0 if value is None else float(value) for value in column])
    return Columns(
        kind=kind,
        unit_no=np.array(key[0], dtype=np.int32),
        ts_us=ts,
        channel=np.array(key[2], dtype=np.int16),
        seq=np.array(key[3], dtype=np.int64),
        content=np.array(key[4], dtype=np.int64),
        server_us=np.array([to_us(value) for value in key[5]], dtype=np.int64),
        received_us=np.array([to_us(value) for value in key[6]], dtype=np.int64),
        shard=np.full(count, shard, dtype=np.int16),
        flags=np.array(key[7], dtype=np.int16),
        redelivery=np.zeros(count, dtype=np.bool_),
        values=values,
        valid=valid,
        unknown={signal.name: np.zeros(count, dtype=np.bool_) for signal in signals},
        code_bits=np.array([0 if item is None else bits_of(item[0], item[1]) for item in sent], dtype=np.int64),
        codes_valid=np.array([item is not None for item in sent], dtype=np.bool_),
        codes=[None] * count,
        messages=[],
        positions=[],
    )
