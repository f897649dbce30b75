"""The rule table of due dates, parsed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from equipment.errors import CatalogueError

MARKS = frozenset({"V", "V-code", "P", "D", "C", "M"})
VERIFIED = frozenset({"V"})


@dataclass(frozen=True, slots=True)
class Clause:
    """Where a rule stands, and how far that was verified."""

    text: str
    mark: str

    @property
    def verified(self) -> bool:
        """Whether the source was read; whatever else is shown as unverified."""
        return self.mark in VERIFIED


@dataclass(frozen=True, slots=True)
class Rule:
    """One duty of some varieties. Exactly one of ``years``, ``every_months`` and ``besides`` says when.

    ``then`` is the clause after the last of ``years``; ``besides`` names the rule whose free years this one fills.
    """

    id: str
    duty: str
    varieties: tuple[str, ...]
    clause: Clause
    then: Clause
    warn_days: tuple[int, ...]
    years: tuple[int, ...]
    every_months: int
    first_months: int
    besides: str
    early_months: int

    def fits(self, variety: str) -> bool:
        """Whether the rule is about a variety of the catalogue."""
        return variety.startswith(self.varieties)


@dataclass(frozen=True, slots=True)
class DateRule:
    """What is known by a date of its own, or counted from one."""

    clause: Clause
    warn_days: tuple[int, ...]
    days: int
    months: int


@dataclass(frozen=True, slots=True)
class RuleTable:
    """All rules; ``dates`` by insurance, certificate, registration, restart."""

    rules: tuple[Rule, ...]
    dates: dict[str, DateRule]

    def of(self, variety: str) -> tuple[Rule, ...]:
        """The rules of a variety: of each duty the first that fits."""
        found: dict[str, Rule] = {}
        for rule in self.rules:
            if rule.fits(variety):
                found.setdefault(rule.duty, rule)
        return tuple(found.values())

    def named(self, rule_id: str) -> Rule:
        """The rule of that id."""
        return next(rule for rule in self.rules if rule.id == rule_id)


def _clause(entry: dict[str, Any], mark: str) -> Clause:
    if entry[mark] not in MARKS:
        raise CatalogueError(f"due rules: {entry.get('id', entry['clause'])} has no known mark")
    return Clause(entry["clause"], entry[mark])


def _rule(entry: dict[str, Any]) -> Rule:
    ways = [name for name in ("years", "every", "besides") if name in entry]
    if len(ways) != 1:
        raise CatalogueError(f"due rules: {entry['id']} must say either years, every or besides")
    return Rule(
        id=entry["id"],
        duty=entry["duty"],
        varieties=tuple(entry["varieties"]),
        clause=_clause(entry, "mark"),
        then=_clause(entry, "then_mark" if "then_mark" in entry else "mark"),
        warn_days=tuple(sorted(entry["warn"], reverse=True)),
        years=tuple(entry.get("years", ())),
        every_months=entry.get("every", 0),
        first_months=entry.get("first", entry.get("every", 0)),
        besides=entry.get("besides", ""),
        early_months=entry.get("early", 0),
    )


def read_rules(text: str) -> RuleTable:
    """The rule table from its YAML.

    Raises
    ------
    CatalogueError
        A rule says in two ways when it is due, names no known mark, or leans on a rule that is not there.
    """
    document = yaml.safe_load(text)
    rules = tuple(_rule(entry) for entry in document["rules"])
    ids = [rule.id for rule in rules]
    if len(set(ids)) != len(ids) or any(rule.besides and rule.besides not in ids for rule in rules):
        raise CatalogueError("due rules: an id stands twice, or 'besides' names no rule")
    dates = {
        name: DateRule(
            _clause(entry, "mark"), tuple(sorted(entry.get("warn", ()), reverse=True)), entry.get("days", 0), entry.get("months", 0)
        )
        for name, entry in document["dates"].items()
    }  # fmt: skip
    return RuleTable(rules, dates)


@cache
def rule_table() -> RuleTable:
    """The shipped rules."""
    return read_rules((files("equipment.due") / "rules.yaml").read_text(encoding="utf-8"))
