"""A document as the answer to a request: a PDF or an XLSX of what the page shows."""

from __future__ import annotations

from datetime import datetime

from starlette.responses import Response

from dashboards.reports.model import Document
from dashboards.reports.render import as_pdf, as_xlsx

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def attachment(data: bytes, media_type: str, name: str) -> Response:
    """A file to be kept."""
    return Response(data, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def pdf(document: Document, name: str, now: datetime) -> Response:
    """The document as PDF/A."""
    return attachment(as_pdf(document, now), "application/pdf", f"{name}.pdf")


def xlsx(document: Document, name: str, now: datetime) -> Response:
    """The document as a workbook, numbers as numbers."""
    return attachment(as_xlsx(document, now), XLSX, f"{name}.xlsx")
