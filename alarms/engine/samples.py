"""Samples of one kind as the fold takes them: known units only, grouped by unit, each group in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from equipment.catalogue.model import Kind, SignalType
from ingest.model import Columns, Flag

Slots = npt.NDArray[np.intp]
Times = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


DECIMALS = 4


def judged_signals(kind: Kind) -> list[str]:
    """Signals that conditions may use: all but texts."""
    return [signal.name for signal in kind.signals if signal.type is not SignalType.TEXT]


@dataclass(slots=True)
class Samples:
    """Arrays with one entry per sample.

    ``values`` [unit of the signal]: NaN where the device said unknown, meaningful where ``spoken``; signals that no
    sample carries are left out, and ``spoken`` is None for a signal that every sample carries. A float is rounded to
    the four bytes in which it is stored and then to :data:`DECIMALS`, so that a replay judges the same number and 1.2
    is not above a limit of 1.2.
    """

    slots: Slots
    at_us: Times
    seq: Times
    received_us: Times
    late: Mask
    values: dict[str, Numbers]
    spoken: dict[str, Mask | None]
    code_bits: Times
    codes_valid: Mask

    def __len__(self) -> int:
        return len(self.slots)

    def take(self, index: Slots) -> Samples:
        """The samples at ``index``, in that order."""
        return Samples(
            self.slots.take(index), self.at_us.take(index), self.seq.take(index), self.received_us.take(index),
            self.late.take(index),
            {name: values.take(index) for name, values in self.values.items()},
            {name: None if spoken is None else spoken.take(index) for name, spoken in self.spoken.items()},
            self.code_bits.take(index), self.codes_valid.take(index),
        )  # fmt: skip

    def in_order(self) -> Samples:
        """Grouped by unit, each group by time; what is of one time by number."""
        if len(self) < 2:
            return self
        key = (self.slots.astype(np.int64) << 32) | np.arange(len(self))
        key.sort()
        order = key & 0xFFFFFFFF
        slots, at, seq = self.slots[order], self.at_us[order], self.seq[order]
        backward = (at[1:] < at[:-1]) | ((at[1:] == at[:-1]) & (seq[1:] < seq[:-1]))
        if (backward & (slots[1:] == slots[:-1])).any():
            order = np.lexsort((self.seq, self.at_us, self.slots))
        return self.take(order)


def samples_of(kind: Kind, columns: Columns, slot_of: npt.NDArray[np.int32]) -> Samples:
    """What a batch says of units that are known; ``slot_of`` is -1 for a number that is not.

    Historical samples are for the record only: what a gateway stored and forwards later drives no live alarm.
    """
    numbers = columns.unit_no
    inside = numbers < len(slot_of)
    slots = slot_of[numbers] if inside.all() else np.where(inside, slot_of[np.where(inside, numbers, 0)], -1)
    values: dict[str, Numbers] = {}
    spoken: dict[str, Mask | None] = {}
    for signal in kind.signals:
        valid, unknown = columns.valid.get(signal.name), columns.unknown.get(signal.name)
        if signal.type is SignalType.TEXT or valid is None or unknown is None:
            continue
        said = valid | unknown
        if not said.any():
            continue
        numbers_ = columns.values[signal.name].astype(np.float64)
        if signal.type is SignalType.FLOAT:
            numbers_ = numbers_.astype(np.float32).astype(np.float64).round(DECIMALS)
        values[signal.name] = numbers_ if valid.all() else np.where(valid, numbers_, np.nan)
        spoken[signal.name] = None if said.all() else said
    found = Samples(
        slots.astype(np.intp), columns.server_us, columns.seq, columns.received_us,
        (columns.flags & Flag.LATE.value) != 0, values, spoken, columns.code_bits, columns.codes_valid,
    )  # fmt: skip
    known = (slots >= 0) & ((columns.flags & Flag.HISTORICAL.value) == 0)
    return found if known.all() else found.take(np.flatnonzero(known))


def joined(parts: Sequence[Samples]) -> Samples:
    """Several batches as one."""
    names = sorted({name for part in parts for name in part.values})
    values = {name: np.concatenate([p.values.get(name, np.full(len(p), np.nan)) for p in parts]) for name in names}
    spoken: dict[str, Mask | None] = {}
    for name in names:
        said = np.concatenate([_said(part, name) for part in parts])
        spoken[name] = None if said.all() else said
    return Samples(
        np.concatenate([p.slots for p in parts]), np.concatenate([p.at_us for p in parts]),
        np.concatenate([p.seq for p in parts]), np.concatenate([p.received_us for p in parts]),
        np.concatenate([p.late for p in parts]), values, spoken,
        np.concatenate([p.code_bits for p in parts]), np.concatenate([p.codes_valid for p in parts]),
    )  # fmt: skip


def _said(part: Samples, name: str) -> Mask:
    if name not in part.values:
        return np.zeros(len(part), dtype=np.bool_)
    spoken = part.spoken[name]
    return np.ones(len(part), dtype=np.bool_) if spoken is None else spoken
