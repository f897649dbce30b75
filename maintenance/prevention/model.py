"""Scores, credit and draws as functions of facts. Pure."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from equipment.transparency.entry import digest_of
from maintenance.errors import DataError, LedgerInputError
from maintenance.hazards.clauses import clauses
from maintenance.risk.matrix import COLOURS

PAIR = 2
"""检查人员 of one task."""
MOST_POINTS = 100
CREDIT_RANK = {"A": 0, "B": 1, "C": 2, "D": 3}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: its name, what it was judged by (None: not known) and its points."""

    name: str
    zh: str
    value: float | None
    points: int


@dataclass(frozen=True, slots=True)
class Score:
    """设备风险分, 0 to 100, with its parts."""

    points: int
    level: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Credit:
    """信用等级 of a firm. ``grade`` "unknown": too few units to say anything."""

    grade: str
    points: float | None
    deductions: dict[str, float]
    units: int


@dataclass(frozen=True, slots=True)
class Task:
    """One inspection as it was drawn."""

    unit_id: str
    stratum: str
    officers: tuple[str, ...]


@cache
def rules() -> dict[str, Any]:
    """The shipped rules.

    Raises
    ------
    DataError
    """
    found: dict[str, Any] = yaml.safe_load((files("maintenance.prevention") / "rules.yaml").read_text(encoding="utf-8"))
    check(found)
    return found


def check(found: Mapping[str, Any]) -> None:
    """Refuse rules that cannot be right.

    Raises
    ------
    DataError
        Names the part.
    """
    try:
        steps = {name: part["steps"] for name, part in found["score"].items()} | {
            "levels": found["levels"], "grades": found["credit"]["grades"],
        }  # fmt: skip
        for name, pairs in steps.items():
            bounds = [float(bound) for bound, _ in pairs]
            if bounds != sorted(set(bounds), reverse=True):
                raise DataError(f"rules.yaml: {name}: the steps do not descend")
        if (
            {c for _, c in found["levels"]} != set(COLOURS)
            or found["levels"][-1][0] != 0
            or found["credit"]["grades"][-1][0] != 0
        ):
            raise DataError("rules.yaml: levels are four colours, and levels and grades descend to 0")
        if any(not 0 <= share <= 1 for share in found["draw"]["shares"].values()) or set(
            found["draw"]["shares"]
        ) != set(COLOURS):
            raise DataError("rules.yaml: draw: a share from 0 to 1 for each colour")
        if any(item.get("clause", "4.6 b") not in clauses() for item in found["checklist"]):
            raise DataError("rules.yaml: checklist: a clause that does not exist")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"rules.yaml: {error!r}") from None


def score(facts: Mapping[str, float | None], by: Mapping[str, Any] | None = None) -> Score:
    """The score of one unit; a fact that is None is not known and counts as such.

    >>> score({"entrapments": 1.0, "age": None}).parts[0].points
    8
    """
    known = by or rules()
    parts = []
    for name, part in known["score"].items():
        value = facts.get(name)
        points = (
            part.get("unknown", 0) if value is None else next((p for bound, p in part["steps"] if value >= bound), 0)
        )
        parts.append(Part(name, part["zh"], value, int(points)))
    total = min(MOST_POINTS, sum(p.points for p in parts))
    return Score(total, next(colour for bound, colour in known["levels"] if total >= bound), tuple(parts))


def credit(units: int, counts: Mapping[str, int], by: Mapping[str, Any] | None = None) -> Credit:
    """The grade of a firm from what happened on its units, per 100 of them; "unknown" where they are too few."""
    known = (by or rules())["credit"]
    if units < known["least_units"]:
        return Credit("unknown", None, {}, units)
    lost = {
        name: round(weight * counts.get(name, 0) * 100 / units, 2) for name, weight in known["per_100_units"].items()
    }
    points = max(0.0, round(known["start"] - sum(lost.values()), 2))
    return Credit(next(grade for bound, grade in known["grades"] if points >= bound), points, lost, units)


def order_of(seed: str, name: str) -> bytes:
    """The place of a name in the order that a seed makes."""
    return hashlib.sha256(f"{seed}|{name}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything that decides a draw. ``shares``: part of each stratum, 0 to 1. ``counts``: how many of each instead."""

    title: str
    seed: str
    shares: Mapping[str, float]
    candidates: Mapping[str, str]
    officers: Sequence[str]
    counts: Mapping[str, int] | None = None

    def sizes(self) -> dict[str, int]:
        """How many candidates each stratum has."""
        return dict(sorted(Counter(self.candidates.values()).items()))

    def wanted(self) -> dict[str, int]:
        """How many are drawn of each stratum; a share is rounded up, so that no stratum with one is left out."""
        if self.counts is not None:
            return {s: min(n, self.counts.get(s, 0)) for s, n in self.sizes().items()}
        return {s: math.ceil(self.shares.get(s, 0.0) * n) for s, n in self.sizes().items()}

    def fingerprint(self) -> str:
        """SHA-256 over all of it."""
        said: dict[str, Any] = {
            "title": self.title, "seed": self.seed, "shares": dict(self.shares), "candidates": dict(self.candidates),
            "officers": sorted(set(self.officers)),
        }  # fmt: skip
        return digest_of(said if self.counts is None else said | {"counts": dict(self.counts)}).hex()


def draw(basis: Basis) -> list[Task]:
    """双随机: in each stratum the first of the order that the seed makes; each gets two officers by the same rule.

    Raises
    ------
    LedgerInputError
        Fewer than two officers, or no seed.
    """
    pool = sorted(set(basis.officers))
    if len(pool) < PAIR or not basis.seed.strip():
        raise LedgerInputError("抽签须有种子和不少于 2 名检查人员 (a seed, and two officers at least)")
    found = []
    for stratum, wanted in basis.wanted().items():
        of_it = (u for u, s in basis.candidates.items() if s == stratum)
        for unit_id in sorted(of_it, key=lambda u: order_of(basis.seed, u))[:wanted]:
            pair = sorted(pool, key=lambda name: order_of(basis.seed, f"{unit_id}|{name}"))[:PAIR]
            found.append(Task(unit_id, stratum, tuple(pair)))
    return found


def spread(number: int, shares: Mapping[str, float], sizes: Mapping[str, int]) -> dict[str, int]:
    """``number`` tasks over strata in proportion to share times size, what is left to the largest; never more than there are.

    >>> spread(5, {"red-A": 0.5, "blue-B": 0.1}, {"red-A": 10, "blue-B": 50})
    {'blue-B': 3, 'red-A': 2}
    """
    found, left = dict.fromkeys(sorted(sizes), 0), number
    while left > 0:
        weights = {s: shares.get(s, 0.0) * sizes[s] for s in found if found[s] < sizes[s] and shares.get(s, 0.0) > 0}
        total = sum(weights.values())
        if not total:
            break
        due = {s: left * w / total for s, w in weights.items()}
        given = {s: min(int(d), sizes[s] - found[s]) for s, d in due.items()}
        if not any(given.values()):
            best = sorted(due, key=lambda s: (-(due[s] % 1), s))[:left]
            given = dict.fromkeys(best, 1)
        for s, n in given.items():
            found[s] += n
        left = number - sum(found.values())
    return found


def stratum(colour: str, grade: str) -> str:
    """The stratum of a unit: its risk colour and the grade of its firm."""
    return f"{colour}-{grade}"


def shares_of(by: Mapping[str, Any] | None = None) -> dict[str, float]:
    """The share of each stratum."""
    known = (by or rules())["draw"]
    return {
        stratum(colour, grade): min(1.0, round(share * factor, 4))
        for colour, share in known["shares"].items()
        for grade, factor in known["credit_factors"].items()
    }
