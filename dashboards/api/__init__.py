"""JSON API under ``/api/v1``: for the firms' own software, and for our pages."""

from fastapi import APIRouter

from dashboards.api import (
    alarms,
    backtest,
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
    backtest,
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
