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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from alarms.engine import machine
from alarms.engine.machine import Found, Happening, Pairs, Said
from alarms.engine.program import Logic, Outputs
from alarms.engine.samples import Samples, Slots, Times, joined, samples_of
from alarms.engine.state import ACTIVE, NORMAL, SECOND_US, KindState, where_true
from alarms.engine.views import BatchView, MomentView
from alarms.rules import tree
from alarms.rules.model import Rule, Severity
from equipment.catalogue.model import Kind, SignalType
from ingest.model import Columns

NO_SIGNAL_AFTER_US = 900 * SECOND_US
Evidence = float | bool | str | None


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of one rule at one unit. ``at_us`` is the deadline of a delay, not when it was noticed [µs]."""

    rule: Rule
    unit_no: int
    event: str
    """raised, escalated, cleared, no_signal, signal_back; after a reordered sample also withdrawn and returned"""
    started_us: int
    at_us: int
    severity: Severity
    suppressed: bool
    late: bool
    evidence: dict[str, Evidence]


Isolate = Callable[[Callable[[], None]], Exception | None]
"""Runs work; an exception is handed back and goes no further."""
Report = Callable[[Rule, Exception], None]
"""Is told which rule failed."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What to do with a rule that fails."""

    isolate: Isolate
    report: Report


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
    transitions = _hear(state, samples)
    samples = samples.in_order()
    old = _belongs_before(state, samples)
    if not old.any():
        told = _judge(state, samples, guard)
        _remember(state, samples, told)
        return state, [*transitions, *told]
    touched = np.unique(samples.slots[old])
    apart = np.isin(samples.slots, touched)
    straight = samples.take(np.flatnonzero(~apart))
    if len(straight):
        told = _judge(state, straight, guard)
        _remember(state, straight, told)
        transitions += told
    transitions += _again(state, touched, samples.take(np.flatnonzero(apart)), now_us, guard)
    return state, transitions


def tick(state: KindState, now_us: int, guard: Guard) -> tuple[KindState, list[Transition]]:
    """Let timers run out by ``now_us``: delays, silence, and 无信号 of units whose alarm is active."""
    told = _fire(state, now_us, guard)
    if state.history is not None:
        state.history.ticked_us = max(state.history.ticked_us, now_us)
        for transition in told:
            state.history.told[1].setdefault(transition.unit_no, []).append(transition)
    return state, [*told, *_fall_silent(state, now_us)]


def is_due(state: KindState, now_us: int) -> bool:
    """Whether :func:`tick` would find something."""
    return bool(len(machine.due(state, now_us)[0])) or bool(_silent(state, now_us)) or bool(len(_unheard(state, now_us)))


# ── samples in order ──


def _belongs_before(state: KindState, samples: Samples) -> Any:
    """Samples that are older than what their unit has already said, or than a deadline that a tick has fired."""
    newest = state.arrays["newest_us"][samples.slots]
    older = samples.at_us < np.maximum(newest, state.arrays["fired_us"][samples.slots])
    same = samples.at_us == newest
    if same.any():
        older |= same & (samples.seq < state.arrays["newest_seq"][samples.slots])
    return older


def _judge(state: KindState, samples: Samples, guard: Guard) -> list[Transition]:
    """Samples grouped by unit, none of which belongs before what the state has taken in."""
    view = BatchView(state, samples)
    registers = _registers(state, view, guard)
    found = _step(state, view, registers)
    told = _told(state, found, view, registers, guard)
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
        said = Said(*(mask.reshape(-1).take(flat) for mask in (true, false, over, not_over)), again)
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


def _escalate(
    state: KindState, pairs: Pairs, chosen: Slots, sample: Slots, at: Times, registers: list[Any]
) -> None:
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


# ── what is told ──


def _told(
    state: KindState, found: list[Found], view: BatchView | None, registers: list[Any], guard: Guard
) -> list[Transition]:
    """Transitions in order of time, with the values that were in force."""
    told: list[Transition] = []
    for _, part, place in machine.ordered(found):
        group = found[part]
        rule = state.rules[int(group.rows[place])]

        def tell(group: Found = group, place: int = place) -> None:
            told.append(_transition(state, group, place, view, registers))

        error = guard.isolate(tell)
        if error is not None:
            guard.report(rule, error)
    return told


def _transition(
    state: KindState, group: Found, place: int, view: BatchView | None, registers: list[Any]
) -> Transition:
    row, slot, at = int(group.rows[place]), int(group.slots[place]), int(group.at_us[place])
    rule, outputs = state.rules[row], state.fixed.program.outputs[row]
    sample = int(group.sample[place])
    if view is not None and sample >= 0 and view.samples.at_us[sample] == at:
        values = _at_sample(registers, outputs, sample)
    else:
        values = state.fixed.program.look(
            outputs, MomentView(state, np.array([slot]), np.array([at]), view, sample, registers)
        )
    evidence = {
        label: told_value(state.kind, signal, values[register]) for label, register, signal in outputs.evidence
    }
    raised = group.what is Happening.RAISED
    suppressed = raised and outputs.suppress is not None and bool(np.all(values[outputs.suppress].true))
    level = int(group.level[place])
    severity = rule.escalation[level - 1].severity if level else rule.severity
    return Transition(
        rule, int(state.fixed.unit_no[slot]), group.what.name.lower(), int(group.started_us[place]), at, severity,
        suppressed, raised and bool(group.late[place]), evidence,
    )  # fmt: skip


def _at_sample(registers: list[Any], outputs: Outputs, sample: int) -> dict[int, Any]:
    """What is told of a rule, as it was at one sample."""
    wanted = [register for _, register, _ in outputs.evidence]
    if outputs.suppress is not None:
        wanted.append(outputs.suppress)
    found: dict[int, Any] = {}
    for register in wanted:
        value = registers[register]
        if isinstance(value, Logic):
            found[register] = Logic(*(np.ravel(m)[sample if np.size(m) > 1 else 0] for m in (value.true, value.false)))
        else:
            found[register] = np.ravel(value)[sample if np.size(value) > 1 else 0]
    return found


def told_value(kind: Kind, signal: str | None, value: Any) -> Evidence:
    """One register as evidence: yes or no, a word of the enum, or the number; None where unknown."""
    if isinstance(value, Logic):
        return True if np.all(value.true) else False if np.all(value.false) else None
    return spoken(kind, signal or "", float(np.ravel(value)[0]))


def spoken(kind: Kind, name: str, value: float) -> Evidence:
    """A held number as its signal's own value: true, a name of the enum, or the number."""
    signal = kind.signal(name)
    if signal is None or np.isnan(value):
        return plain(value)
    if signal.type is SignalType.BOOL:
        return bool(value)
    return (signal.values or {}).get(int(value), plain(value)) if signal.type is SignalType.ENUM else plain(value)


def plain(value: float) -> float | None:
    """NaN never leaves this package."""
    return None if np.isnan(value) else round(value, 4)


# ── timers ──


def _fire(state: KindState, now_us: int, guard: Guard) -> list[Transition]:
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
    return _told(state, pairs.found, None, [], guard)


def _silent(state: KindState, now_us: int) -> list[tuple[int, Slots]]:
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


def _unheard(state: KindState, now_us: int) -> Slots:
    """Units that are to be marked 无信号 now."""
    heard = state.arrays["heard_us"]
    return np.flatnonzero((heard > 0) & ~state.arrays["no_signal"] & (heard + NO_SIGNAL_AFTER_US <= now_us))


def _fall_silent(state: KindState, now_us: int) -> list[Transition]:
    told: list[Transition] = []
    for row, slots in _silent(state, now_us):
        rule, since = state.rules[row], state.arrays["since_us"][row]
        state.arrays["phase"][row, slots] = ACTIVE
        for slot in slots:
            at = int(since[slot] + (rule.silence_seconds or 0) * SECOND_US)
            state.arrays["raised_us"][row, slot] = at
            told.append(_bare(state, rule, int(slot), "raised", int(since[slot]), at))
    slots = _unheard(state, now_us)
    state.arrays["no_signal"][slots] = True
    rows, silent = machine.busy_pairs(state, slots)
    for row, slot in zip(rows, silent, strict=True):
        if state.arrays["phase"][row, slot] >= ACTIVE:
            at = int(state.arrays["heard_us"][slot]) + NO_SIGNAL_AFTER_US
            started = int(state.arrays["since_us"][row, slot])
            told.append(_bare(state, state.rules[row], int(slot), "no_signal", started, at))
    return told


def _bare(state: KindState, rule: Rule, slot: int, event: str, started_us: int, at_us: int) -> Transition:
    """A transition without values: nothing was measured."""
    return Transition(rule, int(state.fixed.unit_no[slot]), event, started_us, at_us, rule.severity, False, False, {})  # noqa: FBT003


def _hear(state: KindState, samples: Samples) -> list[Transition]:
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


# ── samples out of order ──


def _remember(state: KindState, samples: Samples, told: list[Transition]) -> None:
    if state.history is not None:
        state.history.samples[1].append(samples)
        for transition in told:
            state.history.told[1].setdefault(transition.unit_no, []).append(transition)


def _again(state: KindState, touched: Slots, samples: Samples, now_us: int, guard: Guard) -> list[Transition]:
    """Judge some units again from their short history with samples that belong inside it."""
    past = state.history
    if past is None:
        fresh = samples.take(np.flatnonzero(~_belongs_before(state, samples)))
        return _judge(state, fresh, guard) if len(fresh) else []
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
    told = [_judge(older, first, guard) if len(first) else []]
    past.newer.put(touched, older)
    following = _judge(older, then, guard) if len(then) else []
    told.append(following + _fire(older, past.ticked_us, guard))
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
        told = _judge(older, mine, guard) if len(mine) else []
    for transition in (*told, *_fire(older, until_us, guard)):
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

    was, now = {key(t) for t in before}, {key(t) for t in after}
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
    told = _judge(alone, replace(samples, slots=where.astype(np.intp)).in_order(), guard)
    return [replace(t, late=True) for t in told if t.rule.momentary and t.event == "raised"]
