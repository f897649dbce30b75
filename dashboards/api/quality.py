"""质量: the delivery account and the quarantine."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from dashboards.context import Context, permit
from dashboards.errors import NotFoundError
from equipment.access import store as access
from equipment.access.model import Asker
from ingest import account, quarantine
from ingest.quarantine import Entry

router = APIRouter(tags=["quality"])


Hours = Annotated[float, Query(gt=0, le=24 * 31)]


@router.get("/account")
def delivery(
    context: Context, asker: Annotated[Asker, Depends(permit("quality.view"))], hours: Hours = 24.0
) -> dict[str, Any]:
    """received = stored + duplicates + quarantined + redelivered, in samples."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        total, ever, figures = (
            account.delivery(conn, now - timedelta(hours=hours)),
            account.total(conn),
            account.figures(conn, now),
        )
        gaps = account.gap_totals(conn, account.Asked(now - timedelta(hours=hours), now))
    return {
        **asdict(total),
        "balanced": total.balanced,
        "since_beginning": {**asdict(ever), "balanced": ever.balanced, "notes_waiting": figures.account_notes},
        "last_batch_at": figures.last_batch_at,
        "gaps": asdict(gaps),
    }


@router.get("/account/hours")
def by_hour(
    context: Context,
    asker: Annotated[Asker, Depends(permit("quality.view"))],
    hours: Hours = 24.0,
    unit_id: str | None = None,
) -> list[account.Hour]:
    """The account per hour of receipt, of all units or of one."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        return account.by_hour(conn, account.Asked(now - timedelta(hours=hours), now, unit_id))


@router.get("/account/devices")
def by_device(
    context: Context,
    asker: Annotated[Asker, Depends(permit("quality.view"))],
    hours: Hours = 24.0,
    unit_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> list[account.Device]:
    """The account per device with its missing sequence numbers; those with the most missing first."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        return account.by_device(conn, account.Asked(now - timedelta(hours=hours), now, unit_id, limit))


@router.get("/quarantine")
def entries(
    context: Context,
    asker: Annotated[Asker, Depends(permit("quality.view"))],
    reason: str | None = None,
    unit_id: str | None = None,
    before: int | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[Entry]:
    with context.transaction(asker) as conn:
        return quarantine.list_entries(conn, reason=reason, unit_id=unit_id, before=before, limit=limit)


@router.post("/quarantine/{entry_id}/replay", status_code=202)
def replay(
    context: Context, entry_id: int, asker: Annotated[Asker, Depends(permit("quarantine.replay"))]
) -> dict[str, Any]:
    """Ask for the raw bytes to be sent through the broker again; the upkeep process does it within seconds."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        if not quarantine.request_replay(conn, entry_id, now):
            raise NotFoundError(f"There is no quarantine entry {entry_id} that was not replayed yet.")
        access.audit(conn, asker, "quarantine.replay", f"quarantine:{entry_id}", now)
    return {"entry": entry_id, "requested_at": now}
