"""The fields of a rule, each checked where it is read; a message names the rule and the field."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import time
from enum import Enum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alarms.errors import RuleError
from alarms.rules import tree
from alarms.rules.expression import Expression
from alarms.rules.model import Escalation, Schedule, Scope, Severity, Silence

E = TypeVar("E", bound=Enum)
IDENTIFIER = re.compile(r"[a-z_]+\.[a-z0-9_]{1,60}")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOCAL_ZONE = "Asia/Shanghai"


def identifier(rule: str, value: object, kind: str) -> str:
    """``kind.name`` in small letters."""
    if not isinstance(value, str) or IDENTIFIER.fullmatch(value) is None or not value.startswith(f"{kind}."):
        raise RuleError(f"{rule}: id is {kind}. and small letters, digits or _")
    return value


def choice(rule: str, field: str, value: object, among: type[E]) -> E:
    """A word of an enum."""
    try:
        return among(value)
    except ValueError:
        raise RuleError(f"{rule}: {field}: {value!r} is none of {', '.join(str(m.value) for m in among)}") from None


def items(rule: str, field: str, value: object) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise RuleError(f"{rule}: {field} is a list")
    return value


def text(rule: str, field: str, holder: object, name: str) -> str:
    """A text that says something."""
    value = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise RuleError(f"{rule}: {field} is a text")
    return value


def amount(rule: str, field: str, value: object) -> float:
    """A number, 0 or more."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise RuleError(f"{rule}: {field} is a number, 0 or more")
    return float(value)


def whole(rule: str, field: str, value: object) -> int:
    """A whole number, 1 or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise RuleError(f"{rule}: {field} is a whole number, 1 or more")
    return value


def flag(rule: str, field: str, value: object) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise RuleError(f"{rule}: {field} is true or false")
    return value


def known(rule: str, field: str, value: object, names: frozenset[str]) -> Mapping[str, Any]:
    """A mapping with no other names."""
    if not isinstance(value, dict) or not value.keys() <= names:
        raise RuleError(f"{rule}: {field} has the fields {', '.join(sorted(names))}")
    return value


def silence(rule: str, entry: Mapping[str, Any], condition: Callable[[str], Expression | None]) -> Silence | None:
    """``silence_seconds``, and of what."""
    if "silence_seconds" not in entry:
        if "silence_of" in entry:
            raise RuleError(f"{rule}: silence_of goes with silence_seconds")
        return None
    seconds = amount(rule, "silence_seconds", entry["silence_seconds"])
    if seconds == 0:
        raise RuleError(f"{rule}: silence_seconds is more than 0")
    of = condition(entry["silence_of"]) if "silence_of" in entry else None
    if of is None:
        return Silence(seconds, None)
    if not isinstance(of.tree, tree.Flag | tree.Code):
        raise RuleError(f"{rule}: silence_of is a yes/no signal or code(concept)")
    return Silence(seconds, of.tree)


def schedule(rule: str, value: object) -> Schedule | None:
    """Days and hours of a time zone."""
    if value is None:
        return None
    found = known(rule, "schedule", value, frozenset({"zone", "days", "from", "to"}))
    zone = found.get("zone", LOCAL_ZONE)
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, TypeError):
        raise RuleError(f"{rule}: schedule.zone: no time zone is named {zone!r}") from None
    days = items(rule, "schedule.days", found.get("days", list(DAYS)))
    if not days or not set(days) <= set(DAYS):
        raise RuleError(f"{rule}: schedule.days are {', '.join(DAYS)}")
    return Schedule(
        zone,
        frozenset(DAYS.index(day) for day in days),
        _clock(rule, "from", found.get("from", "00:00")),
        _clock(rule, "to", found.get("to", "00:00")),
    )


def _clock(rule: str, field: str, value: object) -> time:
    try:
        return time.fromisoformat(str(value))
    except ValueError:
        raise RuleError(f'{rule}: schedule.{field} is a time like "07:30"') from None


def scope(rule: str, value: object) -> Scope:
    """Which units."""
    names = frozenset({"varieties", "firms", "districts", "units", "tags"})
    found = known(rule, "scope", value, names)
    lists = {name: items(rule, f"scope.{name}", found.get(name, [])) for name in names}
    if not all(isinstance(firm, int) for firm in lists["firms"]):
        raise RuleError(f"{rule}: scope.firms are numbers of organisations")
    texts = {name: frozenset(str(item) for item in lists[name]) for name in names - {"firms"}}
    return Scope(firms=frozenset(lists["firms"]), **texts)


def escalation(
    rule: str, value: object, severity: Severity, condition: Callable[[str, str], Expression | None]
) -> tuple[Escalation, ...]:
    """Steps, each to a higher severity than the one before."""
    steps: list[Escalation] = []
    for number, entry in enumerate(items(rule, "escalation", value)):
        field = f"escalation[{number}]"
        found = known(rule, field, entry, frozenset({"to", "after_seconds", "when"}))
        if ("after_seconds" in found) == ("when" in found):
            raise RuleError(f"{rule}: {field}: give either after_seconds or when")
        after = amount(rule, f"{field}.after_seconds", found["after_seconds"]) if "after_seconds" in found else None
        when = condition(f"{field}.when", found["when"]) if "when" in found else None
        step = Escalation(choice(rule, f"{field}.to", found.get("to"), Severity), after, when)
        if step.severity.urgency <= (steps[-1].severity if steps else severity).urgency:
            raise RuleError(f"{rule}: {field}: each step goes to a higher severity")
        steps.append(step)
    return tuple(steps)
