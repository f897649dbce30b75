"""报告: those that were made, as pages and files, and a draft of any period."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.reads import filters, rows
from dashboards.rendering import local
from dashboards.reports import service
from dashboards.reports.model import ReportKind, ReportPeriod
from equipment.access.model import Asker
from equipment.access.store import audit

router = APIRouter(include_in_schema=False)
Viewer = Annotated[Asker, Depends(permit("board.view"))]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/board/reports")
def reports(request: Request, context: Context, asker: Viewer) -> Response:
    with context.transaction(asker) as conn:
        found = rows(conn, service.QUERIES.list)
    today = local(context.clock.now()).date()
    return page(
        request, "pages/reports.html", reports=found, month=ReportPeriod.before(ReportKind.MONTHLY, today),
        year=ReportPeriod.before(ReportKind.YEARLY, today), running=f"{today:%Y-%m}",
    )  # fmt: skip


@router.get("/board/report")
def draft(request: Request, context: Context, asker: Viewer) -> Response:
    """A period as its report would read now; nothing is stored."""
    asked = filters(request, "kind", "period")
    kind = ReportKind.YEARLY if asked["kind"] == "yearly" else ReportKind.MONTHLY
    now = context.clock.now()
    period = (
        ReportPeriod.read(kind, asked["period"]) if asked["period"] else ReportPeriod.before(kind, local(now).date())
    )
    with context.transaction(asker) as conn:
        document, _ = service.draw_up(conn, period, now)
    return page(request, "pages/report.html", document=document, period=period, number=None)


@router.post("/board/reports")
def make(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("report.make"))]) -> Response:
    """Make and keep the report of a period; the address says which."""
    asked = filters(request, "kind", "period")
    kind = ReportKind.YEARLY if asked["kind"] == "yearly" else ReportKind.MONTHLY
    now = context.clock.now()
    period = (
        ReportPeriod.read(kind, asked["period"]) if asked["period"] else ReportPeriod.before(kind, local(now).date())
    )
    with context.transaction(asker) as conn:
        made = service.make(conn, period, now, asker=asker)
        audit(conn, asker, "report.make", f"report:{period.stem}", now)
    return RedirectResponse(f"/board/reports/{made.id}", status_code=303)


@router.get("/board/reports/{number}")
def report(request: Request, context: Context, number: int, asker: Viewer) -> Response:
    with context.transaction(asker) as conn:
        period, document, _pdf, _xlsx = service.stored(conn, number)
    return page(request, "pages/report.html", document=document, period=period, number=number)


@router.get("/board/reports/{number}/pdf")
def pdf(context: Context, number: int, asker: Viewer) -> Response:
    with context.transaction(asker) as conn:
        period, _document, data, _xlsx = service.stored(conn, number)
    return _file(data, "application/pdf", f"{period.stem}.pdf")


@router.get("/board/reports/{number}/xlsx")
def xlsx(context: Context, number: int, asker: Viewer) -> Response:
    with context.transaction(asker) as conn:
        period, _document, _pdf, data = service.stored(conn, number)
    return _file(data, XLSX, f"{period.stem}.xlsx")


def _file(data: bytes, media_type: str, name: str) -> Response:
    return Response(data, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
