"""What a rule (报警规则) is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from enum import Enum

from alarms.rules import tree
from alarms.rules.expression import Expression


class Severity(Enum):
    """Priority of an alarm (优先级), most urgent first."""

    CRITICAL = "critical"
    """紧急"""
    HIGH = "high"
    """重要"""
    MEDIUM = "medium"
    """次要"""
    LOW = "low"
    """提示"""

    @property
    def urgency(self) -> int:
        """Greater is more urgent."""
        return -list(Severity).index(self)


class Receiver(Enum):
    """Who is told."""

    DESK = "desk"
    """96366 应急台: opens an incident."""
    FIRM = "firm"
    """维保单位值班."""
    USE_UNIT = "use_unit"
    """使用单位."""
    DUTY = "duty"
    """监管部门值班名单."""
    LEDGER = "ledger"
    """隐患线索."""
    OPERATIONS = "operations"
    """平台运维."""


class Mode(Enum):
    """Whether a rule speaks."""

    ENABLED = "enabled"
    SHADOW = "shadow"
    """Judged and stored, pages nobody."""
    DISABLED = "disabled"


class Origin(Enum):
    """Whose rule it is."""

    PACK = "pack"
    """随系统提供."""
    CITY = "city"
    """本市自定."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """A step to a higher severity while the alarm is active: after a time, or when a condition holds."""

    severity: Severity
    after_seconds: float | None
    when: Expression | None


@dataclass(frozen=True, slots=True)
class Scope:
    """To which units a rule applies; an empty set means all. ``districts`` are jurisdiction ids, with all below them."""

    varieties: frozenset[str] = frozenset()
    firms: frozenset[int] = frozenset()
    districts: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a rule may raise: days of the week (0 = Monday) and a span of local time, its end not included.

    A span whose end is not after its beginning runs past midnight and belongs to the day on which it began.
    """

    zone: str
    days: frozenset[int]
    begin: time
    end: time


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing was heard for ``seconds`` [s]: of the unit at all, or of one signal or code of it."""

    seconds: float
    of: tree.Held | tree.Flag | tree.Code | None


@dataclass(frozen=True, slots=True)
class Repetition:
    """The condition began ``count`` times within ``seconds`` [s]."""

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule over the signals of one kind.

    ``condition`` true for ``on_delay``, or begun so often as ``repetition`` says, raises; ``clear`` (by default: the
    condition, its limits moved by ``deadband``, is false, not merely unknown) true for ``off_delay_seconds`` clears.
    ``silence`` instead of a condition: nothing was heard. ``suppress_when`` true at the moment of raising: recorded,
    nobody is paged. ``latch``: stays until reset. ``digest`` tells one wording of a version from another.
    """

    id: str
    version: int
    origin: Origin
    digest: str
    kind: str
    title_zh: str
    title_en: str
    condition: Expression | None
    silence: Silence | None
    clear: Expression | None
    deadband: float
    suppress_when: Expression | None
    on_delay: Expression | None
    """None: the time alone never raises, only ``repetition`` does."""
    repetition: Repetition | None
    off_delay_seconds: float
    schedule: Schedule | None
    scope: Scope
    severity: Severity
    escalation: tuple[Escalation, ...]
    receivers: frozenset[Receiver]
    latch: bool
    momentary: bool
    """A person's act (报警按钮): that it is over says nothing about him, so it never clears an incident."""
    mode: Mode
    incident_kind: str | None
    guidance_zh: str
    guidance_en: str
    source: str
    mark: str

    @property
    def key(self) -> str:
        """Under which the state of the rule is saved: an edited rule starts anew, the others go on."""
        return f"{self.id}@{self.version}.{self.digest}"

    @property
    def silence_seconds(self) -> float | None:
        """How long nothing may be heard [s]."""
        return None if self.silence is None else self.silence.seconds

    @property
    def on_delay_seconds(self) -> float:
        """The delay of a unit without parameters of its own [s]."""
        return 0.0 if self.on_delay is None else default_of(self.on_delay.tree)

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Everything that is looked at."""
        found = (self.condition, self.clear, self.suppress_when, self.on_delay, *(e.when for e in self.escalation))
        return tuple(e for e in found if e is not None)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules in force; ``id`` is the digest of their content."""

    id: str
    rules: tuple[Rule, ...]
    by_kind: Mapping[str, tuple[Rule, ...]]

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)


def default_of(amount: tree.Node) -> float:
    """An amount where no unit and no district says otherwise.

    >>> default_of(tree.Extreme(False, (tree.Constant(45.0), tree.Parameter(tree.Source.UNIT, "x", 30.0))))
    30.0
    """
    match amount:
        case tree.Constant(value):
            return value
        case tree.Parameter(_, _, default):
            return default
        case tree.Extreme(greatest, parts):
            return (max if greatest else min)(default_of(part) for part in parts)
        case tree.Arithmetic(operator, left, right):
            one, other = default_of(left), default_of(right)
            operations = {"+": one + other, "-": one - other, "*": one * other, "abs": abs(one)}
            if operator == "/":
                return one / other if other else float("nan")
            return operations[operator]
        case _:
            return float("nan")
