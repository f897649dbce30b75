"""事件前后遥测: what the sensors said around the event behind a hazard, kept by value; readings are deleted some day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from equipment.catalogue.load import load_catalogue
from equipment.foundation.database import Connection, load_queries
from equipment.transparency.entry import digest_of
from ingest.read import course

QUERIES = load_queries(__file__, "telemetry.sql")
AROUND = timedelta(minutes=5)
MOST_POINTS = 300


@dataclass(frozen=True, slots=True)
class Window:
    """Courses by signal: ``{"level": …, "points": [[server time, value, low, high, samples], …]}``, oldest first."""

    since: datetime
    until: datetime
    courses: dict[str, Any]
    sha256: str


def keep(conn: Connection, hazard_id: int, unit_no: int, at: datetime, now: datetime) -> str | None:
    """Keep what was heard around ``at``; returns its digest, or None when nothing was heard."""
    span = (at - AROUND, min(at + AROUND, now))
    courses = courses_of(conn, unit_no, span)
    if not courses:
        return None
    digest = digest_of(courses)
    conn.execute(QUERIES.keep_window, (hazard_id, *span, Jsonb(courses), digest, now))
    return digest.hex()


def courses_of(conn: Connection, unit_no: int, span: tuple[datetime, datetime]) -> dict[str, Any]:
    """Every signal of a unit that was heard in the span; empty: none was."""
    row = conn.execute(QUERIES.kind_of, (unit_no,)).fetchone()
    known = load_catalogue().kind(row[0]) if row else None
    courses: dict[str, Any] = {}
    for signal in known.signals if known else ():
        found = course(conn, known.name if known else "", unit_no, signal, span, MOST_POINTS)
        if any(p.value is not None for p in found.points):
            points = [[p.at.isoformat(), p.value, p.low, p.high, p.samples] for p in found.points]
            courses[signal.name] = {"level": found.level, "points": points}
    return courses


def window_of(conn: Connection, hazard_id: int) -> Window | None:
    """What was kept; None: nothing was heard around the event."""
    row = conn.execute(QUERIES.window_of, (hazard_id,)).fetchone()
    return None if row is None else Window(*row)
