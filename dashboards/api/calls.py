"""96366 来电: one, many, or a file."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dashboards.context import Context, permit
from dashboards.errors import BadRequestError
from equipment.access.model import Asker
from equipment.access.store import audit
from ingest import call_import, calls
from ingest.call_import import ImportReport
from ingest.calls import CallReceipt, NewCall

router = APIRouter(prefix="/calls", tags=["calls"])
MOST_AT_ONCE = 1_000


class Call(BaseModel):
    """A call. Without ``reported_at`` it is reported now; without ``external_id`` it gets a number."""

    model_config = ConfigDict(extra="forbid")

    category: str
    source: str = Field("api", max_length=20, pattern="^[a-z0-9_-]+$")
    external_id: str | None = Field(None, max_length=64)
    reported_at: AwareDatetime | None = None
    rescue_code: str | None = Field(None, max_length=12)
    unit_id: str | None = Field(None, max_length=40)
    registration_code: str | None = Field(None, max_length=40)
    place: str = Field("", max_length=200)
    address: str = Field("", max_length=300)
    caller_phone: str | None = Field(None, max_length=30)
    trapped: int | None = None
    injured: int | None = None
    suspected_dead: int | None = None
    medical_rescue: bool = False
    major_incident: bool = False
    cause_code: str | None = Field(None, max_length=20)
    description: str = Field("", max_length=1_000)
    dispatched_at: AwareDatetime | None = None
    arrived_at: AwareDatetime | None = None
    freed_at: AwareDatetime | None = None
    called_back_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None


def _new(call: Call, context: Context, key: str | None = None) -> NewCall:
    now = context.clock.now()
    values = call.model_dump()
    values["reported_at"] = call.reported_at or now
    # the key of the request makes a repeated press the same call
    values["external_id"] = call.external_id or f"{now:%Y%m%d}-{key or secrets.token_hex(6)}"[:64]
    return NewCall(**values)


@router.post("", status_code=201)
def enter(
    context: Context,
    call: Call,
    asker: Annotated[Asker, Depends(permit("call.enter"))],
    idempotency_key: Annotated[str | None, Header(max_length=50)] = None,
) -> CallReceipt:
    with context.transaction(asker) as conn:
        return calls.record_call(conn, _new(call, context, idempotency_key), asker.account_id, context.clock.now())


@router.post("/batch", status_code=201)
def enter_many(
    context: Context, batch: list[Call], asker: Annotated[Asker, Depends(permit("call.enter"))]
) -> list[CallReceipt]:
    """All or none; each needs its ``external_id``."""
    if len(batch) > MOST_AT_ONCE:
        raise BadRequestError(f"At most {MOST_AT_ONCE} calls at once.")
    if any(call.external_id is None for call in batch):
        raise BadRequestError("Each call of a batch needs its external_id.")
    with context.transaction(asker) as conn:
        return [calls.record_call(conn, _new(call, context), asker.account_id, context.clock.now()) for call in batch]


@router.get("/template")
def template(asker: Annotated[Asker, Depends(permit("call.import"))]) -> Response:
    """An empty file with the 22 columns."""
    return Response(
        call_import.template(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="96366.csv"'},
    )


async def _body(request: Request) -> bytes:
    return await request.body()


@router.post("/import")
def import_file(
    context: Context,
    content: Annotated[bytes, Depends(_body)],
    asker: Annotated[Asker, Depends(permit("call.import"))],
    dry_run: Annotated[bool, Query(description="Only say what would happen")] = True,
) -> ImportReport:
    """A CSV file as the request's body."""
    if len(content) > context.settings.max_upload_bytes:
        raise BadRequestError(f"The file is larger than {context.settings.max_upload_bytes} bytes: split it.")
    now = context.clock.now()
    with context.transaction(asker) as conn:
        report = call_import.import_calls(conn, content, asker.account_id, now, dry_run=dry_run)
        if not dry_run:
            audit(conn, asker, "call.import", f"calls:{report.new + report.updated}", now)
    return report
