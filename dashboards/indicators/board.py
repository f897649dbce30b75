"""指标, the read model of the board and of the reports: one moment, one place, one kind; the same numbers for both."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg.rows import namedtuple_row

from dashboards.indicators.counting import Verdict, judge
from dashboards.indicators.definitions import FatalityDefinition, fatality_definition
from dashboards.indicators.facts import QUERIES, Facts, Focus, read_facts
from dashboards.indicators.fatality import PLAN_TARGET
from dashboards.indicators.figures import Figure, YearEnd, figure_of, year_end
from dashboards.indicators.monitor import Monitor, watch
from dashboards.indicators.publish import Official, definition_of, official_of
from dashboards.indicators.standing import Coverage, Leading, Moved, coverages, leading, lifts_in_use, movements
from equipment.accidents.model import Accident
from equipment.foundation.database import Connection

RISK_SPAN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the board shows and the report prints."""

    facts: Facts
    focus: Focus
    official: Official | None
    definition: FatalityDefinition
    monitor: Monitor
    coverages: list[Coverage]
    movements: list[Moved]
    leading: list[Leading]
    risks: list[Any]
    possible: list[Any]
    lifts: int
    open_major_hazards: int
    overdue_hazards: int

    @property
    def main(self) -> Figure:
        """The official figure, or the default candidate while none is official."""
        return self.monitor.main

    def verdict_of(self, accident: Accident) -> Verdict:
        """Whether an accident counts under the definition in use, and why (not)."""
        return judge(self.definition, accident)


def read_board(
    conn: Connection, known_at: datetime, *, place: str = "", kind: str = "", day: date | None = None,
    definition: str | None = None,
) -> Board:  # fmt: skip
    """The board as of the end of ``day`` (default: the day of ``known_at``) as known at ``known_at``.

    Raises
    ------
    NoDataCutError
    UnknownDefinitionError
    """
    facts = read_facts(conn, known_at, day)
    focus = Focus(facts.place(place), kind)
    chosen = official_of(conn, facts)
    used = fatality_definition(definition) if definition else definition_of(chosen)
    parameters = {"path": focus.place.path, "kind": kind, "at": known_at, "since": known_at - RISK_SPAN}
    with conn.cursor(row_factory=namedtuple_row) as cursor:
        risks = cursor.execute(QUERIES.risks, parameters).fetchall()
        possible = cursor.execute(QUERIES.possible_accidents, {"at": known_at}).fetchall()
    return Board(
        facts=facts,
        focus=focus,
        official=chosen,
        definition=used,
        monitor=watch(facts, focus, used, PLAN_TARGET),
        coverages=coverages(facts, focus),
        movements=movements(facts, focus),
        leading=leading(facts, focus),
        risks=risks,
        possible=possible,
        lifts=lifts_in_use(facts, focus, facts.day.year),
        open_major_hazards=facts.count(focus, "open_major_hazards"),
        overdue_hazards=facts.count(focus, "overdue_hazards"),
    )


@dataclass(frozen=True, slots=True)
class YearAnswer:
    """万台死亡率 of one year, as the API gives it."""

    year: int
    facts: Facts
    figure: Figure
    official: Official | None
    end: YearEnd | None

    def as_json(self) -> dict[str, Any]:
        """The figure, its definition and everything it was computed from."""
        statistics, end = self.figure.statistics, self.end
        definition = self.figure.definition
        return {
            "year": self.year,
            "definition": definition.content() | {"official": self.official is not None and self.official.definition == definition},
            "known_at": self.facts.known_at.isoformat(),
            "data_cut": self.facts.cut.cut_at.isoformat(),
            "inputs": self.figure.inputs.as_json(),
            "deaths": self.figure.deaths,
            "units": self.figure.units,
            "printed": self.figure.printed,
            "remaining": end.remaining if end else None,
            "probability_year_above_target": end.above if end else None,
            "figure": None if statistics is None else asdict(statistics),
        }  # fmt: skip


def fatality_of_year(conn: Connection, year: int | None, definition: str | None, now: datetime) -> YearAnswer:
    """The figure of one year, by default the running one, under the official definition or a named one.

    Raises
    ------
    UnknownDefinitionError
    NoDataCutError
    """
    facts = read_facts(conn, now)
    wanted = year or facts.day.year
    chosen = official_of(conn, facts)
    used = fatality_definition(definition) if definition else definition_of(chosen)
    figure = figure_of(facts, Focus(facts.whole), used, wanted)
    return YearAnswer(wanted, facts, figure, chosen, year_end(figure, wanted, facts.day, target=PLAN_TARGET))
