"""The fold: (state, samples, now) → (state, transitions), vectorised over units.

Rules judge on arrival, per unit, on server time. Before a sample is taken in, timers that ran out before its time fire,
each at its own deadline; so it does not matter whether a tick came in between. What follows from a sample:

- A sample that is not newer than the unit's newest changes nothing: it can neither raise nor clear.
- A signal that is absent keeps its last value until it is stale; null makes it unknown at once.
- Unknown neither starts nor ends anything: a running delay runs on, an active alarm stays.
- A condition is definitely false, or the rule's own clear condition true, for an alarm to clear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alarms.engine.state import KindState, Phase, RuleState, Slots, Times, judged_signals, parameter_key
from alarms.rules.expression import FALSE, TRUE, UNKNOWN, Expression, Numbers, Truth
from alarms.rules.model import Rule
from equipment.catalogue.model import Kind, SignalType
from ingest.model import Columns, Flag

SECOND_US = 1_000_000
NO_SIGNAL_AFTER_US = 900 * SECOND_US
CODES_STALE_US = 900 * SECOND_US
Evidence = float | bool | str | None


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of one rule at one unit. ``at_us`` is the deadline of a delay, not when it was noticed [µs]."""

    rule: Rule
    unit_no: int
    event: str
    """raised, cleared, no_signal or signal_back"""
    started_us: int
    at_us: int
    suppressed: bool
    late: bool
    evidence: dict[str, Evidence]


class Facts:
    """What conditions ask, for some slots at one time per slot."""

    def __init__(self, state: KindState, slots: Slots, at_us: Times) -> None:
        self._state = state
        self._slots = slots
        self._at = at_us

    def signal(self, name: str) -> Numbers:
        """Held value; NaN where never heard, stale or unknown."""
        signal = self._state.kind.signal(name)
        stale_us = int((signal.stale_after_seconds if signal else 0) * SECOND_US)
        times = self._state.times[name][self._slots]
        fresh = (times > 0) & (self._at - times <= stale_us)
        return np.where(fresh, self._state.values[name][self._slots], np.nan)

    def parameter(self, name: str, default: float) -> Numbers:
        """The unit's parameter."""
        return self._state.parameters[parameter_key(name, default)][self._slots]

    def code(self, bit: int) -> Truth:
        """Whether the concept is active; unknown where no code was ever sent, or long ago."""
        times = self._state.codes_us[self._slots]
        known = (times > 0) & (self._at - times <= CODES_STALE_US)
        active = (self._state.code_bits[self._slots] >> bit) & 1
        return np.where(known, active, UNKNOWN).astype(np.int8)


Isolate = Callable[[str, Callable[[], None]], None]
"""Runs the work of one rule; an exception is reported under the rule's id and goes no further."""


def fold_columns(state: KindState, columns: Columns, isolate: Isolate) -> list[Transition]:
    """Judge samples of one kind, which must be in order of arrival. Historical ones are for the record only."""
    transitions: list[Transition] = []
    judged = (columns.flags & Flag.HISTORICAL.value) == 0
    known = [
        (i, state.slot_of[int(no)]) for i, no in enumerate(columns.unit_no) if judged[i] and int(no) in state.slot_of
    ]
    if not known:
        return transitions
    index = np.array([i for i, _ in known], dtype=np.intp)
    slots = np.array([slot for _, slot in known], dtype=np.intp)
    for rows, where in rounds(index, slots):
        _fold_round(state, columns, rows, where, transitions, isolate)
    return transitions


def rounds(index: Slots, slots: Slots) -> Iterator[tuple[Slots, Slots]]:
    """Split samples so that each part has every unit at most once, in order: the n-th sample of each unit."""
    order = np.argsort(slots, kind="stable")
    grouped = slots[order]
    starts = np.flatnonzero(np.concatenate([[True], grouped[1:] != grouped[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(grouped)]]))
    occurrence = np.arange(len(grouped)) - np.repeat(starts, lengths)
    for number in range(int(lengths.max())):
        chosen = order[occurrence == number]
        yield index[chosen], slots[chosen]


def _fold_round(
    state: KindState, columns: Columns, rows: Slots, slots: Slots, transitions: list[Transition], isolate: Isolate
) -> None:
    server = columns.server_us[rows]
    state.heard_us[slots] = np.maximum(state.heard_us[slots], columns.received_us[rows])
    _signal_back(state, slots, transitions)
    newer = server > state.newest_us[slots]
    # an equal time is a further message of the same moment: it may complete the picture
    newer |= server == state.newest_us[slots]
    rows, slots, server = rows[newer], slots[newer], server[newer]
    if not len(rows):
        return
    for rule in state.rules:
        isolate(rule.id, _expire_of(state, rule, slots, server, transitions))
    _hold(state, columns, rows, slots, server)
    state.newest_us[slots] = server
    facts = Facts(state, slots, server)
    late = (columns.flags[rows] & Flag.LATE.value) != 0
    for rule in state.rules:
        if rule.condition is not None:
            isolate(rule.id, _step_of(state, rule, facts, slots, server, late, transitions))
        else:
            isolate(rule.id, _heard_of(state, rule, slots, server, transitions))


def _expire_of(
    state: KindState, rule: Rule, slots: Slots, until: Times, transitions: list[Transition]
) -> Callable[[], None]:
    return lambda: expire(state, rule, slots, until, transitions)


def _step_of(
    state: KindState, rule: Rule, facts: Facts, slots: Slots, at: Times, late: npt.NDArray[np.bool_],
    transitions: list[Transition],
) -> Callable[[], None]:  # fmt: skip
    return lambda: _step(state, rule, facts, slots, at, late, transitions)


def _heard_of(
    state: KindState, rule: Rule, slots: Slots, at: Times, transitions: list[Transition]
) -> Callable[[], None]:
    return lambda: _heard(state, rule, slots, at, transitions)


def _hold(state: KindState, columns: Columns, rows: Slots, slots: Slots, server: Times) -> None:
    for name in judged_signals(state.kind):
        valid, unknown = columns.valid[name][rows], columns.unknown[name][rows]
        spoken = valid | unknown
        if spoken.any():
            values = columns.values[name][rows].astype(np.float64)
            state.values[name][slots[spoken]] = np.where(unknown, np.nan, values)[spoken]
            state.times[name][slots[spoken]] = server[spoken]
    coded = columns.codes_valid[rows]
    state.code_bits[slots[coded]] = columns.code_bits[rows][coded]
    state.codes_us[slots[coded]] = server[coded]


def expire(state: KindState, rule: Rule, slots: Slots, until: Times, transitions: list[Transition]) -> None:
    """Fire the delays of a rule that ran out by ``until``, each at its deadline."""
    rs = state.rule_states[rule.id]
    phase = rs.phase[slots]
    deadline = rs.since_us[slots] + int(rule.on_delay_seconds * SECOND_US)
    ripe = (phase == Phase.PENDING) & (deadline <= until)
    if ripe.any():
        _raise(state, rule, rs, slots[ripe], deadline[ripe], transitions)
    ending = rs.clearing_us[slots] + int(rule.off_delay_seconds * SECOND_US)
    ended = (rs.phase[slots] == Phase.CLEARING) & (ending <= until)
    if ended.any():
        _clear(state, rule, rs, slots[ended], ending[ended], transitions)


def _step(
    state: KindState, rule: Rule, facts: Facts, slots: Slots, at: Times, late: npt.NDArray[np.bool_],
    transitions: list[Transition],
) -> None:  # fmt: skip
    """Take in what the condition says now."""
    if rule.condition is None:
        return
    rs = state.rule_states[rule.id]
    truth = rule.condition.evaluate(facts)
    phase = rs.phase[slots]
    begins = (phase == Phase.NORMAL) & (truth == TRUE)
    if begins.any():
        where = slots[begins]
        rs.phase[where], rs.since_us[where], rs.late[where] = Phase.PENDING, at[begins], late[begins]
        if rule.on_delay_seconds == 0:
            _raise(state, rule, rs, where, at[begins], transitions)
    ends = (phase == Phase.PENDING) & (truth == FALSE)
    rs.phase[slots[ends]] = Phase.NORMAL
    over = rule.clear.evaluate(facts) == TRUE if rule.clear is not None else truth == FALSE
    over = over & (truth != TRUE)
    starts = (phase == Phase.ACTIVE) & over
    if starts.any():
        where = slots[starts]
        rs.phase[where], rs.clearing_us[where] = Phase.CLEARING, at[starts]
        if rule.off_delay_seconds == 0:
            _clear(state, rule, rs, where, at[starts], transitions)
    returns = (phase == Phase.CLEARING) & (truth == TRUE)
    rs.phase[slots[returns]] = Phase.ACTIVE


def _heard(state: KindState, rule: Rule, slots: Slots, at: Times, transitions: list[Transition]) -> None:
    """A rule of silence ends with the first sample."""
    rs = state.rule_states[rule.id]
    active = rs.phase[slots] == Phase.ACTIVE
    if active.any():
        _clear(state, rule, rs, slots[active], at[active], transitions)


def _raise(state: KindState, rule: Rule, rs: RuleState, slots: Slots, at: Times, transitions: list[Transition]) -> None:
    rs.phase[slots] = Phase.ACTIVE
    suppressed = np.zeros(len(slots), dtype=np.bool_)
    if rule.suppress_when is not None:
        suppressed = rule.suppress_when.evaluate(Facts(state, slots, at)) == TRUE
    for position, slot in enumerate(slots):
        transitions.append(
            Transition(
                rule, int(state.unit_no[slot]), "raised", int(rs.since_us[slot]), int(at[position]),
                bool(suppressed[position]), bool(rs.late[slot]), evidence_of(state, rule, int(slot), int(at[position])),
            )
        )  # fmt: skip


def _clear(state: KindState, rule: Rule, rs: RuleState, slots: Slots, at: Times, transitions: list[Transition]) -> None:
    rs.phase[slots] = Phase.NORMAL
    for position, slot in enumerate(slots):
        transitions.append(_simple(state, rule, rs, int(slot), "cleared", int(at[position])))


def _simple(state: KindState, rule: Rule, rs: RuleState, slot: int, event: str, at: int) -> Transition:
    evidence = evidence_of(state, rule, slot, at)
    return Transition(
        rule,
        int(state.unit_no[slot]),
        event,
        int(rs.since_us[slot]),
        at,
        suppressed=False,
        late=False,
        evidence=evidence,
    )


def evidence_of(state: KindState, rule: Rule, slot: int, at_us: int) -> dict[str, Evidence]:
    """The values a rule looked at, by value: readings may be gone when somebody asks."""
    facts = Facts(state, np.array([slot]), np.array([at_us]))
    found: dict[str, Evidence] = {}
    for expression in (rule.condition, rule.clear):
        if expression is not None:
            for name in sorted(expression.signals):
                found[name] = spoken(state.kind, name, float(facts.signal(name)[0]))
            found.update(_known_parameters(facts, expression))
    return found


def _known_parameters(facts: Facts, expression: Expression) -> dict[str, Evidence]:
    return {f"param.{name}": plain(float(facts.parameter(name, default)[0])) for name, default in expression.parameters}


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


def _signal_back(state: KindState, slots: Slots, transitions: list[Transition]) -> None:
    back = slots[state.no_signal[slots]]
    state.no_signal[back] = False
    for slot in back:
        for rule in state.rules:
            rs = state.rule_states[rule.id]
            if rs.phase[slot] in (Phase.ACTIVE, Phase.CLEARING) and rule.condition is not None:
                transitions.append(_simple(state, rule, rs, int(slot), "signal_back", int(state.heard_us[slot])))


def next_deadline_us(state: KindState) -> int | None:
    """When the next timer of any rule runs out [µs]; None when none runs."""
    soonest: int | None = None
    for rule in state.rules:
        rs = state.rule_states[rule.id]
        for phase, start, delay in (
            (Phase.PENDING, rs.since_us, rule.on_delay_seconds),
            (Phase.CLEARING, rs.clearing_us, rule.off_delay_seconds),
        ):
            running = rs.phase == phase
            if running.any():
                deadline = int(start[running].min()) + int(delay * SECOND_US)
                soonest = deadline if soonest is None else min(soonest, deadline)
        silent = _silence_deadlines(state, rule, rs)
        if silent is not None and len(silent):
            earliest = int(silent.min())
            soonest = earliest if soonest is None else min(soonest, earliest)
    waiting = (state.heard_us > 0) & ~state.no_signal
    if waiting.any():
        silence = int(state.heard_us[waiting].min()) + NO_SIGNAL_AFTER_US
        soonest = silence if soonest is None else min(soonest, silence)
    return soonest


def _silence_deadlines(state: KindState, rule: Rule, rs: RuleState) -> Times | None:
    if rule.silence_seconds is None:
        return None
    waiting = (state.heard_us > 0) & (rs.phase == Phase.NORMAL)
    deadlines: Times = state.heard_us[waiting] + int(rule.silence_seconds * SECOND_US)
    return deadlines


def tick(state: KindState, now_us: int, isolate: Isolate) -> list[Transition]:
    """Let timers run out by ``now_us``: delays, silence, and 无信号 of units whose alarm is active."""
    transitions: list[Transition] = []
    slots = np.arange(state.size)
    until = np.full(state.size, now_us, dtype=np.int64)
    for rule in state.rules:
        isolate(rule.id, _expire_of(state, rule, slots, until, transitions))
        if rule.silence_seconds is not None:
            isolate(rule.id, _silence_of(state, rule, rule.silence_seconds, now_us, transitions))
    _mark_silent(state, now_us, transitions)
    return transitions


def _silence_of(
    state: KindState, rule: Rule, seconds: float, now_us: int, transitions: list[Transition]
) -> Callable[[], None]:
    def work() -> None:
        rs = state.rule_states[rule.id]
        deadline = state.heard_us + int(seconds * SECOND_US)
        silent = np.flatnonzero((state.heard_us > 0) & (rs.phase == Phase.NORMAL) & (deadline <= now_us))
        if len(silent):
            rs.since_us[silent] = state.heard_us[silent]
            _raise(state, rule, rs, silent, deadline[silent], transitions)

    return work


def _mark_silent(state: KindState, now_us: int, transitions: list[Transition]) -> None:
    silent = np.flatnonzero((state.heard_us > 0) & ~state.no_signal & (state.heard_us + NO_SIGNAL_AFTER_US <= now_us))
    state.no_signal[silent] = True
    for slot in silent:
        for rule in state.rules:
            rs = state.rule_states[rule.id]
            if rs.phase[slot] in (Phase.ACTIVE, Phase.CLEARING) and rule.condition is not None:
                at = int(state.heard_us[slot]) + NO_SIGNAL_AFTER_US
                transitions.append(_simple(state, rule, rs, int(slot), "no_signal", at))
