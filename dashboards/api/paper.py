"""从纸质到无纸化: a firm's dated switch, and scans of old paper as 历史."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.api.field import Digest, piece
from dashboards.context import Context, permit
from dashboards.pages.reads import rows
from equipment.access.model import Asker
from equipment.registry.store import require_unit
from maintenance.attachments import service as attachments
from maintenance.paper import service
from maintenance.paper.service import Scan, Switch

router = APIRouter(tags=["maintenance"])


class NewSwitch(BaseModel):
    """From when paper and paperless run side by side, and for how many cycles of 15 days."""

    model_config = ConfigDict(extra="forbid")

    parallel_from: date
    cycles: int = Field(service.CYCLES, ge=0, le=service.MOST_CYCLES)


class NewScan(BaseModel):
    """A scan whose picture was sent before."""

    model_config = ConfigDict(extra="forbid")

    on: date
    level: str = Field(max_length=20)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    note: str = Field("", max_length=500)


@router.get("/paperless/{firm}")
def switch_of(context: Context, firm: int, asker: Annotated[Asker, Depends(permit("paperless.view"))]) -> Switch | None:
    """The firm's switch: from ``paperless_from`` on nobody may ask it for paper."""
    with context.transaction(asker) as conn:
        return service.switch_of(conn, firm)


@router.post("/paperless", status_code=201)
def switch(context: Context, wanted: NewSwitch, asker: Annotated[Asker, Depends(permit("paperless.switch"))]) -> Switch:
    """Begin the parallel run of your firm, or move its day while it has not ended."""
    with context.transaction(asker) as conn:
        return service.switch(conn, wanted.parallel_from, wanted.cycles, asker, context.clock.now())


@dataclass(frozen=True, slots=True)
class Attached:
    """``repeated``: it was attached so before, and nothing changed."""

    repeated: bool


@router.get("/units/{unit_id}/paper-scans/{sha256}/state")
def scan_state(
    context: Context, unit_id: str, sha256: Digest, asker: Annotated[Asker, Depends(permit("record.file"))]
) -> attachments.Arrived:
    """How much of a scan is there: go on from ``received``."""
    with context.transaction(asker) as conn:
        return attachments.arrived(conn, require_unit(conn, unit_id).no, bytes.fromhex(sha256), asker)


@router.put("/units/{unit_id}/paper-scans/{sha256}")
def put_scan(
    context: Context,
    unit_id: str,
    sha256: Digest,
    body: Annotated[bytes, Depends(piece)],
    asker: Annotated[Asker, Depends(permit("record.file"))],
    size: Annotated[int, Query(ge=1, description="Length of the whole file [bytes], at most 20 MB")],
    offset: Annotated[int, Query(ge=0, description="Where this piece begins [bytes]")] = 0,
) -> attachments.Arrived:
    """Send a scan (PDF, JPEG, PNG, WebP, HEIC), whole or the next piece of at most 5 MB."""
    with context.transaction(asker) as conn:
        unit = require_unit(conn, unit_id)
        sent = attachments.Piece(unit.no, bytes.fromhex(sha256), offset, size, body, attachments.SCAN)
        return attachments.receive(conn, sent, asker, context.clock.now())


@router.post("/units/{unit_id}/paper-scans")
def attach(
    context: Context, unit_id: str, wanted: NewScan, asker: Annotated[Asker, Depends(permit("record.file"))]
) -> Attached:
    """Attach a scan of a paper record as 历史: kept beside the lift, no visit counts by it."""
    scan = Scan(wanted.on, wanted.level, bytes.fromhex(wanted.sha256), wanted.note)
    with context.transaction(asker) as conn:
        return Attached(repeated=not service.attach(conn, unit_id, scan, asker, context.clock.now()))


@router.get("/units/{unit_id}/paper-scans")
def scans(
    context: Context, unit_id: str, asker: Annotated[Asker, Depends(permit("record.view"))]
) -> list[dict[str, Any]]:
    """Scans of a unit's paper records, the newest visit first."""
    with context.transaction(asker) as conn:
        found = rows(conn, service.QUERIES.scans, (require_unit(conn, unit_id).no,))
    return [row._asdict() for row in found]


@router.get("/units/{unit_id}/paper-scans/{sha256}")
def scan(
    context: Context, unit_id: str, sha256: Digest, asker: Annotated[Asker, Depends(permit("record.view"))]
) -> Response:
    """The file as it was scanned, to be kept."""
    with context.transaction(asker) as conn:
        kind, content = attachments.content(conn, require_unit(conn, unit_id).no, bytes.fromhex(sha256))
    name = f"scan-{sha256[:16]}.{kind.partition('/')[2]}"
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
