"""Where to look up what the tamper-evident log commits to: one place for the command, the tests and the measurements."""

from __future__ import annotations

from contextlib import ExitStack

from equipment.access import sealed as audit
from equipment.foundation.database import DatabaseRole, connect
from equipment.transparency.inspection import Findings, Lookup, inspect, share_snapshot
from maintenance import sealed
from maintenance.day_seals import service as day_seals

HELPERS = 2
"""More connections gain nothing: while one waits for the database the other hashes."""

LOOKUPS: dict[str, Lookup] = {
    audit.KIND: audit.digests,
    sealed.RECORD: sealed.record_digests,
    sealed.HAZARD: sealed.hazard_digests,
    sealed.LEAD: sealed.lead_digests,
    sealed.SIGNATURE: sealed.signature_digests,
    sealed.FINDING: sealed.finding_digests,
    sealed.DUTY: sealed.duty_digests,
    sealed.DAY_SEAL: day_seals.digests_of,
}
"""Where to look up what the log commits to, by kind."""


def inspect_whole(url: str) -> Findings:
    """Check the whole log of a database with all that it commits to, as it stands at one moment.

    Raises
    ------
    LogDamagedError
        Names the first entry or checkpoint that does not hold, and why.
    """
    with ExitStack() as stack:
        conn, *helpers = (
            stack.enter_context(connect(url, DatabaseRole.SYSTEM, application_name="teshe-verify"))
            for _ in range(1 + HELPERS)
        )
        conn.execute("set transaction isolation level repeatable read, read only")
        share_snapshot(conn, helpers)
        return inspect(conn, LOOKUPS, helpers)
