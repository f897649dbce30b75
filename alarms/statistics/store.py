"""Reads what the statistics are made of, under the caller's scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alarms.statistics.figures import Figures, figures
from alarms.statistics.load import Act, Annunciation, Load, load
from alarms.statistics.model import Case, Nature, Period
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.history.model import Wanted
from equipment.history.store import units_as_of

QUERIES = load_queries(__file__)
KINDS = ("lift", "escalator")
"""电梯 in the sense of the catalogue: lifts, escalators and moving walks; the denominator of the rates."""


@dataclass(frozen=True, slots=True)
class Leads:
    """Sensor incidents that are in no figure: 自动消除, 误报, and those not confirmed to this day."""

    auto_cleared: int
    false_alarms: int
    unconfirmed: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Everything of one period and place."""

    figures: Figures
    leads: Leads
    load: Load
    read_at: datetime


def read_cases(conn: Connection, period: Period, district: str = "") -> list[Case]:
    """Confirmed incidents that were reported within the period."""
    values = {"since": period.since, "until": period.until, "district": district}
    found = []
    for row in conn.execute(QUERIES.cases, values):
        columns = list(row)
        columns[3] = Nature(columns[3])
        found.append(Case(*columns))
    return found


def read_statistics(conn: Connection, period: Period, now: datetime, district: str = "") -> Statistics:
    """The statistics of a period, which may still run; the lifts are those in use on its last day that has begun."""
    day = min(period.last, now.astimezone(SHANGHAI).date())
    until = max(period.since, min(period.until, now))
    values = {"since": period.since, "until": until, "district": district}
    lifts = units_as_of(conn, day, Wanted(district, KINDS, "in_use"))
    shown = Period(period.first, max(period.first, day))
    rung = [Annunciation(*row) for row in conn.execute(QUERIES.annunciations, values)]
    acts = [Act(*row) for row in conn.execute(QUERIES.seat_acts, values)]
    leads = conn.execute(QUERIES.leads, values).fetchone() or (0, 0, 0)
    return Statistics(
        figures(read_cases(conn, period, district), shown, lifts or None), Leads(*leads),
        load(rung, acts, period.since, until), now,
    )  # fmt: skip
