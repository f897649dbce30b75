"""万台死亡率 under a definition: exactly what was counted, and the figure that follows from it. Pure.

Whatever is printed follows from :class:`Inputs` and the definition's content alone, so a stored value can be made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from dashboards.indicators.counting import Verdict, deaths_of, in_period, judge, part_of_year, period_of
from dashboards.indicators.definitions import FatalityDefinition
from dashboards.indicators.facts import Exposure, Facts, Focus
from dashboards.indicators.fatality import PLAN_TARGET, Fatality, fatality, probability_year_above_target, whole_deaths
from dashboards.indicators.poisson import JEFFREYS, GammaPrior


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a figure was made of, by value. ``exposure`` is a decimal text [unit-years], so that it is kept exactly."""

    place: str
    kind: str
    first: date
    last: date
    deaths: int
    accidents: tuple[tuple[str, int, int, bool], ...]
    """Number, entry, deaths and whether it counted."""
    units: str
    exposure: str
    elapsed: str
    cylinders: int
    source: str

    def as_json(self) -> dict[str, Any]:
        """To be stored."""
        return {
            "place": self.place, "kind": self.kind, "first": self.first.isoformat(), "last": self.last.isoformat(),
            "deaths": self.deaths, "accidents": [list(a) for a in self.accidents], "units": self.units,
            "exposure": self.exposure, "elapsed": self.elapsed, "cylinders": self.cylinders, "source": self.source,
        }  # fmt: skip

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Inputs:
        """As they were stored."""
        return cls(
            **{
                **stored,
                "first": date.fromisoformat(stored["first"]),
                "last": date.fromisoformat(stored["last"]),
                "accidents": tuple((a[0], int(a[1]), int(a[2]), bool(a[3])) for a in stored["accidents"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. ``printed`` and ``statistics`` are None where there is no unit, and so no rate."""

    definition: FatalityDefinition
    inputs: Inputs
    verdicts: tuple[Verdict, ...]
    printed: str | None
    statistics: Fatality | None

    @property
    def deaths(self) -> int:
        """Counted deaths."""
        return self.inputs.deaths

    @property
    def units(self) -> float:
        """Denominator before time is taken into account [units]."""
        return float(Fraction(self.inputs.units))


def printed_of(definition: FatalityDefinition, inputs: Inputs) -> str | None:
    """The figure as it is published; the one place where its digits are made."""
    exposure = Fraction(inputs.exposure if definition.annualised else inputs.units)
    return definition.printed(inputs.deaths, exposure) if exposure > 0 else None


def _base(definition: FatalityDefinition, rows: list[Exposure]) -> tuple[Fraction, Fraction]:
    """Units and unit-years of the denominator in one year."""
    kept = [r for r in rows if r.kind not in definition.excluded_kinds]
    in_use, stopped = sum(r.in_use for r in kept), sum(r.stopped for r in kept)
    units = Fraction(in_use if definition.denominator != "registered" else in_use + stopped)
    return units, Fraction(repr(round(sum(r.in_use_years for r in kept), 3)))


def denominators(
    facts: Facts, focus: Focus, definition: FatalityDefinition, year: int
) -> tuple[Fraction, Fraction, int]:
    """Units, exposure [unit-years] and gas cylinders among the units, of the figure of ``year``."""
    period = period_of(definition, year, facts.day)
    years = range(period.first.year, period.last.year + 1) if definition.period == "multi_year" else (year,)
    per_year = [_base(definition, list(facts.exposures_of(focus, y))) for y in years]
    units = per_year[-1][0]
    cylinders = facts.count(focus, "cylinders") if definition.cylinders else 0
    units += cylinders
    if definition.denominator == "unit_years":
        exposure = sum((p[1] for p in per_year), Fraction(0))
    else:
        exposure = units * period.elapsed
    return units, exposure, cylinders


def figure_of(
    facts: Facts, focus: Focus, definition: FatalityDefinition, year: int, *, target: float = PLAN_TARGET,
    prior: GammaPrior = JEFFREYS,
) -> Figure:  # fmt: skip
    """The figure of ``year`` (of the running year: to date) for a place and kind."""
    period = period_of(definition, year, facts.day)
    verdicts = tuple(judge(definition, a) for a in in_period(facts.accidents_of(focus), period))
    units, exposure, cylinders = denominators(facts, focus, definition, year)
    source = next((e.source for e in facts.exposures_of(focus, year)), "none")
    inputs = Inputs(
        focus.place.id, focus.kind or "all", period.first, period.last, deaths_of(verdicts),
        tuple((v.accident.number, v.accident.id, v.accident.deaths, v.counted) for v in verdicts),
        str(units), str(exposure), str(period.elapsed), cylinders, source,
    )  # fmt: skip
    statistics = fatality(inputs.deaths, float(exposure), target=target, prior=prior) if exposure > 0 else None
    return Figure(definition, inputs, verdicts, printed_of(definition, inputs), statistics)


@dataclass(frozen=True, slots=True)
class YearEnd:
    """Where the calendar year stands against its target: 距目标余量 and the chance to end above it."""

    year: int
    deaths: int
    units: float
    elapsed: float
    target: float
    whole_year: int
    """Deaths at which a full year of these units still meets the target."""
    above: float | None
    """Probability that the whole year ends above the target; None before it began."""

    @property
    def remaining(self) -> int:
        """距目标余量 [deaths], 0 when used up."""
        return max(0, self.whole_year - self.deaths)

    @property
    def exceeded_by(self) -> int:
        """Deaths over it."""
        return max(0, self.deaths - self.whole_year)


def year_end(figure: Figure, year: int, day: date, *, target: float, prior: GammaPrior = JEFFREYS) -> YearEnd | None:
    """None without units."""
    if figure.units <= 0:
        return None
    elapsed = float(part_of_year(year, day))
    above = None
    if elapsed > 0:
        above = probability_year_above_target(figure.deaths, figure.units, elapsed, target=target, prior=prior)
    return YearEnd(year, figure.deaths, figure.units, elapsed, target, whole_deaths(target, figure.units, 1.0), above)
