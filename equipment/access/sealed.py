"""Audit entries (审计) as the tamper-evident log commits to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from equipment.foundation.database import Connection, load_queries
from equipment.transparency.entry import digest_of

QUERIES = load_queries(__file__)
KIND = "audit"
FIELDS = ("at", "account_id", "action", "subject", "reason", "before", "after", "origin")


def content_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is hashed of an entry."""
    return {name: values[name] for name in FIELDS}


def digests(conn: Connection, subjects: list[str]) -> dict[str, bytes]:
    """Digests of the entries as they lie there now, by the name in the log."""
    rows = conn.execute(QUERIES.audit_entries, (subjects,)).fetchall()
    return {row[0]: digest_of(content_of(dict(zip(FIELDS, row[1:], strict=True)))) for row in rows}
