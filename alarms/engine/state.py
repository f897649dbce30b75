"""The state of the rules of one kind: arrays over units, one row per rule.

Held values and their times per signal; per rule the phase of its timer. Times are microseconds since 1970, server
time [µs]; 0 means never. A held value is NaN where the device said unknown; NaN never leaves this package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from alarms.rules.model import Rule
from equipment.catalogue.model import Kind, SignalType
from equipment.registry.model import UnitSummary, shard_of

Times = npt.NDArray[np.int64]
Slots = npt.NDArray[np.intp]


class Phase(IntEnum):
    """Where a rule stands for a unit. Numbers are saved: never reuse one."""

    NORMAL = 0
    PENDING = 1
    """The condition holds, the on-delay runs."""
    ACTIVE = 2
    CLEARING = 3
    """Active, the clear condition holds, the off-delay runs."""


@dataclass(slots=True)
class RuleState:
    """One rule over all units."""

    phase: npt.NDArray[np.int8]
    since_us: Times
    """When the condition began (PENDING, ACTIVE, CLEARING)."""
    clearing_us: Times
    """When the clear condition began (CLEARING)."""
    late: npt.NDArray[np.bool_]
    """The sample that began the condition was late."""


@dataclass(slots=True)
class KindState:
    """All rules of one kind over its units, which keep their slot for the life of the process."""

    kind: Kind
    rules: tuple[Rule, ...]
    unit_no: npt.NDArray[np.int64]
    shard: npt.NDArray[np.int16]
    slot_of: dict[int, int]
    values: dict[str, npt.NDArray[np.float64]]
    times: dict[str, Times]
    code_bits: npt.NDArray[np.int64]
    codes_us: Times
    newest_us: Times
    """Server time of the newest sample."""
    heard_us: Times
    """Receive time of the last sample: silence is counted from here."""
    no_signal: npt.NDArray[np.bool_]
    parameters: dict[str, npt.NDArray[np.float64]]
    rule_states: dict[str, RuleState]

    @property
    def size(self) -> int:
        """Number of units."""
        return len(self.unit_no)


def judged_signals(kind: Kind) -> list[str]:
    """Signals that conditions may use: all but texts."""
    return [signal.name for signal in kind.signals if signal.type is not SignalType.TEXT]


def parameter_key(name: str, default: float) -> str:
    """A parameter with its default: two rules may fall back differently."""
    return f"{name}|{default:g}"


def empty_state(kind: Kind, rules: Sequence[Rule], units: Sequence[UnitSummary]) -> KindState:
    """Nothing heard of any unit yet."""
    count = len(units)
    wanted = {
        key for rule in rules for e in (rule.condition, rule.clear, rule.suppress_when) if e for key in e.parameters
    }
    signals = judged_signals(kind)
    return KindState(
        kind=kind,
        rules=tuple(rules),
        unit_no=np.array([unit.no for unit in units], dtype=np.int64),
        shard=np.array([shard_of(unit.id) for unit in units], dtype=np.int16),
        slot_of={unit.no: slot for slot, unit in enumerate(units)},
        values={name: np.full(count, np.nan) for name in signals},
        times={name: np.zeros(count, dtype=np.int64) for name in signals},
        code_bits=np.zeros(count, dtype=np.int64),
        codes_us=np.zeros(count, dtype=np.int64),
        newest_us=np.zeros(count, dtype=np.int64),
        heard_us=np.zeros(count, dtype=np.int64),
        no_signal=np.zeros(count, dtype=np.bool_),
        parameters={
            parameter_key(name, default): np.array([number_of(unit.parameters, name, default) for unit in units])
            for name, default in wanted
        },
        rule_states={rule.id: empty_rule_state(count) for rule in rules},
    )


def empty_rule_state(count: int) -> RuleState:
    """A rule that is normal everywhere."""
    return RuleState(
        np.zeros(count, dtype=np.int8),
        np.zeros(count, dtype=np.int64),
        np.zeros(count, dtype=np.int64),
        np.zeros(count, dtype=np.bool_),
    )


def number_of(parameters: Mapping[str, object], name: str, default: float) -> float:
    """A unit's parameter as a number; the default where it has none that is one."""
    value = parameters.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default
