"""受理结果: what became of requests that were taken down on the internet side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from psycopg.rows import class_row

from dashboards.api.accounts import BIGGEST
from dashboards.context import Context, permit
from dashboards.errors import NotFoundError
from equipment.access.model import Asker
from equipment.link.store import QUERIES

router = APIRouter(tags=["link"])
Own = Annotated[Asker, Depends(permit("self.manage"))]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """``status`` and ``answer`` are those of the route that decided; null while it waits for the government side."""

    request: int
    asked_at: datetime
    what: str
    status: int | None
    answer: str | None
    done_at: datetime | None


@router.get("/link/requests")
def listing(context: Context, asker: Own) -> list[HandedOver]:
    """Your newest 50."""
    with context.transaction(asker) as conn, conn.cursor(row_factory=class_row(HandedOver)) as cursor:
        return cursor.execute(QUERIES.own_outcomes).fetchall()


@router.get("/link/requests/{number}")
def outcome(context: Context, number: int, asker: Own) -> HandedOver:
    if not 0 < number <= BIGGEST:
        raise NotFoundError("No such request of yours.")
    with context.transaction(asker) as conn, conn.cursor(row_factory=class_row(HandedOver)) as cursor:
        found = cursor.execute(QUERIES.own_outcome, (number,)).fetchone()
    if found is None:
        raise NotFoundError("No such request of yours.")
    return found
