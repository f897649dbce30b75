"""What conditions see: at every sample of a batch, or at one moment of some units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alarms.engine import windows
from alarms.engine.program import Leaves, Logic, Mask, Numbers
from alarms.engine.samples import Samples, Slots, Times
from alarms.engine.state import SECOND_US, KindState
from alarms.rules import tree

CODES_STALE_US = 900 * SECOND_US


class BatchView:
    """Samples in order, on top of the state before them. Windows take the samples in, everything else only looks."""

    def __init__(self, state: KindState, samples: Samples) -> None:
        self._state = state
        self.samples = samples
        slots = samples.slots
        first = np.concatenate([[True], slots[1:] != slots[:-1]])
        starts = np.flatnonzero(first)
        lengths = np.diff(np.concatenate([starts, [len(slots)]]))
        self.groups = windows.Groups(slots, samples.at_us, starts, lengths)
        self.heads = slots[starts]
        self.ends = starts + lengths - 1
        self.first_of = np.repeat(starts, lengths)
        self._raw: dict[str, tuple[Numbers, Times]] = {}
        self._codes: tuple[Times, Times] | None = None
        self._known_codes: tuple[Mask, Times, int] | None = None
        self._memories = {memory.node: memory for memory in state.fixed.windows}
        self._rows = {name: row for row, name in enumerate(state.fixed.signals)}

    def raw(self, signal: str) -> tuple[Numbers, Times]:
        """Value and when it was said, fresh or not, at each sample."""
        found = self._raw.get(signal)
        if found is None:
            held, said = (
                self._state.arrays["held"][self._rows[signal]],
                self._state.arrays["held_us"][self._rows[signal]],
            )
            spoken = self.samples.spoken.get(signal)
            if signal not in self.samples.values:
                found = held.take(self.samples.slots), said.take(self.samples.slots)
            elif spoken is None:
                found = self.samples.values[signal], self.samples.at_us
            else:
                found = self._filled(self.samples.values[signal], spoken, held, said)
            self._raw[signal] = found
        return found

    def _filled(self, values: Any, spoken: Mask, held: Any, said: Any) -> tuple[Any, Times]:
        """The last that was said in the batch, else what was held before it."""
        last = np.maximum.accumulate(np.where(spoken, np.arange(len(spoken)), -1))
        inside = last >= self.first_of
        slots = self.samples.slots
        return np.where(inside, values[last], held[slots]), np.where(inside, self.samples.at_us[last], said[slots])

    def held(self, signal: str) -> Numbers:
        """Held values, NaN where never heard, stale or unknown."""
        values, said = self.raw(signal)
        if said is self.samples.at_us:
            return values
        stale = self._state.fixed.stale_us[self._rows[signal]]
        return np.where((said > 0) & (self.samples.at_us - said <= stale), values, np.nan)

    def parameter(self, node: tree.Parameter) -> Numbers:
        """A dynamic limit of each unit."""
        return self._state.fixed.parameters[node].take(self.samples.slots)

    def raw_codes(self) -> tuple[Times, Times]:
        """Active concepts and when they were said, at each sample."""
        if self._codes is None:
            bits, said = self._state.arrays["code_bits"], self._state.arrays["codes_us"]
            valid = self.samples.codes_valid
            if valid.all():
                self._codes = self.samples.code_bits, self.samples.at_us
            elif not valid.any():
                self._codes = bits[self.samples.slots], said[self.samples.slots]
            else:
                self._codes = self._filled(self.samples.code_bits, valid, bits, said)
        return self._codes

    def code(self, bit: int) -> Logic:
        """Whether the concept is active; unknown where no code was ever sent, or long ago."""
        if self._known_codes is None:
            bits, said = self.raw_codes()
            known = (said > 0) & (self.samples.at_us - said <= CODES_STALE_US)
            self._known_codes = known, np.where(known, bits, 0), int(np.bitwise_or.reduce(bits[known]))
        known, bits, seen = self._known_codes
        if not seen >> bit & 1:
            return Logic(np.zeros(len(known), dtype=np.bool_), known)
        active = bits & np.int64(1 << bit) != 0
        return Logic(active, known & ~active)

    def heard(self, leaves: Leaves) -> Mask | None:
        """Where any of these signals or code lists was ever said; None: everywhere."""
        found: Mask | None = None
        for leaf in leaves:
            _, said = self.raw_codes() if isinstance(leaf, tree.Code) else self.raw(leaf.signal)
            if said is self.samples.at_us:
                return None
            found = said > 0 if found is None else found | (said > 0)
        return None if found is None or found.all() else found

    def window(self, node: Any, inputs: Sequence[Any]) -> Any:
        """What a node with a memory says at each sample; the memory takes the samples in."""
        return windows.feed(self._memories[node], self._state.arrays, inputs, self.groups, self._carries(node))

    def _carries(self, node: Any) -> Mask | None:
        """Samples that carry what a node looks at; None: all."""
        found = np.zeros(len(self.samples), dtype=np.bool_)
        for below in tree.walk(node):
            if isinstance(below, tree.Code):
                found |= self.samples.codes_valid
            elif isinstance(below, tree.Held | tree.Flag) and below.signal in self.samples.values:
                spoken = self.samples.spoken[below.signal]
                if spoken is None:
                    return None
                found |= spoken
        return found


class MomentView:
    """Some units, each at one time, on what is held; ``batch`` and ``sample``: as of a sample, else as of the state."""

    def __init__(
        self, state: KindState, slots: Slots, at_us: Times, batch: BatchView | None = None, sample: int = -1,
        registers: Sequence[Any] = (),
    ) -> None:  # fmt: skip
        self._state = state
        self._slots = slots
        self._at = at_us
        self._batch = batch
        self._sample = sample
        self._registers = registers
        self._memories = {memory.node: memory for memory in state.fixed.windows}

    def held(self, signal: str) -> Numbers:
        """Held values, NaN where never heard, stale or unknown."""
        values, times = self._raw(signal)
        stale = self._state.fixed.stale_us[self._state.fixed.signals.index(signal)]
        return np.where((times > 0) & (self._at - times <= stale), values, np.nan)

    def _raw(self, signal: str) -> tuple[Numbers, Times]:
        if self._batch is not None and self._sample >= 0:
            found, said = self._batch.raw(signal)
            return found[[self._sample]], said[[self._sample]]
        row = self._state.fixed.signals.index(signal)
        arrays = self._state.arrays
        return arrays["held"][row, self._slots], arrays["held_us"][row, self._slots]

    def _raw_codes(self) -> tuple[Times, Times]:
        if self._batch is not None and self._sample >= 0:
            bits, said = self._batch.raw_codes()
            return bits[[self._sample]], said[[self._sample]]
        return self._state.arrays["code_bits"][self._slots], self._state.arrays["codes_us"][self._slots]

    def parameter(self, node: tree.Parameter) -> Numbers:
        """A dynamic limit of each unit."""
        return self._state.fixed.parameters[node][self._slots]

    def code(self, bit: int) -> Logic:
        """Whether the concept is active."""
        bits, said = self._raw_codes()
        known = (said > 0) & (self._at - said <= CODES_STALE_US)
        active = (bits >> bit) & 1 == 1
        return Logic(known & active, known & ~active)

    def heard(self, leaves: Leaves) -> Mask | None:
        """Whether any of these signals or code lists was ever said."""
        found: Mask | None = None
        for leaf in leaves:
            _, said = self._raw_codes() if isinstance(leaf, tree.Code) else self._raw(leaf.signal)
            found = said > 0 if found is None else found | (said > 0)
        return found

    def window(self, node: Any, _: Sequence[Any]) -> Any:
        """What a node with a memory says; inside a batch what it said at the sample, unknown before the first."""
        if self._batch is None:
            return windows.read(self._memories[node], self._state.arrays, self._slots, self._at)
        if self._sample >= 0:
            found = self._registers[self._state.fixed.program.nodes.index(node)]
            if isinstance(found, Logic):
                return Logic(found.true[[self._sample]], found.false[[self._sample]])
            return found[[self._sample]]
        if isinstance(node, tree.Missing):
            return Logic(np.zeros(1, dtype=np.bool_), np.zeros(1, dtype=np.bool_))
        return np.full(1, np.nan)
