"""电子维保记录: filed by firms' own software or app, signed by its people, confirmed or disputed by the use-unit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.context import Context, WebContext, permit
from dashboards.errors import BadRequestError
from dashboards.record_sheets import MOST_RECORDS, Sheet, record_sheets
from equipment.access.model import Asker
from equipment.foundation.database import Connection
from equipment.registry.store import require_unit
from equipment.transparency import checkpoint, log
from maintenance import bundle as bundles
from maintenance.errors import MaintenanceInputError, RecordError
from maintenance.records import acknowledgement, filing, service, signatures
from maintenance.records.acknowledgement import Promise
from maintenance.records.filing import Filing, Receipt
from maintenance.records.model import Record, read_record, schema
from maintenance.records.seals import Seal
from maintenance.templates import service as templates

router = APIRouter(tags=["maintenance"])
MOST_AT_ONCE = 1_000
LOOK_SECONDS = 0.02


class Dispute(BaseModel):
    """What is not right."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1_000)


class Shown(BaseModel):
    """What the signer's screen showed."""

    model_config = ConfigDict(extra="forbid")

    digest: str = Field(pattern="^[0-9a-fA-F]{64}$", description="SHA-256 of the canonical form on the screen")
    device: str = Field("", max_length=200)
    device_time: datetime | None = None


class BatchItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One record of a batch: its key, and the firm's seal over it if it has one."""

    idempotency_key: str
    record: Record
    key_id: str | None = None
    signature: str | None = None


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most 1,000 records; each is filed or refused by itself."""

    records: list[BatchItem]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The receipt, countersigned. ``position`` is the place in the log; null when it follows (see ``bundle_url``)."""

    record_id: UUID
    digest: str
    received_at: datetime
    leads: tuple[int, ...]
    warnings: tuple[str, ...]
    repeated: bool
    sandbox: bool
    position: int | None
    promise: Promise | None
    bundle_url: str | None


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What became of one record of a batch: filed, repeated or refused."""

    idempotency_key: str
    status: str
    receipt: Acknowledged | None
    problems: list[dict[str, str]]


async def _body(request: Request) -> bytes:
    return await request.body()


def _sized(context: WebContext, body: bytes) -> bytes:
    if len(body) > context.settings.max_upload_bytes:
        raise BadRequestError(
            f"The body is larger than {context.settings.max_upload_bytes} bytes: send smaller batches."
        )
    return body


def _seal(key_id: str | None, signature: str | None) -> Seal | None:
    if (key_id is None) != (signature is None):
        raise BadRequestError("Send the id of the key and the signature together, or neither.")
    return None if key_id is None or signature is None else Seal(key_id, signature)


def _acknowledge(
    context: WebContext, asker: Asker, receipts: Sequence[Receipt], *, sandbox: bool
) -> list[Acknowledged]:
    """Countersign; wait a moment for the places in the log."""
    found: dict[str, int] = {}
    if not sandbox:
        names = {str(r.record_id) for r in receipts}
        for _ in range(round(context.settings.record_position_seconds / LOOK_SECONDS) + 1):
            with context.transaction(asker) as conn:
                found = acknowledgement.positions(conn, sorted(names))
            if len(found) == len(names):
                break
            time.sleep(LOOK_SECONDS)
    return [
        Acknowledged(
            r.record_id, r.digest, r.received_at, r.leads, r.warnings, r.repeated, sandbox, found.get(str(r.record_id)),
            None if sandbox else acknowledgement.promise(r, context.signer),
            None if sandbox else f"/api/v1/records/{r.record_id}/bundle",
        )
        for r in receipts
    ]  # fmt: skip


def _undo(conn: Connection, sandbox: bool) -> None:
    if sandbox:
        conn.execute("rollback to savepoint sandbox")


_RECORD = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema()["$defs"]["Record"]}}}}
_BATCH = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": msgspec.json.schema(Batch)["$defs"]["Batch"]}},
    }
}


@router.post("/records", status_code=201, openapi_extra=_RECORD)
def file(
    context: Context,
    body: Annotated[bytes, Depends(_body)],
    asker: Annotated[Asker, Depends(permit("record.file"))],
    idempotency_key: Annotated[str | None, Header(min_length=8, max_length=100)] = None,
    teshe_key: Annotated[str | None, Header(description="Id of the firm's key that sealed the record")] = None,
    teshe_signature: Annotated[str | None, Header(description="The seal, base64")] = None,
    teshe_sandbox: Annotated[bool, Header(description="Check everything, keep nothing")] = False,
) -> Acknowledged:
    """File a record. Send the same Idempotency-Key again after a lost answer: it is filed once."""
    if idempotency_key is None:
        raise BadRequestError("Send an Idempotency-Key header, one per record, the same when you try again.")
    sent = Filing(read_record(_sized(context, body)), idempotency_key, _seal(teshe_key, teshe_signature))
    with context.transaction(asker) as conn:
        conn.execute("savepoint sandbox")
        receipt = filing.submit(conn, sent, asker, context.clock.now())
        _undo(conn, teshe_sandbox)
    return _acknowledge(context, asker, [receipt], sandbox=teshe_sandbox)[0]


@router.post("/records/batch", openapi_extra=_BATCH)
def file_batch(
    context: Context,
    body: Annotated[bytes, Depends(_body)],
    asker: Annotated[Asker, Depends(permit("record.file"))],
    teshe_sandbox: Annotated[bool, Header(description="Check everything, keep nothing")] = False,
) -> list[BatchOutcome]:
    """File up to 1,000 records; a wrong one does not stop the others. The whole batch may be sent again."""
    items = _items(_sized(context, body))
    sent = [Filing(i.record, i.idempotency_key, _seal(i.key_id, i.signature)) for i in items]
    with context.transaction(asker) as conn:
        conn.execute("savepoint sandbox")
        outcomes = filing.submit_many(conn, sent, asker, context.clock.now())
        _undo(conn, teshe_sandbox)
    receipts = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
    given = iter(_acknowledge(context, asker, receipts, sandbox=teshe_sandbox))
    return [
        BatchOutcome(item.idempotency_key, "repeated" if outcome.repeated else "filed", next(given), [])
        if isinstance(outcome, Receipt)
        else BatchOutcome(item.idempotency_key, "refused", None, problems_of(outcome))
        for item, outcome in zip(items, outcomes, strict=True)
    ]


def problems_of(error: MaintenanceInputError) -> list[dict[str, str]]:
    """Why a record was refused, by field."""
    found = error.problems if isinstance(error, RecordError) else [("", str(error))]
    return [{"field": field, "reason": reason} for field, reason in found]


def _items(body: bytes) -> list[BatchItem]:
    try:
        items = msgspec.json.decode(body, type=Batch).records
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequestError(f"The batch cannot be read, nothing was filed: {error}") from None
    if not 1 <= len(items) <= MOST_AT_ONCE:
        raise BadRequestError(f"A batch has 1 to {MOST_AT_ONCE} records, this one has {len(items)}: split it.")
    short = [i.idempotency_key for i in items if not 8 <= len(i.idempotency_key) <= 100]
    if short:
        raise BadRequestError(f"Idempotency keys have 8 to 100 characters, not: {', '.join(short[:5])}.")
    return items


@router.get("/units/{unit_id}/checklist")
def checklist(
    context: Context, unit_id: str, level: str, asker: Annotated[Asker, Depends(permit("record.view"))]
) -> list[dict[str, Any]]:
    """The items due at a visit of ``level`` (half_month, quarter, half_year, year)."""
    with context.transaction(asker) as conn:
        unit = require_unit(conn, unit_id)
        due = service.expected_items(conn, unit.id, unit.variety_code, level, context.clock.now())
    return [asdict(item) for item in due]


@router.post("/records/{record_id}/signatures", status_code=201)
def sign(
    context: Context, record_id: UUID, shown: Shown, asker: Annotated[Asker, Depends(permit("record.sign"))]
) -> signatures.Signature:
    """Sign as a worker, from your own account, what your screen shows."""
    seen = signatures.Shown(shown.digest, shown.device, shown.device_time)
    with context.transaction(asker) as conn:
        return signatures.sign(conn, record_id, asker, seen, context.clock.now())


@router.get("/records/{record_id}/signatures")
def signed(
    context: Context, record_id: UUID, asker: Annotated[Asker, Depends(permit("record.view"))]
) -> list[signatures.Signature]:
    with context.transaction(asker) as conn:
        service.require(conn, record_id)
        return signatures.signatures_of(conn, record_id)


@router.get("/records/{record_id}/bundle")
def bundle(context: Context, record_id: UUID, asker: Annotated[Asker, Depends(permit("record.view"))]) -> Response:
    """The record with everything that proves it; ``teshe verify FILE`` checks it without a server."""
    with context.transaction(asker) as conn:
        service.require(conn, record_id)
        made = bundles.make(conn, [str(record_id)], context.clock.now())
    return _download(made, f"record-{record_id}.json")


@router.get("/units/{unit_id}/bundle")
def unit_bundle(context: Context, unit_id: str, asker: Annotated[Asker, Depends(permit("record.view"))]) -> Response:
    """All records of a unit that you may see, with everything that proves them."""
    with context.transaction(asker) as conn:
        unit = require_unit(conn, unit_id)
        made = bundles.make(conn, bundles.records_of_unit(conn, unit.id), context.clock.now())
    return _download(made, f"records-{unit.id}.json")


@router.get("/units/{unit_id}/records.pdf")
def unit_sheets(context: Context, unit_id: str, asker: Annotated[Asker, Depends(permit("record.view"))]) -> Response:
    """The newest records of a unit on paper, each with the proof of its place in the log as a QR code."""
    with context.transaction(asker) as conn:
        unit = require_unit(conn, unit_id)
        sheets = _sheets(conn, unit.id)
    lift = {
        "设备": unit.name,
        "设备代码": unit.device_code or "",
        "识别码": unit.rescue_code or "",
        "地址": unit.address,
    }
    content = record_sheets(lift, sheets, context.settings.city_name)
    disposition = {"Content-Disposition": f'attachment; filename="records-{unit.id}.pdf"'}
    return Response(content, media_type="application/pdf", headers=disposition)


def _sheets(conn: Connection, unit: str) -> list[Sheet]:
    note = log.newest_note(conn)
    seen = checkpoint.read(note).size if note else 0
    rows = conn.execute(service.QUERIES.sheets, {"unit": unit, "limit": MOST_RECORDS}).fetchall()
    placed = [row[7] for row in rows if row[7] is not None and row[7] < seen]
    proofs = {p.placed.seq: p for p in log.prove_all(conn, placed, note)} if note else {}
    return [
        Sheet(
            str(row[0]), row[1], row[2], row[3], row[4], row[5], bytes(row[6]),
            [(s.role, s.signer, s.received_at) for s in signatures.signatures_of(conn, row[0])], proofs.get(row[7]),
            templates.names_of(conn, row[8]),
        )
        for row in rows
    ]  # fmt: skip


def _download(made: bundles.Bundle, name: str) -> Response:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(bundles.encode(made), media_type="application/json", headers=disposition)


@router.post("/records/{record_id}/confirm", status_code=204)
def confirm(
    context: Context, record_id: UUID, shown: Shown, asker: Annotated[Asker, Depends(permit("record.confirm"))]
) -> None:
    """Confirm as the use-unit's officer: you sign what your screen shows."""
    seen = signatures.Shown(shown.digest, shown.device, shown.device_time)
    with context.transaction(asker) as conn:
        service.confirm(conn, record_id, asker, seen, context.clock.now())


@router.post("/records/{record_id}/dispute", status_code=204)
def dispute(
    context: Context, record_id: UUID, wanted: Dispute, asker: Annotated[Asker, Depends(permit("record.confirm"))]
) -> None:
    with context.transaction(asker) as conn:
        service.dispute(conn, record_id, asker, wanted.reason, context.clock.now())
