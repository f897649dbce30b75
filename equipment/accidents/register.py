"""What the rules say about accidents, as data (事故等级, 报告时限, 不属于事故的情形): read once, every field used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from equipment.accidents.model import FACTS, AccidentLevel
from equipment.errors import CatalogueError

LEVELS = tuple(AccidentLevel)
"""Mildest first."""
MEASURES = frozenset({"deaths", "serious_injuries", "loss_yuan", "trapped_minutes"}) | FACTS


@dataclass(frozen=True, slots=True)
class Criterion:
    """One way to reach a level: every measure of ``at_least`` reaches its number, on one of ``kinds`` (empty: any)."""

    id: str
    level: AccidentLevel
    at_least: Mapping[str, float]
    kinds: frozenset[str]
    clause: str
    mark: str

    def met(self, kind: str, measures: Mapping[str, float]) -> bool:
        """Whether an accident of a unit of ``kind`` reaches it."""
        return (not self.kinds or kind in self.kinds) and all(
            measures.get(name, 0) >= number for name, number in self.at_least.items()
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One report upward: within ``within`` of the step before it, from accidents of ``from_level`` on."""

    to: str
    zh: str
    en: str
    within: timedelta
    from_level: AccidentLevel
    clause: str
    mark: str


@dataclass(frozen=True, slots=True)
class Named:
    """A reason for not counting, or a class of cause."""

    id: str
    zh: str
    en: str
    clause: str = ""
    mark: str = "D"


@dataclass(frozen=True, slots=True)
class Register:
    """All of it."""

    source: str
    criteria: tuple[Criterion, ...]
    death_days: int
    steps: tuple[Step, ...]
    exclusions: Mapping[str, Named]
    causes: Mapping[str, Named]


def read_register(document: Mapping[str, Any]) -> Register:
    """The register of a parsed document.

    Raises
    ------
    CatalogueError
        A criterion names a measure that accidents do not have.
    """
    criteria = []
    for entry in document["criteria"]:
        unknown = set(entry["at_least"]) - MEASURES
        if unknown or not entry["at_least"]:
            raise CatalogueError(f"register.yaml: {entry['id']} names {sorted(unknown)}, which no accident carries")
        criteria.append(
            Criterion(
                entry["id"], AccidentLevel(entry["level"]), entry["at_least"], frozenset(entry.get("kinds", ())),
                entry["clause"], entry["mark"],
            )
        )  # fmt: skip
    steps = tuple(
        Step(s["to"], s["zh"], s["en"], timedelta(minutes=s["minutes"]), AccidentLevel(s["from_level"]), s["clause"], s["mark"])
        for s in document["reporting"]
    )  # fmt: skip
    named = {name: {e["id"]: Named(**e) for e in document[name]} for name in ("exclusions", "causes")}
    days = int(document["death_days"]["days"])
    return Register(document["source"], tuple(criteria), days, steps, named["exclusions"], named["causes"])


@cache
def register() -> Register:
    """The register that is shipped."""
    text = (files("equipment.accidents") / "register.yaml").read_text(encoding="utf-8")
    return read_register(yaml.safe_load(text))


def criteria_met(kind: str, measures: Mapping[str, float], rules: Register | None = None) -> list[Criterion]:
    """Every criterion that an accident reaches, those of the highest level first.

    >>> [c.id for c in criteria_met("lift", {"deaths": 3, "trapped_minutes": 130})]
    ['deaths_3', 'deaths_1', 'lift_trapped_2h']
    """
    found = [c for c in (rules or register()).criteria if c.met(kind, measures)]
    return sorted(found, key=lambda c: -LEVELS.index(c.level))


def level_of(kind: str, measures: Mapping[str, float], rules: Register | None = None) -> AccidentLevel:
    """The highest level that any measure reaches; 未达等级 when none does.

    >>> level_of("lift", {"deaths": 3})
    <AccidentLevel.LARGER: 'larger'>
    """
    met = criteria_met(kind, measures, rules)
    return met[0].level if met else AccidentLevel.BELOW
