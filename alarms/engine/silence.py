"""Silence counts by receipt, whatever the order of the samples: rules of silence, and 无信号 of active alarms."""

from __future__ import annotations

from typing import Any

import numpy as np

from alarms.engine import machine
from alarms.engine.samples import Samples, Slots
from alarms.engine.state import ACTIVE, NORMAL, SECOND_US, KindState
from alarms.engine.telling import Transition
from alarms.rules import tree
from alarms.rules.model import Rule

NO_SIGNAL_AFTER_US = 900 * SECOND_US


def silent(state: KindState, now_us: int) -> list[tuple[int, Slots]]:
    """Rules of silence and the units that have been silent for too long."""
    found = []
    for row in np.flatnonzero(state.fixed.limits.silent):
        silence = state.rules[row].silence
        since = state.arrays["since_us"][row]
        waiting = (since > 0) & (state.arrays["phase"][row] == NORMAL) & state.fixed.watched[row]
        longest = int((silence.seconds if silence else 0) * SECOND_US)
        slots = np.flatnonzero(waiting & (since + longest <= now_us))
        if len(slots):
            found.append((int(row), slots))
    return found


def unheard(state: KindState, now_us: int) -> Slots:
    """Units that are to be marked 无信号 now."""
    heard = state.arrays["heard_us"]
    return np.flatnonzero((heard > 0) & ~state.arrays["no_signal"] & (heard + NO_SIGNAL_AFTER_US <= now_us))


def fall_silent(state: KindState, now_us: int) -> list[Transition]:
    """Raise rules of silence whose time has come, and mark active alarms of units that are not heard."""
    told: list[Transition] = []
    for row, slots in silent(state, now_us):
        rule, since = state.rules[row], state.arrays["since_us"][row]
        state.arrays["phase"][row, slots] = ACTIVE
        for slot in slots:
            at = int(since[slot] + (rule.silence_seconds or 0) * SECOND_US)
            state.arrays["raised_us"][row, slot] = at
            told.append(_bare(state, rule, int(slot), "raised", int(since[slot]), at))
    slots = unheard(state, now_us)
    state.arrays["no_signal"][slots] = True
    rows, places = machine.busy_pairs(state, slots)
    for row, slot in zip(rows, places, strict=True):
        if state.arrays["phase"][row, slot] >= ACTIVE:
            at = int(state.arrays["heard_us"][slot]) + NO_SIGNAL_AFTER_US
            started = int(state.arrays["since_us"][row, slot])
            told.append(_bare(state, state.rules[row], int(slot), "no_signal", started, at))
    return told


def _bare(state: KindState, rule: Rule, slot: int, event: str, started_us: int, at_us: int) -> Transition:
    """A transition without values: nothing was measured."""
    return Transition(rule, int(state.fixed.unit_no[slot]), event, started_us, at_us, rule.severity, False, False, {})  # noqa: FBT003


def hear(state: KindState, samples: Samples) -> list[Transition]:
    """The unit speaks: silence ends, by the time of receipt and whatever the order of the samples."""
    arrays, told = state.arrays, []
    heard = arrays["heard_us"]
    np.maximum.at(heard, samples.slots, samples.received_us)
    for row in np.flatnonzero(state.fixed.limits.silent):
        told += _break_silence(state, int(row), samples)
    if not arrays["no_signal"].any():
        return told
    back = np.unique(samples.slots[arrays["no_signal"][samples.slots]])
    if len(back):
        arrays["no_signal"][back] = False
        rows, slots = machine.busy_pairs(state, back)
        for row, slot in zip(rows, slots, strict=True):
            if arrays["phase"][row, slot] >= ACTIVE:
                started = int(arrays["since_us"][row, slot])
                told.append(_bare(state, state.rules[row], int(slot), "signal_back", started, int(heard[slot])))
    return told


def _break_silence(state: KindState, row: int, samples: Samples) -> list[Transition]:
    rule, silence = state.rules[row], state.rules[row].silence
    since, phase = state.arrays["since_us"][row], state.arrays["phase"][row]
    slots, times = samples.slots, samples.received_us
    of = None if silence is None else silence.of
    if of is not None:
        first = since[slots] == 0
        if first.any():
            since[slots[first]] = times[first]
        said = _says(of, samples)
        slots, times = slots[said], times[said]
    told = []
    ended = np.unique(slots[phase[slots] == ACTIVE]) if len(slots) else slots
    for slot in ended:
        at = int(times[slots == slot].min())
        told.append(_bare(state, rule, int(slot), "cleared", int(since[slot]), at))
    phase[ended] = NORMAL
    np.maximum.at(since, slots, times)
    return told


def _says(of: tree.Node, samples: Samples) -> Any:
    if isinstance(of, tree.Code):
        return samples.codes_valid & ((samples.code_bits >> of.bit) & 1 == 1)
    if isinstance(of, tree.Flag) and of.signal in samples.values:
        spoken_ = samples.spoken[of.signal]
        held = samples.values[of.signal] == 1.0
        return held if spoken_ is None else held & spoken_
    return np.zeros(len(samples), dtype=np.bool_)
