"""Judges samples that come after what their units have said: conditions, timers, held values."""

from __future__ import annotations

from typing import Any

import numpy as np

from alarms.engine import machine
from alarms.engine.machine import Found, Pairs, Said
from alarms.engine.samples import Samples, Slots, Times
from alarms.engine.state import ACTIVE, NORMAL, KindState, where_true
from alarms.engine.telling import Guard, Transition, tell
from alarms.engine.views import BatchView


def belongs_before(state: KindState, samples: Samples) -> Any:
    """Samples that are older than what their unit has already said, or than a deadline that a tick has fired."""
    newest = state.arrays["newest_us"][samples.slots]
    older = samples.at_us < np.maximum(newest, state.arrays["fired_us"][samples.slots])
    same = samples.at_us == newest
    if same.any():
        older |= same & (samples.seq < state.arrays["newest_seq"][samples.slots])
    return older


def judge(state: KindState, samples: Samples, guard: Guard) -> list[Transition]:
    """Samples grouped by unit, none of which belongs before what the state has taken in."""
    view = BatchView(state, samples)
    registers = _registers(state, view, guard)
    found = _step(state, view, registers)
    told = tell(state, found, view, registers, guard)
    _hold(state, view)
    return told


def _registers(state: KindState, view: BatchView, guard: Guard) -> list[Any]:
    """All conditions at all samples. A step that fails is unknown, and so is every rule that needs it."""
    program = state.fixed.program
    registers: list[Any] = []
    while len(registers) < len(program.nodes):
        error = guard.isolate(lambda: program.resume(registers, view))
        if error is not None:
            for rule in program.rules_of(len(registers)):
                guard.report(rule, error)
            registers.append(program.unknown(len(registers), len(view.samples)))
    return registers


def _step(state: KindState, view: BatchView, registers: list[Any]) -> list[Found]:
    fixed, count = state.fixed, len(view.samples)
    true, false, over, not_over = np.zeros((4, len(fixed.rules), count), dtype=np.bool_)
    for row, outputs in enumerate(fixed.program.outputs):
        if outputs.condition is not None and outputs.clear is not None:
            condition, clear = registers[outputs.condition], registers[outputs.clear]
            true[row], false[row] = condition.true, condition.false
            if outputs.clear_when_false:
                over[row], not_over[row] = clear.false, clear.true
            else:
                over[row], not_over[row] = clear.true, clear.false
    pairs, groups = _pairs(state, view, true)
    if not len(groups):
        return []
    repeated = {r: registers[o.repeated].true for r, o in enumerate(fixed.program.outputs) if o.repeated is not None}
    starts, lengths = view.groups.starts[groups], view.groups.lengths[groups]
    for number in range(int(lengths.max())):
        chosen = np.flatnonzero(lengths > number)
        sample, rows = starts[chosen] + number, pairs.rows[chosen]
        at = view.samples.at_us[sample]
        pairs.expire(chosen, at, sample - 1 if number else np.full(len(chosen), -1))
        again = np.zeros(len(chosen), dtype=np.bool_)
        for row, often in repeated.items():
            again |= (rows == row) & often[sample]
        flat = rows * count + sample
        holds, fails, ends, stays = (mask.reshape(-1).take(flat) for mask in (true, false, over, not_over))
        said = Said(holds, fails, ends, stays, again)
        pairs.take(chosen, at, sample, said, view.samples.late[sample])
        _escalate(state, pairs, chosen, sample, at, registers)
    pairs.put_back(state)
    return pairs.found


def _pairs(state: KindState, view: BatchView, true: Any) -> tuple[Pairs, Slots]:
    """Pairs to which something can happen, and the group of samples of each."""
    candidate = state.arrays["phase"].take(view.heads, axis=1) != NORMAL
    rows, samples = where_true(true)
    group_of = np.repeat(np.arange(len(view.heads)), view.groups.lengths)
    candidate[rows, group_of[samples]] = True
    candidate[state.fixed.limits.silent] = False
    rows, groups = where_true(candidate)
    slots = view.heads[groups]
    watched = state.fixed.watched.reshape(-1).take(rows * state.size + slots)
    if not watched.all():
        rows, groups, slots = rows[watched], groups[watched], slots[watched]
    return Pairs.of(state, rows, slots), groups


def _escalate(state: KindState, pairs: Pairs, chosen: Slots, sample: Slots, at: Times, registers: list[Any]) -> None:
    for row, outputs in enumerate(state.fixed.program.outputs):
        for level, register in outputs.escalate:
            due = (pairs.rows[chosen] == row) & (pairs.state["phase"][chosen] >= ACTIVE)
            due &= (pairs.state["level"][chosen] < level) & registers[register].true[sample]
            if due.any():
                where = chosen[due]
                pairs.escalate(where, np.full(len(where), level), at[due], sample[due])


def _hold(state: KindState, view: BatchView) -> None:
    """Keep the last of each unit."""
    arrays, heads, ends = state.arrays, view.heads, view.ends
    newest = view.samples.at_us.take(ends)
    for row, signal in enumerate(state.fixed.signals):
        if signal in view.samples.values:
            values, said = view.raw(signal)
            arrays["held"][row][heads] = values.take(ends)
            arrays["held_us"][row][heads] = newest if said is view.samples.at_us else said.take(ends)
    if view.samples.codes_valid.any():
        bits, coded = view.raw_codes()
        arrays["code_bits"][heads], arrays["codes_us"][heads] = bits[ends], coded[ends]
    arrays["newest_us"][heads] = newest
    arrays["newest_seq"][heads] = view.samples.seq[ends]


def fire(state: KindState, now_us: int, guard: Guard) -> list[Transition]:
    """Delays that ran out."""
    rows, slots = machine.due(state, now_us)
    if not len(rows):
        return []
    pairs = Pairs.of(state, rows, slots)
    every = np.arange(len(rows))
    pairs.expire(every, np.full(len(rows), now_us), np.full(len(rows), -1))
    pairs.put_back(state)
    for group in pairs.found:
        np.maximum.at(state.arrays["fired_us"], group.slots, group.at_us)
    return tell(state, pairs.found, None, [], guard)
