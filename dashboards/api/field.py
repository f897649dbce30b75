"""现场: what a phone needs for a shift without signal, and the photos that it sends afterwards."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as InPath

from dashboards.api import evidence
from dashboards.context import Context, permit
from dashboards.errors import BadRequestError
from dashboards.pages.frame import identity_of
from dashboards.pages.reads import QUERIES, rows
from equipment.access.model import Asker
from equipment.registry.store import require_unit
from maintenance.attachments import service as attachments
from maintenance.checklists.catalogue import LEVELS, PLACE_WORDS, ItemList
from maintenance.templates import service as templates

router = APIRouter(tags=["field"])
DUE_DAYS = 15
MOST_LIFTS = 200
MOST_DISPUTED = 20
Digest = Annotated[str, InPath(pattern="^[0-9a-f]{64}$", description="SHA-256 of the photo, lower-case hex")]


@dataclass(frozen=True, slots=True)
class Lift:
    """A lift of the shift. ``annex`` names its checklists; null: nobody has said yet what its manufacturer demands."""

    id: str
    plate: str | None
    name: str
    address: str
    annex: str | None
    due_on: date | None
    last_level: str | None


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody of the firm who may have worked too."""

    name: str
    certificate_no: str | None


@dataclass(frozen=True, slots=True)
class Disputed:
    """A record that the use-unit disputes, with what it says, to be corrected."""

    id: str
    unit: str
    name: str
    reason: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shift:
    """Everything for a shift without network. ``complete`` false: the firm has more lifts than are named here."""

    account: int
    name: str
    csrf: str
    at: datetime
    complete: bool
    lifts: list[Lift]
    checklists: dict[str, dict[str, list[dict[str, Any]]]]
    places: dict[str, str]
    people: list[Colleague]
    disputed: list[Disputed]


async def piece(request: Request) -> bytes:
    """The body, read no further than a photo, or a piece of a scan, may be long."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > attachments.LARGEST_BYTES:
            raise BadRequestError(
                "照片太大，最多 5 MB，请压缩后再传 (the piece is larger than 5 MB: send a smaller picture)"
            )
    return bytes(content)


def _items(every: ItemList) -> dict[str, list[dict[str, Any]]]:
    return {
        level: [asdict(item) | {"one_by_one": item.one_by_one} for item in every.checklist(level).items]
        for level in LEVELS
    }


@router.get("/field/shift")
def shift(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("record.file"))]) -> Shift:
    """Who works, the firm's lifts by due date, and the checklists they need."""
    with context.transaction(asker) as conn:
        found = rows(
            conn, QUERIES.field_lifts, {"days": DUE_DAYS, "limit": MOST_LIFTS + 1, "more": templates.units_of(conn)}
        )
        lists = templates.lists_of(conn, {u.id: u.variety_code for u in found[:MOST_LIFTS]}, context.clock.now())
        people = [Colleague(p.name, p.certificate_no) for p in rows(conn, QUERIES.firm_workers)]
        disputed = [Disputed(*d) for d in rows(conn, QUERIES.disputed_records, {"limit": MOST_DISPUTED})]
    holds = {unit: every[0] for unit, every in lists.items() if every}
    lifts = [
        Lift(u.id, u.rescue_code, u.name, u.address, holds[u.id].key if u.id in holds else None, u.due_on, u.last_level)
        for u in found[:MOST_LIFTS]
    ]
    who = identity_of(request)
    return Shift(
        asker.account_id, asker.display_name, (who.csrf if who else None) or "", context.clock.now(),
        len(found) <= MOST_LIFTS, lifts, {i.key: _items(i) for i in holds.values()}, PLACE_WORDS, people, disputed,
    )  # fmt: skip


@router.get("/units/{unit_id}/photos/{sha256}/state")
def photo_state(
    context: Context, unit_id: str, sha256: Digest, asker: Annotated[Asker, Depends(permit("record.file"))]
) -> attachments.Arrived:
    """How much of a photo is there: go on from ``received``."""
    with context.transaction(asker) as conn:
        return attachments.arrived(conn, require_unit(conn, unit_id).no, bytes.fromhex(sha256), asker)


@router.put("/units/{unit_id}/photos/{sha256}")
def put_photo(
    context: Context,
    unit_id: str,
    sha256: Digest,
    body: Annotated[bytes, Depends(piece)],
    asker: Annotated[Asker, Depends(permit("record.file"))],
    size: Annotated[int, Query(ge=1, description="Length of the whole photo [bytes]")],
    offset: Annotated[int, Query(ge=0, description="Where this piece begins [bytes]")] = 0,
) -> attachments.Arrived:
    """Send a photo, whole or the next piece of it."""
    with context.transaction(asker) as conn:
        unit = require_unit(conn, unit_id)
        sent = attachments.Piece(unit.no, bytes.fromhex(sha256), offset, size, body)
        return attachments.receive(conn, sent, asker, context.clock.now())


@router.delete("/units/{unit_id}/photos/{sha256}/state", status_code=204)
def drop_photo(
    context: Context, unit_id: str, sha256: Digest, asker: Annotated[Asker, Depends(permit("record.file"))]
) -> None:
    """Forget an unfinished photo of yours, to send it from the start."""
    with context.transaction(asker) as conn:
        attachments.discard(conn, require_unit(conn, unit_id).no, bytes.fromhex(sha256), asker)


@router.get("/units/{unit_id}/photos/{sha256}")
def photo(
    context: Context,
    unit_id: str,
    sha256: Digest,
    asker: Annotated[Asker, Depends(permit("record.view"))],
    original: evidence.Original = False,
) -> Response:
    """The picture, made anew from its pixels; ``original`` gives the evidence as it was sent, as a file to be kept."""
    with context.transaction(asker) as conn:
        kind, content = attachments.content(conn, require_unit(conn, unit_id).no, bytes.fromhex(sha256))
        if original:
            evidence.note_original(conn, asker, f"photo:{unit_id}:{sha256}", context.clock.now())
    return evidence.original(content, kind, sha256[:16]) if original else evidence.shown(content, kind, sha256[:16])
