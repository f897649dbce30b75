"""来电: the call centre's events by signed webhook, and what seats do with the calls on the line."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field

from alarms.desk import phone
from alarms.desk.inbox import LARGEST, keep_event
from alarms.desk.line import LineCall
from alarms.desk.phone import QUERIES
from alarms.errors import AlarmsInputError
from alarms.incidents.settings import DeskSettings
from alarms.paging.settings import PagingSettings
from dashboards.context import Context, permit
from dashboards.errors import BadRequestError
from equipment.access import webhooks
from equipment.access.model import Asker
from ingest.calls import CallReceipt

router = APIRouter(tags=["line"])
PLATE = re.compile(r"[0-9]{6}", re.ASCII)


class Taken(BaseModel):
    """What became of a delivery: ``duplicate`` if it was here before."""

    duplicate: bool


class Hotline(BaseModel):
    """The seats' view of the line."""

    hotline: str
    ringing: list[LineCall]
    missed: list[LineCall]
    stale_seconds: int


class Opening(BaseModel):
    """What the seat knows when it opens the incident of a call."""

    model_config = ConfigDict(extra="forbid")

    category: str = "entrapment"
    lift: str = Field("", max_length=200, description="Six digits of the plate, or the place in the caller's words")
    dispatch: bool = Field(default=False, description="Send level 1 in the same press, if the lift is known")
    rescue_code: str | None = Field(None, max_length=12)
    unit_id: str | None = Field(None, max_length=40)
    place: str = Field("", max_length=200)
    caller_phone: str | None = Field(None, max_length=30)
    trapped: int | None = None
    injured: int | None = None
    description: str = Field("", max_length=1_000)
    medical_rescue: bool = False


class Opened(BaseModel):
    """The call that was taken down, and its incident; None: it opened none."""

    receipt: CallReceipt
    incident_id: int | None
    dispatched: bool = False


class Returned(BaseModel):
    """What came of ringing back."""

    model_config = ConfigDict(extra="forbid")

    result: str
    note: str = Field("", max_length=500)


class Transfer(BaseModel):
    """A transfer to another line, with its result."""

    model_config = ConfigDict(extra="forbid")

    line: str
    result: str = "unknown"
    note: str = Field("", max_length=500)
    incident_id: int | None = None


async def _raw(request: Request) -> bytes:
    return await request.body()


def _read(body: bytes) -> dict[str, Any]:
    if len(body) > LARGEST:
        raise BadRequestError(f"A receipt has at most {LARGEST} bytes.")
    if b"\\u0000" in body:
        raise BadRequestError("文本中不能有空字符 (a text must not contain NUL, \\u0000).")
    try:
        read = json.loads(body)
    except ValueError:
        raise BadRequestError("The body must be JSON.") from None
    if not isinstance(read, dict):
        raise BadRequestError("The body must be a JSON object.")
    return read


@router.post("/line/events", status_code=202)
def call_event(context: Context, request: Request, body: Annotated[bytes, Depends(_raw)]) -> Taken:
    """One event of the call centre, signed (``Teshe-Signature``). A repetition is answered and changes nothing."""
    now = context.clock.now()
    delivery = webhooks.verify(request.headers.get(webhooks.HEADER), body, PagingSettings().call_secrets(), now)
    try:
        with context.transaction(None) as conn:
            kept = keep_event(conn, body, now, delivery=delivery.id)
    except AlarmsInputError as error:
        with context.transaction(None) as conn:
            conn.execute(QUERIES.refuse_event, ("webhook", str(error), body[: LARGEST * 4], now))
        raise
    return Taken(duplicate=kept.duplicate)


@router.post("/paging/receipts", status_code=202)
def receipt(context: Context, request: Request, body: Annotated[bytes, Depends(_raw)]) -> Taken:
    """What the voice gateway heard, signed: ``id`` of the call and the ``key`` that was pressed (1 accept, 2 refuse)."""
    now, settings = context.clock.now(), PagingSettings()
    accepted = [settings.secret()] if settings.gateway_secret else []
    delivery = webhooks.verify(request.headers.get(webhooks.HEADER), body, accepted, now)
    payload = _read(body)
    if not isinstance(payload.get("id"), str):
        raise BadRequestError("'id' of the call is needed.")
    with context.transaction(None) as conn:
        row = conn.execute(QUERIES.receive, ("receipt", delivery.id, Jsonb(payload), now)).fetchone()
    return Taken(duplicate=not (row and row[0]))


@router.get("/line")
def line(context: Context, asker: Annotated[Asker, Depends(permit("call.view"))]) -> Hotline:
    """Calls that ring or are claimed, and those that somebody must ring back."""
    settings = DeskSettings()
    with context.transaction(asker) as conn:
        ringing, missed = phone.on_the_line(conn), phone.missed(conn)
    return Hotline(
        hotline=context.settings.hotline, ringing=ringing, missed=missed, stale_seconds=settings.claim_stale_seconds
    )


@router.post("/line/beat", status_code=204)
def beat(context: Context, asker: Annotated[Asker, Depends(permit("call.enter"))]) -> None:
    """The seat is there: the calls it has claimed stay its own."""
    with context.transaction(asker) as conn:
        phone.beat(conn, asker, context.clock.now())


@router.post("/line/{call_id}/take")
def take(context: Context, call_id: int, asker: Annotated[Asker, Depends(permit("call.enter"))]) -> LineCall:
    """接听. Of two seats one gets it, the other is told who has it."""
    with context.transaction(asker) as conn:
        return phone.take(conn, call_id, asker, DeskSettings(), context.clock.now())


@router.post("/line/{call_id}/release")
def release(context: Context, call_id: int, asker: Annotated[Asker, Depends(permit("call.enter"))]) -> LineCall:
    """Give it back: it rings for everybody again."""
    with context.transaction(asker) as conn:
        return phone.release(conn, call_id, asker, context.clock.now())


@router.post("/line/{call_id}/open", status_code=201)
def open_incident(
    context: Context, call_id: int, body: Opening, asker: Annotated[Asker, Depends(permit("call.enter"))]
) -> Opened:
    """One action: the call is taken down and its incident stands, prefilled with what the line says."""
    now, settings = context.clock.now(), DeskSettings()
    said = body.model_dump(exclude={"lift", "dispatch"})
    if PLATE.fullmatch(body.lift.strip()):
        said["rescue_code"] = body.lift.strip()
    elif body.lift.strip():
        said["place"] = body.lift.strip()
    with context.transaction(asker) as conn:
        found, incident = phone.open_incident(conn, call_id, said, asker, settings, now)
        sent = body.dispatch and incident is not None and phone.dispatch_opened(conn, incident, asker, settings, now)
    return Opened(receipt=found, incident_id=incident, dispatched=sent)


@router.post("/line/{call_id}/return")
def return_call(
    context: Context, call_id: int, body: Returned, asker: Annotated[Asker, Depends(permit("call.enter"))]
) -> LineCall:
    """回拨: only reaching the caller takes the call off the missed list."""
    with context.transaction(asker) as conn:
        return phone.return_call(conn, call_id, body.result, body.note, asker, context.clock.now())


@router.post("/line/{call_id}/transfer", status_code=204)
def transfer(
    context: Context, call_id: int, body: Transfer, asker: Annotated[Asker, Depends(permit("call.enter"))]
) -> None:
    """转接 12345 / 12315 / 120 …, with its result."""
    with context.transaction(asker) as conn:
        said = (body.line, body.result, body.note)
        phone.transfer(conn, call_id, body.incident_id, said, asker, context.clock.now())
