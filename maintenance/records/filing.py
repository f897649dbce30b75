"""报送: filing records. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from equipment.access.model import Asker, ScopeKind
from equipment.errors import UnknownUnitError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.registry.model import Unit
from equipment.registry.store import require_unit
from maintenance import leads
from maintenance.checklists.catalogue import Item, annex_of, checklist, load_items
from maintenance.errors import IdempotencyError, RecordError
from maintenance.leads import LeadSource
from maintenance.records import seals
from maintenance.records.model import ItemResult, Record, canonical, content_of, problems
from maintenance.records.seals import Seal
from maintenance.records.service import tell
from maintenance.sealed import seal_record

QUERIES = load_queries(leads.__file__)
FAILED_ITEM_DEADLINE = timedelta(days=7)
SHORT_VISIT = timedelta(minutes=15)
MANUFACTURERS_TEMPLATE = "制造单位要求"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the firm gets back: the record's id and digest, the leads it opened or joined, doubts that did not stop it."""

    record_id: UUID
    digest: str
    received_at: datetime
    leads: tuple[int, ...]
    warnings: tuple[str, ...]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Filing:
    """A record as it arrives: under the firm's own key, sealed by the firm's system or not."""

    record: Record
    idempotency_key: str
    seal: Seal | None = None

    def digest(self) -> bytes:
        """SHA-256 of the record's canonical form (RFC 8785)."""
        return hashlib.sha256(canonical(self.record)).digest()


def submit(conn: Connection, filing: Filing, asker: Asker, now: datetime) -> Receipt:
    """File a record. The same key with the same content gives the first receipt again.

    A failed item opens or joins a lead in the same transaction.

    Raises
    ------
    RecordError
        With everything that cannot be right.
    IdempotencyError
        The key was used for another record.
    SealError
        The firm's seal does not hold.
    """
    record, digest, firm = filing.record, filing.digest(), asker.organisation_id
    if asker.scope_kind is not ScopeKind.FIRM or firm is None:
        raise RecordError([("firm", "只有维保单位可以填报 (only a maintenance firm files records)")])
    known = _known(conn, filing, firm, digest)
    if known is not None:
        return known
    seal = None if filing.seal is None else seals.check(conn, filing.seal, firm, filing.idempotency_key, digest, now)
    unit = _unit(conn, record, firm)
    annex = annex_of(unit.variety_code)
    due = checklist(annex, record.level) if annex is not None else None
    wrong = problems(record, due, now)
    if wrong:
        raise RecordError(wrong)
    warnings = _doubts(conn, record, firm)
    record_id = uuid4()
    if record.corrects is not None:
        _mark_corrected(conn, record.corrects, firm)
    conn.execute(
        QUERIES.insert_record,
        {
            "id": record_id, "unit_no": unit.no, "firm": firm, "key": filing.idempotency_key, "level": record.level,
            "template": due.template if due is not None else MANUFACTURERS_TEMPLATE,
            "workers": Jsonb([{"name": w.name, "certificate_no": w.certificate_no} for w in record.workers]),
            "started_at": record.sign_in.at, "ended_at": record.sign_out.at, "submitted_at": record.submitted_at,
            "received_at": now, "corrects": record.corrects, "content": Jsonb(content_of(record)), "digest": digest,
            "failed": sum(item.result == "fail" for item in record.items),
            "seal_key": None if filing.seal is None else filing.seal.key_id, "seal": seal,
            "item_id": [i.id for i in record.items], "result": [i.result for i in record.items],
            "value": [i.value for i in record.items], "note": [i.note for i in record.items],
        },
    )  # fmt: skip
    seal_record(conn, str(record_id), digest, now)
    opened = [_lead(conn, record, record_id, unit, item, now) for item in record.items if item.result == "fail"]
    tell(conn, record_id, unit.no, unit.id, "submitted", asker, now)
    return Receipt(record_id, digest.hex(), now, tuple(opened), tuple(warnings))


def _known(conn: Connection, filing: Filing, firm: int, digest: bytes) -> Receipt | None:
    """The first receipt of a record that was filed before under the same key."""
    known = conn.execute(QUERIES.record_of_key, (firm, filing.idempotency_key)).fetchone()
    if known is None:
        return None
    if bytes(known[1]) != digest:
        raise IdempotencyError(
            f"幂等键 {filing.idempotency_key} 已用于另一份记录 {known[0]} (key used for another record: correct with a new key)"
        )
    opened = [int(row[0]) for row in conn.execute(QUERIES.leads_of_record, (f"{known[0]}:%",))]
    return Receipt(known[0], digest.hex(), known[2], tuple(opened), (), repeated=True)


def _unit(conn: Connection, record: Record, firm: int) -> Unit:
    try:
        unit = require_unit(conn, record.unit_id)
    except UnknownUnitError:
        raise RecordError([("unit_id", f"没有设备 {record.unit_id}，或不由贵单位维保 (not one of yours)")]) from None
    if unit.firm_org_id != firm:
        raise RecordError([("unit_id", f"{record.unit_id} 不由贵单位维保 (not one of yours)")])
    return unit


def _doubts(conn: Connection, record: Record, firm: int) -> list[str]:
    """What merely looks wrong: it is kept, said, and left to the inspector."""
    found = []
    numbers = [w.certificate_no for w in record.workers if w.certificate_no]
    known = {row[0]: row for row in conn.execute(QUERIES.certificates, (firm, numbers))}
    day = record.sign_in.at.astimezone(SHANGHAI).date()
    for worker in record.workers:
        entry = known.get(worker.certificate_no)
        if worker.certificate_no is None or entry is None:
            found.append(f"{worker.name}: 证书未登记 (certificate not registered)")
        elif entry[2] is not None and entry[2] < day:
            found.append(f"{worker.name}: 证书已于 {entry[2]} 到期 (certificate expired)")
        elif entry[1] != worker.name:
            found.append(f"{worker.name}: 证书属于 {entry[1]} (certificate of somebody else)")
    if record.sign_out.at - record.sign_in.at < SHORT_VISIT:
        found.append("维保时长不足 15 分钟 (shorter than a quarter of an hour)")
    return found


def _mark_corrected(conn: Connection, corrected: UUID, firm: int) -> None:
    row = conn.execute(QUERIES.lock_record, (corrected,)).fetchone()
    if row is None or row[2] != firm:
        raise RecordError([("corrects", f"没有可更正的记录 {corrected} (no record of yours)")])
    if row[1] == "corrected":
        raise RecordError([("corrects", "该记录已被更正，请更正最新一份 (corrected already: correct the newest)")])
    conn.execute(QUERIES.set_record_state, ("corrected", None, None, None, corrected))


def _lead(conn: Connection, record: Record, record_id: UUID, unit: Unit, item: ItemResult, now: datetime) -> int:
    known = _item(item.id)
    name = known.name_zh if known else item.id
    clause = known.clause if known else ""
    evidence = {
        "record": str(record_id), "item": item.id, "name": name, "requirement": known.requirement_zh if known else "",
        "note": item.note, "value": item.value, "level": record.level, "at": record.sign_out.at.isoformat(),
        "workers": [w.name for w in record.workers],
    }  # fmt: skip
    source = LeadSource(
        unit_no=unit.no,
        kind="record_item",
        id=f"{record_id}:{item.id}",
        cause=f"item:{item.id}",
        summary=f"维保不合格：{name}",
        evidence=evidence,
        grade="serious" if clause else "general",
        clause=clause or None,
        urgent=bool(clause),
        deadline=now + (leads.URGENT_DEADLINE if clause else FAILED_ITEM_DEADLINE),
    )
    return leads.open_or_join(conn, source, now)


def _item(item_id: str) -> Item | None:
    return next((item for item in load_items() if item.id == item_id), None)
