"""电子维保记录: filed by firms' own software, confirmed or disputed by the use-unit."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.context import Context, permit
from dashboards.errors import BadRequestError
from equipment.access.model import Asker
from equipment.registry.store import require_unit
from maintenance import bundle as bundles
from maintenance.records import service
from maintenance.records.model import read_record, schema
from maintenance.records.service import Receipt

router = APIRouter(tags=["maintenance"])


class Dispute(BaseModel):
    """What is not right."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1_000)


async def _body(request: Request) -> bytes:
    return await request.body()


_RECORD = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema()["$defs"]["Record"]}}}}


@router.post("/records", status_code=201, openapi_extra=_RECORD)
def file(
    context: Context,
    body: Annotated[bytes, Depends(_body)],
    asker: Annotated[Asker, Depends(permit("record.file"))],
    idempotency_key: Annotated[str | None, Header(min_length=8, max_length=100)] = None,
) -> Receipt:
    """File a record. Send the same Idempotency-Key again after a lost answer: it is filed once."""
    if idempotency_key is None:
        raise BadRequestError("Send an Idempotency-Key header, one per record, the same when you try again.")
    if len(body) > context.settings.max_upload_bytes:
        raise BadRequestError(f"The record is larger than {context.settings.max_upload_bytes} bytes.")
    record = read_record(body)
    with context.transaction(asker) as conn:
        return service.submit(conn, record, asker, idempotency_key, context.clock.now())


@router.get("/units/{unit_id}/checklist")
def checklist(
    context: Context, unit_id: str, level: str, asker: Annotated[Asker, Depends(permit("record.view"))]
) -> list[dict[str, Any]]:
    """The items due at a visit of ``level`` (half_month, quarter, half_year, year)."""
    with context.transaction(asker) as conn:
        unit = require_unit(conn, unit_id)
    return [asdict(item) for item in service.expected_items(unit.variety_code, level)]


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


def _download(made: bundles.Bundle, name: str) -> Response:
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(bundles.encode(made), media_type="application/json", headers=disposition)


@router.post("/records/{record_id}/confirm", status_code=204)
def confirm(context: Context, record_id: UUID, asker: Annotated[Asker, Depends(permit("record.confirm"))]) -> None:
    with context.transaction(asker) as conn:
        service.confirm(conn, record_id, asker, context.clock.now())


@router.post("/records/{record_id}/dispute", status_code=204)
def dispute(
    context: Context, record_id: UUID, wanted: Dispute, asker: Annotated[Asker, Depends(permit("record.confirm"))]
) -> None:
    with context.transaction(asker) as conn:
        service.dispute(conn, record_id, asker, wanted.reason, context.clock.now())
