"""Samples of one kind to columns: types, ranges, times, codes, clocks; the bad ones aside with their reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from equipment.catalogue.model import Kind, Signal, SignalType
from ingest.clock_offset import ClockOffsets
from ingest.codes.lists import bits_of
from ingest.content import content_of
from ingest.errors import PayloadError
from ingest.model import BoolArray, Channel, Columns, Decoded, Flag, IntArray, Message, Quarantined, Reason
from ingest.payload import ABSENT, EARLIEST_MS, LATEST_MS, SEQ_LIMIT, Raw, read_codes, read_timestamp

Codes = tuple[str, tuple[str, ...]]
PIECE = 500
"""Samples that are turned from rows into columns at once."""


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 [µs]."""
    return round(moment.timestamp() * 1_000_000)


@dataclass(slots=True)
class Gathered:
    """Samples of one kind while a batch is taken apart; the lists are parallel."""

    raws: list[Any] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    units: list[int] = field(default_factory=list)
    channels: list[int] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    """Index of the first sample of each message."""
    has_null: bool = False

    def add(
        self, message: Message, unit_no: int, channel: Channel, raws: Sequence[Any], positions: Iterable[int]
    ) -> None:
        """Take the good samples of a message."""
        self.firsts.append(len(self.raws))
        self.raws += raws
        self.messages += [message] * len(raws)
        self.positions += positions
        self.units += [unit_no] * len(raws)
        self.channels += [int(channel)] * len(raws)


class _Verdicts:
    """Which samples of a kind are refused, and why; the first reason counts."""

    def __init__(self, count: int) -> None:
        self.bad = np.zeros(count, dtype=np.bool_)
        self.why: dict[int, tuple[Reason, str]] = {}

    def refuse(self, index: int, reason: Reason, detail: str) -> None:
        """One sample."""
        self.bad[index] = True
        self.why.setdefault(index, (reason, detail))


def columns_of(kind: Kind, g: Gathered, clocks: ClockOffsets, result: Decoded) -> Columns:
    """The good samples; what is refused goes to ``result``."""
    count = len(g.raws)
    verdicts = _Verdicts(count)
    ts = _timestamps([raw.ts for raw in g.raws], verdicts)
    seq, numbered = _numbers([raw.seq for raw in g.raws], verdicts)
    codes = _codes(g.raws, verdicts)
    values: dict[str, Any] = {}
    valid: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for signal, column in zip(kind.signals, _by_signal(g.raws), strict=True):
        arrays = _column(signal, column, has_null=g.has_null)
        values[signal.name], valid[signal.name], unknown[signal.name] = arrays
        wrong = out_of_range(signal, arrays[0], arrays[1])
        for index in np.flatnonzero(wrong).tolist():
            said = str(column[index])[:80]
            verdicts.refuse(index, Reason.OUT_OF_RANGE, f"{signal.name} = {said} is outside {_limits(signal)}")
    _refuse_empty(valid, unknown, codes, verdicts)
    content = content_of(values, valid, unknown, codes)
    seq = np.where(numbered, seq, content)
    received = _received(g)
    units = np.array(g.units, dtype=np.int64)
    for refused, (reason, detail) in sorted(verdicts.why.items()):
        result.quarantined.append(_refused(g, refused, reason, detail, ts, seq))
    historical = np.array([raw.historical for raw in g.raws], dtype=np.bool_)
    newest = _newest(ts, g.firsts, verdicts.bad) & ~historical
    good = ~verdicts.bad
    stored, server, flags = ts.copy(), ts.copy(), np.zeros(count, dtype=np.int64)
    stored[good], server[good], flags[good] = clocks.judge(units[good], ts[good], received[good], newest[good])
    columns = Columns(
        kind=kind.name,
        unit_no=units.astype(np.int32),
        ts_us=stored,
        channel=np.array(g.channels, dtype=np.int16),
        seq=seq,
        content=content,
        server_us=server,
        received_us=received,
        shard=np.array([m.shard for m in g.messages], dtype=np.int16),
        flags=(flags | historical * Flag.HISTORICAL.value).astype(np.int16),
        redelivery=np.array([m.dup for m in g.messages], dtype=np.bool_),
        values=values,
        valid=valid,
        unknown=unknown,
        code_bits=np.array([0 if sent is None else bits_of(*sent) for sent in codes], dtype=np.int64),
        codes_valid=np.array([sent is not None for sent in codes], dtype=np.bool_),
        codes=codes,
        messages=g.messages,
        positions=g.positions,
    )
    return columns.take(np.flatnonzero(good)) if verdicts.bad.any() else columns


def _by_signal(raws: Sequence[Raw]) -> list[list[Any]]:
    """The values of each signal, in the order of the samples; piece by piece, because a piece fits the processor's cache."""
    columns: list[list[Any]] = []
    for start in range(0, len(raws), PIECE):
        piece = zip(*map(msgspec.structs.astuple, [raw.values for raw in raws[start : start + PIECE]]), strict=True)
        if columns:
            for column, more in zip(columns, piece, strict=True):
                column.extend(more)
        else:
            columns = list(map(list, piece))
    return columns


def _timestamps(given: list[int | str], verdicts: _Verdicts) -> IntArray:
    """Device time [µs]; 0 where it is refused."""
    if str not in set(map(type, given)):
        try:
            ms = np.array(given, dtype=np.int64)
        except OverflowError:
            pass
        else:
            if ((ms >= EARLIEST_MS) & (ms <= LATEST_MS)).all():
                return ms * 1_000
    found = np.zeros(len(given), dtype=np.int64)
    for index, value in enumerate(given):
        try:
            found[index] = read_timestamp(value)
        except PayloadError as error:
            verdicts.refuse(index, Reason(error.reason), error.detail)
    return found


def _numbers(given: list[int | None], verdicts: _Verdicts) -> tuple[IntArray, BoolArray]:
    """seq, and where there is one."""
    if type(None) not in set(map(type, given)):
        try:
            return np.array(given, dtype=np.int64), np.ones(len(given), dtype=np.bool_)
        except OverflowError:
            pass
    found, there = np.zeros(len(given), dtype=np.int64), np.zeros(len(given), dtype=np.bool_)
    for index, value in enumerate(given):
        if value is None:
            continue
        there[index] = True
        if -SEQ_LIMIT <= value < SEQ_LIMIT:
            found[index] = value
        else:
            verdicts.refuse(index, Reason.OUT_OF_RANGE, "seq does not fit a signed 64-bit number")
    return found, there


def _codes(raws: Sequence[Raw], verdicts: _Verdicts) -> list[Codes | None]:
    found: list[Codes | None] = [None] * len(raws)
    for index, raw in enumerate(raws):
        if raw.codes is not None:
            try:
                found[index] = read_codes(raw.codes, raw.code_list)
            except PayloadError as error:
                verdicts.refuse(index, Reason(error.reason), error.detail)
    return found


def _refuse_empty(
    valid: dict[str, Any], unknown: dict[str, Any], codes: Sequence[Codes | None], verdicts: _Verdicts
) -> None:
    something = np.zeros(len(codes), dtype=np.bool_)
    for name, mask in valid.items():
        something |= mask | unknown[name]
    for index in np.flatnonzero(~something).tolist():
        if codes[index] is None:
            verdicts.refuse(index, Reason.NOTHING_MEASURED, "the sample has neither values nor codes")


def _received(g: Gathered) -> IntArray:
    """Receive time [µs]; many messages share one moment."""
    known: dict[datetime, int] = {}
    return np.array([known.get(m.received_at) or known.setdefault(m.received_at, to_us(m.received_at)) for m in g.messages],
                    dtype=np.int64)  # fmt: skip


def _newest(ts: IntArray, firsts: list[int], bad: BoolArray) -> BoolArray:
    """True for the newest good sample of each message."""
    count = len(ts)
    if len(firsts) == count:
        return ~bad
    starts = np.array(firsts, dtype=np.intp)
    looked_at = np.where(bad, np.iinfo(np.int64).min, ts)
    newest = np.maximum.reduceat(looked_at, starts)
    found: BoolArray = looked_at == np.repeat(newest, np.diff(np.append(starts, count)))
    return found & ~bad


def _refused(g: Gathered, index: int, reason: Reason, detail: str, ts: IntArray, seq: IntArray) -> Quarantined:
    return Quarantined(
        g.messages[index], reason, detail, 1, g.positions[index], None, g.units[index],
        Channel(g.channels[index]).name.lower(), int(ts[index]), int(seq[index]),
    )  # fmt: skip


def _column(signal: Signal, column: list[Any], *, has_null: bool) -> tuple[Any, Any, Any]:
    """Typed array, where it has a value, and where the device said unknown.

    Numbers stay wide: one beyond the column's type must be seen as out of range, not wrapped. Every int of the
    catalogue lies within 32 bits, which a double holds exactly.
    """
    count = len(column)
    nothing = np.zeros(count, dtype=np.bool_)
    unknown = np.fromiter((v is None for v in column), np.bool_, count) if has_null else nothing
    if signal.type is SignalType.TEXT:
        array = np.empty(count, dtype=object)
        array[:] = [None if v is ABSENT else v for v in column]
        return array, np.fromiter((v is not None for v in array), np.bool_, count), unknown
    # identity, and in C: most signals are absent from every sample of a batch, or from none
    if column[0] is ABSENT and column.count(ABSENT) == count:
        return np.zeros(count), nothing, unknown
    try:
        wide = np.array(column, dtype=np.float64)
    except OverflowError:
        wide = np.array([_number(value) for value in column])
    missing = np.isnan(wide)
    if missing.any():
        wide[missing] = 0.0
    return wide, ~missing, unknown


def _number(value: Any) -> float:
    """A number as a double; one that is too large becomes infinite, which no limit lets pass."""
    if value is None:
        return ABSENT
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def out_of_range(signal: Signal, values: Any, valid: Any) -> Any:
    """Where a value is physically impossible; limits themselves are in range."""
    if signal.type is SignalType.TEXT:
        longest = signal.max_length or 0
        return np.fromiter((v is not None and (len(v) > longest or "\x00" in v) for v in values), np.bool_, len(values))
    if not valid.any():
        return np.zeros(len(values), dtype=np.bool_)
    if signal.type is SignalType.ENUM:
        return valid & ~np.isin(values, list(signal.values or {}))
    wrong = valid & ~np.isfinite(values)
    if signal.minimum is not None:
        wrong |= valid & (values < signal.minimum)
    if signal.maximum is not None:
        wrong |= valid & (values > signal.maximum)
    return wrong


def _limits(signal: Signal) -> str:
    if signal.type is SignalType.TEXT:
        return f"{signal.max_length} characters"
    if signal.type is SignalType.ENUM:
        return f"codes {sorted(signal.values or {})}"
    return f"{signal.minimum} … {signal.maximum} {signal.unit}".rstrip()
