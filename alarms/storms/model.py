"""What makes many alarms one: causes as data, parsed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from alarms.errors import CauseError
from alarms.rules.load import load_pack
from alarms.suppression.model import is_protected


class Place(Enum):
    """What the alarms have in common."""

    DISTRICT = "district"
    GATEWAY = "gateway"
    FIRM = "firm"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Group:
    """Alarms of ``triggers`` of ``count`` units of one place within ``window`` are one event (causes.yaml)."""

    id: str
    title_zh: str
    title_en: str
    place: Place
    triggers: frozenset[str]
    count: int
    window: timedelta
    ends_below: int
    longest: timedelta
    inhibits: frozenset[str]
    source: str
    mark: str


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alarm of ``cause`` is active, ``effects`` of the same place page nobody."""

    id: str
    place: Place
    cause: str
    effects: frozenset[str]
    longest: timedelta
    source: str
    mark: str


@dataclass(frozen=True, slots=True)
class Causes:
    """All of them."""

    groups: tuple[Group, ...]
    inhibitions: tuple[Inhibition, ...]

    def group(self, cause: str) -> Group | None:
        """The group of that name."""
        return next((g for g in self.groups if g.id == cause), None)


def read_causes(text: str) -> Causes:
    """Parse causes.yaml.

    Raises
    ------
    CauseError
        A field is missing, unknown or of no sense, or a list names an entrapment or the alarm button.
    """
    try:
        given = yaml.safe_load(text)
        groups = tuple(_group(entry) for entry in given["groups"])
        inhibitions = tuple(_inhibition(entry) for entry in given["inhibitions"])
    except yaml.YAMLError as error:
        raise CauseError(f"原因表不是有效的 YAML (the causes are not valid YAML): {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise CauseError(f"原因表缺少字段或取值无效 (a field of the causes is missing or not valid): {error}") from None
    return Causes(groups, inhibitions)


@lru_cache(maxsize=1)
def load_causes() -> Causes:
    """The shipped causes."""
    return read_causes(files("alarms.storms").joinpath("causes.yaml").read_text(encoding="utf-8"))


def _group(given: Mapping[str, Any]) -> Group:
    e = dict(given)
    title = e.pop("title")
    found = Group(
        e.pop("id"), title["zh"], title["en"], Place(e.pop("place")), _rules(e.pop("triggers")), int(e.pop("count")),
        timedelta(seconds=float(e.pop("window_seconds"))), int(e.pop("ends_below")),
        timedelta(hours=float(e.pop("longest_hours"))), _rules(e.pop("inhibits")), e.pop("source"), e.pop("mark"),
    )  # fmt: skip
    _nothing_left(found.id, e)
    if found.place is Place.UNIT:
        raise CauseError(f"{found.id}: 一台设备不成群 (one unit is no group); use district, gateway or firm")
    if not 1 <= found.ends_below <= found.count or found.count < 2 or not found.window:
        raise CauseError(f"{found.id}: 应为 2 ≤ count, 1 ≤ ends_below ≤ count, window_seconds > 0")
    return found


def _inhibition(given: Mapping[str, Any]) -> Inhibition:
    e = dict(given)
    found = Inhibition(
        e.pop("id"), Place(e.pop("place")), e.pop("cause"), _rules(e.pop("effects")),
        timedelta(hours=float(e.pop("longest_hours"))), e.pop("source"), e.pop("mark"),
    )  # fmt: skip
    _nothing_left(found.id, e)
    if found.cause in found.effects:
        raise CauseError(f"{found.id}: {found.cause} 不能抑制自身 (it cannot inhibit itself)")
    return found


def _rules(names: list[str]) -> frozenset[str]:
    for name in names:
        rule = load_pack().rule(name)
        if rule is not None and is_protected(rule.incident_kind, momentary=rule.momentary):
            raise CauseError(f"{name}: 困人与报警按钮永不成群抑制 (an entrapment or alarm button is never inhibited)")
    return frozenset(names)


def _nothing_left(name: str, left: Mapping[str, Any]) -> None:
    if left:
        raise CauseError(f"{name}: 未知字段 (unknown fields): {', '.join(sorted(left))}")
