"""Stored readings as columns, fast: binary COPY of only what the rules look at, parsed by numpy as fixed rows.

A row has one width because nothing in it is NULL: yes/no signals are packed by twos of bits, other absent values are
numbers that the store cannot hold (a float that is NaN, the least integer).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import sql

from alarms.rules import tree
from alarms.rules.model import Rule
from equipment.catalogue.model import Kind, Signal, SignalType
from equipment.foundation.database import Connection, load_queries
from ingest.codes.lists import bits_of
from ingest.copy_binary import POSTGRES_EPOCH_US, fixed_row, fixed_rows
from ingest.model import Channel, Columns
from ingest.reading_rows import CODES_BIT

QUERIES = load_queries(__file__)
ABSENT_FLAG = 2
"""A yes/no signal: 0 no, 1 yes, 2 absent."""
ABSENT_INT = -(2**31)
ABSENT_ENUM = -(2**15)
KEYS = (
    ("unit_no", ">i4"),
    ("server", ">i8"),
    ("received", ">i8"),
    ("seq", ">i8"),
    ("flags", ">i2"),
    ("unknown", ">i8"),
)
TYPES = {SignalType.INT: ">i4", SignalType.ENUM: ">i2", SignalType.FLOAT: ">f4"}
Table = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Needed:
    """What some rules of a kind look at."""

    kind: Kind
    flags: tuple[Signal, ...]
    numbers: tuple[Signal, ...]
    codes: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """Signals that are read."""
        return tuple(s.name for s in (*self.flags, *self.numbers))


def needed_by(kind: Kind, rules: Sequence[Rule]) -> Needed:
    """The columns that rules need."""
    nodes = [n for rule in rules for e in rule.expressions for n in tree.walk(e.tree)]
    nodes += [rule.silence.of for rule in rules if rule.silence is not None and rule.silence.of is not None]
    names = {n.signal for n in nodes if isinstance(n, tree.Held | tree.Flag)}
    signals = [s for s in kind.signals if s.name in names and s.type is not SignalType.TEXT]
    return Needed(
        kind,
        tuple(s for s in signals if s.type is SignalType.BOOL),
        tuple(s for s in signals if s.type is not SignalType.BOOL),
        any(isinstance(n, tree.Code) for n in nodes),
    )


def _places(kind: Kind) -> dict[str, int]:
    return {signal.name: place for place, signal in enumerate(kind.signals)}


def _unknown_mask(needed: Needed) -> int:
    places = _places(needed.kind)
    mask = sum(1 << places[name] for name in needed.columns)
    return mask | (1 << CODES_BIT if needed.codes else 0)


def _select(needed: Needed) -> sql.Composable:
    parts: list[sql.Composable] = [
        sql.SQL("unit_no, server_time, received_at, seq, flags"),
        sql.SQL("unknown & {}").format(sql.Literal(_unknown_mask(needed))),
    ]
    if needed.flags:
        bits = [
            sql.SQL("(coalesce({}::int4, {}) << {})::int8").format(
                sql.Identifier(s.name), sql.Literal(ABSENT_FLAG), sql.Literal(2 * k)
            )
            for k, s in enumerate(needed.flags)
        ]
        parts.append(sql.SQL(" | ").join(bits))
    nothing = {
        SignalType.INT: sql.SQL("(-2147483648)::int4"), SignalType.ENUM: sql.SQL("(-32768)::int2"),
        SignalType.FLOAT: sql.SQL("'NaN'::float4"),
    }  # fmt: skip
    parts += [sql.SQL("coalesce({}, {})").format(sql.Identifier(s.name), nothing[s.type]) for s in needed.numbers]
    return sql.SQL(", ").join(parts)


def _row_type(needed: Needed) -> np.dtype[Any]:
    packed = [("packed", ">i8")] if needed.flags else []
    return fixed_row([*KEYS, *packed, *((s.name, TYPES[s.type]) for s in needed.numbers)])


def copy_rows(conn: Connection, needed: Needed, units: Sequence[int], begin: datetime, end: datetime) -> list[bytes]:
    """The rows of some units in a span of device time, as the server sends them; in no order."""
    query = sql.SQL(
        "copy (select {} from {} where ts >= {} and ts < {} and unit_no = any({})) to stdout (format binary)"
    ).format(
        _select(needed), sql.Identifier("ingest", f"reading_{needed.kind.name}"), sql.Literal(begin), sql.Literal(end),
        sql.Literal(list(units)),
    )  # fmt: skip
    with conn.cursor() as cursor, cursor.copy(query) as copy:
        return [bytes(row) for row in copy]


def table_of(needed: Needed, rows: Iterable[bytes]) -> Table:
    """Rows as a structured array, big-endian as they came."""
    return fixed_rows(rows, _row_type(needed))


def columns_of(conn: Connection, needed: Needed, table: Table, begin: datetime, end: datetime) -> Columns:
    """Rows as the fold takes them; ``begin`` and ``end`` bound the search for codes."""
    count = len(table)
    unknown_bits = table["unknown"].astype(np.int64)
    nobody = np.zeros(count, dtype=np.bool_)
    said = bool(unknown_bits.any())
    values: dict[str, npt.NDArray[Any]] = {}
    valid: dict[str, npt.NDArray[np.bool_]] = {}
    packed = table["packed"].astype(np.int64) if needed.flags else None
    for k, signal in enumerate(needed.flags):
        code = ((packed >> (2 * k)) & 3).astype(np.int8) if packed is not None else np.empty(0, dtype=np.int8)
        values[signal.name], valid[signal.name] = code == 1, code != ABSENT_FLAG
    for signal in needed.numbers:
        given = table[signal.name].astype(TYPES[signal.type].replace(">", "="))
        match signal.type:
            case SignalType.FLOAT:
                there = ~np.isnan(given)
                values[signal.name] = given if there.all() else np.where(there, given, 0.0)
            case SignalType.ENUM:
                there, values[signal.name] = given != ABSENT_ENUM, given
            case _:
                there, values[signal.name] = given != ABSENT_INT, given
        valid[signal.name] = there
    places = _places(needed.kind)
    server, received = (table[name].astype(np.int64) + POSTGRES_EPOCH_US for name in ("server", "received"))
    columns = Columns(
        kind=needed.kind.name, unit_no=table["unit_no"].astype(np.int32), ts_us=server,
        channel=np.full(count, Channel.TELEMETRY.value, dtype=np.int16), seq=table["seq"].astype(np.int64),
        content=np.zeros(0, dtype=np.int64), server_us=server, received_us=received, shard=np.zeros(0, dtype=np.int16),
        flags=table["flags"].astype(np.int16), redelivery=nobody, values=values, valid=valid,
        unknown={n: ((unknown_bits >> places[n]) & 1 == 1) if said else nobody for n in needed.columns},
        code_bits=np.zeros(count, dtype=np.int64),
        codes_valid=((unknown_bits >> CODES_BIT) & 1 == 1) if said else nobody,
        codes=[], messages=[], positions=[],
    )  # fmt: skip
    if needed.codes and columns.codes_valid.any():
        columns.code_bits = _codes(conn, columns, begin, end)
    return columns


def _codes(conn: Connection, columns: Columns, begin: datetime, end: datetime) -> npt.NDArray[np.int64]:
    """Active concepts of the samples that carry a list of codes."""
    where = np.flatnonzero(columns.codes_valid)
    units = np.unique(columns.unit_no[where]).tolist()
    found: dict[tuple[int, int, int, int], tuple[str, list[str]]] = {}
    for unit, server, received, seq, code_list, code in conn.execute(QUERIES.codes_between, (units, begin, end)):
        key = (unit, int(server), int(received), seq)
        found.setdefault(key, (code_list, []))[1].append(code)
    bits = np.zeros(len(columns), dtype=np.int64)
    for i in where:
        key = (int(columns.unit_no[i]), int(columns.server_us[i]), int(columns.received_us[i]), int(columns.seq[i]))
        code_list, codes = found.get(key, ("", []))
        bits[i] = bits_of(code_list, codes) if codes else 0
    return bits


def chosen(columns: Columns, index: npt.NDArray[np.intp]) -> Columns:
    """The samples at ``index``: like :meth:`Columns.take`, for columns that carry no messages."""
    nothing = np.zeros(0, dtype=np.int64)
    return Columns(
        kind=columns.kind, unit_no=columns.unit_no[index], ts_us=nothing, channel=columns.channel[:0],
        seq=columns.seq[index], content=nothing, server_us=columns.server_us[index],
        received_us=columns.received_us[index], shard=columns.shard, flags=columns.flags[index],
        redelivery=columns.redelivery[:0],
        values={name: column[index] for name, column in columns.values.items()},
        valid={name: column[index] for name, column in columns.valid.items()},
        unknown={name: column[index] for name, column in columns.unknown.items()},
        code_bits=columns.code_bits[index], codes_valid=columns.codes_valid[index], codes=[], messages=[], positions=[],
    )  # fmt: skip
