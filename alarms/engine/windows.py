"""What conditions remember: windows over the last samples, cumulative sums, and when something was last said.

A window of W seconds is kept in :data:`SLICES` slices of W / SLICES, aligned to server time; it covers the running
slice and the SLICES - 1 before it, so between W - W / SLICES and W seconds. Memory is bounded whatever the rate of
samples. A sample feeds a window only where it carries a signal that the window looks at; unknown is never counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alarms.engine.program import Logic, Mask, Numbers
from alarms.engine.samples import Slots, Times
from alarms.rules import tree
from alarms.rules.tree import COUNTED, Measure

SLICES = 10
Arrays = dict[str, npt.NDArray[Any]]
NONE_YET = np.int64(-1)


@dataclass(frozen=True, slots=True)
class Memory:
    """One node with a memory, and under which names its arrays lie in the state."""

    node: tree.Window | tree.Cusum | tree.Missing
    key: str

    def empty(self, count: int) -> Arrays:
        """Nothing remembered of ``count`` units."""
        key = self.key
        match self.node:
            case tree.Cusum():
                return {f"{key}/sum": np.full(count, np.nan)}
            case tree.Missing():
                return {
                    f"{key}/said_us": np.zeros(count, dtype=np.int64),
                    f"{key}/first_us": np.zeros(count, dtype=np.int64),
                }
            case tree.Window(measure, _, _):
                # the slices of a unit lie beside each other: reading them all is one place in memory, not ten
                arrays: Arrays = {
                    f"{key}/slice": np.full((count, SLICES), NONE_YET).T,
                    f"{key}/value": np.zeros((count, SLICES)).T,
                    f"{key}/last": np.full(count, np.nan),
                }
                if measure is Measure.MEAN:
                    arrays[f"{key}/count"] = np.zeros((SLICES, count))
                if measure is Measure.RATE:
                    arrays[f"{key}/first_us"] = np.zeros((SLICES, count), dtype=np.int64)
                    arrays[f"{key}/last_us"] = np.zeros(count, dtype=np.int64)
                if measure in COUNTED:
                    arrays[f"{key}/known"] = np.full(count, NONE_YET)
                    arrays[f"{key}/latest"] = np.full(count, NONE_YET)
                return arrays


def memory_of(node: tree.Window | tree.Cusum | tree.Missing) -> Memory:
    """The memory of a node; the same node has the same name in every rule set."""
    return Memory(node, f"window/{tree.spell(node)}")


@dataclass(frozen=True, slots=True)
class Groups:
    """Samples grouped by unit in order of time: where each group begins, how long it is."""

    slots: Slots
    at_us: Times
    starts: Slots
    lengths: Slots

    def rounds(self, chosen: Mask | None = None) -> Iterator[Slots]:
        """Indices of samples such that each unit occurs once per round, in order; only those that are chosen."""
        if chosen is None:
            starts, lengths = self.starts, self.lengths
            index = None
        else:
            index = np.flatnonzero(chosen)
            if not len(index):
                return
            slots = self.slots[index]
            first = np.concatenate([[True], slots[1:] != slots[:-1]])
            starts = np.flatnonzero(first)
            lengths = np.diff(np.concatenate([starts, [len(index)]]))
        for number in range(int(lengths.max()) if len(lengths) else 0):
            found = starts[lengths > number] + number
            yield found if index is None else index[found]


Feed = tuple[Groups, Mask | None]
"""The samples, and which of them carry what the node looks at (None: all)."""


def feed(memory: Memory, arrays: Arrays, inputs: Sequence[Any], samples: Groups, carries: Mask | None) -> Any:
    """Take in samples in order; what the node says at each of them."""
    match memory.node:
        case tree.Cusum():
            return _feed_cusum(memory, arrays, inputs, samples, carries)
        case tree.Missing(_, seconds):
            return _feed_missing(memory, arrays, inputs[0], samples, carries, int(seconds * 1_000_000))
        case tree.Window(measure, _, _) if measure in COUNTED:
            return _feed_counts(memory, arrays, inputs[0], samples, carries)
        case tree.Window():
            return _feed_values(memory, arrays, inputs[0], samples, carries)


def read(memory: Memory, arrays: Arrays, slots: Slots, at_us: Times) -> Any:
    """What the node says at a time without a sample."""
    key = memory.key
    match memory.node:
        case tree.Cusum():
            return arrays[f"{key}/sum"][slots]
        case tree.Missing(_, seconds):
            base = np.maximum(arrays[f"{key}/said_us"][slots], arrays[f"{key}/first_us"][slots]).astype(np.int64)
            gone = at_us - base >= int(seconds * 1_000_000)
            return Logic(gone & (base > 0), ~gone & (base > 0))
        case tree.Window(measure, _, _):
            now = _slice(memory, at_us)
            return (
                _count_of(memory, arrays, slots, now)
                if measure in COUNTED
                else _measure(memory, arrays, slots, now, at_us)
            )


def _slice(memory: Memory, at_us: Times) -> Times:
    seconds = memory.node.seconds if isinstance(memory.node, tree.Window) else 0.0
    return at_us // max(1, int(seconds * 1_000_000 / SLICES))


def _feed_cusum(
    memory: Memory, arrays: Arrays, inputs: Sequence[Any], samples: Groups, carries: Mask | None
) -> Numbers:
    sums = arrays[f"{memory.key}/sum"]
    step = np.broadcast_to(inputs[0] - inputs[1] - inputs[2], samples.slots.shape)
    said = ~np.isnan(step) if carries is None else carries & ~np.isnan(step)
    result = sums[samples.slots].astype(np.float64)
    if not said.any():
        return result
    following = np.full(len(step), -1, dtype=np.int64)
    for index in samples.rounds(said):
        slots = samples.slots[index]
        sums[slots] = np.maximum(0.0, np.nan_to_num(sums[slots].astype(np.float64)) + step[index])
        result[index] = sums[slots]
        following[index] = index
    return _carried(result, following, samples)


def _carried(result: Numbers, told: Times, samples: Groups) -> Numbers:
    """Between samples that tell something, the last one in the group stands."""
    last = np.maximum.accumulate(told)
    inside = last >= np.repeat(samples.starts, samples.lengths)
    return np.where(inside, result[last], result)


def _feed_missing(
    memory: Memory, arrays: Arrays, value: Any, samples: Groups, carries: Mask | None, longest_us: int
) -> Logic:  # fmt: skip
    said, first = arrays[f"{memory.key}/said_us"], arrays[f"{memory.key}/first_us"]
    known = (
        value.true if isinstance(memory.node, tree.Missing) and isinstance(memory.node.of, tree.Code) else _known(value)
    )
    told = np.broadcast_to(known, samples.slots.shape)
    told = told if carries is None else told & carries
    at = samples.at_us
    if not told.any():
        heads = samples.slots[samples.starts]
        first[heads] = np.where(first[heads] == 0, at[samples.starts], first[heads])
        gone = at - np.maximum(said.take(samples.slots), first.take(samples.slots)) >= longest_us
        return Logic(gone, ~gone)
    times = np.maximum.accumulate(np.where(told, np.arange(len(at)), -1))
    inside = times >= np.repeat(samples.starts, samples.lengths)
    heads = samples.slots[samples.starts]
    first[heads] = np.where(first[heads] == 0, at[samples.starts], first[heads])
    base = np.where(inside, at[times], np.maximum(said[samples.slots], first[samples.slots])).astype(np.int64)
    ends = samples.starts + samples.lengths - 1
    said[heads] = np.where(inside[ends], at[times[ends]], said[heads])
    gone = at - base >= longest_us
    return Logic(gone, ~gone)


def _known(value: Any) -> Mask:
    return value.true | value.false if isinstance(value, Logic) else ~np.isnan(value)


def _feed_counts(memory: Memory, arrays: Arrays, value: Any, samples: Groups, carries: Mask | None) -> Numbers:
    """Changes, rises and counts: only units to which something happens, or lately did, are taken one by one."""
    key, now = memory.key, _slice(memory, samples.at_us)
    heads, ends = samples.slots[samples.starts], samples.starts + samples.lengths - 1
    last, remembered, latest = arrays[f"{key}/last"], arrays[f"{key}/known"], arrays[f"{key}/latest"]
    number = np.broadcast_to(_as_number(value), samples.slots.shape)
    known = ~np.isnan(number) if carries is None else carries & ~np.isnan(number)
    if known.all():
        filled, until = number, now
        result = np.zeros(len(now))
    else:
        position = np.maximum.accumulate(np.where(known, np.arange(len(now)), -1))
        inside = position >= np.repeat(samples.starts, samples.lengths)
        filled = np.where(inside, number.take(position), last.take(samples.slots))
        until = np.where(inside, now.take(position), remembered.take(samples.slots))
        result = np.where((until >= 0) & (now - until < SLICES), 0.0, np.nan)
    before = np.empty(len(now))
    before[1:] = filled[:-1]
    before[samples.starts] = last[heads]
    happens = known & _happens(memory.node, number, before)
    last[heads], remembered[heads] = filled.take(ends), until.take(ends)
    lively = latest[heads] + SLICES > now.take(samples.starts)
    lively |= np.logical_or.reduceat(happens, samples.starts)
    if lively.any():
        _count_up(memory, arrays, samples, np.repeat(lively, samples.lengths), happens, now, result)
    return result


def _as_number(value: Any) -> Numbers:
    if isinstance(value, Logic):
        number = np.full(np.shape(value.true), np.nan)
        number[value.true] = 1.0
        number[value.false] = 0.0
        return number
    found: Numbers = value
    return found


def _happens(node: Any, number: Numbers, before: Numbers) -> Mask:
    """Where a count goes up, if the value is known."""
    match node.measure:
        case Measure.COUNT:
            found: Mask = number == 1.0
        case Measure.RISES:
            # a condition that is true when it is first known has begun
            found = (number == 1.0) & (before != 1.0)
        case _:
            found = ~np.isnan(before) & (number != before)
    return found


def _count_up(
    memory: Memory, arrays: Arrays, samples: Groups, lively: Mask, happens: Mask, now: Times, result: Numbers
) -> None:
    slices, counts = arrays[f"{memory.key}/slice"], arrays[f"{memory.key}/value"]
    latest = arrays[f"{memory.key}/latest"]
    for index in samples.rounds(lively):
        slots, at = samples.slots.take(index), now.take(index)
        more = np.flatnonzero(happens.take(index))
        fresh, moment = slots.take(more), at.take(more)
        place = moment % SLICES
        goes_on = slices[place, fresh] == moment
        counts[place, fresh] = counts[place, fresh] * goes_on + 1.0
        slices[place, fresh] = moment
        latest[fresh] = moment
        held = _count(slices, counts, slots, at)
        result[index] = np.where(np.isnan(result.take(index)), np.nan, held)


def _count_of(memory: Memory, arrays: Arrays, slots: Slots, now: Times) -> Numbers:
    known = arrays[f"{memory.key}/known"][slots].astype(np.int64)
    counts = _count(arrays[f"{memory.key}/slice"], arrays[f"{memory.key}/value"], slots, now)
    return np.where((known >= 0) & (now - known < SLICES), counts, np.nan)


def _count(slices: Any, counts: Any, slots: Slots, now: Times) -> Numbers:
    inside = slices.T.take(slots, axis=0) > (now - SLICES)[:, None]
    total: Numbers = np.einsum("ij,ij->i", inside, counts.T.take(slots, axis=0))
    return total


def _feed_values(memory: Memory, arrays: Arrays, value: Any, samples: Groups, carries: Mask | None) -> Numbers:
    """Mean, least, greatest and rate."""
    now = _slice(memory, samples.at_us)
    number = np.broadcast_to(value, samples.slots.shape)
    known = ~np.isnan(number) if carries is None else carries & ~np.isnan(number)
    result = np.full(len(now), np.nan)
    for index in samples.rounds():
        told = index[known[index]]
        if len(told):
            _add(memory, arrays, samples.slots[told], now[told], samples.at_us[told], number[told])
        result[index] = _measure(memory, arrays, samples.slots[index], now[index], samples.at_us[index])
    return result


def _add(memory: Memory, arrays: Arrays, slots: Slots, now: Times, at_us: Times, number: Numbers) -> None:
    key, place = memory.key, now % SLICES
    slices, values = arrays[f"{key}/slice"], arrays[f"{key}/value"]
    stale = slices[place, slots] != now
    before = values[place, slots].astype(np.float64)
    slices[place, slots] = now
    measure = memory.node.measure if isinstance(memory.node, tree.Window) else Measure.MEAN
    if measure is Measure.MEAN:
        counts = arrays[f"{key}/count"]
        counts[place, slots] = np.where(stale, 1.0, counts[place, slots].astype(np.float64) + 1.0)
        values[place, slots] = np.where(stale, number, before + number)
    elif measure is Measure.RATE:
        first = arrays[f"{key}/first_us"]
        first[place, slots] = np.where(stale, at_us, first[place, slots].astype(np.int64))
        values[place, slots] = np.where(stale, number, before)
        arrays[f"{key}/last_us"][slots] = at_us
    else:
        choose: Callable[[Numbers, Numbers], Numbers] = np.minimum if measure is Measure.LEAST else np.maximum
        values[place, slots] = np.where(stale, number, choose(before, number))
    arrays[f"{key}/last"][slots] = number


def _measure(memory: Memory, arrays: Arrays, slots: Slots, now: Times, at_us: Times) -> Numbers:
    key = memory.key
    slices, values = arrays[f"{key}/slice"][:, slots], arrays[f"{key}/value"][:, slots]
    inside = slices.astype(np.int64) > now - SLICES
    empty = ~inside.any(axis=0)
    measure = memory.node.measure if isinstance(memory.node, tree.Window) else Measure.MEAN
    if measure is Measure.MEAN:
        counts = np.where(inside, arrays[f"{key}/count"][:, slots], 0.0).sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(empty, np.nan, np.where(inside, values, 0.0).sum(axis=0) / counts)
    if measure is Measure.RATE:
        never = np.iinfo(np.int64).max
        firsts = np.where(inside, arrays[f"{key}/first_us"][:, slots], never).astype(np.int64)
        oldest = firsts.argmin(axis=0)
        columns = np.arange(len(slots))
        span = arrays[f"{key}/last_us"][slots].astype(np.int64) - firsts[oldest, columns]
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = (arrays[f"{key}/last"][slots] - values[oldest, columns]) / (span / 1_000_000)
        return np.where(empty | (span <= 0), np.nan, rate)
    filled = np.where(inside, values, np.inf if measure is Measure.LEAST else -np.inf)
    found: Numbers = filled.min(axis=0) if measure is Measure.LEAST else filled.max(axis=0)
    return np.where(empty, np.nan, found)
