"""The accident register (事故登记): append-only, a correction replaces by reference."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

from equipment.accidents.model import Accident, AccidentLevel, NewAccident, level_of
from equipment.errors import CorrectionError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, advisory_lock, load_queries

QUERIES = load_queries(__file__)


def report(conn: Connection, accident: NewAccident, account_id: int | None, now: datetime) -> int:
    """Enter an accident; its level is the highest that deaths, injuries or loss reach."""
    year = accident.occurred_at.astimezone(SHANGHAI).year
    advisory_lock(conn, f"accident-number:{year}")
    row = conn.execute(QUERIES.next_number, (year,)).fetchone()
    return _insert(conn, accident, str(row[0]) if row else "", None, account_id, now)


def correct(conn: Connection, corrected: int, accident: NewAccident, account_id: int | None, now: datetime) -> int:
    """Replace entry ``corrected`` by a new one of the same number (30-day follow-up, mistakes).

    Raises
    ------
    CorrectionError
        It does not exist, or was corrected already.
    """
    row = conn.execute(QUERIES.number_of, (corrected,)).fetchone()
    if row is None:
        raise CorrectionError(f"there is no accident entry {corrected}")
    try:
        with conn.transaction():
            return _insert(conn, accident, row[0], corrected, account_id, now)
    except psycopg.errors.UniqueViolation as error:
        raise CorrectionError(f"entry {corrected} was corrected already: correct the newest entry") from error


def accidents_between(conn: Connection, start: datetime, end: datetime) -> list[Accident]:
    """Current entries of accidents that occurred from ``start`` to before ``end``."""
    rows = conn.execute(f"{QUERIES.columns} {QUERIES.between}", (start, end))
    return [_read(list(row)) for row in rows]


def _read(row: list[Any]) -> Accident:
    row[8] = AccidentLevel(row[8])
    return Accident(*row)


def _insert(
    conn: Connection, a: NewAccident, number: str, corrects: int | None, account_id: int | None, now: datetime
) -> int:
    level = level_of(a.deaths, a.serious_injuries, a.loss_yuan or 0.0)
    row = conn.execute(
        QUERIES.insert,
        (
            number, corrects, a.unit_no, a.kind, a.jurisdiction_id, a.occurred_at, a.reported_at, level.value, a.deaths,
            a.serious_injuries, a.trapped_minutes, a.loss_yuan, a.counted, a.not_counted_reason, a.narrative, account_id, now,
        ),
    ).fetchone()  # fmt: skip
    return int(row[0]) if row else 0
