"""The fold: (state, samples, now) → (state, transitions), vectorised over units and rules.

Rules judge on arrival, per unit, on server time. Before a sample is taken in, timers that ran out before its time fire,
each at its own deadline; so it does not matter whether a tick came in between. What follows from a sample:

- A sample that belongs before what its unit has already said is judged again in its place, with the unit's short
  history; an alarm that then never was is withdrawn. One that is older than the history changes nothing, but a
  person's call for help in it is heard.
- A signal that is absent keeps its last value until it is stale; null makes it unknown at once.
- Unknown neither starts nor ends anything: a running delay runs on, an active alarm stays.
- A condition is definitely false, or the rule's own clear condition true, for an alarm to clear.

The state that is handed in is used up: the state that comes back takes its place.
"""

from __future__ import annotations

import numpy as np

from alarms.engine import machine
from alarms.engine.judging import belongs_before, fire, judge
from alarms.engine.reorder import judge_again, remember
from alarms.engine.samples import samples_of
from alarms.engine.silence import fall_silent, hear, silent, unheard
from alarms.engine.state import KindState
from alarms.engine.telling import Guard, Transition
from ingest.model import Columns


def fold(state: KindState, columns: Columns, now_us: int, guard: Guard) -> tuple[KindState, list[Transition]]:
    """Judge the samples of one batch, in whatever order they lie.

    Parameters
    ----------
    now_us
        Server time of the batch [µs]: no alarm is told before it.

    Returns the state after the batch, and what is to be told, in order of time.
    """
    samples = samples_of(state.kind, columns, state.fixed.slot_of)
    if not len(samples):
        return state, []
    transitions = hear(state, samples)
    samples = samples.in_order()
    old = belongs_before(state, samples)
    if not old.any():
        told = judge(state, samples, guard)
        remember(state, samples, told)
        return state, [*transitions, *told]
    touched = np.unique(samples.slots[old])
    apart = np.isin(samples.slots, touched)
    straight = samples.take(np.flatnonzero(~apart))
    if len(straight):
        told = judge(state, straight, guard)
        remember(state, straight, told)
        transitions += told
    transitions += judge_again(state, touched, samples.take(np.flatnonzero(apart)), now_us, guard)
    return state, transitions


def tick(state: KindState, now_us: int, guard: Guard) -> tuple[KindState, list[Transition]]:
    """Let timers run out by ``now_us``: delays, silence, and 无信号 of units whose alarm is active."""
    told = fire(state, now_us, guard)
    if state.history is not None:
        state.history.ticked_us = max(state.history.ticked_us, now_us)
        for transition in told:
            state.history.told[1].setdefault(transition.unit_no, []).append(transition)
    return state, [*told, *fall_silent(state, now_us)]


def is_due(state: KindState, now_us: int) -> bool:
    """Whether :func:`tick` would find something."""
    return bool(len(machine.due(state, now_us)[0])) or bool(silent(state, now_us)) or bool(len(unheard(state, now_us)))
