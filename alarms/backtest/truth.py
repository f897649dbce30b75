"""What people reported of units: 96366 calls, and incidents that were confirmed without one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from psycopg import sql

from alarms.backtest.model import Event, Matching, Period
from alarms.backtest.reading import QUERIES
from equipment.foundation.database import Connection

HEARD = sql.SQL("select exists (select 1 from {} where unit_no = %s and ts >= %s and ts <= %s and received_at <= %s)")


def reports(conn: Connection, units: Sequence[int], period: Period, matching: Matching) -> list[Event]:
    """Reports that an alarm of the period can be about: also some from before and after it."""
    values = {
        "units": list(units),
        "begin": period.begin - timedelta(seconds=matching.after_seconds),
        "end": period.end + timedelta(seconds=matching.before_seconds, microseconds=1),
    }
    return [Event(*row) for row in conn.execute(QUERIES.reports, values)]


def silent_before(conn: Connection, kinds: dict[int, str], events: Sequence[Event], matching: Matching) -> set[str]:
    """Sources of the reports before which nothing was heard of the unit for as long as an alarm would count.

    Parameters
    ----------
    kinds
        Kind of equipment by unit number.
    """
    found: set[str] = set()
    for event in events:
        kind = kinds.get(event.unit_no)
        if kind is None:
            continue
        table = sql.Identifier("ingest", f"reading_{kind}")
        begin: datetime = event.reported_at - timedelta(seconds=matching.before_seconds)
        at = event.reported_at
        row = conn.execute(HEARD.format(table), (event.unit_no, begin, at, at)).fetchone()
        if row is None or not row[0]:
            found.add(event.source)
    return found
