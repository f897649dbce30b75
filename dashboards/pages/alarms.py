"""报警: every open alarm, also those that ring no desk."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards import words
from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.reads import QUERIES, filters, rows, value, window
from equipment.access.model import Asker

router = APIRouter(include_in_schema=False)


@router.get("/alarms")
def alarms(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("alarm.view"))]) -> Response:
    wanted, page_of = filters(request, "severity", "state", "group"), window(request)
    with context.transaction(asker) as conn:
        head = value(conn, QUERIES.feed_head)
        found, following, previous = page_of.cut(rows(conn, QUERIES.open_alarms, {**wanted, **page_of.parameters()}))
    return page(
        request,
        "pages/alarms.html",
        feed_after=head,
        alarms=found,
        next=following,
        previous=previous,
        severities=tuple(words.WORDS["severity"]),
    )
