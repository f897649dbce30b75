"""What is kept for how long, and erasing one thing by law. Runs under the system role in the caller's transaction.

How long each class is kept stands in equipment/access/personal_data.yaml, and is approved there.
What was erased leaves its place in the log, whose check then says 已依法删除.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from equipment.foundation.database import Connection, load_queries
from equipment.transparency import log
from equipment.transparency.entry import digest_of
from maintenance.errors import RetentionError, UnknownAttachmentError, UnknownRecordError
from maintenance.sealed import RECORD, SIGNATURE

QUERIES = load_queries(__file__)
COUNTED: Mapping[str, LiteralString] = {
    "photos": QUERIES.count_photos, "positions": QUERIES.count_facts, "photo_prints": QUERIES.count_prints,
    "photo_parts": QUERIES.count_parts, "records": QUERIES.count_records,
}  # fmt: skip
DROPPED: Mapping[str, LiteralString] = {
    "positions": QUERIES.drop_facts, "photo_prints": QUERIES.drop_prints, "photo_parts": QUERIES.drop_parts,
}  # fmt: skip
"""Classes of equipment/access/personal_data.yaml that lie in this room; those not here enter the log."""
AT_ONCE = 500
"""Records and photos of one turn: each is an entry in the log."""


def count(conn: Connection, name: str, before: datetime) -> int:
    """How much of a class of personal data is older than a moment."""
    row = conn.execute(COUNTED[name], (before,)).fetchone()
    return int(row[0]) if row else 0


def let_go(conn: Connection, name: str, before: datetime, reason: str, now: datetime) -> int:
    """Let go of a class what is older than a moment, and note it; returns how much.

    At most :data:`AT_ONCE` records or photos at once, and none of a unit with an open hazard, whose file they may
    belong to.
    """
    if name == "photos":
        old = conn.execute(QUERIES.old_photos, (before, AT_ONCE)).fetchall()
        return sum(_drop_photo(conn, bytes(sha256), unit_no, reason, now) for unit_no, sha256 in old)
    if name == "records":
        records = [row[0] for row in conn.execute(QUERIES.old_records, (before, AT_ONCE))]
        for record in records:
            erase_record(conn, record, reason, now)
        return len(records)
    done = conn.execute(DROPPED[name], (before,)).rowcount
    if done:
        conn.execute(QUERIES.note, ("retention", name, None, now, reason, done))
    return done


def erase_photo(conn: Connection, sha256: bytes, reason: str, now: datetime) -> int:
    """依法删除 a photo wherever it lies; its digest stays in the records that name it. Returns how many copies went.

    Raises
    ------
    UnknownAttachmentError, RetentionError
    """
    _require(reason)
    gone = _drop_photo(conn, sha256, None, reason, now)
    if not gone:
        raise UnknownAttachmentError(f"没有照片 {sha256.hex()} (no such photo)")
    return gone


def _drop_photo(conn: Connection, sha256: bytes, unit_no: int | None, reason: str, now: datetime) -> int:
    units = [row[0] for row in conn.execute(QUERIES.drop_photo, (sha256, unit_no, unit_no))]
    conn.execute(QUERIES.drop_print, (sha256,))
    for unit in units:
        conn.execute(QUERIES.note, ("photo", sha256.hex(), unit, now, reason, 1))
        told = {"photo": sha256.hex(), "reason": reason, "unit_no": unit}
        log.seal(conn, "erasure", f"photo:{sha256.hex()}:{unit}:{now.isoformat()}", digest_of(told), now)
    return len(units)


def erase_record(conn: Connection, record: UUID, reason: str, now: datetime) -> int:
    """依法删除 the content of a record: names, notes, positions, signatures, photos. What remains: that there was a visit.

    Returns how many photos went with it.

    Raises
    ------
    UnknownRecordError
    RetentionError
        No reason, or it was erased already.
    """
    _require(reason)
    row = conn.execute(QUERIES.record, (record,)).fetchone()
    if row is None:
        raise UnknownRecordError(f"没有维保记录 {record} (no such record)")
    unit_no, content = row
    if not log.erase(conn, RECORD, str(record), reason, now):
        raise RetentionError(f"记录 {record} 已依法删除 (it was erased already)")
    for (signature,) in conn.execute(QUERIES.signatures, (record,)).fetchall():
        log.erase(conn, SIGNATURE, signature, reason, now)
    for query in (QUERIES.erase_items, QUERIES.erase_signatures, QUERIES.erase_content, QUERIES.drop_fact):
        conn.execute(query, (record,))
    photos = {p for place in content.get("places", []) for p in place["photos"]}
    photos |= {p for item in content["items"] for p in item.get("photos", [])}
    photos |= {content["drawn"]} if content.get("drawn") else set()
    gone = sum(_drop_photo(conn, bytes.fromhex(p), unit_no, reason, now) for p in sorted(photos))
    conn.execute(QUERIES.note, ("record", str(record), unit_no, now, reason, 1))
    return gone


def _require(reason: str) -> None:
    if not reason.strip():
        raise RetentionError("请写明依据，例如法条或当事人请求 (say by which law or request)")
