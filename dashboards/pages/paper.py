"""历史扫描件: scans of old paper, sent many at once, each beside its lift and day."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards import words
from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.reads import rows
from equipment.access.model import Asker
from equipment.registry.store import require_unit
from maintenance.attachments.service import LARGEST_SCAN_BYTES
from maintenance.paper import service

router = APIRouter(include_in_schema=False)
MOST_LIFTS = 2_000
SHOWN = 50


@router.get("/firm/scans")
def scans(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("record.file"))]) -> Response:
    """Send scans; the newest ones below."""
    firm = asker.organisation_id or 0
    with context.transaction(asker) as conn:
        lifts = rows(conn, service.QUERIES.lifts_of_firm, (firm, MOST_LIFTS + 1))
        newest = rows(conn, service.QUERIES.newest_scans, (firm, SHOWN))
    named = [{"id": u.id, "name": u.name, "plate": u.rescue_code, "device": u.device_code} for u in lifts[:MOST_LIFTS]]
    return page(
        request, "pages/paper_scans.html", lifts=named, complete=len(lifts) <= MOST_LIFTS, newest=newest,
        levels=tuple(words.WORDS["record_level"]), most_bytes=LARGEST_SCAN_BYTES,
    )  # fmt: skip


@router.get("/units/{unit_id}/paper-scans")
def of_unit(
    request: Request, context: Context, unit_id: str, asker: Annotated[Asker, Depends(permit("record.view"))]
) -> Response:
    """A lift's scans of old paper, the newest visit first."""
    with context.transaction(asker) as conn:
        unit = require_unit(conn, unit_id)
        found = rows(conn, service.QUERIES.scans, (unit.no,))
    return page(request, "pages/paper_scans_of_unit.html", unit=unit, scans=found)
