"""停机应急包: the list for when the platform is away, and the entry of what was kept on paper."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.pages import papers
from dashboards.pages.frame import page
from dashboards.pages.reads import filters
from dashboards.papers import outage
from dashboards.rendering import local
from dashboards.reports.model import Document
from equipment.access.model import Asker
from ingest.call_reference import reference

router = APIRouter(include_in_schema=False)
Viewer = Annotated[Asker, Depends(permit("outage_pack.view"))]


def drawn(request: Request, context: Context, asker: Asker) -> tuple[Document, list[tuple[str, str]]]:
    """The list that is asked for, and the districts to choose among."""
    wanted = filters(request, "district")["district"]
    with context.transaction(asker) as conn:
        found = outage.districts(conn)
        chosen = next((d for d in found if d.id == wanted), None)
        document = outage.compose(conn, chosen, context.settings.hotline, context.clock.now())
    return document, [(d.id, d.zh) for d in found]


@router.get("/outage")
def pack(request: Request, context: Context, asker: Viewer) -> Response:
    document, choices = drawn(request, context, asker)
    known = reference()
    return page(
        request, "pages/outage.html", document=document, districts=choices, district=filters(request, "district")["district"],
        categories=list(known.categories), modes=[(code, mode.zh) for code, mode in known.release_modes.items()],
        causes=[(code, f"{code} {c.zh}") for code, c in known.causes.items()],
    )  # fmt: skip


def _name(context: Context) -> str:
    return f"teshe-outage-pack-{local(context.clock.now()):%Y-%m-%d}"


@router.get("/outage/pdf")
def pack_pdf(request: Request, context: Context, asker: Viewer) -> Response:
    return papers.pdf(drawn(request, context, asker)[0], _name(context), context.clock.now())


@router.get("/outage/xlsx")
def pack_xlsx(request: Request, context: Context, asker: Viewer) -> Response:
    return papers.xlsx(drawn(request, context, asker)[0], _name(context), context.clock.now())
