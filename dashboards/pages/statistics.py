"""应急统计: the desk's figures of a month, as a page, PDF and XLSX."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from alarms.statistics.model import Period
from alarms.statistics.store import read_statistics
from dashboards.context import Context, permit
from dashboards.pages import papers
from dashboards.pages.frame import page
from dashboards.pages.reads import QUERIES, filters, rows
from dashboards.papers.statistics import compose
from dashboards.rendering import local
from dashboards.reports.model import Document, ReportKind, ReportPeriod
from equipment.access.model import Asker

router = APIRouter(include_in_schema=False)
Viewer = Annotated[Asker, Depends(permit("statistics.view"))]


def asked_month(request: Request, now: datetime) -> ReportPeriod:
    """The month of the address; without one that which runs.

    Raises
    ------
    PeriodError
    """
    return ReportPeriod.read(ReportKind.MONTHLY, filters(request, "month")["month"] or f"{local(now):%Y-%m}")


def drawn(request: Request, context: Context, asker: Asker) -> tuple[Document, ReportPeriod, list[tuple[str, str]]]:
    """The document that is asked for, its month, and the districts to choose among."""
    now, district = context.clock.now(), filters(request, "district")["district"]
    month = asked_month(request, now)
    with context.transaction(asker) as conn:
        found = read_statistics(conn, Period(month.first, month.last), now, district)
        choices = [(d.id, d.name_zh) for d in rows(conn, QUERIES.districts)]
    place = dict(choices).get(district, context.settings.city_name)
    return compose(found, place, "电梯应急处置月报"), month, choices


@router.get("/statistics")
def statistics(request: Request, context: Context, asker: Viewer) -> Response:
    document, month, choices = drawn(request, context, asker)
    asked = urlencode({k: v for k, v in filters(request, "month", "district").items() if v})
    return page(
        request, "pages/statistics.html", document=document, month=f"{month.first:%Y-%m}", districts=choices,
        pdf=f"/statistics/pdf?{asked}", xlsx=f"/statistics/xlsx?{asked}",
    )  # fmt: skip


@router.get("/statistics/pdf")
def statistics_pdf(request: Request, context: Context, asker: Viewer) -> Response:
    document, month, _ = drawn(request, context, asker)
    return papers.pdf(document, f"teshe-desk-{month.first:%Y-%m}", context.clock.now())


@router.get("/statistics/xlsx")
def statistics_xlsx(request: Request, context: Context, asker: Viewer) -> Response:
    document, month, _ = drawn(request, context, asker)
    return papers.xlsx(document, f"teshe-desk-{month.first:%Y-%m}", context.clock.now())
