"""What a rule (报警规则) is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

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


class Receiver(Enum):
    """Who is told."""

    DESK = "desk"
    """96366 应急台: opens an incident."""
    FIRM = "firm"
    """维保单位值班."""
    USE_UNIT = "use_unit"
    """使用单位."""
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


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule over the signals of one kind.

    ``condition`` true for ``on_delay_seconds`` raises; ``clear`` (by default: the condition is false, not merely
    unknown) true for ``off_delay_seconds`` clears. ``silence_seconds`` instead of a condition: nothing was heard for so
    long. ``suppress_when`` true at the moment of raising: recorded, nobody is paged. ``latch``: stays until reset.
    """

    id: str
    version: int
    kind: str
    title_zh: str
    title_en: str
    condition: Expression | None
    silence_seconds: float | None
    clear: Expression | None
    suppress_when: Expression | None
    on_delay_seconds: float
    off_delay_seconds: float
    severity: Severity
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


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules in force; ``id`` is the digest of their content."""

    id: str
    rules: tuple[Rule, ...]
    by_kind: Mapping[str, tuple[Rule, ...]]

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)
