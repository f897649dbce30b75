"""按需维保的进入条件: what must be true before, and as long as, a lift is maintained on demand. Pure.

Basis: 国市监特设〔2020〕56号 as carried out elsewhere. The maximum interval on site is named nowhere: a setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

GRADES_OUT = frozenset({"C", "D"})
LONGEST_INTERVAL_DAYS = 90
"""Our own bound: no text names one."""


class Holds(Enum):
    """Whether a condition is met; unknown is not met."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition and how it stands."""

    name: str
    holds: Holds
    zh: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the conditions look at. ``inspection``, ``insurance``: states of the due dates; None: not known."""

    status: str
    use_unit: bool
    licensed: bool
    grade: str | None
    inspection: str | None
    insurance: str | None
    terminal: bool
    online: bool | None


def conditions(facts: Facts) -> list[Condition]:
    """How every condition stands.

    >>> facts = Facts("in_use", True, True, "A", "ok", "ok", True, True)
    >>> {c.holds for c in conditions(facts)} == {Holds.YES}
    True
    """
    grade = Holds.UNKNOWN if facts.grade is None else _yes(facts.grade not in GRADES_OUT)
    online = Holds.NO if not facts.terminal else Holds.UNKNOWN if facts.online is None else _yes(facts.online)
    return [
        Condition("in_use", _yes(facts.status == "in_use"), "电梯在用"),
        Condition("use_unit", _yes(facts.use_unit), "使用单位明确"),
        Condition("licence", _yes(facts.licensed), "维保单位许可有效"),
        Condition("grade", grade, "维保单位信用等级为 B 级以上"),
        Condition("inspection", _due(facts.inspection), "在检验有效期内"),
        Condition("monitoring", online, "物联网监测在线"),
        Condition("insurance", _due(facts.insurance), "电梯安全责任保险有效"),
    ]


def _yes(holds: bool) -> Holds:  # it is the value itself
    return Holds.YES if holds else Holds.NO


def _due(state: str | None) -> Holds:
    if state is None or state == "unknown":
        return Holds.UNKNOWN
    return _yes(state != "overdue")


def met(found: list[Condition]) -> bool:
    """Whether a lift may enter, or stay."""
    return all(c.holds is Holds.YES for c in found)
