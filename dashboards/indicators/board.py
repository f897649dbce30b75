"""万台死亡率 of calendar years, from the register as the caller may see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from dashboards.indicators.definitions import DEFAULT, FatalityDefinition, fatality_definition
from dashboards.indicators.fatality import PLAN_TARGET, Fatality, fatality, probability_year_above_target
from equipment.accidents.store import accidents_between
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class YearFigure:
    """One year under one definition (口径).

    ``elapsed``: the part of the year that has passed, 1 for a past year. ``figure`` is None where there is no unit, and
    so no rate. ``above_target``: probability that the whole year ends above the target.
    """

    year: int
    definition: FatalityDefinition
    deaths: int
    units: int
    elapsed: float
    figure: Fatality | None
    above_target: float | None

    @property
    def printed(self) -> str | None:
        """The rate as the definition publishes it."""
        return None if self.figure is None else self.definition.printed(self.figure.rate_per_10k)

    def as_json(self) -> dict[str, Any]:
        """For the API: the figure, its definition and everything it was computed from."""
        return {
            "year": self.year,
            "definition": {**asdict(self.definition), "official": False},
            "deaths": self.deaths,
            "units": self.units,
            "elapsed": self.elapsed,
            "printed": self.printed,
            "probability_year_above_target": self.above_target,
            "figure": None if self.figure is None else asdict(self.figure),
        }


def year_bounds(year: int) -> tuple[datetime, datetime]:
    """The year in the city's time, as a half-open interval."""
    return datetime(year, 1, 1, tzinfo=SHANGHAI), datetime(year + 1, 1, 1, tzinfo=SHANGHAI)


def elapsed_part(year: int, today: date) -> float:
    """Part of ``year`` that has passed at the end of ``today``: 0 before it, 1 after it."""
    first, days = date(year, 1, 1), (date(year + 1, 1, 1) - date(year, 1, 1)).days
    return min(max((today - first).days + 1, 0) / days, 1.0)


def figures_of_years(
    conn: Connection, years: Sequence[int], definition: FatalityDefinition, now: datetime, target: float = PLAN_TARGET
) -> list[YearFigure]:
    """The figure of each year, with today's units as denominator until unit-years are kept."""
    row = conn.execute(QUERIES.units_of_statuses, (list(definition.statuses),)).fetchone()
    units = int(row[0]) if row else 0
    today = now.astimezone(SHANGHAI).date()
    found = []
    for year in years:
        deaths = sum(a.deaths for a in accidents_between(conn, *year_bounds(year)) if a.counted)
        part = elapsed_part(year, today)
        there = units > 0 and part > 0
        figure = fatality(deaths, units, years=part, target=target) if there else None
        above = probability_year_above_target(deaths, units, part, target=target) if there else None
        found.append(YearFigure(year, definition, deaths, units, part, figure, above))
    return found


def fatality_of_year(conn: Connection, year: int | None, definition: str | None, now: datetime) -> YearFigure:
    """The figure of one year, by default the running one.

    Raises
    ------
    UnknownDefinitionError
    """
    wanted = year or now.astimezone(SHANGHAI).year
    return figures_of_years(conn, [wanted], fatality_definition(definition or DEFAULT), now)[0]
