"""A batch of messages to columns: topic, payload, types, ranges, clocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind, Signal, SignalType
from equipment.registry.model import UnitSummary
from ingest.clock_offset import ClockOffsets
from ingest.errors import PayloadError
from ingest.model import Channel, Columns, Decoded, Flag, Message, Quarantined, Reason, StatusReport
from ingest.payload import STATUS, UNSET, Sample, decoder_of
from ingest.topics import Topic, read_topic


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 [µs]."""
    return round(moment.timestamp() * 1_000_000)


@dataclass(slots=True)
class _Gathered:
    """Samples of one kind while a batch is taken apart."""

    units: list[int] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    channels: list[int] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    newest: list[bool] = field(default_factory=list)
    received: list[int] = field(default_factory=list)


class Decode:
    """Takes batches apart; knows the registered units and the clocks of their terminals."""

    def __init__(self, units: Iterable[UnitSummary], clocks: ClockOffsets, most_bytes: int) -> None:
        self._units: dict[str, UnitSummary] = {}
        self.clocks = clocks
        self._most_bytes = most_bytes
        self.register(units)

    def register(self, units: Iterable[UnitSummary]) -> None:
        """Take over the registry as it is now."""
        self._units = {unit.id: unit for unit in units}

    def knows(self, unit_id: str) -> bool:
        """Whether the unit is registered."""
        return unit_id in self._units

    def decode(self, messages: Iterable[Message]) -> Decoded:
        """Columns of the good samples, and everything else with its reason. Order of arrival is kept per kind."""
        result = Decoded()
        gathered: dict[str, _Gathered] = {}
        for message in messages:
            self._one(message, result, gathered)
        catalogue = load_catalogue()
        for name, samples in gathered.items():
            kind = catalogue.kind(name)
            if kind is not None:
                result.rows[name] = self._columns(kind, samples, result)
        return result

    def _one(self, message: Message, result: Decoded, gathered: dict[str, _Gathered]) -> None:
        unit: UnitSummary | None = None
        try:
            topic = read_topic(message.topic)
            unit = self._units.get(topic.unit_id)
            if unit is None:
                raise PayloadError(
                    Reason.UNKNOWN_UNIT.value, f"no unit {topic.unit_id!r} is registered: register it first"
                )
            if topic.channel is Channel.STATUS:
                self._status(message, unit, result)
                return
            samples = self._samples(message, unit)
        except PayloadError as error:
            if message.repeat:
                result.repeats[message.shard] = result.repeats.get(message.shard, 0) + 1
                return
            refused = Quarantined(message, Reason(error.reason), error.detail, unit_id=unit.id if unit else None,
                                  unit_no=unit.no if unit else None)  # fmt: skip
            result.quarantined.append(refused)
            return
        if message.repeat:
            result.repeats[message.shard] = result.repeats.get(message.shard, 0) + len(samples)
            return
        self._gather(message, topic, unit, samples, result, gathered)

    def _samples(self, message: Message, unit: UnitSummary) -> list[Sample | PayloadError]:
        if len(message.payload) > self._most_bytes:
            raise PayloadError(
                Reason.TOO_LARGE.value, f"{len(message.payload)} bytes; at most {self._most_bytes}: send smaller arrays"
            )
        decoder = decoder_of(unit.kind)
        if decoder is None:
            raise PayloadError(Reason.NOT_MEASURED.value, f"units of kind {unit.kind} have no signals")
        return decoder.decode(message.payload)

    def _status(self, message: Message, unit: UnitSummary, result: Decoded) -> None:
        try:
            status = STATUS.decode(message.payload)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise PayloadError(Reason.WRONG_TYPE.value, f"status: {error}") from None
        result.statuses.append(
            StatusReport(
                unit.no, status.online, status.session, message.received_at, will=status.will, retained=message.retained
            )
        )

    def _gather(
        self,
        message: Message,
        topic: Topic,
        unit: UnitSummary,
        samples: list[Sample | PayloadError],
        result: Decoded,
        gathered: dict[str, _Gathered],
    ) -> None:
        into = gathered.setdefault(unit.kind, _Gathered())
        received = to_us(message.received_at)
        newest = max((s.ts_us for s in samples if isinstance(s, Sample)), default=0)
        for position, sample in enumerate(samples):
            if isinstance(sample, PayloadError):
                result.quarantined.append(
                    Quarantined(message, Reason(sample.reason), sample.detail, 1, position, unit.id, unit.no,
                                topic.channel.name.lower())
                )  # fmt: skip
                continue
            into.units.append(unit.no)
            into.messages.append(message)
            into.positions.append(position)
            into.channels.append(topic.channel)
            into.samples.append(sample)
            into.newest.append(sample.ts_us == newest and not sample.historical)
            into.received.append(received)

    def _columns(self, kind: Kind, g: _Gathered, result: Decoded) -> Columns:
        values: dict[str, Any] = {}
        valid: dict[str, Any] = {}
        unknown: dict[str, Any] = {}
        bad = np.zeros(len(g.samples), dtype=np.bool_)
        reasons: dict[int, str] = {}
        by_signal = zip(*(s.values for s in g.samples), strict=True) if g.samples else [()] * len(kind.signals)
        for signal, column in zip(kind.signals, by_signal, strict=True):
            values[signal.name], valid[signal.name], unknown[signal.name] = _column(signal, column)
            wrong = out_of_range(signal, values[signal.name], valid[signal.name])
            for index in np.flatnonzero(wrong & ~bad):
                reasons[int(index)] = f"{signal.name} = {column[index]} is outside {_limits(signal)}"
            bad |= wrong
        units = np.array(g.units, dtype=np.int64)
        received = np.array(g.received, dtype=np.int64)
        ts = np.array([s.ts_us for s in g.samples], dtype=np.int64)
        stored, server, flags = self.clocks.judge(units, ts, received, np.array(g.newest, dtype=np.bool_))
        historical = np.array([s.historical for s in g.samples], dtype=np.bool_)
        columns = Columns(
            kind=kind.name,
            unit_no=units.astype(np.int32),
            ts_us=stored,
            channel=np.array(g.channels, dtype=np.int16),
            seq=np.array([s.seq for s in g.samples], dtype=np.int64),
            content=np.array([s.content for s in g.samples], dtype=np.int64),
            server_us=server,
            received_us=received,
            shard=np.array([m.shard for m in g.messages], dtype=np.int16),
            flags=(flags | historical * Flag.HISTORICAL.value).astype(np.int16),
            redelivery=np.array([m.dup for m in g.messages], dtype=np.bool_),
            values=values,
            valid=valid,
            unknown=unknown,
            code_bits=np.array([s.code_bits or 0 for s in g.samples], dtype=np.int64),
            codes_valid=np.array([s.code_bits is not None for s in g.samples], dtype=np.bool_),
            codes=[s.codes for s in g.samples],
            messages=g.messages,
            positions=g.positions,
        )
        for refused, detail in reasons.items():
            result.quarantined.append(_refused(g, refused, Reason.OUT_OF_RANGE, detail))
        return columns.take(np.flatnonzero(~bad)) if bad.any() else columns


def _refused(g: _Gathered, index: int, reason: Reason, detail: str) -> Quarantined:
    sample = g.samples[index]
    return Quarantined(
        g.messages[index], reason, detail, 1, g.positions[index], None, g.units[index],
        Channel(g.channels[index]).name.lower(), sample.ts_us, sample.seq,
    )  # fmt: skip


def _column(signal: Signal, column: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    """Typed array, where it has a value, and where the device said unknown."""
    unknown = np.fromiter((v is None for v in column), np.bool_, len(column))
    valid = np.fromiter((v is not None and v is not UNSET for v in column), np.bool_, len(column))
    if signal.type is SignalType.TEXT:
        array = np.empty(len(column), dtype=object)
        array[:] = [v if ok else None for v, ok in zip(column, valid, strict=True)]
        return array, valid, unknown
    if valid.all():
        filled: Any = column
    else:
        filled = [v if ok else 0 for v, ok in zip(column, valid, strict=True)]
    # wide first: a number beyond the column's type must be seen as out of range, not wrapped
    wide = np.array(filled, dtype=np.float64)
    return wide, valid, unknown


def out_of_range(signal: Signal, values: Any, valid: Any) -> Any:
    """Where a value is physically impossible; limits themselves are in range.

    ``values`` is narrowed in place to the signal's type by the store, so it is still wide here.
    """
    if signal.type is SignalType.TEXT:
        longest = signal.max_length or 0
        return np.fromiter((v is not None and (len(v) > longest or "\x00" in v) for v in values), np.bool_, len(values))
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
