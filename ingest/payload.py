"""Payload JSON to typed samples, with the reason why where it cannot be.

``{"ts": epoch ms or RFC 3339, "seq": int, "values": {signal: value}, "codes": [..], "code_list": "..",
"historical": false}``, one object or an array. The types of ``values`` come from the signal catalogue, so that the parser itself checks them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, Protocol

import msgspec

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind, Signal, SignalType
from ingest.codes.lists import code_lists
from ingest.errors import PayloadError
from ingest.model import Reason

ABSENT = float("nan")
"""Stands where a sample says nothing of a signal: NaN, so that numbers become an array in one step. JSON has no NaN."""
SEQ_LIMIT = 2**63
EARLIEST_MS = -62_135_596_800_000
LATEST_MS = 253_402_300_799_999
LONGEST_CODE = 40
MOST_CODES = 64
PARSER_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What the parser raises; the last for a payload that is nested some thousand times."""
PATH = re.compile(r" - at `(.*)`$")


class Raw(Protocol):
    """One sample as the parser gives it: types are right, ranges are not looked at yet.

    ``values`` is a struct with one field per signal of the kind: :data:`ABSENT` where absent, None where unknown.
    """

    ts: int | str
    seq: int | None
    values: Any
    codes: list[str | int] | None
    code_list: str | None
    historical: bool
    """Stored for the record only: it never drives a live alarm."""


class Status(msgspec.Struct, forbid_unknown_fields=False):
    """Payload of a status topic."""

    online: bool
    session: str | None = None
    will: bool = False


def _value_type(signal: Signal) -> Any:
    base: Any
    match signal.type:
        case SignalType.BOOL:
            base = bool
        case SignalType.INT | SignalType.ENUM:
            base = int
        case SignalType.FLOAT:
            base = float
        case SignalType.TEXT:
            base = str
    return base | None


class PayloadDecoder:
    """Decoder for one kind of equipment."""

    def __init__(self, kind: Kind) -> None:
        fields: list[Any] = [(signal.name, _value_type(signal), ABSENT) for signal in kind.signals]
        values = msgspec.defstruct(f"Values_{kind.name}", fields, forbid_unknown_fields=True, gc=False)
        sample = msgspec.defstruct(
            f"Sample_{kind.name}",
            [
                ("ts", int | str),
                ("seq", int | None, None),
                ("values", values, msgspec.field(default_factory=values)),
                ("codes", list[str | int] | None, None),
                ("code_list", str | None, None),
                ("historical", bool, False),
            ],
            forbid_unknown_fields=True,
            gc=False,
        )
        self.one: Callable[[bytes], Any] = msgspec.json.Decoder(sample).decode
        """One sample; raises what the parser raises."""
        self.many: Callable[[bytes], list[Any]] = msgspec.json.Decoder(list[sample]).decode  # type: ignore[valid-type]
        """An array of samples; raises what the parser raises, also when only one of them is wrong."""
        self._parts: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])

    def decode(self, payload: bytes) -> list[Raw | PayloadError]:
        """The samples of one payload; a bad one in an array does not spoil its neighbours.

        Raises
        ------
        PayloadError
            The payload as a whole cannot be read.
        """
        if payload.lstrip()[:1] == b"[":
            return self._decode_parts(payload)
        return [self._parse(payload)]

    def _decode_parts(self, payload: bytes) -> list[Raw | PayloadError]:
        try:
            parts = self._parts.decode(payload)
        except PARSER_ERRORS as error:
            raise PayloadError(_syntax_reason(payload).value, str(error)) from None
        if not parts:
            raise PayloadError(Reason.EMPTY_ARRAY.value, "an array must carry at least one sample")
        samples: list[Raw | PayloadError] = []
        for part in parts:
            try:
                samples.append(self._parse(bytes(part)))
            except PayloadError as error:
                samples.append(error)
        return samples

    def _parse(self, payload: bytes) -> Raw:
        try:
            raw: Raw = self.one(payload)
        except msgspec.ValidationError as error:
            raise _explained(error) from None
        except PARSER_ERRORS as error:
            raise PayloadError(_syntax_reason(payload).value, str(error)) from None
        return raw


def _explained(error: msgspec.ValidationError) -> PayloadError:
    """The parser's complaint as one of our reasons."""
    text = str(error)
    if "unknown field" in text:
        match = PATH.search(text)
        in_values = match is not None and ".values" in match[1]
        return PayloadError((Reason.UNKNOWN_SIGNAL if in_values else Reason.WRONG_TYPE).value, text)
    if "out of range" in text.lower():
        return PayloadError(Reason.OUT_OF_RANGE.value, text)
    return PayloadError(Reason.WRONG_TYPE.value, text)


def _syntax_reason(payload: bytes) -> Reason:
    """NaN and Infinity are no JSON, but they deserve their own name."""
    return Reason.NOT_A_NUMBER if re.search(rb":\s*-?(NaN|Infinity|nan|inf)\b", payload) else Reason.NOT_JSON


def read_timestamp(value: int | str) -> int:
    """Device time [µs since 1970] from epoch milliseconds or RFC 3339 text with an offset.

    Raises
    ------
    PayloadError
        ``bad_timestamp``
    """
    if isinstance(value, int):
        if not EARLIEST_MS <= value <= LATEST_MS:
            raise PayloadError(Reason.BAD_TIMESTAMP.value, f"ts {value} is no time in milliseconds since 1970")
        return value * 1000
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise PayloadError(Reason.BAD_TIMESTAMP.value, f"ts {value!r} is neither epoch ms nor RFC 3339") from None
    if moment.tzinfo is None:
        raise PayloadError(Reason.BAD_TIMESTAMP.value, f"ts {value!r} has no offset; write +08:00 or Z")
    us = round(moment.timestamp() * 1_000_000)
    if not EARLIEST_MS * 1_000 <= us <= LATEST_MS * 1_000:
        # an offset can carry the first and the last day out of the years that a calendar has
        raise PayloadError(Reason.BAD_TIMESTAMP.value, f"ts {value!r} lies outside the years 1 to 9999")
    return us


def read_codes(codes: list[str | int] | None, code_list: str | None) -> tuple[str, tuple[str, ...]] | None:
    """Codes with their list; None when the sample says nothing of codes.

    Raises
    ------
    PayloadError
        ``unknown_code_list``: a code is meaningless without a list that we know.
    """
    if codes is None:
        return None
    if code_list is None or code_list not in code_lists():
        known = ", ".join(sorted(code_lists()))
        raise PayloadError(Reason.UNKNOWN_CODE_LIST.value, f"code_list {code_list!r} is none of {known}")
    texts = []
    for code in codes:
        text = code_lists()[code_list].text_of(code)
        if not 0 < len(text) <= LONGEST_CODE or not text.isprintable():
            raise PayloadError(
                Reason.WRONG_TYPE.value, f"a code is 1 to {LONGEST_CODE} printable characters: {text[:50]!r}"
            )
        texts.append(text)
    if len(texts) > MOST_CODES:
        raise PayloadError(Reason.WRONG_TYPE.value, f"{len(texts)} codes in one sample; at most {MOST_CODES}")
    return code_list, tuple(texts)


@cache
def decoder_of(kind: str) -> PayloadDecoder | None:
    """The decoder of a measured kind; None for kinds without signals."""
    found = load_catalogue().kind(kind)
    return PayloadDecoder(found) if found is not None and found.signals else None


STATUS = msgspec.json.Decoder(Status)
