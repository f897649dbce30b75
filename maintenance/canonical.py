"""The canonical form (RFC 8785) of JSON that this package writes, many times as fast as the general way. Pure.

Names of records are ASCII, so that sorting by code point is sorting by UTF-16. Whole numbers lose their fraction as the
form asks; numbers that the two encoders may write differently take the general way. A test compares the two.
"""

from __future__ import annotations

from typing import Any

import msgspec
import rfc8785

LARGEST_WHOLE = 2**53
SMALLEST = 1e-3
"""Below it the forms of floating-point numbers begin to differ."""


class _Unusual(Exception):  # noqa: N818  # it chooses the way, it is no fault
    """A number that only the general way writes."""


def _number(text: str) -> float | int:
    value = float(text)
    if value.is_integer() and abs(value) < LARGEST_WHOLE:
        return int(value)
    if not SMALLEST <= abs(value) < LARGEST_WHOLE:
        raise _Unusual
    return value


_DECODER = msgspec.json.Decoder(float_hook=_number)
_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical(text: bytes | str) -> bytes:
    """The canonical form of JSON text with ASCII names and whole numbers below 2^53."""
    try:
        return _ENCODER.encode(_DECODER.decode(text))
    except _Unusual:
        return rfc8785.dumps(msgspec.json.decode(text))


def canonical_of(content: Any) -> bytes:
    """The canonical form of values."""
    return canonical(msgspec.json.encode(content))
