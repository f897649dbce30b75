"""指标口径 as data: how a number is made, and who said so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from dashboards.indicators.errors import UnknownDefinitionError
from equipment.accidents.model import AccidentLevel

UNDECIDED_ZH = "未定口径"
DEFAULT = "in_use"
"""What the analysis uses while no definition is official."""
STAGES = ("connected", "enabled", "effective")
PER = 10_000


@dataclass(frozen=True, slots=True)
class FatalityDefinition:
    """口径 of 万台死亡率; each field is explained at the head of ``definitions.yaml``."""

    id: str
    version: int
    zh: str
    en: str
    denominator: str
    excluded_kinds: tuple[str, ...]
    cylinders: bool
    period: str
    years: int
    annualised: bool
    exclusions_counted: tuple[str, ...]
    minimum_level: AccidentLevel
    decimals: int
    mark: str
    source: str

    def printed(self, deaths: int, exposure: Fraction) -> str:
        """The rate as this definition publishes it, rounded half up; exact, so the same digits in every year to come.

        Parameters
        ----------
        exposure
            Units x years of the denominator, > 0.
        """
        rate = Fraction(deaths * PER) / exposure
        scaled = (Decimal(rate.numerator) / Decimal(rate.denominator)).quantize(
            Decimal(1).scaleb(-self.decimals), rounding=ROUND_HALF_UP
        )
        return str(scaled)

    def content(self) -> dict[str, Any]:
        """What is stored of this version."""
        return asdict(self) | {"minimum_level": self.minimum_level.value}


@dataclass(frozen=True, slots=True)
class CoverageDefinition:
    """口径 of a coverage target. ``stages_*`` say what 已接入, 已启用 and 有效 mean, ``excluded_*`` cites the rule."""

    id: str
    zh: str
    en: str
    target: float
    basis: str
    mark: str
    population_zh: str
    population_en: str
    stages_zh: tuple[str, ...]
    stages_en: tuple[str, ...]
    excluded_zh: str
    excluded_en: str


@dataclass(frozen=True, slots=True)
class LeadingDefinition:
    """领先指标: a count per month and 1,000 lifts in use.

    ``stock``: what stands open at the newest cut of the month, not what happened in it. ``wall``: shown on the wall.
    """

    measure: str
    zh: str
    en: str
    rows: str
    stock: bool
    wall: bool


@dataclass(frozen=True, slots=True)
class PriorDefinition:
    """先验: from which reference series, and how many 万台·年 it weighs."""

    area: str
    strength: float
    mark: str


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """累积和 and trend: rate ratio to find, months between false signals, months and years shown."""

    factor: float
    arl0: float
    months: int
    years: int


@cache
def _document() -> dict[str, Any]:
    text = (files("dashboards.indicators") / "definitions.yaml").read_text(encoding="utf-8")
    # the same safe subset, read by libyaml where the wheel has it: the first page after a start waits for this
    document: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return document


def read_definition(content: Mapping[str, Any]) -> FatalityDefinition:
    """A definition from its stored content."""
    lists = {name: tuple(content[name]) for name in ("excluded_kinds", "exclusions_counted")}
    return FatalityDefinition(**{**content, **lists, "minimum_level": AccidentLevel(content["minimum_level"])})


@cache
def fatality_definitions() -> tuple[FatalityDefinition, ...]:
    """The candidates, the default first."""
    return tuple(read_definition(entry) for entry in _document()["fatality"])


@cache
def coverage_definitions() -> tuple[CoverageDefinition, ...]:
    """The coverage targets of the plan."""
    return tuple(
        CoverageDefinition(**{**e, "stages_zh": tuple(e["stages_zh"]), "stages_en": tuple(e["stages_en"])})
        for e in _document()["coverage"]
    )


@cache
def leading_definitions() -> tuple[LeadingDefinition, ...]:
    """The leading indicators."""
    return tuple(LeadingDefinition(**entry) for entry in _document()["leading"])


def prior_definition() -> PriorDefinition:
    """Where the prior comes from."""
    return PriorDefinition(**_document()["prior"])


def monitor_settings() -> MonitorSettings:
    """How the monitor is set."""
    return MonitorSettings(**_document()["monitor"])


def fatality_definition(wanted: str) -> FatalityDefinition:
    """One candidate by id.

    Raises
    ------
    UnknownDefinitionError
        There is none of that id.
    """
    for definition in fatality_definitions():
        if definition.id == wanted:
            return definition
    known = ", ".join(d.id for d in fatality_definitions())
    raise UnknownDefinitionError(f"没有口径 {wanted}，可选: {known} (no such definition)")


def coverage_definition(wanted: str) -> CoverageDefinition:
    """One coverage target by id.

    Raises
    ------
    UnknownDefinitionError
        There is none of that id.
    """
    for definition in coverage_definitions():
        if definition.id == wanted:
            return definition
    raise UnknownDefinitionError(f"没有覆盖率指标 {wanted} (no such coverage target)")
