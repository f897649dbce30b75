"""PostgreSQL's binary COPY format built from numpy arrays, and read into them, without a Python object per row.

Each row is laid out at its full width in a byte matrix; a mask then drops the bytes that NULLs and short texts do not
have. One fancy-index pass makes the buffer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.model import BoolArray

HEADER = b"PGCOPY\n\xff\r\n\x00" + b"\x00\x00\x00\x00" * 2
TRAILER = b"\xff\xff"
POSTGRES_EPOCH_US = 946_684_800_000_000
LENGTH_BYTES = 4

Bytes = npt.NDArray[np.uint8]


def fixed_row(columns: Iterable[tuple[str, str]]) -> np.dtype[Any]:
    """How a row lies whose columns are of one width and never NULL: two bytes of field count, then length and value of each.

    Parameters
    ----------
    columns
        Name and numpy code of each, big-endian as the server sends it.
    """
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, code in columns:
        fields += [(f"{name}_length", ">i4"), (name, code)]
    return np.dtype(fields)


def fixed_rows(sent: Iterable[bytes | bytearray | memoryview], row: np.dtype[Any]) -> npt.NDArray[Any]:
    """What the server sent of such rows, as a structured array."""
    whole = b"".join(sent)
    return np.frombuffer(whole[len(HEADER) : len(whole) - len(TRAILER)], dtype=row)


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its bytes at full width, how many of them count per row, and where it is NULL (-1)."""

    data: Bytes
    lengths: npt.NDArray[np.int32]


def fixed(values: npt.NDArray[Any], dtype: str, valid: BoolArray | None = None) -> Field:
    """A column of fixed width in network byte order; NULL where not ``valid``."""
    array = np.ascontiguousarray(values.astype(dtype))
    width = array.dtype.itemsize
    data = array.view(np.uint8).reshape(len(array), width)
    lengths = np.full(len(array), width, dtype=np.int32)
    if valid is not None and not valid.all():
        lengths[~valid] = -1
    return Field(data, lengths)


def nulls(count: int) -> Field:
    """A column of NULLs, of whatever type: most signals are absent from every sample of a batch."""
    return Field(np.empty((count, 0), dtype=np.uint8), np.full(count, -1, dtype=np.int32))


def int2(values: npt.NDArray[Any], valid: BoolArray | None = None) -> Field:
    """smallint"""
    return fixed(values, ">i2", valid)


def int4(values: npt.NDArray[Any], valid: BoolArray | None = None) -> Field:
    """integer"""
    return fixed(values, ">i4", valid)


def int8(values: npt.NDArray[Any], valid: BoolArray | None = None) -> Field:
    """bigint"""
    return fixed(values, ">i8", valid)


def float4(values: npt.NDArray[Any], valid: BoolArray | None = None) -> Field:
    """real"""
    return fixed(values, ">f4", valid)


def boolean(values: npt.NDArray[Any], valid: BoolArray | None = None) -> Field:
    """boolean"""
    return fixed(values, "u1", valid)


def timestamptz(us_since_1970: npt.NDArray[np.int64]) -> Field:
    """timestamptz from microseconds since 1970 [µs]"""
    return fixed(us_since_1970 - POSTGRES_EPOCH_US, ">i8")


def text(values: Sequence[str | None]) -> Field:
    """text; None is NULL"""
    encoded = [b"" if value is None else value.encode() for value in values]
    width = max(map(len, encoded), default=0) or 1
    joined = b"".join(item.ljust(width, b"\x00") for item in encoded)
    data = np.frombuffer(joined, dtype=np.uint8).reshape(len(encoded), width)
    lengths = [-1 if value is None else len(item) for value, item in zip(values, encoded, strict=True)]
    return Field(data, np.array(lengths, dtype=np.int32))


def copy_buffer(fields: Sequence[Field]) -> bytes:
    """The whole COPY stream of these columns, header and trailer included."""
    rows = len(fields[0].lengths)
    width = 2 + sum(LENGTH_BYTES + field.data.shape[1] for field in fields)
    matrix = np.empty((rows, width), dtype=np.uint8)
    keep = np.ones((rows, width), dtype=np.bool_)
    matrix[:, 0:2] = np.frombuffer(len(fields).to_bytes(2, "big"), dtype=np.uint8)
    at, whole = 2, True
    for field in fields:
        size = field.data.shape[1]
        matrix[:, at : at + LENGTH_BYTES] = field.lengths.astype(">i4").view(np.uint8).reshape(rows, LENGTH_BYTES)
        at += LENGTH_BYTES
        matrix[:, at : at + size] = field.data
        if size and not (field.lengths == size).all():
            keep[:, at : at + size] = np.arange(size) < field.lengths[:, None]
            whole = False
        at += size
    return HEADER + (matrix if whole else matrix[keep]).tobytes() + TRAILER
