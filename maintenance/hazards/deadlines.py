"""时限 as data: how long each step may take, each with the mark of its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from maintenance.errors import DataError
from maintenance.hazards.clauses import GRADES

STEPS = ("listed", "listed_stop_use", "handed_over", "receipted", "recheck")
MARKS = frozenset({"V", "V-code", "P", "D", "C", "M"})


@dataclass(frozen=True, slots=True)
class Limit:
    """One time limit."""

    within: timedelta
    mark: str
    zh: str


@dataclass(frozen=True, slots=True)
class Deadlines:
    """All of them: by step, and by grade for reporting progress and for the rectification itself."""

    steps: Mapping[str, Limit]
    progress: Mapping[str, Limit]
    rectify: Mapping[str, Limit]
    look_back_share: float
    look_back: Limit


def _limits(entries: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Limit]:
    if set(entries) != set(names):
        raise DataError(f"deadlines.yaml: {', '.join(names)} are wanted, there are {', '.join(entries)}")
    found = {name: Limit(timedelta(days=e["days"]), e["mark"], e["zh"]) for name, e in entries.items()}
    if any(limit.within <= timedelta() or limit.mark not in MARKS for limit in found.values()):
        raise DataError("deadlines.yaml: a limit is not positive, or has no known mark")
    return found


def read_deadlines(text: str) -> Deadlines:
    """The limits from their YAML.

    Raises
    ------
    DataError
        One is missing, not positive or without its mark.
    """
    document = yaml.safe_load(text)
    try:
        found = Deadlines(
            _limits(document["steps"], STEPS), _limits(document["progress"], GRADES), _limits(document["rectify"], GRADES),
            float(document["look_back"]["share"]), _limits({"look_back": document["look_back"]}, ("look_back",))["look_back"],
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"deadlines.yaml: {error!r}") from None
    if not 0 < found.look_back_share <= 1:
        raise DataError("deadlines.yaml: the share of 回头看 lies between 0 and 1")
    return found


@cache
def deadlines() -> Deadlines:
    """The shipped limits."""
    return read_deadlines((files("maintenance.hazards") / "deadlines.yaml").read_text(encoding="utf-8"))


def hand_over_within(*, stop_use: bool) -> timedelta:
    """How long a listed hazard may wait to be handed over."""
    return deadlines().steps["listed_stop_use" if stop_use else "listed"].within


def step_within(state: str, grade: str, *, stop_use: bool) -> timedelta | None:
    """How long a hazard may rest in a state before somebody is late; None: it is over."""
    known = deadlines()
    if state == "rectifying":
        return known.progress[grade].within
    if state == "listed":
        return hand_over_within(stop_use=stop_use)
    limit = known.steps.get(state)
    return None if limit is None else limit.within
