"""案卷: files, documents and their service, batches, risk, saved filters; what leaves the house as a file is ``exports``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.api import evidence
from dashboards.context import Context, permit
from dashboards.pages.frame import identity_of
from equipment.access.model import Asker
from maintenance.hazards import files, service, telemetry, views
from maintenance.hazards.files import StoredFile
from maintenance.hazards.lifecycle import HazardStep
from maintenance.hazards.model import Hazard, Step
from maintenance.hazards.telemetry import Window
from maintenance.hazards.views import View
from maintenance.leads import MOST_AT_ONCE
from maintenance.orders import service as orders
from maintenance.orders.service import Delivery, Issued
from maintenance.risk import service as risk
from maintenance.risk.service import Preview, Published

router = APIRouter(tags=["ledger"])
Reader = Annotated[Asker, Depends(permit("hazard.view"))]


class Body(BaseModel):
    """What a request may say and nothing else."""

    model_config = ConfigDict(extra="forbid")


class BatchBody(Body):
    """One hand-over of many hazards; each goes to its own unit: ``to`` says whether to the use-unit or to the firm."""

    hazard_ids: list[int] = Field(min_length=1, max_length=MOST_AT_ONCE)
    to: Literal["use_unit", "firm"]
    measures: str = Field(min_length=1, max_length=500)
    due_at: str = Field(max_length=40)
    reason: str | None = Field(None, max_length=500)
    responsible_person: str | None = Field(None, max_length=60)
    funds: str | None = Field(None, max_length=200)
    plan: str | None = Field(None, max_length=500)
    officers: str | None = Field(None, max_length=200)


class DeliveryBody(Body):
    """送达回证."""

    method: Literal["direct", "left", "post", "electronic", "public"]
    receiver: str = Field(min_length=1, max_length=60)
    delivered_at: datetime
    note: str = Field("", max_length=300)
    officers: str = Field("", max_length=200)
    place: str = Field("", max_length=200)


class MatrixBody(Body):
    """A new risk matrix and the document that decided it."""

    content: dict[str, Any]
    basis: str = Field(min_length=1, max_length=200)
    approved_by: str = Field(min_length=1, max_length=60)


class PreviewBody(Body):
    """A risk matrix that is being thought of."""

    content: dict[str, Any]


class ViewBody(Body):
    """A filter worth keeping."""

    name: str = Field(min_length=1, max_length=40)
    query: str = Field(max_length=500)


@router.post("/hazards/hand-over")
def hand_over_many(
    context: Context, body: BatchBody, asker: Annotated[Asker, Depends(permit("hazard.supervise"))]
) -> list[Hazard]:
    """交办 of many at once: all of them or none; every one gets its own document."""
    detail = body.model_dump(exclude={"hazard_ids", "to", "reason"}, exclude_none=True)
    with context.transaction(asker) as conn:
        step = Step(HazardStep.HAND_OVER, None, body.reason, detail)
        return service.hand_over_many(conn, body.hazard_ids, body.to, step, asker, context.clock.now())


async def _bytes(request: Request) -> bytes:
    """The body, no more of it than tells that it is too large."""
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > files.LARGEST:
            break
    return bytes(data)


@router.post("/hazards/{hazard_id}/files", status_code=201)
def add_file(
    context: Context,
    hazard_id: int,
    stage: Literal["before", "after", "other"],
    data: Annotated[bytes, Depends(_bytes)],
    asker: Annotated[Asker, Depends(permit("hazard.file"))],
) -> StoredFile:
    """A photograph or a PDF as the bytes of the request."""
    with context.transaction(asker) as conn:
        return files.add(conn, hazard_id, stage, data, asker, context.clock.now())


@router.get("/hazards/{hazard_id}/files")
def list_files(context: Context, hazard_id: int, asker: Reader) -> list[StoredFile]:
    with context.transaction(asker) as conn:
        service.find(conn, hazard_id)
        return files.files_of(conn, hazard_id)


@router.get("/hazards/{hazard_id}/files/{file_id}")
def one_file(
    context: Context, hazard_id: int, file_id: int, asker: Reader, original: evidence.Original = False
) -> Response:
    """A photograph made anew from its pixels; a PDF as a file to be kept, as it was sent."""
    name = f"hazard-{hazard_id}-{file_id}"
    with context.transaction(asker) as conn:
        media_type, data = files.content(conn, hazard_id, file_id)
        if original:
            evidence.note_original(conn, asker, f"hazard:{hazard_id}:file:{file_id}", context.clock.now())
    return evidence.original(data, media_type, name) if original else evidence.shown(data, media_type, name)


@dataclass(frozen=True, slots=True)
class OnSite:
    """Who sends what a phone has kept, and by which mark."""

    account: int
    name: str
    csrf: str


@router.get("/ledger/on-site")
def on_site(request: Request, asker: Annotated[Asker, Depends(permit("hazard.file"))]) -> OnSite:
    """The session of a phone that comes back to the network."""
    who = identity_of(request)
    return OnSite(asker.account_id, asker.display_name, (who.csrf if who else None) or "")


@router.get("/hazards/{hazard_id}/telemetry")
def window(context: Context, hazard_id: int, asker: Reader) -> Window | None:
    """What the sensors said around the event, as it was kept; null: nothing was heard."""
    with context.transaction(asker) as conn:
        service.find(conn, hazard_id)
        return telemetry.window_of(conn, hazard_id)


@router.get("/hazards/{hazard_id}/documents")
def documents(context: Context, hazard_id: int, asker: Reader) -> list[Issued]:
    with context.transaction(asker) as conn:
        service.find(conn, hazard_id)
        return orders.documents_of(conn, hazard_id)


@router.post("/documents/{document_id}/deliveries", status_code=201)
def deliver(
    context: Context,
    document_id: int,
    body: DeliveryBody,
    asker: Annotated[Asker, Depends(permit("hazard.press"))],
) -> list[Delivery]:
    how = Delivery(body.method, body.receiver, body.delivered_at, body.note, body.officers, body.place)
    with context.transaction(asker) as conn:
        orders.deliver(conn, document_id, how, asker, context.clock.now())
        return orders.deliveries(conn, document_id)


@router.get("/risk/matrix")
def matrix(context: Context, asker: Reader) -> Published:
    with context.transaction(asker) as conn:
        return risk.current(conn)


@router.post("/risk/matrix", status_code=201)
def publish(context: Context, body: MatrixBody, asker: Annotated[Asker, Depends(permit("risk.publish"))]) -> Published:
    with context.transaction(asker) as conn:
        return risk.publish(conn, body.content, body.basis, body.approved_by, asker, context.clock.now())


@router.post("/risk/matrix/preview")
def preview(context: Context, body: PreviewBody, asker: Annotated[Asker, Depends(permit("risk.publish"))]) -> Preview:
    """What a matrix would do to the open hazards; changes nothing."""
    with context.transaction(asker) as conn:
        return risk.preview(conn, body.content)


@router.get("/ledger/views")
def saved(context: Context, asker: Reader) -> list[View]:
    with context.transaction(asker) as conn:
        return views.views_of(conn)


@router.post("/ledger/views", status_code=201)
def save(context: Context, body: ViewBody, asker: Reader) -> list[View]:
    with context.transaction(asker) as conn:
        return views.save(conn, body.name, body.query, asker, context.clock.now())


@router.post("/ledger/views/{view_id}/forget")
def forget(context: Context, view_id: int, asker: Reader) -> list[View]:
    with context.transaction(asker) as conn:
        return views.forget(conn, view_id)
