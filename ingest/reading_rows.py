"""Samples as rows of a table of readings: names and binary fields, in one order."""

from __future__ import annotations

import numpy as np
from psycopg import sql

from equipment.catalogue.model import Kind, Signal, SignalType
from ingest import copy_binary as binary
from ingest.model import Columns, IntArray

CODES_BIT = 62
"""Bit of ``unknown`` that says that a list of codes was sent, also an empty one."""
KEY_COLUMNS = ("unit_no", "ts", "channel", "seq", "content", "server_time", "received_at", "shard", "batch", "flags")


def _signal_field(signal: Signal, columns: Columns) -> binary.Field:
    values, valid = columns.values[signal.name], columns.valid[signal.name]
    if not valid.any():
        return binary.nulls(len(columns))
    match signal.type:
        case SignalType.BOOL:
            return binary.boolean(values, valid)
        case SignalType.INT:
            return binary.int4(values, valid)
        case SignalType.ENUM:
            return binary.int2(values, valid)
        case SignalType.FLOAT:
            return binary.float4(values, valid)
        case SignalType.TEXT:
            return binary.text(list(values))


def column_fields(kind: Kind, c: Columns, number_of: IntArray) -> list[binary.Field]:
    """Columns in the order of the table: keys, signals. ``number_of``: batch number by shard."""
    keys = [
        binary.int4(c.unit_no), binary.timestamptz(c.ts_us), binary.int2(c.channel), binary.int8(c.seq),
        binary.int8(c.content), binary.timestamptz(c.server_us), binary.timestamptz(c.received_us),
        binary.int2(c.shard), binary.int8(number_of[c.shard]), binary.int2(c.flags),
    ]  # fmt: skip
    return [*keys, *(_signal_field(signal, c) for signal in kind.signals), binary.int8(unknown_bits(kind, c))]


def column_names(kind: Kind) -> sql.Composed:
    """The columns of a table of readings, as :func:`column_fields` fills them."""
    return sql.SQL(", ").join(map(sql.Identifier, (*KEY_COLUMNS, *(s.name for s in kind.signals), "unknown")))


def unknown_bits(kind: Kind, c: Columns) -> IntArray:
    """Per sample one bit for each signal of which the device said null, and one for a list of codes, also an empty one."""
    bits = c.codes_valid.astype(np.int64) << CODES_BIT
    for place, signal in enumerate(kind.signals):
        if signal.name in c.unknown and c.unknown[signal.name].any():
            bits |= c.unknown[signal.name].astype(np.int64) << place
    return bits
