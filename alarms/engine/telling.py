"""What is told of a change: the rule, the unit, when, and the values that were in force."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from alarms.engine import machine
from alarms.engine.machine import Found, Happening
from alarms.engine.program import Logic, Outputs
from alarms.engine.state import KindState
from alarms.engine.views import BatchView, MomentView
from alarms.rules.model import Rule, Severity
from equipment.catalogue.model import Signal, SignalType

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


def tell(
    state: KindState, found: list[Found], view: BatchView | None, registers: list[Any], guard: Guard
) -> list[Transition]:
    """Transitions in order of time, with the values that were in force."""
    told: list[Transition] = []
    if not found:
        return told
    signals = {signal.name: signal for signal in state.kind.signals}
    for _, part, place in machine.ordered(found):
        group = found[part]
        rule = state.rules[int(group.rows[place])]

        def one(group: Found = group, place: int = place) -> None:
            told.append(_transition(state, group, place, view, registers, signals))

        error = guard.isolate(one)
        if error is not None:
            guard.report(rule, error)
    return told


def _transition(
    state: KindState, group: Found, place: int, view: BatchView | None, registers: list[Any], signals: dict[str, Signal]
) -> Transition:  # fmt: skip
    row, slot, at = int(group.rows[place]), int(group.slots[place]), int(group.at_us[place])
    rule, outputs = state.rules[row], state.fixed.program.outputs[row]
    sample = int(group.sample[place])
    values: Any
    if view is not None and sample >= 0 and view.samples.at_us[sample] == at:
        values = _at_sample(registers, outputs, sample)
    else:
        values = state.fixed.program.look(
            outputs, MomentView(state, np.array([slot]), np.array([at]), view, sample, registers)
        )
    evidence = {
        label: told_value(signals.get(name or ""), values[register]) for label, register, name in outputs.evidence
    }
    raised = group.what is Happening.RAISED
    suppressed = raised and outputs.suppress is not None and bool(_single(values[outputs.suppress].true))
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
            found[register] = Logic(_single(value.true, sample), _single(value.false, sample))
        else:
            found[register] = _single(value, sample)
    return found


def _single(values: Any, sample: int = 0) -> Any:
    """One value of a register: a register that is the same at every sample has a single one."""
    if not isinstance(values, np.ndarray) or values.ndim == 0:
        return values
    return values[sample if values.size > 1 else 0]


def told_value(signal: Signal | None, value: Any) -> Evidence:
    """One register as evidence: yes or no, a word of the enum, or the number; None where unknown."""
    if isinstance(value, Logic):
        return True if _single(value.true) else False if _single(value.false) else None
    return spoken(signal, float(_single(value)))


def spoken(signal: Signal | None, value: float) -> Evidence:
    """A held number as its signal's own value: true, a name of the enum, or the number."""
    if signal is None or math.isnan(value):
        return plain(value)
    if signal.type is SignalType.BOOL:
        return bool(value)
    return (signal.values or {}).get(int(value), plain(value)) if signal.type is SignalType.ENUM else plain(value)


def plain(value: float) -> float | None:
    """NaN never leaves this package."""
    return None if math.isnan(value) else round(value, 4)
