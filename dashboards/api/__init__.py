"""JSON API under ``/api/v1``: for the firms' own software, and for our pages."""

from fastapi import APIRouter

from dashboards.api import (
    alarms,
    calls,
    cylinders,
    imports,
    incidents,
    indicators,
    keys,
    ledger,
    quality,
    records,
    rules,
    sessions,
    units,
)

router = APIRouter()
for part in (
    sessions,
    imports,
    units,
    alarms,
    rules,
    incidents,
    calls,
    records,
    keys,
    ledger,
    indicators,
    quality,
    cylinders,
):
    router.include_router(part.router)
