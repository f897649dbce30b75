"""Equipment: search, one unit, its readings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from dashboards.context import Context, permit
from dashboards.errors import BadRequestError, NotFoundError
from equipment.access.model import Asker
from equipment.catalogue.load import load_catalogue
from equipment.registry import store
from equipment.registry.model import Unit
from ingest import read

router = APIRouter(prefix="/units", tags=["units"])
LONGEST_SERIES = timedelta(days=3_660)


@router.get("")
def search(
    context: Context,
    asker: Annotated[Asker, Depends(permit("unit.view"))],
    q: Annotated[str, Query(max_length=100)] = "",
    kind: str = "",
    status: str = "",
    district: str = "",
    after: int = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Unit]:
    wanted = store.UnitFilter(q.strip(), kind, status, district)
    with context.transaction(asker) as conn:
        return store.search_units(conn, wanted, after, limit)


@router.get("/{unit_id}")
def one(context: Context, unit_id: str, asker: Annotated[Asker, Depends(permit("unit.view"))]) -> Unit:
    with context.transaction(asker) as conn:
        return store.require_unit(conn, unit_id)


@router.get("/{unit_id}/readings")
def readings(
    context: Context,
    unit_id: str,
    asker: Annotated[Asker, Depends(permit("unit.view"))],
    signals: Annotated[str, Query(description="Name of a signal")],
    since: Annotated[datetime | None, Query(alias="from")] = None,
    until: Annotated[datetime | None, Query(alias="to")] = None,
    points: Annotated[int, Query(ge=1, le=10_000)] = 2_000,
) -> dict[str, Any]:
    """One signal over time, oldest first; by default the last hour.

    ``rows`` are ``[time, value, least, greatest, samples]`` in at most ``points`` rows; ``level`` says whether they are
    samples (``raw``) or the means of a ``minute``, ``hour`` or ``day``.
    """
    end = until or context.clock.now()
    start = since or end - timedelta(hours=1)
    if start.tzinfo is None or end.tzinfo is None:
        raise BadRequestError("'from' and 'to' need a time zone, such as 2026-11-23T08:00:00+08:00.")
    if start >= end or end - start > LONGEST_SERIES:
        raise BadRequestError(f"Ask for at most {LONGEST_SERIES.days} days, 'from' before 'to'.")
    with context.transaction(asker) as conn:
        unit = store.require_unit(conn, unit_id)
        kind = load_catalogue().kind(unit.kind)
        known = {s.name: s for s in kind.signals} if kind else {}
        if signals not in known:
            raise NotFoundError(f"Equipment of the kind {unit.kind} has no signal {signals!r}.")
        found = read.course(conn, unit.kind, unit.no, known[signals], (start, end), points)
    return {
        "unit": unit.id,
        "signal": signals,
        "measured_in": known[signals].unit,
        "level": found.level,
        "rows": [(p.at, p.value, p.low, p.high, p.samples) for p in found.points],
    }
