"""到期 of one unit on one list: what the register knows and what maintenance knows, each with clause and mark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from equipment.due import store
from equipment.due.dates import Due
from equipment.due.rules import Clause
from equipment.foundation.database import Connection
from equipment.registry.model import Unit
from maintenance import due as maintenance

MAINTAINED = frozenset({"lift", "escalator"})
LEVEL_CLAUSES: Mapping[str, Clause] = {
    "half_month": Clause("特种设备安全监察条例 第31条 (15 日)", "V"),
    "quarter": Clause("TSG T5002-2017 第6条；90 日为惯例", "M"),
    "half_year": Clause("TSG T5002-2017 第6条；180 日为惯例", "M"),
    "year": Clause("TSG T5002-2017 第6条；365 日为惯例", "M"),
}


def due_rows(conn: Connection, unit: Unit, visits: Sequence[tuple[str, date]], today: date) -> list[Due]:
    """What is due of a unit, the unknown first, then by date.

    Parameters
    ----------
    visits
        (level, day) of the unit's maintenance records.
    """
    found = store.due_of(conn, unit, today)
    if unit.kind in MAINTAINED and unit.status == "in_use":
        for level in maintenance.due_dates(visits, unit.first_use_date or today):
            clause = LEVEL_CLAUSES.get(level.level)
            if level.last is None:
                found.append(Due(level.level, None, "unknown", clause, why="not_recorded"))
            else:
                found.append(Due(level.level, level.on, level.state(today), clause))
    return sorted(found, key=lambda d: (d.on is not None, d.on or today))
