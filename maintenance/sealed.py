"""What the tamper-evident log commits to of this package: records, and every entry of leads and hazards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from equipment.foundation.database import Connection, load_queries
from equipment.transparency import log
from equipment.transparency.entry import digest_of
from maintenance.canonical import canonical

QUERIES = load_queries(__file__, "sealed.sql")
RECORD, HAZARD, LEAD, SIGNATURE, FINDING, DUTY = "record", "hazard", "lead", "signature", "finding", "duty"
DAY_SEAL = "day_seal"


def write_hazard_event(conn: Connection, values: Mapping[str, Any], now: datetime) -> None:
    """One entry of a hazard's file, committed to in the same transaction.

    ``values``: hazard_id, unit_no, event, from_state, to_state, at, account_id, reason, evidence.
    """
    _write(conn, HAZARD, QUERIES.insert_hazard_event, values, now)


def write_lead_event(conn: Connection, values: Mapping[str, Any], now: datetime) -> None:
    """One entry of a lead's story. ``values``: lead_id, unit_no, event, at, account_id, reason, detail."""
    _write(conn, LEAD, QUERIES.insert_lead_event, values, now)


def write_finding_event(conn: Connection, values: Mapping[str, Any], now: datetime) -> None:
    """One entry of a finding's story.

    ``values``: finding_id, record_id, unit_no, firm_org_id, event, at, account_id, who, said, detail.
    """
    _write(conn, FINDING, QUERIES.insert_finding_event, values, now)


def _write(conn: Connection, kind: str, insert: Any, values: Mapping[str, Any], now: datetime) -> None:
    row = conn.execute(
        insert, {n: Jsonb(dict(v)) if isinstance(v, Mapping) else v for n, v in values.items()}
    ).fetchone()
    log.seal(conn, kind, str(row[0]) if row else "", digest_of(values), now)


def record_digests(conn: Connection, subjects: list[str]) -> dict[str, bytes]:
    """Digests of records as they lie there now."""
    rows = conn.execute(QUERIES.records, (subjects,)).fetchall()
    return {row[0]: hashlib.sha256(canonical(row[1])).digest() for row in rows}


def hazard_digests(conn: Connection, subjects: list[str]) -> dict[str, bytes]:
    """Digests of entries of hazards as they lie there now."""
    return _digests(conn, QUERIES.hazard_events, subjects)


def lead_digests(conn: Connection, subjects: list[str]) -> dict[str, bytes]:
    """Digests of entries of leads as they lie there now."""
    return _digests(conn, QUERIES.lead_events, subjects)


def signature_digests(conn: Connection, subjects: list[str]) -> dict[str, bytes]:
    """Digests of signatures as they lie there now."""
    return _digests(conn, QUERIES.signature_entries, subjects)


def finding_digests(conn: Connection, subjects: list[str]) -> dict[str, bytes]:
    """Digests of entries of findings as they lie there now."""
    return _digests(conn, QUERIES.finding_events, subjects)


def duty_digests(conn: Connection, subjects: list[str]) -> dict[str, bytes]:
    """Digests of daily lists, weekly reports and minutes as they lie there now."""
    rows = conn.execute(QUERIES.duties, ([int(s) for s in subjects],)).fetchall()
    return {row[0]: digest_of(row[1]) for row in rows}


def _digests(conn: Connection, query: Any, subjects: list[str]) -> dict[str, bytes]:
    cursor = conn.execute(query, ([int(s) for s in subjects],))
    names = [column.name for column in cursor.description or ()][1:]
    return {str(row[0]): digest_of(dict(zip(names, row[1:], strict=True))) for row in cursor}
