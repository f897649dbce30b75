"""Where to look up what the tamper-evident log commits to: one place for the command, the tests and the measurements."""

from __future__ import annotations

from equipment.access import sealed as audit
from equipment.transparency.inspection import Lookup
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
