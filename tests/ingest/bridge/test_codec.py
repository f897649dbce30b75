"""Sparkplug payloads: what is encoded comes back, also as other implementations write it, and nothing makes it stumble."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.bridge.sparkplug.codec import SIGNED_BITS, TEXTS, UNSIGNED_BITS, DataType, Metric, decode, encode, typed
from ingest.errors import PayloadError


def values_of(kind: DataType) -> st.SearchStrategy[Any]:
    """Values that a metric of a type may have."""
    if kind in SIGNED_BITS:
        half = 1 << (SIGNED_BITS[kind] - 1)
        return st.integers(-half, half - 1)
    if kind in UNSIGNED_BITS:
        return st.integers(0, (1 << UNSIGNED_BITS[kind]) - 1)
    if kind is DataType.BOOLEAN:
        return st.booleans()
    if kind in TEXTS:
        return st.text(max_size=40)
    return st.floats(allow_nan=False, width=32 if kind is DataType.FLOAT else 64)


metrics = st.sampled_from(DataType).flatmap(
    lambda kind: st.builds(
        Metric, name=st.none() | st.text(max_size=20), alias=st.none() | st.integers(0, 2**64 - 1),
        timestamp_ms=st.none() | st.integers(0, 2**63), datatype=st.just(kind.value), raw=values_of(kind),
        historical=st.booleans(),
    )
)  # fmt: skip


@given(st.integers(0, 2**63), st.none() | st.integers(0, 255), st.lists(metrics, max_size=6))
def test_what_is_encoded_comes_back(at_ms: int, seq: int | None, sent: list[Metric]) -> None:
    back = decode(encode(at_ms, seq, sent))
    assert (back.timestamp_ms, back.seq, len(back.metrics)) == (at_ms, seq, len(sent))
    for one, other in zip(sent, back.metrics, strict=True):
        assert (one.name, one.alias, one.timestamp_ms, one.historical) == (
            other.name, other.alias, other.timestamp_ms, other.historical,
        )  # fmt: skip
        value = typed(other, other.datatype)
        if one.datatype == DataType.FLOAT and isinstance(value, float):
            assert math.isinf(value) or value == pytest.approx(one.raw, rel=1e-6)
        else:
            assert value == one.raw


@given(st.binary(max_size=200))
def test_no_bytes_make_the_decoder_stumble(payload: bytes) -> None:
    try:
        decode(payload)
    except PayloadError:
        return


def test_a_message_written_by_hand_is_read_field_by_field() -> None:
    """Numbers of the specification's table, byte by byte: timestamp 1, metrics 2, seq 3; name 1, alias 2, …"""
    metric = (
        b"\x0a\x05speed" + b"\x10\x07" + b"\x18\xe8\x07" + b"\x20\x09" + b"\x28\x01" + b"\x65" + struct.pack("<f", 1.5)
    )
    null = b"\x10\x08" + b"\x38\x01"
    payload = (
        b"\x08\xd0\x0f" + b"\x12" + bytes([len(metric)]) + metric + b"\x12" + bytes([len(null)]) + null + b"\x18\x05"
    )
    back = decode(payload)
    assert (back.timestamp_ms, back.seq) == (2_000, 5)
    assert back.metrics[0] == Metric("speed", 7, 1_000, DataType.FLOAT, 1.5, historical=True)
    assert back.metrics[1] == Metric(alias=8, null=True)


@pytest.mark.parametrize(
    ("raw", "kind", "value"),
    [
        (0xFFFFFFFE, DataType.INT8, -2), (0xFE, DataType.INT8, -2), (0xFFFE, DataType.INT16, -2),
        (0xFFFFFFFFFFFFFFFE, DataType.INT64, -2), (200, DataType.UINT8, 200), (1, DataType.DOUBLE, 1.0),
    ],
)  # fmt: skip
def test_signed_values_come_extended_or_not(raw: int, kind: DataType, value: float) -> None:
    assert typed(Metric(raw=raw), kind) == value


@pytest.mark.parametrize(("raw", "kind"), [("x", 3), (1, 11), (True, 3), (1, 12), (1, 16), (1, 0), (1, None)])
def test_a_value_that_is_not_of_its_type_is_refused(raw: Any, kind: int | None) -> None:
    with pytest.raises(PayloadError):
        typed(Metric(raw=raw), kind)
