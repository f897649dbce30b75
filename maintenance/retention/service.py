"""What is kept for how long, and erasing one thing by law. Runs under the system role in the caller's transaction.

A record is kept for good unless somebody orders its erasure: 4 years are the least that the law asks (TSG T5002 art. 5).
What was erased leaves its place in the log, whose check then says 已依法删除.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from equipment.foundation.database import Connection, load_queries
from equipment.transparency import log
from equipment.transparency.entry import digest_of
from maintenance.errors import RetentionError, UnknownAttachmentError, UnknownRecordError
from maintenance.sealed import RECORD, SIGNATURE

QUERIES = load_queries(__file__)
FOUR_YEARS_DAYS = 1_461


class RetentionSettings(BaseSettings):
    """How long each class of personal data is kept."""

    model_config = SettingsConfigDict(env_prefix="TESHE_KEEP_", frozen=True, extra="ignore")

    photos_days: float = Field(
        default=1_500, ge=FOUR_YEARS_DAYS, description="Photos and drawn signatures of records [days]; 4 years at least"
    )
    positions_days: float = Field(default=400, ge=30, description="Positions kept for comparing visits [days]")
    prints_days: float = Field(default=400, ge=30, description="Prints of photos kept for comparing [days]")
    parts_days: float = Field(default=30, ge=1, description="Photos that never arrived whole [days]")
    reports_days: float = Field(default=400, ge=30, description="Words and telephones of scan reports [days]")


@dataclass(frozen=True, slots=True)
class Class:
    """One class of personal data: until when it is let go, and how much that is."""

    name: str
    zh: str
    keep_days: float
    over: int


def classes(conn: Connection, now: datetime, settings: RetentionSettings | None = None) -> list[Class]:
    """Every class with how much of it is over its time."""
    limits = settings or RetentionSettings()
    found = []
    for name, zh, days, query in _classes(limits):
        row = conn.execute(query, (now - timedelta(days=days),)).fetchone()
        found.append(Class(name, zh, days, int(row[0]) if row else 0))
    return found


def _classes(limits: RetentionSettings) -> list[tuple[str, str, float, Any]]:
    return [
        ("photos", "照片与手写签名图", limits.photos_days, QUERIES.count_photos),
        ("positions", "用于比对的定位", limits.positions_days, QUERIES.count_facts),
        ("prints", "用于比对的照片特征", limits.prints_days, QUERIES.count_prints),
        ("parts", "未传完的照片", limits.parts_days, QUERIES.count_parts),
        ("reports", "扫码报告的内容与电话", limits.reports_days, QUERIES.count_reports),
    ]


def apply(conn: Connection, now: datetime, settings: RetentionSettings | None = None) -> Mapping[str, int]:
    """Let go what is over its time, and note it; returns how much by class."""
    limits = settings or RetentionSettings()
    done = {
        "prints": conn.execute(QUERIES.drop_prints, (now - timedelta(days=limits.prints_days),)).rowcount,
        "positions": conn.execute(QUERIES.drop_facts, (now - timedelta(days=limits.positions_days),)).rowcount,
        "parts": conn.execute(QUERIES.drop_parts, (now - timedelta(days=limits.parts_days),)).rowcount,
        "reports": conn.execute(QUERIES.drop_reports, (now - timedelta(days=limits.reports_days),)).rowcount,
        "photos": 0,
    }
    reason = f"保存期满 {limits.photos_days:g} 天"
    for unit_no, sha256 in conn.execute(QUERIES.old_photos, (now - timedelta(days=limits.photos_days),)).fetchall():
        done["photos"] += _drop_photo(conn, bytes(sha256), unit_no, reason, now)
    for name, count in done.items():
        if count and name != "photos":
            conn.execute(QUERIES.note, ("retention", name, None, now, "保存期满", count))
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
