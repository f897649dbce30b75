"""Confirming and disputing records. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from equipment.access.model import Asker
from equipment.foundation import stream
from equipment.foundation.database import Connection, load_queries
from maintenance import leads
from maintenance.checklists.catalogue import Item
from maintenance.errors import StepError, UnknownRecordError
from maintenance.records.signatures import Shown, sign
from maintenance.templates import service as templates

QUERIES = load_queries(leads.__file__)


def require(conn: Connection, record_id: UUID) -> None:
    """Pass when the record exists and the caller may see it.

    Raises
    ------
    UnknownRecordError
    """
    if conn.execute(QUERIES.record_exists, (record_id,)).fetchone() is None:
        raise UnknownRecordError(f"没有维保记录 {record_id} (no such record)")


def confirm(conn: Connection, record_id: UUID, asker: Asker, shown: Shown, now: datetime) -> None:
    """确认 by the use-unit's officer: he signs what he was shown.

    Raises
    ------
    UnknownRecordError
    StepError
        It is confirmed, disputed or corrected already, or he was shown something else.
    """
    _decide(conn, record_id, asker, "confirmed", None, now)
    sign(conn, record_id, asker, shown, now)


def dispute(conn: Connection, record_id: UUID, asker: Asker, reason: str, now: datetime) -> None:
    """异议 by the use-unit's officer; the firm corrects with a new, linked record.

    Raises
    ------
    UnknownRecordError, StepError
    """
    if not reason.strip():
        raise StepError("请写明异议内容 (say what is not right)")
    _decide(conn, record_id, asker, "disputed", reason, now)


def _decide(conn: Connection, record_id: UUID, asker: Asker, state: str, reason: str | None, now: datetime) -> None:
    row = conn.execute(QUERIES.lock_record, (record_id,)).fetchone()
    if row is None:
        raise UnknownRecordError(f"没有维保记录 {record_id} (no such record)")
    if row[1] != "submitted":
        raise StepError(f"记录状态为 {row[1]}，不能再次确认或异议 (decided already)")
    conn.execute(QUERIES.set_record_state, (state, now, asker.account_id, reason, record_id))
    for name in ("ledger", "desk"):
        stream.publish(conn, name, "record", told(record_id, row[3], state, asker, now), unit_no=row[0], now=now)


def told(record_id: UUID, unit_id: str, event: str, asker: Asker, now: datetime) -> dict[str, Any]:
    """What the ledger and the desk hear of a record."""
    return {
        "record_id": str(record_id), "unit_id": unit_id, "event": event, "by": asker.display_name, "at": now.isoformat(),
    }  # fmt: skip


def expected_items(conn: Connection, unit_id: str, variety_code: str, level: str, now: datetime) -> Sequence[Item]:
    """The items of a visit: of the standard, and what the manufacturer demands beyond them."""
    lists = templates.lists_of(conn, {unit_id: variety_code}, now)[unit_id]
    return lists[0].checklist(level).items if lists else ()
