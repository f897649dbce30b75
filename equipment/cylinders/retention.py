"""保存期: traces are kept as long as the setting says, and their personal data no longer. For the jobs."""

from __future__ import annotations

from datetime import datetime, timedelta

from equipment.cylinders.settings import CylinderSettings
from equipment.cylinders.stations import QUERIES
from equipment.foundation.database import Connection

AHEAD = timedelta(days=30)


def keep_traces(conn: Connection, now: datetime, settings: CylinderSettings | None = None) -> int:
    """Make room for the fills to come, and let go what is older than it is kept; returns how much went.

    Fills and movements go by whole chunks of 30 days; refusals stay. Runs under the system role in the caller's
    transaction.
    """
    limits = settings or CylinderSettings()
    for moment in (now, now + AHEAD):
        conn.execute(QUERIES.partitions_ahead, {"at": moment})
    cutoff = now - timedelta(days=limits.trace_retention_days)
    row = conn.execute(QUERIES.drop_traces, (cutoff,)).fetchone()
    gone = int(row[0]) if row else 0
    gone += conn.execute(QUERIES.erase_deliveries, (cutoff,)).rowcount
    gone += conn.execute(QUERIES.forget_batches, (now - timedelta(days=limits.batch_answer_days),)).rowcount
    return gone
