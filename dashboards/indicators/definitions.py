"""指标口径 as data: how a number is made, and who said so."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from dashboards.indicators.errors import UnknownDefinitionError

UNDECIDED_ZH = "未定口径"
DEFAULT = "in_use"


@dataclass(frozen=True, slots=True)
class FatalityDefinition:
    """口径 of 万台死亡率.

    ``statuses`` make the denominator; ``cylinders`` says whether gas cylinders count as units; ``decimals`` is how the
    figure is printed.
    """

    id: str
    version: int
    zh: str
    en: str
    statuses: tuple[str, ...]
    cylinders: bool
    decimals: int
    mark: str
    source: str

    def printed(self, rate: float) -> str:
        """The rate as this definition publishes it, half up as in the registers."""
        return str(Decimal(repr(rate)).quantize(Decimal(1).scaleb(-self.decimals), rounding=ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class CoverageDefinition:
    """口径 of a coverage target; ``days`` is the window where there is one."""

    id: str
    zh: str
    en: str
    target: float
    mark: str
    source: str
    days: int = 0


@cache
def _document() -> dict[str, Any]:
    text = (files("dashboards.indicators") / "definitions.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


@cache
def fatality_definitions() -> tuple[FatalityDefinition, ...]:
    """The candidates, the default first."""
    return tuple(FatalityDefinition(**{**e, "statuses": tuple(e["statuses"])}) for e in _document()["fatality"])


@cache
def coverage_definitions() -> tuple[CoverageDefinition, ...]:
    """The coverage targets of the plan."""
    return tuple(CoverageDefinition(**entry) for entry in _document()["coverage"])


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
