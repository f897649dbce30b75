"""Payload JSON to typed samples, with the reason why where it cannot be.

``{"ts": epoch ms or RFC 3339, "seq": int, "values": {signal: value}, "codes": [..], "code_list": "..",
"historical": false}``, one object or an array. The types of ``values`` come from the signal catalogue, so that the parser itself checks them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind, Signal, SignalType
from ingest.codes.lists import bits_of, code_lists
from ingest.errors import PayloadError
from ingest.model import Reason

UNSET = msgspec.UNSET
SEQ_LIMIT = 2**63
EARLIEST_MS = -62_135_596_800_000
LATEST_MS = 253_402_300_799_999
LONGEST_CODE = 40
MOST_CODES = 64
PATH = re.compile(r" - at `(.*)`$")


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample as sent; ``values`` holds one entry per signal of the kind, UNSET where absent, None where unknown."""

    ts_us: int
    seq: int
    content: int
    values: tuple[Any, ...]
    code_bits: int | None
    codes: tuple[str, tuple[str, ...]] | None
    historical: bool = False
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
    return base | None | msgspec.UnsetType


class PayloadDecoder:
    """Decoder for one kind of equipment."""

    def __init__(self, kind: Kind) -> None:
        fields: list[Any] = [(signal.name, _value_type(signal), UNSET) for signal in kind.signals]
        values = msgspec.defstruct(f"Values_{kind.name}", fields, forbid_unknown_fields=True)
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
        )
        self._one: msgspec.json.Decoder[Any] = msgspec.json.Decoder(sample)
        self._many: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list[sample])  # type: ignore[valid-type]
        self._parts: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
        self._encoder = msgspec.json.Encoder()
        self._astuple = msgspec.structs.astuple

    def decode(self, payload: bytes) -> list[Sample | PayloadError]:
        """The samples of one payload; a bad one in an array does not spoil its neighbours.

        Raises
        ------
        PayloadError
            The payload as a whole cannot be read.
        """
        if payload[:1] == b"[" or payload.lstrip()[:1] == b"[":
            return self._decode_array(payload)
        return [self._checked(self._parse(payload))]

    def _decode_array(self, payload: bytes) -> list[Sample | PayloadError]:
        try:
            raw: list[Any] = self._many.decode(payload)
        except msgspec.MsgspecError:
            return self._decode_parts(payload)
        except UnicodeDecodeError as error:
            raise PayloadError(Reason.NOT_JSON.value, str(error)) from None
        if not raw:
            raise PayloadError(Reason.EMPTY_ARRAY.value, "an array must carry at least one sample")
        return [self._checked(item) for item in raw]

    def _decode_parts(self, payload: bytes) -> list[Sample | PayloadError]:
        try:
            parts = self._parts.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise PayloadError(_syntax_reason(payload).value, str(error)) from None
        samples: list[Sample | PayloadError] = []
        for part in parts:
            try:
                samples.append(self._checked(self._parse(bytes(part))))
            except PayloadError as error:
                samples.append(error)
        return samples

    def _parse(self, payload: bytes) -> Any:
        try:
            return self._one.decode(payload)
        except msgspec.ValidationError as error:
            raise _explained(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PayloadError(_syntax_reason(payload).value, str(error)) from None

    def _checked(self, raw: Any) -> Sample | PayloadError:
        try:
            ts_us = read_timestamp(raw.ts)
            codes = read_codes(raw.codes, raw.code_list)
        except PayloadError as error:
            return error
        if raw.seq is not None and not -SEQ_LIMIT <= raw.seq < SEQ_LIMIT:
            return PayloadError(Reason.OUT_OF_RANGE.value, "seq does not fit a signed 64-bit number")
        values = self._astuple(raw.values)
        if codes is None and all(value is UNSET for value in values):
            return PayloadError(Reason.NOTHING_MEASURED.value, "the sample has neither values nor codes")
        content = int.from_bytes(hashlib.blake2b(self._encoder.encode(raw), digest_size=8).digest(), "big", signed=True)
        return Sample(
            ts_us,
            content if raw.seq is None else raw.seq,
            content,
            values,
            None if codes is None else bits_of(*codes),
            codes,
            raw.historical,
        )


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
    return round(moment.timestamp() * 1_000_000)


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
