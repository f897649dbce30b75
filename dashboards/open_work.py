"""未办结事项 of a unit across the rooms: what a hand-over lists by value."""

from __future__ import annotations

from typing import Any

from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__, "open_work.sql")


def open_work(conn: Connection, unit_no: int) -> list[dict[str, Any]]:
    """Incidents, leads, hazards and changes of firm that are open on a unit: kind, number, state, since, due."""
    names = ("kind", "number", "state", "since", "due")
    return [
        dict(zip(names, (*row[:3], *(None if at is None else at.isoformat() for at in row[3:])), strict=True))
        for row in conn.execute(QUERIES.open_work, {"unit": unit_no})
    ]
