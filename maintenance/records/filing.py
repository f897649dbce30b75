"""报送: filing records, one or many. Every function runs in its caller's transaction and scope.

What a batch needs is looked up once for all of it, and what it writes goes out in a few statements: a firm's system
sends a thousand records at the end of a day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from equipment.access.model import Asker, ScopeKind
from equipment.foundation import stream
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.transparency import log
from equipment.transparency.keys import PublicKey
from maintenance import leads
from maintenance.checklists.catalogue import Checklist, ItemList
from maintenance.errors import IdempotencyError, MaintenanceInputError, RecordError
from maintenance.leads import LeadSource
from maintenance.records import seals
from maintenance.records.model import ItemResult, Record, canonical, content_of, problems
from maintenance.records.seals import Seal
from maintenance.records.service import told
from maintenance.sealed import RECORD
from maintenance.templates import service as templates

QUERIES = load_queries(leads.__file__)
FAILED_ITEM_DEADLINE = timedelta(days=7)
SHORT_VISIT = timedelta(minutes=15)
MANUFACTURERS_TEMPLATE = "制造单位要求"
TOLD = ("ledger", "desk")


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


@dataclass(frozen=True, slots=True)
class _Unit:
    """What filing needs to know of a unit."""

    no: int
    id: str
    variety_code: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What was looked up for a batch."""

    records: dict[str, tuple[UUID, bytes, datetime]]
    """By idempotency key."""
    units: dict[str, _Unit]
    """The firm's units by id."""
    certificates: dict[str, tuple[str, date | None]]
    """Holder's name and last valid day by number."""
    keys: dict[str, PublicKey]
    lists: dict[str, tuple[ItemList, ...]]
    """What is maintained on each unit: the list that holds, then one that held until a few days ago."""
    overlapping: dict[str, UUID]
    """By idempotency key: another record of the same unit over the same time, as from a second phone."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """A record that may be stored."""

    id: UUID
    filing: Filing
    digest: bytes
    seal: bytes | None
    unit: _Unit
    due: Checklist | None
    warnings: tuple[str, ...]

    @property
    def template(self) -> str:
        """What the record says that it was done after."""
        return MANUFACTURERS_TEMPLATE if self.due is None else self.due.template


Outcome = Receipt | MaintenanceInputError
"""A record of a batch was taken, or why not."""


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
    (outcome,) = submit_many(conn, [filing], asker, now)
    if isinstance(outcome, MaintenanceInputError):
        raise outcome
    return outcome


def submit_many(conn: Connection, filings: Sequence[Filing], asker: Asker, now: datetime) -> list[Outcome]:
    """File many records, each by itself: one outcome per filing, in their order.

    Raises
    ------
    RecordError
        Whoever asks is no maintenance firm.
    """
    firm = asker.organisation_id
    if asker.scope_kind is not ScopeKind.FIRM or firm is None:
        raise RecordError([("firm", "只有维保单位可以填报 (only a maintenance firm files records)")])
    known = _look_up(conn, filings, firm, now)
    outcomes: list[Outcome | _Checked] = []
    for filing in filings:
        try:
            outcome: Outcome | _Checked = _check(conn, filing, known, firm, now)
        except MaintenanceInputError as error:
            outcome = error
        if isinstance(outcome, _Checked):
            # a second one of the same key in this batch is a repetition of this one
            known.records[filing.idempotency_key] = (outcome.id, outcome.digest, now)
        outcomes.append(outcome)
    fresh = [outcome for outcome in outcomes if isinstance(outcome, _Checked)]
    if fresh:
        _store(conn, fresh, firm, asker, now)
    return [_receipt(conn, o, now) if isinstance(o, _Checked) else o for o in outcomes]


def _look_up(conn: Connection, filings: Sequence[Filing], firm: int, now: datetime) -> _Known:
    keys = [f.idempotency_key for f in filings]
    numbers = [w.certificate_no for f in filings for w in f.record.workers if w.certificate_no]
    # one filer of a firm at a time: the same key sent twice at once is filed once
    conn.execute(QUERIES.lock_firm, (firm,))
    wanted = list({f.record.unit_id for f in filings})
    units = {row[1]: _Unit(*row) for row in conn.execute(QUERIES.units_of_firm, (firm, wanted))}
    return _Known(
        records={
            row[0]: (row[1], bytes(row[2]), row[3]) for row in conn.execute(QUERIES.records_of_keys, (firm, keys))
        },
        units=units,
        certificates={row[0]: (row[1], row[2]) for row in conn.execute(QUERIES.certificates, (firm, numbers))},
        keys={key.id: key for key in log.keys_of(conn, firm)} if any(f.seal for f in filings) else {},
        lists=templates.lists_of(conn, {unit.id: unit.variety_code for unit in units.values()}, now),
        overlapping=_overlapping(conn, filings),
    )


def _overlapping(conn: Connection, filings: Sequence[Filing]) -> dict[str, UUID]:
    timed = [f for f in filings if f.record.sign_in.at.tzinfo is not None and f.record.sign_out.at.tzinfo is not None]
    wanted = {
        "keys": [f.idempotency_key for f in timed], "units": [f.record.unit_id for f in timed],
        "starts": [f.record.sign_in.at for f in timed], "ends": [f.record.sign_out.at for f in timed],
        "corrects": [f.record.corrects for f in timed],
    }  # fmt: skip
    return {row[0]: row[1] for row in conn.execute(QUERIES.overlapping, wanted)}


def _check(conn: Connection, filing: Filing, known: _Known, firm: int, now: datetime) -> Receipt | _Checked:
    record, digest = filing.record, filing.digest()
    before = known.records.get(filing.idempotency_key)
    if before is not None:
        if before[1] != digest:
            raise IdempotencyError(
                f"幂等键 {filing.idempotency_key} 已用于另一份记录 {before[0]} (key used for another record: correct with a new key)"
            )
        opened = [int(row[0]) for row in conn.execute(QUERIES.leads_of_record, (f"{before[0]}:%",))]
        return Receipt(before[0], digest.hex(), before[2], tuple(opened), (), repeated=True)
    seal = None
    if filing.seal is not None:
        seal = seals.check(known.keys, filing.seal, filing.idempotency_key, digest, now)
    unit = known.units.get(record.unit_id)
    if unit is None:
        raise RecordError([("unit_id", f"没有设备 {record.unit_id}，或不由贵单位维保 (not one of yours)")])
    due = _due(record, known.lists[unit.id], now)
    if record.corrects is not None:
        _mark_corrected(conn, record.corrects, firm)
    return _Checked(uuid4(), filing, digest, seal, unit, due, tuple(_doubts(filing, known)))


def _due(record: Record, lists: Sequence[ItemList], now: datetime) -> Checklist | None:
    """The checklist that a record answers; None where nobody said what is maintained.

    Raises
    ------
    RecordError
        It answers none; what is said is against the one that holds.
    """
    candidates: list[Checklist | None] = [one.checklist(record.level) for one in lists]
    candidates = candidates or [None]
    wrong = [problems(record, due, now) for due in candidates]
    for due, found in zip(candidates, wrong, strict=True):
        if not found:
            return due
    raise RecordError(wrong[0])


def _doubts(filing: Filing, known: _Known) -> list[str]:
    """What merely looks wrong: it is kept, said, and left to the inspector."""
    found, record = [], filing.record
    other = known.overlapping.get(filing.idempotency_key)
    if other is not None:
        found.append(
            f"同一时段本台已有记录 {other}，如为同一次维保请更正其中一份 (another record of the same lift and time: correct one of them)"
        )
    day = record.sign_in.at.astimezone(SHANGHAI).date()
    for worker in record.workers:
        entry = known.certificates.get(worker.certificate_no or "")
        if entry is None:
            found.append(f"{worker.name}: 证书未登记 (certificate not registered)")
        elif entry[1] is not None and entry[1] < day:
            found.append(f"{worker.name}: 证书已于 {entry[1]} 到期 (certificate expired)")
        elif entry[0] != worker.name:
            found.append(f"{worker.name}: 证书属于 {entry[0]} (certificate of somebody else)")
    if record.sign_out.at - record.sign_in.at < SHORT_VISIT:
        found.append("维保时长不足 15 分钟 (shorter than a quarter of an hour)")
    return found


def _store(conn: Connection, checked: Sequence[_Checked], firm: int, asker: Asker, now: datetime) -> None:
    """Records, their items, their seals in the log, and the news of them."""
    with conn.cursor() as cursor:
        cursor.executemany(QUERIES.insert_record, [_row(c, firm, now) for c in checked])
    items = [(c.id, i) for c in checked for i in c.filing.record.items]
    conn.execute(
        QUERIES.add_items,
        (
            [record_id for record_id, _ in items], [i.id for _, i in items], [i.result for _, i in items],
            [i.value for _, i in items], [i.note for _, i in items],
        ),
    )  # fmt: skip
    log.seal_many(conn, RECORD, [(str(c.id), c.digest) for c in checked], now)
    news = [(c.unit.no, told(c.id, c.unit.id, "submitted", asker, now)) for c in checked]
    for name in TOLD:
        stream.publish_many(conn, name, "record", news, now)


def _row(c: _Checked, firm: int, now: datetime) -> dict[str, object]:
    record = c.filing.record
    return {
        "id": c.id, "unit_no": c.unit.no, "firm": firm, "key": c.filing.idempotency_key, "level": record.level,
        "template": c.template,
        "workers": Jsonb([{"name": w.name, "certificate_no": w.certificate_no} for w in record.workers]),
        "started_at": record.sign_in.at, "ended_at": record.sign_out.at, "submitted_at": record.submitted_at,
        "received_at": now, "corrects": record.corrects, "content": Jsonb(content_of(record)), "digest": c.digest,
        "failed": sum(item.result == "fail" for item in record.items),
        "seal_key": None if c.filing.seal is None else c.filing.seal.key_id, "seal": c.seal,
    }  # fmt: skip


def _receipt(conn: Connection, c: _Checked, now: datetime) -> Receipt:
    opened = [_lead(conn, c, item, now) for item in c.filing.record.items if item.result == "fail"]
    return Receipt(c.id, c.digest.hex(), now, tuple(opened), c.warnings)


def _mark_corrected(conn: Connection, corrected: UUID, firm: int) -> None:
    row = conn.execute(QUERIES.lock_record, (corrected,)).fetchone()
    if row is None or row[2] != firm:
        raise RecordError([("corrects", f"没有可更正的记录 {corrected} (no record of yours)")])
    if row[1] == "corrected":
        raise RecordError([("corrects", "该记录已被更正，请更正最新一份 (corrected already: correct the newest)")])
    conn.execute(QUERIES.set_record_state, ("corrected", None, None, None, corrected))


def _lead(conn: Connection, c: _Checked, item: ItemResult, now: datetime) -> int:
    record, known = c.filing.record, None if c.due is None else c.due.item(item.id)
    name = known.name_zh if known else item.id
    clause = known.clause if known else ""
    evidence = {
        "record": str(c.id), "item": item.id, "name": name, "requirement": known.requirement_zh if known else "",
        "note": item.note, "value": item.value, "level": record.level, "at": record.sign_out.at.isoformat(),
        "workers": [w.name for w in record.workers],
    }  # fmt: skip
    source = LeadSource(
        unit_no=c.unit.no,
        kind="record_item",
        id=f"{c.id}:{item.id}",
        cause=f"item:{item.id}",
        summary=f"维保不合格：{name}",
        evidence=evidence,
        grade="serious" if clause else "general",
        clause=clause or None,
        urgent=bool(clause),
        deadline=now + (leads.URGENT_DEADLINE if clause else FAILED_ITEM_DEADLINE),
    )
    return leads.open_or_join(conn, source, now)
