"""Reads stored readings back as columns, in the order in which they were judged: for recovery and back-test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import sql

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind, Signal, SignalType
from equipment.foundation.database import Connection, load_queries
from ingest.codes.lists import bits_of
from ingest.copy_binary import fixed_row, fixed_rows
from ingest.model import Columns
from ingest.reading_rows import CODES_BIT
from ingest.store import moment

QUERIES = load_queries(__file__)
Key = tuple[int, int, int, int]
MICROSECONDS = sql.SQL("(extract(epoch from {}) * 1000000)::bigint")
PLAIN = ("unit_no", "channel", "seq", "content", "flags", "batch", "unknown")
TIMES = ("ts", "server_time", "received_at")


def codes_since(conn: Connection, shard: int, batch: int, since: Any) -> dict[Key, tuple[str, list[str]]]:
    """Codes of the samples after a batch, by key."""
    found: dict[Key, tuple[str, list[str]]] = {}
    for unit, ts, channel, seq, code_list, code in conn.execute(QUERIES.code_events_since, (shard, batch, since)):
        us = round(ts.timestamp() * 1_000_000)
        found.setdefault((unit, us, channel, seq), (code_list, []))[1].append(code)
    return found


def rows_since(conn: Connection, kind: Kind, shard: int, batch: int) -> dict[int, Columns]:
    """Samples of one kind and shard stored after ``batch``, by batch number.

    Times, numbers and masks come back as they were judged: a float is rounded to the four bytes that are stored, null
    is told from absent, and an empty list of codes from none.
    """
    signals = [s for s in kind.signals if s.type is not SignalType.TEXT]
    wanted = [
        *(sql.SQL("{}::int8").format(sql.Identifier(name)) for name in PLAIN),
        *(MICROSECONDS.format(sql.Identifier(name)) for name in TIMES),
        *(_as_double(signal) for signal in signals),
    ]
    query = sql.SQL(
        "copy (select {} from {} where shard = {} and batch > {} order by batch, received_at, ts, seq)"
        " to stdout (format binary)"
    ).format(
        sql.SQL(", ").join(wanted), sql.Identifier("ingest", f"reading_{kind.name}"), sql.Literal(shard), sql.Literal(batch)
    )  # fmt: skip
    with conn.cursor() as cursor, cursor.copy(query) as copy:
        table = fixed_rows(copy, _row_of(signals))
    if not len(table):
        return {}
    columns, numbers = _columns(conn, kind.name, signals, table, shard, batch)
    return dict(_by_batch(columns, numbers))


def _as_double(signal: Signal) -> sql.Composable:
    """What is absent is NaN, which the store does not hold: so every row has one width."""
    number = "{}::int::float8" if signal.type is SignalType.BOOL else "{}::float8"
    return sql.SQL(f"coalesce({number}, 'NaN')").format(sql.Identifier(signal.name))


def _row_of(signals: Sequence[Signal]) -> np.dtype[Any]:
    return fixed_row([*((name, ">i8") for name in (*PLAIN, *TIMES)), *((s.name, ">f8") for s in signals)])


def _by_batch(columns: Columns, numbers: npt.NDArray[np.int64]) -> Iterator[tuple[int, Columns]]:
    firsts = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
    for first, end in zip(firsts, [*firsts[1:], len(numbers)], strict=True):
        yield int(numbers[first]), columns.take(np.arange(first, end))


def _columns(
    conn: Connection, kind: str, signals: Sequence[Signal], table: npt.NDArray[Any], shard: int, batch: int
) -> tuple[Columns, npt.NDArray[np.int64]]:  # fmt: skip
    count = len(table)
    plain = {name: table[name].astype(np.int64) for name in PLAIN}
    times = {name: table[name].astype(np.int64) for name in TIMES}
    place_of = {signal.name: place for place, signal in enumerate(_all_signals(kind))}
    values: dict[str, Any] = {}
    valid: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for signal in signals:
        numbers = table[signal.name].astype(np.float64)
        valid[signal.name] = ~np.isnan(numbers)
        values[signal.name] = np.nan_to_num(numbers)
        unknown[signal.name] = (plain["unknown"] >> place_of[signal.name]) & 1 == 1
    codes_valid = (plain["unknown"] >> CODES_BIT) & 1 == 1
    sent = _codes(conn, plain, times["ts"], codes_valid, shard, batch)
    columns = Columns(
        kind=kind,
        unit_no=plain["unit_no"].astype(np.int32),
        ts_us=times["ts"],
        channel=plain["channel"].astype(np.int16),
        seq=plain["seq"],
        content=plain["content"],
        server_us=times["server_time"],
        received_us=times["received_at"],
        shard=np.full(count, shard, dtype=np.int16),
        flags=plain["flags"].astype(np.int16),
        redelivery=np.zeros(count, dtype=np.bool_),
        values=values,
        valid=valid,
        unknown=unknown,
        code_bits=sent,
        codes_valid=codes_valid,
        codes=[None] * count,
        messages=[],
        positions=[],
    )
    return columns, plain["batch"]


def _all_signals(kind: str) -> Sequence[Signal]:
    from_catalogue = load_catalogue().kind(kind)
    return from_catalogue.signals if from_catalogue else ()


def _codes(
    conn: Connection, plain: dict[str, Any], ts_us: npt.NDArray[np.int64], valid: npt.NDArray[np.bool_], shard: int,
    batch: int,
) -> npt.NDArray[np.int64]:  # fmt: skip
    bits = np.zeros(len(ts_us), dtype=np.int64)
    where = np.flatnonzero(valid)
    if len(where):
        found = codes_since(conn, shard, batch, moment(int(ts_us[where].min())))
        for i in where:
            key = (int(plain["unit_no"][i]), int(ts_us[i]), int(plain["channel"][i]), int(plain["seq"][i]))
            code_list, codes = found.get(key, ("", []))
            bits[i] = bits_of(code_list, codes) if codes else 0
    return bits
