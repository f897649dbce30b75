"""Collecting what is extracted, and keeping the extraction. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from equipment.access.model import Asker
from equipment.access.store import audit
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.registry.store import require_unit
from equipment.transparency.entry import plain
from maintenance import bundle
from maintenance.errors import LedgerInputError, UnknownHazardError, UnknownRecordError
from maintenance.extracts.model import LARGEST, Digest, Kept, Material, manifest
from maintenance.hazards import files, service, telemetry
from maintenance.orders import service as orders
from maintenance.sealed import write_hazard_event

QUERIES = load_queries(__file__)
EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/heic": "heic",
    "application/pdf": "pdf",
}
LONGEST_DAYS = 31


def of_hazard(conn: Connection, hazard_id: int, now: datetime) -> Material:
    """A whole case: its row, its sealed entries with their proofs, the telemetry that was kept, files and documents.

    Raises
    ------
    UnknownHazardError
    NotInLogError
        An entry was made a moment ago and is not under a signed checkpoint yet.
    """
    row = conn.execute(QUERIES.hazard_row, (hazard_id,)).fetchone()
    if row is None:
        raise UnknownHazardError(f"没有隐患 {hazard_id} (no such hazard)")
    hazard = service.find(conn, hazard_id)
    found = {
        "case.json": _json(row[0]),
        "entries.bundle.json": bundle.encode(bundle.make_case(conn, hazard_id, now)),
        "documents.json": _json(
            [{"number": d.number, "content": d.content, "issued_at": d.issued_at} for d in orders.documents_of(conn, hazard_id)]
        ),
    }  # fmt: skip
    window = telemetry.window_of(conn, hazard_id)
    if window is not None:
        found["telemetry.json"] = _json(
            {"since": window.since, "until": window.until, "courses": window.courses, "sha256": window.sha256}
        )
    for each in files.files_of(conn, hazard_id):
        _, data = files.content(conn, hazard_id, each.id)
        found[f"files/{each.stage}-{each.id}.{EXTENSIONS[each.media_type]}"] = data
    unit = row[0].get("unit_name") or ""
    facts = (
        ("隐患编号", hazard.number),
        ("设备", f"{unit} {row[0].get('device_code') or ''}".strip()),
        ("内容", hazard.description),
    )
    return Material("hazard", hazard.number, f"隐患 {hazard.number} 案卷", found, facts, hazard_id, hazard.unit_no)


def of_record(conn: Connection, record_id: UUID, now: datetime) -> Material:
    """One maintenance record with its proof.

    Raises
    ------
    UnknownRecordError, NotInLogError
    """
    row = conn.execute(QUERIES.record_unit, (record_id,)).fetchone()
    if row is None:
        raise UnknownRecordError(f"没有记录 {record_id} (no such record)")
    found = {"record.bundle.json": bundle.encode(bundle.make(conn, [str(record_id)], now))}
    return Material(
        "record", str(record_id), f"维保记录 {record_id}", found, (("记录编号", str(record_id)),), None, row[0]
    )


def of_telemetry(conn: Connection, unit_id: str, since: datetime, until: datetime) -> Material:
    """Readings of a unit in ``[since, until)``.

    Raises
    ------
    LedgerInputError
        The span is empty or too long, or nothing was heard in it: an empty file proves nothing.
    """
    unit = require_unit(conn, unit_id)
    if not 0 < (until - since).total_seconds() <= LONGEST_DAYS * 86_400:
        raise LedgerInputError(f"时间段须在 {LONGEST_DAYS} 天以内且不为空 (a span of no more than so many days)")
    courses = telemetry.courses_of(conn, unit.no, (since, until))
    if not courses:
        raise LedgerInputError("该时间段没有收到数据，无可提取 (nothing was heard in this span)")
    found = {"telemetry.json": _json({"unit": unit_id, "since": since, "until": until, "courses": courses})}
    span = "{:%Y-%m-%d %H:%M} 至 {:%Y-%m-%d %H:%M}".format(*(t.astimezone(SHANGHAI) for t in (since, until)))
    facts = (("设备", f"{unit.name} {unit.device_code or ''}".strip()), ("时间段", span))
    return Material("telemetry", unit_id, f"{unit.name} 运行数据", found, facts, None, unit.no)


def _json(value: Any) -> bytes:
    return json.dumps(plain(value), ensure_ascii=False, indent=1, sort_keys=True).encode()


def keep(
    conn: Connection, material: Material, about: dict[str, Any], found: tuple[Digest, ...], data: bytes, asker: Asker, now: datetime
) -> int:  # fmt: skip
    """Keep an extraction; a case tells it as an entry of its own. Returns its id.

    Raises
    ------
    LedgerInputError
        Larger than is kept.
    """
    if len(data) > LARGEST:
        raise LedgerInputError(f"提取包超过 {LARGEST // 1024 // 1024} MB，请分批提取 (too large)")
    digest = hashlib.sha256(data).digest()
    values = {
        "kind": material.kind, "subject": material.subject, "hazard_id": material.hazard_id, "unit_no": material.unit_no,
        "about": Jsonb({**about, "title": material.title}), "manifest": Jsonb(manifest(found)), "bundle": data,
        "sha256": digest, "at": now, "by": asker.account_id,
    }  # fmt: skip
    row = conn.execute(QUERIES.keep, values).fetchone()
    made = int(row[0]) if row else 0
    audit(conn, asker, "ledger.extract", f"{material.kind}:{material.subject}", now)
    if material.hazard_id is not None:
        state = service.find(conn, material.hazard_id).state
        event = "transferred" if about.get("transfer_to") else "extracted"
        entry = {
            "hazard_id": material.hazard_id, "unit_no": material.unit_no, "event": event, "from_state": state, "to_state": state,
            "at": now, "account_id": asker.account_id, "reason": about.get("transfer_to") or None,
            "evidence": {"extract": made, "sha256": digest.hex(), "officers": about["officers"]},
        }  # fmt: skip
        write_hazard_event(conn, entry, now)
    return made


def bundle_of(conn: Connection, extract_id: int) -> tuple[str, bytes]:
    """File name and bytes of an extraction.

    Raises
    ------
    UnknownHazardError
    """
    row = conn.execute(QUERIES.bundle_of, (extract_id,)).fetchone()
    if row is None:
        raise UnknownHazardError(f"没有提取记录 {extract_id} (no such extraction)")
    return f"{row[0]}-{row[1]}-{extract_id}.zip", bytes(row[2])


def of_case(conn: Connection, hazard_id: int) -> list[Kept]:
    """Extractions of a case, oldest first."""
    return [Kept(*row) for row in conn.execute(QUERIES.of_hazard, (hazard_id,))]
