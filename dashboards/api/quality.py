"""质量: the delivery account and the quarantine."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from dashboards.context import Context, permit
from equipment.access.model import Asker
from ingest import account, quarantine
from ingest.quarantine import Entry

router = APIRouter(tags=["quality"])


@router.get("/account")
def delivery(
    context: Context,
    asker: Annotated[Asker, Depends(permit("quality.view"))],
    hours: Annotated[float, Query(gt=0, le=24 * 31)] = 24.0,
) -> dict[str, Any]:
    """received = stored + duplicates + quarantined + redelivered, in samples."""
    with context.transaction(asker) as conn:
        total = account.delivery(conn, context.clock.now() - timedelta(hours=hours))
    return {**asdict(total), "balanced": total.balanced}


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
