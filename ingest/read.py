"""Readings for people: the newest values of a unit, one signal over time. The caller's scope decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from equipment.catalogue.load import load_catalogue
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__, "read.sql")
ROWS_LOOKED_AT = 120
"""A signal that is in none of a unit's newest rows is shown as never heard."""


@dataclass(frozen=True, slots=True)
class Held:
    """A value with the server time of its sample."""

    value: Any
    at: datetime


def latest_values(conn: Connection, kind: str, unit_no: int) -> dict[str, Held]:
    """The newest value of each signal that was heard lately; empty outside the caller's scope."""
    found: dict[str, Held] = {}
    known = load_catalogue().kind(kind)
    if known is None or not known.signals:
        return found
    rows = [row[0] for row in conn.execute(QUERIES.recent_rows, (kind, unit_no, ROWS_LOOKED_AT))]
    moments = [datetime.fromisoformat(row["server_time"]) for row in rows]
    for at, row in sorted(zip(moments, rows, strict=True), key=lambda pair: pair[0], reverse=True):
        for signal in known.signals:
            value = row.get(signal.name)
            if value is not None and signal.name not in found:
                found[signal.name] = Held(value, at)
    return found


def series(
    conn: Connection, kind: str, unit_no: int, signal: str, since: datetime, until: datetime, most: int
) -> list[tuple[datetime, Any]]:
    """A signal's values in ``[since, until)`` by device time, oldest first, thinned to ``most`` points.

    ``signal`` is one of the kind's catalogue; the caller has checked it.
    """
    return list(conn.execute(QUERIES.series, (kind, unit_no, signal, since, until, most)))
