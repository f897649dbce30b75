"""96366 来电: one, many, or a file."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dashboards.context import Context, permit
from dashboards.errors import BadRequestError
from equipment.access.model import Asker
from equipment.access.store import audit
from equipment.foundation.database import Connection
from ingest import call_import, call_times, calls
from ingest.call_import import ImportReport
from ingest.call_reference import CallReference, reference
from ingest.call_times import Bucket, CallDurations, CallPoint
from ingest.calls import CallReceipt, NewCall
from ingest.errors import CallError

router = APIRouter(prefix="/calls", tags=["calls"])
MOST_AT_ONCE = 1_000


class Call(BaseModel):
    """A call. Without ``reported_at`` it is reported now; without ``external_id`` it gets a number."""

    model_config = ConfigDict(extra="forbid")

    category: str
    source: str = Field("api", max_length=20, pattern="^[a-z0-9_-]+$")
    external_id: str | None = Field(None, max_length=64)
    reported_at: AwareDatetime | None = None
    subcategory: str | None = Field(None, max_length=60)
    rescue_code: str | None = Field(None, max_length=12)
    unit_id: str | None = Field(None, max_length=40)
    certificate_no: str | None = Field(None, max_length=60)
    registration_code: str | None = Field(None, max_length=40)
    place: str = Field("", max_length=200)
    project: str | None = Field(None, max_length=200)
    address: str = Field("", max_length=300)
    use_unit_name: str | None = Field(None, max_length=200)
    firm_name: str | None = Field(None, max_length=200)
    caller_phone: str | None = Field(None, max_length=30)
    trapped: int | None = None
    injured: int | None = None
    suspected_dead: int | None = None
    medical_rescue: bool = False
    major_incident: bool = False
    cause_code: str | None = Field(None, max_length=20)
    cause_text: str | None = Field(None, max_length=200)
    release_mode: str | None = Field(None, max_length=20)
    description: str = Field("", max_length=1_000)
    dispatched_at: AwareDatetime | None = None
    arrived_at: AwareDatetime | None = None
    freed_at: AwareDatetime | None = None
    called_back_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None


class Choice(BaseModel):
    """The lift that a person says a call is about."""

    unit_id: str = Field(max_length=40)


class BatchItem(BaseModel):
    """What became of one call of a batch: ``receipt``, or the ``problem`` with it."""

    index: int
    external_id: str
    receipt: CallReceipt | None = None
    problem: str | None = None


class Statistics(BaseModel):
    """Calls over time, and durations of how many of them could be computed."""

    points: list[CallPoint]
    durations: CallDurations


def _new(conn: Connection, call: Call, now: datetime, key: str | None) -> NewCall:
    """The call with its number and time. The key of the request makes a repeated press the same call."""
    values = call.model_dump()
    number = call.external_id or (f"key-{key}" if key else f"{now:%Y%m%d}-{secrets.token_hex(6)}")[:64]
    known = None if call.reported_at else calls.reported_before(conn, call.source, number)
    return NewCall(**values | {"external_id": number, "reported_at": call.reported_at or known or now})


@router.post("", status_code=201)
def enter(
    context: Context,
    call: Call,
    asker: Annotated[Asker, Depends(permit("call.enter"))],
    idempotency_key: Annotated[str | None, Header(max_length=50)] = None,
) -> CallReceipt:
    """One call. The same Idempotency-Key is the same call, however often and whenever it is sent."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        return calls.record_call(conn, _new(conn, call, now, idempotency_key), asker.account_id, now)


@router.post("/batch", status_code=201)
def enter_many(
    context: Context,
    batch: list[Call],
    asker: Annotated[Asker, Depends(permit("call.enter"))],
    idempotency_key: Annotated[str | None, Header(max_length=44)] = None,
) -> list[BatchItem]:
    """Each call stands for itself: a wrong one is answered with what is wrong, and the others are kept.

    A call without its ``external_id`` needs the Idempotency-Key of the request, which with its index is its number.
    """
    if len(batch) > MOST_AT_ONCE:
        raise BadRequestError(f"At most {MOST_AT_ONCE} calls at once.")
    if idempotency_key is None and any(call.external_id is None for call in batch):
        raise BadRequestError("Each call of a batch needs its external_id, or the request an Idempotency-Key.")
    now = context.clock.now()
    with context.transaction(asker) as conn:
        return [
            _enter_one(conn, index, _new(conn, call, now, f"{idempotency_key}-{index}"), asker, now)
            for index, call in enumerate(batch)
        ]


def _enter_one(conn: Connection, index: int, call: NewCall, asker: Asker, now: datetime) -> BatchItem:
    try:
        with conn.transaction():
            receipt = calls.record_call(conn, call, asker.account_id, now)
    except CallError as error:
        return BatchItem(index=index, external_id=call.external_id, problem=str(error))
    return BatchItem(index=index, external_id=call.external_id, receipt=receipt)


@router.post("/{call_id}/unit", status_code=204)
def choose(
    context: Context, call_id: int, choice: Choice, asker: Annotated[Asker, Depends(permit("call.enter"))]
) -> None:
    """Say which lift a call is about, where its address means several or none."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        calls.choose_unit(conn, call_id, choice.unit_id, now)
        audit(conn, asker, "call.choose_unit", f"call:{call_id}", now)


@router.get("/reference")
def reference_data(asker: Annotated[Asker, Depends(permit("call.view"))]) -> CallReference:
    """Categories, causes and ways of release, with their marks."""
    return reference()


@router.get("/statistics")
def statistics(
    context: Context,
    asker: Annotated[Asker, Depends(permit("call.view"))],
    since: AwareDatetime,
    until: AwareDatetime,
    bucket: Bucket = Bucket.DAY,
    category: str | None = None,
) -> Statistics:
    """Calls per hour, day or month of the city, and durations where they can be computed."""
    with context.transaction(asker) as conn:
        return Statistics(
            points=call_times.series(conn, bucket, since, until),
            durations=call_times.durations(conn, since, until, category),
        )


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
    """A CSV file or an XLSX workbook as the request's body."""
    if len(content) > context.settings.max_upload_bytes:
        raise BadRequestError(f"The file is larger than {context.settings.max_upload_bytes} bytes: split it.")
    now = context.clock.now()
    with context.transaction(asker) as conn:
        report = call_import.import_calls(conn, content, asker.account_id, now, dry_run=dry_run)
        if not dry_run:
            audit(conn, asker, "call.import", f"calls:{report.new + report.updated}", now)
    return report
