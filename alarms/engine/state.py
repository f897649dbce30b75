"""The state of the rules of one kind, as arrays whose last axis is the unit.

Held values and their times per signal; per rule the phase of its timers; per window its memory. Times are microseconds
since 1970, server time [µs]; 0 means never. A held value is NaN where the device said unknown; NaN never leaves this
package. Everything that does not change with samples lies beside the arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from alarms.engine import windows
from alarms.engine.program import Program
from alarms.engine.samples import Samples, Slots, Times, judged_signals
from alarms.rules import tree
from alarms.rules.applicability import in_scope, senses
from alarms.rules.expression import Expression
from alarms.rules.model import Rule, Schedule, Scope
from equipment.catalogue.model import Kind
from equipment.registry.model import UnitSummary, shard_of

SECOND_US = 1_000_000
NEVER_US = np.int64(1) << 61
"""A delay that no clock reaches."""
RULE_ARRAYS: Mapping[str, type[np.generic]] = {
    "phase": np.int8,
    "since_us": np.int64,
    "clearing_us": np.int64,
    "raised_us": np.int64,
    "level": np.int8,
    "late": np.bool_,
}
"""Per rule: phase; when the condition began (a rule of silence: when it was last heard); when the clear condition
began; when it was raised; how many steps of its escalation are taken; whether the first sample was late."""
UNIT_ARRAYS: Mapping[str, type[np.generic]] = {
    "code_bits": np.int64,
    "codes_us": np.int64,
    "newest_us": np.int64,
    "newest_seq": np.int64,
    "fired_us": np.int64,
    "heard_us": np.int64,
    "no_signal": np.bool_,
}
"""Per unit: active concepts and since when known; the newest sample; the last deadline that a tick fired; receive time
of the last sample, from which silence counts; whether it is marked 无信号."""


class Phase(IntEnum):
    """Where a rule stands for a unit. Numbers are saved: never reuse one."""

    NORMAL = 0
    PENDING = 1
    """The condition holds, the on-delay runs."""
    ACTIVE = 2
    CLEARING = 3
    """Active, the clear condition holds, the off-delay runs."""


NORMAL, PENDING, ACTIVE, CLEARING = (int(phase) for phase in Phase)
"""The same as plain numbers: numpy compares an array with an enum ten times slower."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Constants of the rules, by row."""

    off_delay_us: Times
    steps_us: Times
    """Rows × steps of escalation: time after raising; a step that waits for a condition never comes by time."""
    scheduled: tuple[tuple[int, Schedule], ...]
    silent: npt.NDArray[np.bool_]
    """Rows of rules of silence, which have no condition."""


def limits_of(rules: Sequence[Rule]) -> Limits:
    """Constants of some rules."""
    most = max((len(rule.escalation) for rule in rules), default=0)
    steps = np.full((len(rules), most + 1), NEVER_US, dtype=np.int64)
    for row, rule in enumerate(rules):
        for number, step in enumerate(rule.escalation):
            if step.after_seconds is not None:
                steps[row, number] = int(step.after_seconds * SECOND_US)
    return Limits(
        np.array([int(rule.off_delay_seconds * SECOND_US) for rule in rules], dtype=np.int64),
        steps,
        tuple((row, rule.schedule) for row, rule in enumerate(rules) if rule.schedule is not None),
        np.array([rule.silence is not None for rule in rules], dtype=np.bool_),
    )


@dataclass(frozen=True, slots=True)
class Fixed:
    """What samples do not change, for all units in order of their slot."""

    kind: Kind
    rules: tuple[Rule, ...]
    limits: Limits
    program: Program
    signals: tuple[str, ...]
    stale_us: tuple[int, ...]
    windows: tuple[windows.Memory, ...]
    unit_no: npt.NDArray[np.int64]
    shard: npt.NDArray[np.int16]
    slot_of: npt.NDArray[np.int32]
    """Slot by unit number; -1 where it is none of ours."""
    watched: npt.NDArray[np.bool_]
    """Rules × units: whether the rule applies."""
    on_delay_us: Times
    """Rules × units [µs]."""
    parameters: Mapping[tree.Parameter, npt.NDArray[np.float64]]

    @property
    def size(self) -> int:
        """Number of units."""
        return len(self.unit_no)

    def at(self, slots: Slots) -> Fixed:
        """The same for some of the units, in that order."""
        return replace(
            self, unit_no=self.unit_no[slots], shard=self.shard[slots], slot_of=np.empty(0, dtype=np.int32),
            watched=self.watched[:, slots], on_delay_us=self.on_delay_us[:, slots],
            parameters={node: values[slots] for node, values in self.parameters.items()},
        )  # fmt: skip


@dataclass(slots=True)
class History:
    """What was taken in lately: two snapshots of the state, the samples after each, and what was told of them.

    ``older`` and ``newer`` are states at two checkpoints; ``samples`` and ``told`` have two parts, the one between the
    snapshots and the one after the newer. A later sample that belongs before another corrects the snapshots as well.
    """

    older: KindState
    newer: KindState
    samples: tuple[list[Samples], list[Samples]]
    told: tuple[dict[int, list[Any]], dict[int, list[Any]]]
    """Transitions in force, by unit number."""
    ticked_us: int = 0
    """Until when timers have run by themselves."""

    @property
    def newest_size(self) -> int:
        """Samples after the newer snapshot."""
        return sum(map(len, self.samples[1]))


@dataclass(slots=True)
class KindState:
    """All rules of one kind over its units."""

    fixed: Fixed
    arrays: dict[str, npt.NDArray[Any]]
    history: History | None = None
    """What a reordered sample is judged again with; None: samples come in order, an older one is passed over."""

    @property
    def kind(self) -> Kind:
        """Of which kind the units are."""
        return self.fixed.kind

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in the order of the first axis."""
        return self.fixed.rules

    @property
    def size(self) -> int:
        """Number of units."""
        return self.fixed.size

    def copy(self) -> KindState:
        """A snapshot."""
        return KindState(self.fixed, {name: array.copy(order="K") for name, array in self.arrays.items()})

    def remember(self) -> None:
        """Begin a short history: from here on a reordered sample is judged again."""
        snapshot = self.copy()
        self.history = History(snapshot, snapshot.copy(), ([], []), ({}, {}))

    def rotate(self) -> None:
        """Let the history begin at its newer snapshot, and take a new one."""
        if self.history is not None:
            past = self.history
            self.history = History(past.newer, self.copy(), (past.samples[1], []), (past.told[1], {}), past.ticked_us)

    def at(self, slots: Slots) -> KindState:
        """A copy of some units' state, in that order."""
        return KindState(self.fixed.at(slots), {name: array[..., slots] for name, array in self.arrays.items()})

    def restart(self, slots: Slots, older: KindState) -> None:
        """Some units stand where a checkpoint left them; ``older`` is the older end of their short history."""
        if self.history is not None:
            self.history.newer.put(slots, self.at(slots))
            self.history.older.put(slots, older)

    def put(self, slots: Slots, part: KindState) -> None:
        """Take over the state of some units."""
        for name, array in self.arrays.items():
            array[..., slots] = part.arrays[name]


def where_true(mask: npt.NDArray[np.bool_]) -> tuple[Slots, Slots]:
    """Rows and places of a matrix that are true, in order of rows."""
    rows, places = np.divmod(np.flatnonzero(mask.reshape(-1)), mask.shape[1] or 1)
    return rows, places


def empty_state(
    kind: Kind, rules: Sequence[Rule], units: Sequence[UnitSummary], settings: Mapping[tuple[str, str], float] | None = None
) -> KindState:  # fmt: skip
    """Nothing heard of any unit yet.

    Parameters
    ----------
    settings
        Limits of districts, by jurisdiction id and name; the nearest above a unit decides.
    """
    program = Program(rules)
    signals = judged_signals(kind)
    memories = tuple(windows.memory_of(node) for node in program.stateful)
    numbers = np.array([unit.no for unit in units], dtype=np.int64)
    slot_of = np.full(int(numbers.max()) + 1 if len(numbers) else 0, -1, dtype=np.int32)
    slot_of[numbers] = np.arange(len(numbers), dtype=np.int32)
    amounts = _Amounts(units, settings or {})
    fixed = Fixed(
        kind, tuple(rules), limits_of(rules), program, tuple(signals),
        tuple(int(s.stale_after_seconds * SECOND_US) for s in map(kind.signal, signals) if s is not None),
        memories, numbers, np.array([shard_of(unit.id) for unit in units], dtype=np.int16), slot_of,
        watched_of(rules, units),
        _delays(rules, amounts),
        {node: amounts.of(node) for node in program.parameters},
    )  # fmt: skip
    return KindState(fixed, _empty_arrays(fixed))


def _empty_arrays(fixed: Fixed) -> dict[str, npt.NDArray[Any]]:
    count, rules, signals = fixed.size, len(fixed.rules), len(fixed.signals)
    arrays: dict[str, npt.NDArray[Any]] = {
        "held": np.full((signals, count), np.nan),
        "held_us": np.zeros((signals, count), dtype=np.int64),
    }
    arrays |= {name: np.zeros(count, dtype=dtype) for name, dtype in UNIT_ARRAYS.items()}
    arrays |= {name: np.zeros((rules, count), dtype=dtype) for name, dtype in RULE_ARRAYS.items()}
    for memory in fixed.windows:
        arrays |= memory.empty(count)
    return arrays


def watched_of(rules: Sequence[Rule], units: Sequence[UnitSummary]) -> npt.NDArray[np.bool_]:
    """Rules × units: whether the rule watches the unit. A unit that sends without a recorded terminal is watched."""
    found = np.empty((len(rules), len(units)), dtype=np.bool_)
    models = list({unit.device_model for unit in units})
    place_of = {model: place for place, model in enumerate(models)}
    places = np.array([place_of[unit.device_model] for unit in units], dtype=np.intp)
    for row, rule in enumerate(rules):
        waits = rule.silence is not None and rule.silence.of is not None
        sensed = np.array([not waits if model is None else senses(rule, model) for model in models], dtype=np.bool_)
        found[row] = sensed[places]
        if rule.scope != Scope():
            found[row] &= np.array([in_scope(rule.scope, unit) for unit in units], dtype=np.bool_)
    return found


def _delays(rules: Sequence[Rule], amounts: _Amounts) -> Times:
    delays = np.zeros((len(rules), amounts.count), dtype=np.int64)
    for row, rule in enumerate(rules):
        delays[row] = NEVER_US if rule.on_delay is None else amounts.seconds(rule.on_delay)
    return delays


class _Amounts:
    """Dynamic limits of some units."""

    def __init__(self, units: Sequence[UnitSummary], settings: Mapping[tuple[str, str], float]) -> None:
        self._units = units
        self._settings = settings
        self.count = len(units)

    def of(self, node: tree.Parameter) -> npt.NDArray[np.float64]:
        """One limit of each unit."""
        look = number_of if node.source is tree.Source.UNIT else self._setting
        return np.array([look(unit, node.name, node.default) for unit in self._units], dtype=np.float64)

    def _setting(self, unit: UnitSummary, name: str, default: float) -> float:
        for district in reversed(unit.jurisdiction_path.strip("/").split("/")):
            value = self._settings.get((district, name))
            if value is not None:
                return value
        return default

    def seconds(self, amount: Expression) -> Times:
        """A delay of each unit [µs], never negative."""
        value = self._value(amount.tree)
        fallback = np.nan_to_num(np.broadcast_to(value, (self.count,)), nan=0.0, posinf=0.0, neginf=0.0)
        return (np.maximum(fallback, 0.0) * SECOND_US).astype(np.int64)

    def _value(self, node: tree.Node) -> npt.NDArray[np.float64] | np.float64:
        with np.errstate(divide="ignore", invalid="ignore"):
            match node:
                case tree.Constant(value):
                    return np.float64(value)
                case tree.Parameter():
                    return self.of(node)
                case tree.Extreme(greatest, parts):
                    chosen = np.maximum if greatest else np.minimum
                    result = self._value(parts[0])
                    for part in parts[1:]:
                        result = chosen(result, self._value(part))
                    return result
                case tree.Arithmetic("abs", left, _):
                    return np.abs(self._value(left))
                case tree.Arithmetic(operator, left, right):
                    operate = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}[operator]
                    found: npt.NDArray[np.float64] = operate(self._value(left), self._value(right))
                    return found
                case _:
                    return np.float64(np.nan)


def number_of(unit: UnitSummary, name: str, default: float) -> float:
    """A unit's parameter as a number; the default where it has none that is one."""
    value = unit.parameters.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default
