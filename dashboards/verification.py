"""Where to look up what the tamper-evident log commits to: one place for the command, the tests and the measurements."""

from __future__ import annotations

from equipment.access import sealed as audit
from equipment.foundation.database import DatabaseRole, connect
from equipment.transparency.inspection import Findings, Lookup, inspect
from maintenance import sealed
from maintenance.day_seals import service as day_seals

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
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-verify") as conn:
        conn.execute("set transaction isolation level repeatable read, read only")
        return inspect(conn, LOOKUPS)
