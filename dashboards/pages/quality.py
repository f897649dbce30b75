"""质量, operations: can I trust the data? And 审计: who did what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards import words
from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.names import learn_rules
from dashboards.pages.reads import QUERIES, filters, known, row, rows, window
from equipment.access.model import Asker
from equipment.foundation.database import load_queries
from ingest import account
from ingest.bridge import read as bridge
from ingest.upkeep import UpkeepSettings

router = APIRouter(include_in_schema=False)
DAY = timedelta(days=1)
HEARD_WITHIN = timedelta(minutes=5)
RAW_SHOWN = 4096
GAPS_SHOWN = 20
DEVICES_SHOWN = 200
CODES_SINCE = timedelta(days=30)
QUIET_AFTER = timedelta(minutes=1)
"""Terminals of a city send all the time: no batch for so long means that something on the way stands still."""
STANDSTILL_RHYTHMS = 3
GRACE_SECONDS = 10.0
OWN = load_queries(__file__, "quality.sql")


def readable(payload: bytes) -> tuple[str, str]:
    """The first bytes of a refused message, as text where it is text and always in hexadecimal.

    >>> readable(b'{"a": 1}')[0]
    '{"a": 1}'
    """
    head = payload[:RAW_SHOWN]
    return head.decode("utf-8", errors="backslashreplace").replace("\x00", "␀"), head[:512].hex(" ")


@dataclass(frozen=True, slots=True)
class Standstill:
    """A duty of the upkeep that fails, or has not run for three times its rhythm."""

    name: str
    ran_at: datetime
    failure: str | None


def standstills(duties: Sequence[account.Duty], now: datetime) -> list[Standstill]:
    """Duties that cannot be relied on; all of them when the upkeep has never run."""
    times = UpkeepSettings()
    rhythm = {name.removesuffix("_seconds"): seconds for name, seconds in times.model_dump().items()}
    rhythm |= {f"rollup_{level}": rhythm[level] for level in ("minute", "hour", "day")}
    return [
        Standstill(duty.name, duty.ran_at, duty.failure)
        for duty in duties
        if duty.failure is not None
        or now - duty.ran_at > timedelta(seconds=STANDSTILL_RHYTHMS * rhythm.get(duty.name, 60.0) + GRACE_SECONDS)
    ]


@router.get("/quality")
def quality(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("quality.view"))]) -> Response:
    now = context.clock.now()
    asked = account.Asked(now - DAY, now, most=GAPS_SHOWN)
    with context.transaction(asker) as conn:
        learn_rules(conn)
        minutes = rows(conn, QUERIES.account_by_minute, (now - timedelta(hours=1),))
        duties = account.duties(conn)
        values = {
            "account": row(conn, QUERIES.account_totals, (now - DAY,)),
            "reasons": rows(conn, QUERIES.quarantine_reasons, (now - DAY,)),
            "devices": row(conn, QUERIES.devices_online),
            "offline": rows(conn, QUERIES.offline_devices, (50,)),
            "skewed": rows(conn, QUERIES.clock_skew, (20,)),
            "rules": rows(conn, QUERIES.rule_health, (now - 7 * DAY,)),
            "lag": row(conn, QUERIES.lag, (now - HEARD_WITHIN,)),
            "ever": account.total(conn),
            "figures": account.figures(conn, now),
            "gaps": account.gaps(conn, asked),
            "gap_totals": account.gap_totals(conn, asked),
            "hours": account.by_hour(conn, asked)[::-1],
            "unusable": rows(conn, OWN.unusable_clocks, (now - DAY,)),
            "violations": rows(conn, OWN.violations, (now - DAY,)),
        }
    flow = [[m.minute.isoformat(), int(m.stored)] for m in minutes]
    refused = [[m.minute.isoformat(), int(m.quarantined)] for m in minutes]
    last = values["figures"].last_batch_at
    return page(
        request,
        "pages/quality.html",
        flow=flow,
        refused=refused,
        quiet=last is None or now - last > QUIET_AFTER,
        duties=duties,
        standing=standstills(duties, now),
        **values,
    )


@router.get("/quality/devices")
def devices(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("quality.view"))]) -> Response:
    """The account per device, the one with the most missing first; of one unit also its hours and its gaps."""
    now = context.clock.now()
    wanted = filters(request, "unit")
    unit = wanted["unit"] or None
    asked = account.Asked(now - DAY, now, unit, DEVICES_SHOWN)
    with context.transaction(asker) as conn:
        found = account.by_device(conn, asked)
        hours = account.by_hour(conn, asked)[::-1] if unit else []
        gaps = account.gaps(conn, account.Asked(now - DAY, now, unit, GAPS_SHOWN)) if unit else []
        duties = account.duties(conn)
    return page(
        request, "pages/quality_devices.html", devices=found, hours=hours, gaps=gaps, duties=duties, unit=unit,
        most=DEVICES_SHOWN,
    )  # fmt: skip


@router.get("/quality/sources")
def sources(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("quality.view"))]) -> Response:
    """Gateways and platforms of others: what each guarantees, what never came, and what nothing here understands."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        return page(
            request,
            "pages/quality_sources.html",
            sources=bridge.sources(conn),
            gaps=bridge.gaps(conn, limit=GAPS_SHOWN),
            refusals=bridge.refusals(conn, limit=GAPS_SHOWN),
            fields=bridge.unmapped_fields(conn),
            codes=bridge.unmapped_codes(conn, now - CODES_SINCE),
            line_refusals=rows(conn, QUERIES.line_refusals, (GAPS_SHOWN,)),
            readable=readable,
            known_reasons=tuple(words.WORDS["quarantine"]),
        )


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
        asked = row(conn, OWN.replay_request, (entry_id,))
    text, hexadecimal = readable(found.payload)
    return page(
        request,
        "pages/quarantine_entry.html",
        entry=found,
        asked=asked,
        text=text,
        hexadecimal=hexadecimal,
        shown=RAW_SHOWN,
    )


@router.get("/audit")
def audit(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("audit.view"))]) -> Response:
    wanted, page_of = filters(request, "q"), window(request)
    with context.transaction(asker) as conn:
        found, following, previous = page_of.cut(rows(conn, QUERIES.audit_entries, {**wanted, **page_of.parameters()}))
    return page(request, "pages/audit.html", entries=found, next=following, previous=previous)
