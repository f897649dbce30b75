"""Sparkplug payloads to and from values of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from google.protobuf.message import DecodeError

from ingest.bridge.sparkplug.schema import WirePayload
from ingest.errors import PayloadError
from ingest.model import Reason

Value = int | float | bool | str | None


class DataType(IntEnum):
    """Data types of metrics that a signal can have. Arrays, DataSet, File and Template are not among them."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15


SIGNED_BITS = {DataType.INT8: 8, DataType.INT16: 16, DataType.INT32: 32, DataType.INT64: 64}
UNSIGNED_BITS = {
    DataType.UINT8: 8, DataType.UINT16: 16, DataType.UINT32: 32, DataType.UINT64: 64, DataType.DATETIME: 64,
}  # fmt: skip
LONG = frozenset({DataType.INT64, DataType.UINT64, DataType.UINT32, DataType.DATETIME})
TEXTS = frozenset({DataType.STRING, DataType.TEXT, DataType.UUID})
CARRIED = frozenset({"int_value", "long_value", "float_value", "double_value", "boolean_value", "string_value"})


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it is on the wire. ``raw``: not yet read as its data type, which only a birth need say.

    ``carried`` False: its value is of a kind that no signal has (a data set, a template, bytes).
    """

    name: str | None = None
    alias: int | None = None
    timestamp_ms: int | None = None
    datatype: int | None = None
    raw: Any = None
    historical: bool = False
    null: bool = False
    carried: bool = True


@dataclass(frozen=True, slots=True)
class Payload:
    """A whole message."""

    timestamp_ms: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


def decode(payload: bytes) -> Payload:
    """Read a payload.

    Raises
    ------
    PayloadError
        It is no Sparkplug payload.
    """
    wire = WirePayload()
    try:
        wire.ParseFromString(payload)
    except (DecodeError, UnicodeDecodeError) as error:
        raise PayloadError(Reason.WRONG_TYPE.value, f"no Sparkplug B payload: {error}") from None
    return Payload(
        wire.timestamp if wire.HasField("timestamp") else None,
        wire.seq if wire.HasField("seq") else None,
        tuple(_metric(metric) for metric in wire.metrics),
    )


def _metric(wire: Any) -> Metric:
    kind = wire.WhichOneof("value")
    return Metric(
        name=wire.name if wire.HasField("name") else None,
        alias=wire.alias if wire.HasField("alias") else None,
        timestamp_ms=wire.timestamp if wire.HasField("timestamp") else None,
        datatype=wire.datatype if wire.HasField("datatype") else None,
        raw=None if kind is None else getattr(wire, kind),
        historical=wire.is_historical,
        null=wire.is_null or kind is None,
        carried=kind is None or kind in CARRIED,
    )


def typed(metric: Metric, datatype: int | None) -> Value:
    """The metric's value as its data type; None when it is null.

    Raises
    ------
    PayloadError
        The type is none that a signal can have, or the value is not of it.

    >>> typed(Metric(raw=0xFFFFFFFF), DataType.INT8)
    -1
    """
    if metric.null:
        return None
    try:
        kind = DataType(datatype or 0)
    except ValueError:
        raise PayloadError(Reason.WRONG_TYPE.value, f"data type {datatype} is none that a signal has") from None
    raw = metric.raw
    number = isinstance(raw, int) and not isinstance(raw, bool)
    if kind in SIGNED_BITS and number:
        bits = SIGNED_BITS[kind]
        low = int(raw) & ((1 << bits) - 1)
        return low - (1 << bits) if low >> (bits - 1) else low
    if kind in UNSIGNED_BITS and number:
        return int(raw) & ((1 << UNSIGNED_BITS[kind]) - 1)
    if kind in (DataType.FLOAT, DataType.DOUBLE) and isinstance(raw, int | float) and not isinstance(raw, bool):
        # a float32 as a double has digits that nobody measured
        return float(f"{raw:.7g}") if kind is DataType.FLOAT else float(raw)
    if kind is DataType.BOOLEAN and isinstance(raw, bool):
        return raw
    if kind in TEXTS and isinstance(raw, str):
        return raw
    raise PayloadError(Reason.WRONG_TYPE.value, f"{raw!r} is not of data type {kind.name}")


def encode(timestamp_ms: int, seq: int | None, metrics: Sequence[Metric]) -> bytes:
    """A payload; each metric's ``raw`` is a value of its ``datatype``."""
    wire = WirePayload(timestamp=timestamp_ms)
    if seq is not None:
        wire.seq = seq
    for metric in metrics:
        made = wire.metrics.add()
        for name, value in (("name", metric.name), ("alias", metric.alias), ("timestamp", metric.timestamp_ms),
                            ("datatype", metric.datatype)):  # fmt: skip
            if value is not None:
                setattr(made, name, value)
        made.is_historical = metric.historical
        if metric.null:
            made.is_null = True
        else:
            _set_value(made, DataType(metric.datatype or 0), metric.raw)
    return bytes(wire.SerializeToString())


def _set_value(wire: Any, kind: DataType, value: Any) -> None:
    if kind is DataType.BOOLEAN:
        wire.boolean_value = value
    elif kind is DataType.FLOAT:
        wire.float_value = value
    elif kind is DataType.DOUBLE:
        wire.double_value = value
    elif kind in TEXTS:
        wire.string_value = value
    elif kind in LONG:
        wire.long_value = value & ((1 << 64) - 1)
    else:
        wire.int_value = value & ((1 << 32) - 1)
