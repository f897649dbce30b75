"""Samples that belong before others: judged again in their place, with the short history of their units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from alarms.engine.judging import belongs_before, fire, judge
from alarms.engine.samples import Samples, Slots, joined, samples_of
from alarms.engine.state import KindState
from alarms.engine.telling import Guard, Transition
from ingest.model import Columns


def remember(state: KindState, samples: Samples, told: list[Transition]) -> None:
    """Add samples that were judged, and what was told of them, to the short history."""
    if state.history is not None:
        state.history.samples[1].append(samples)
        for transition in told:
            state.history.told[1].setdefault(transition.unit_no, []).append(transition)


def judge_again(state: KindState, touched: Slots, samples: Samples, now_us: int, guard: Guard) -> list[Transition]:
    """Judge some units again from their short history with samples that belong inside it."""
    past = state.history
    if past is None:
        fresh = samples.take(np.flatnonzero(~belongs_before(state, samples)))
        return judge(state, fresh, guard) if len(fresh) else []
    lost = _taken(past.older, samples)
    calls = _calls_for_help(state, samples.take(np.flatnonzero(lost)), guard)
    samples = samples.take(np.flatnonzero(~lost))
    if not len(samples):
        return calls
    past.samples[1].append(samples)
    mine = _said_by(state, touched, (*past.samples[0], *past.samples[1]))
    older, newer = past.older.at(touched), past.newer.at(touched)
    mine = mine.take(np.flatnonzero(~_taken(older, mine))).in_order()
    inside = _taken(newer, mine)
    first, then = mine.take(np.flatnonzero(inside)), mine.take(np.flatnonzero(~inside))
    told = [judge(older, first, guard) if len(first) else []]
    past.newer.put(touched, older)
    following = judge(older, then, guard) if len(then) else []
    told.append(following + fire(older, past.ticked_us, guard))
    before = _replace_told(state, touched, told)
    _keep_silence(state, older, touched)
    state.put(touched, older)
    return calls + difference(before, [t for part in told for t in part], now_us)


def _said_by(state: KindState, slots: Slots, parts: Sequence[Samples]) -> Samples:
    """What some units said, under their places among ``slots``."""
    place = np.full(state.size, -1, dtype=np.intp)
    place[slots] = np.arange(len(slots))
    moved = [replace(part, slots=place[part.slots]) for part in parts]
    return joined([part.take(np.flatnonzero(part.slots >= 0)) for part in moved])


def recollect(state: KindState, slots: Slots, batches: Sequence[Columns], until_us: int, guard: Guard) -> None:
    """After a restart: the first part of the short history of some units, judged again from its older end.

    Parameters
    ----------
    batches
        What was judged between the two ends of the history.
    until_us
        When the newer end was saved: until then timers had run by themselves.
    """
    past = state.history
    if past is None:
        return
    parts = [samples_of(state.kind, columns, state.fixed.slot_of) for columns in batches]
    parts = [part for part in parts if len(part)]
    past.samples[0].extend(parts)
    past.ticked_us = max(past.ticked_us, until_us)
    older = past.older.at(slots)
    told: list[Transition] = []
    if parts:
        mine = _said_by(state, slots, parts)
        mine = mine.take(np.flatnonzero(~_taken(older, mine))).in_order()
        told = judge(older, mine, guard) if len(mine) else []
    for transition in (*told, *fire(older, until_us, guard)):
        past.told[0].setdefault(transition.unit_no, []).append(transition)


def _taken(state: KindState, samples: Samples) -> Any:
    """Samples that a snapshot has already taken in, or that are older than what it has."""
    newest = state.arrays["newest_us"][samples.slots]
    number = state.arrays["newest_seq"][samples.slots]
    return (samples.at_us < newest) | ((samples.at_us == newest) & (samples.seq <= number))


def _keep_silence(state: KindState, part: KindState, slots: Slots) -> None:
    """Silence counts by receipt and is not judged again."""
    for name in ("heard_us", "no_signal"):
        part.arrays[name] = state.arrays[name][slots]
    silent = np.flatnonzero(state.fixed.limits.silent)
    for name in ("phase", "since_us", "raised_us"):
        part.arrays[name][silent] = state.arrays[name][np.ix_(silent, slots)]


def _replace_told(state: KindState, touched: Slots, told: list[list[Transition]]) -> list[Transition]:
    """Put what is told now in place of what was told before; returns that."""
    before: list[Transition] = []
    if state.history is not None:
        for number in state.fixed.unit_no[touched].tolist():
            for part, kept in zip(told, state.history.told, strict=True):
                before += kept.pop(number, [])
                mine = [t for t in part if t.unit_no == number]
                if mine:
                    kept[number] = mine
    return before


def difference(before: list[Transition], after: list[Transition], now_us: int) -> list[Transition]:
    """What is to be told when ``before`` was told and ``after`` is right."""

    def key(t: Transition) -> tuple[Any, ...]:
        return (t.unit_no, t.rule.key, t.started_us, t.event, t.severity)

    was = {key(t) for t in before}
    alarm = {key(t)[:3] for t in after if t.event == "raised"}
    told: list[Transition] = []
    withdrawn: set[Any] = set()
    for t in before:
        if t.event == "raised" and key(t)[:3] not in alarm:
            withdrawn.add(key(t)[:3])
            told.append(replace(t, event="withdrawn", at_us=now_us, late=False))
    for t in before:
        cleared_now = any(key(o)[:4] == key(t)[:4] for o in after)
        if t.event == "cleared" and not cleared_now and key(t)[:3] not in withdrawn:
            told.append(replace(t, event="returned", at_us=now_us, late=False))
    told += [replace(t, late=t.event == "raised") for t in after if key(t) not in was]
    return told


def _calls_for_help(state: KindState, samples: Samples, guard: Guard) -> list[Transition]:
    """A person's act in samples that are older than the history: it is told, though it is long over."""
    if not len(samples):
        return []
    slots, where = np.unique(samples.slots, return_inverse=True)
    alone = state.at(slots)
    for name, array in alone.arrays.items():
        alone.arrays[name] = np.full_like(array, np.nan) if array.dtype.kind == "f" else np.zeros_like(array)
    told = judge(alone, replace(samples, slots=where.astype(np.intp)).in_order(), guard)
    return [replace(t, late=True) for t in told if t.rule.momentary and t.event == "raised"]
