"""The units behind a coverage (明细): of one target, at one stage or moved since the month began; in the order of the register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.rows import namedtuple_row

from dashboards.indicators.facts import QUERIES, Facts, Focus
from equipment.foundation.database import Connection

TARGETS = ("paperless", "insurance", "hotline", "inspection", "self_test", "confirmed", "iot")
"""Targets whose stage is kept per unit; cylinders are no units."""
MOVED = "exists (select 1 from dashboards.month_stage m where m.unit_no = t.unit_no and m.month = %(month)s and m.{target} {was})"
ONLY: Mapping[str, str] = {
    "uncovered": "t.{target} between 0 and 2",
    "covered": "t.{target} = 3",
    "excluded": "t.{target} = -1",
    "none": "t.{target} = 0",
    "connected": "t.{target} = 1",
    "enabled": "t.{target} = 2",
    "all": "t.{target} is not null",
    "lost": "t.{target} between 0 and 2 and " + MOVED.replace("{was}", "= 3"),
    "gained": "t.{target} = 3 and " + MOVED.replace("{was}", "between 0 and 2"),
}
"""Conditions by name; ``{target}`` is a column of :data:`TARGETS`."""


def stage_units(
    conn: Connection, facts: Facts, focus: Focus, target: str, only: str, limits: Mapping[str, int]
) -> list[Any]:
    """Units of a focus at a stage of ``target``, as many as ``limits`` (limit, offset) asks for; none for cylinders."""
    if target not in TARGETS:
        return []
    # target and condition are names of this file, never the caller's text
    query = QUERIES.stage_units.replace("{only}", ONLY[only]).replace("{target}", target)
    parameters = {"path": focus.place.path, "kind": focus.kind, "month": facts.cut.day.replace(day=1), **limits}
    with conn.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(query, parameters).fetchall()
