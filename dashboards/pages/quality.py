"""质量, operations: can I trust the data? And 审计: who did what."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards import words
from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.reads import QUERIES, filters, known, row, rows, window
from equipment.access.matrix import permits
from equipment.access.model import Asker

router = APIRouter(include_in_schema=False)
DAY = timedelta(days=1)
HEARD_WITHIN = timedelta(minutes=5)
RAW_SHOWN = 4096


def readable(payload: bytes) -> tuple[str, str]:
    """The first bytes of a refused message, as text where it is text and always in hexadecimal.

    >>> readable(b'{"a": 1}')[0]
    '{"a": 1}'
    """
    head = payload[:RAW_SHOWN]
    return head.decode("utf-8", errors="backslashreplace").replace("\x00", "␀"), head[:512].hex(" ")


@router.get("/quality")
def quality(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("quality.view"))]) -> Response:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        minutes = rows(conn, QUERIES.account_by_minute, (now - timedelta(hours=1),))
        values = {
            "account": row(conn, QUERIES.account_totals, (now - DAY,)),
            "reasons": rows(conn, QUERIES.quarantine_reasons, (now - DAY,)),
            "devices": row(conn, QUERIES.devices_online),
            "offline": rows(conn, QUERIES.offline_devices, (50,)),
            "skewed": rows(conn, QUERIES.clock_skew, (20,)),
            "rules": rows(conn, QUERIES.rule_health, (now - 7 * DAY,)),
            "lag": row(conn, QUERIES.lag, (now - HEARD_WITHIN,)),
        }
    flow = [[m.minute.isoformat(), int(m.stored)] for m in minutes]
    refused = [[m.minute.isoformat(), int(m.quarantined)] for m in minutes]
    return page(request, "pages/quality.html", flow=flow, refused=refused, **values)


@router.get("/quality/quarantine")
def quarantine(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("quality.view"))]
) -> Response:
    wanted, page_of = filters(request, "reason"), window(request)
    with context.transaction(asker) as conn:
        found, following, previous = page_of.cut(
            rows(conn, QUERIES.quarantine_list, {**wanted, **page_of.parameters()})
        )
    reasons = tuple(words.WORDS["quarantine"])
    return page(request, "pages/quarantine.html", entries=found, next=following, previous=previous, reasons=reasons)


@router.get("/quality/quarantine/{entry_id}")
def quarantine_entry(
    request: Request, context: Context, entry_id: int, asker: Annotated[Asker, Depends(permit("quality.view"))]
) -> Response:
    """One refused message with its raw bytes."""
    with context.transaction(asker) as conn:
        found = known(row(conn, QUERIES.quarantine_entry, (entry_id,)), "No such message in quarantine.")
    text, hexadecimal = readable(found.payload)
    return page(
        request, "pages/quarantine_entry.html", entry=found, text=text, hexadecimal=hexadecimal, shown=RAW_SHOWN
    )


@router.get("/audit")
def audit(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("audit.view"))]) -> Response:
    wanted, page_of = filters(request, "q"), window(request)
    with context.transaction(asker) as conn:
        found, following, previous = page_of.cut(rows(conn, QUERIES.audit_entries, {**wanted, **page_of.parameters()}))
        accounts = rows(conn, QUERIES.accounts) if permits(asker.role, "account.manage") else []
    return page(request, "pages/audit.html", entries=found, next=following, previous=previous, accounts=accounts)
