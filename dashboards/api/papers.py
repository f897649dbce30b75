"""What leaves the ledger as a file: documents as PDF, the list as XLSX, extractions and transfers as ZIP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.api.ledger import HazardFilter
from dashboards.context import Context, permit
from dashboards.i18n import read_translations
from dashboards.papers import compose
from dashboards.papers.pack import pack
from dashboards.papers.typeset import order_pdf
from dashboards.reports.render import as_xlsx
from dashboards.words import WORDS
from equipment.access.model import Asker
from equipment.access.store import audit
from equipment.foundation.database import Connection
from maintenance.errors import LedgerInputError
from maintenance.extracts import service as extracts
from maintenance.extracts.model import Material, Order
from maintenance.hazards import service, sheet
from maintenance.hazards.demands import OFFICERS, officers_of
from maintenance.hazards.wanted import Wanted
from maintenance.orders import service as orders

router = APIRouter(tags=["ledger"])
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 5_000


class ExtractBody(BaseModel):
    """提取什么, 由谁, 当事人怎么说. ``since`` and ``until`` are of telemetry; ``transfer_to`` makes it a transfer."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["hazard", "record", "telemetry"]
    subject: str = Field(min_length=1, max_length=60)
    officers: str = Field(min_length=1, max_length=200)
    party: str = Field(min_length=1, max_length=100)
    statement: str = Field(min_length=1, max_length=1000)
    transfer_to: str = Field("", max_length=100)
    since: datetime | None = None
    until: datetime | None = None


def _file(data: bytes, media_type: str, name: str) -> Response:
    told = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(data, media_type=media_type, headers={"Content-Disposition": told, "Cache-Control": "private"})


@router.get("/documents/{document_id}/pdf")
def document(context: Context, document_id: int, asker: Annotated[Asker, Depends(permit("hazard.view"))]) -> Response:
    """交办单, 指令书, 通报 and the others, as they were issued, with how they were served."""
    with context.transaction(asker) as conn:
        issued = orders.document(conn, document_id)
        served = orders.deliveries(conn, document_id)
    return _file(order_pdf(compose.order(issued, served), issued.issued_at), "application/pdf", f"{issued.number}.pdf")


@router.get("/hazards/export")
def export(
    context: Context,
    asker: Annotated[Asker, Depends(permit("hazard.view"))],
    asked: Annotated[HazardFilter, Query()],
) -> Response:
    """XLSX of exactly what the filter shows."""
    now = context.clock.now()
    wanted = Wanted(**asked.model_dump(exclude={"after", "limit"}))
    with context.transaction(asker) as conn:
        found = service.list_hazards(conn, wanted, 0, MOST_ROWS + 1, now)
        if len(found) > MOST_ROWS:
            raise LedgerInputError(f"超过 {MOST_ROWS} 项，请缩小筛选范围 (too many rows: narrow the filter)")
        lines = sheet.lines(conn, [h.id for h in found])
        names = orders.names_of(conn, [o for h in found for o in (h.responsible_org_id, h.org_id)])
        audit(conn, asker, "ledger.export", f"{len(found)}", now)
    say = read_translations("zh-CN").gettext
    sources = {code: say(text) for code, text in WORDS["lead_source"].items()}
    return _file(as_xlsx(compose.ledger(found, lines, names, sources, now), now), XLSX, f"隐患台账-{now:%Y%m%d}.xlsx")


def _material(conn: Connection, body: ExtractBody, now: datetime) -> Material:
    match body.kind:
        case "hazard":
            if not body.subject.isdigit():
                raise LedgerInputError(f"隐患 {body.subject!r} 须为内部编号 (the id of a hazard is a number)")
            return extracts.of_hazard(conn, int(body.subject), now)
        case "record":
            try:
                return extracts.of_record(conn, UUID(body.subject), now)
            except ValueError:
                raise LedgerInputError(f"记录编号 {body.subject!r} 不正确 (not the id of a record)") from None
        case "telemetry":
            if body.since is None or body.until is None or body.since.tzinfo is None or body.until.tzinfo is None:
                raise LedgerInputError("请给出带时区的起止时间 (both ends of the span, with their zone)")
            return extracts.of_telemetry(conn, body.subject, body.since, body.until)


@router.post("/extracts", status_code=201)
def extract(
    context: Context, body: ExtractBody, asker: Annotated[Asker, Depends(permit("evidence.extract"))]
) -> dict[str, int]:
    """电子数据提取: the bundle is made, kept with its digests, and told in the case."""
    officers_of(body.officers, OFFICERS)
    order = Order(body.officers, body.party, body.statement, body.transfer_to)
    now = context.clock.now()
    about = body.model_dump(mode="json", include={"officers", "party", "statement", "transfer_to", "since", "until"})
    with context.transaction(asker) as conn:
        material = _material(conn, body, now)
        found, data = pack(material, order, now)
        return {"extract_id": extracts.keep(conn, material, about, found, data, asker, now)}


@router.get("/extracts/{extract_id}")
def extracted(
    context: Context, extract_id: int, asker: Annotated[Asker, Depends(permit("evidence.extract"))]
) -> Response:
    with context.transaction(asker) as conn:
        name, data = extracts.bundle_of(conn, extract_id)
        audit(conn, asker, "ledger.download", f"extract:{extract_id}", context.clock.now())
    return _file(data, "application/zip", name)
