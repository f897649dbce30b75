"""标签打印: which plates, and the PDF."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.labels import MOST_LABELS, Label, label_sheet
from dashboards.pages import maps
from dashboards.pages.frame import language_of, page
from dashboards.pages.reads import QUERIES, filters, rows, value
from equipment.access.model import Asker
from equipment.registry.codes import qr_payload

router = APIRouter(include_in_schema=False)


def _wanted(request: Request) -> dict[str, Any]:
    asked = filters(request, "q", "district")
    plates = [
        word for word in request.query_params.get("plates", "")[:12_000].replace(",", " ").split() if word.isdigit()
    ]
    return {**asked, "plates": plates}


@router.get("/labels")
def choose(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("unit.label"))]) -> Response:
    """Choose by district, words or a list of plates; see how many sheets it makes."""
    wanted = _wanted(request)
    with context.transaction(asker) as conn:
        count = value(conn, QUERIES.count_labels, wanted)
        without = value(conn, QUERIES.count_without_plate, wanted)
        areas = rows(conn, QUERIES.districts)
    language = language_of(request)
    return page(
        request,
        "pages/labels.html",
        count=count,
        without=without,
        most=MOST_LABELS,
        sheets=-(-count // 15),
        districts=[(a.id, maps.name_of(a, language)) for a in areas],
    )


@router.get("/labels.pdf")
def sheet(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("unit.label"))]) -> Response:
    wanted = _wanted(request)
    with context.transaction(asker) as conn:
        found = rows(conn, QUERIES.labels, {**wanted, "limit": MOST_LABELS + 1})
    base = context.settings.public_address or str(request.base_url)
    labels = [Label(u.rescue_code, u.name, qr_payload(base, u.rescue_code)) for u in found]
    content = label_sheet(labels, context.settings.hotline, context.settings.city_name)
    return Response(
        content, media_type="application/pdf", headers={"Content-Disposition": 'attachment; filename="labels.pdf"'}
    )
