"""JSON API under ``/api/v1``: for the firms' own software, and for our pages."""

from fastapi import APIRouter

from dashboards.api import (
    accounts,
    alarms,
    assignments,
    backtest,
    calls,
    contracts,
    cylinders,
    devices,
    field,
    imports,
    incidents,
    indicators,
    keys,
    ledger,
    organisations,
    quality,
    records,
    rosters,
    rules,
    sessions,
    unit_history,
    units,
)

router = APIRouter()
for part in (
    sessions,
    accounts,
    assignments,
    imports,
    units,
    devices,
    unit_history,
    organisations,
    contracts,
    rosters,
    alarms,
    backtest,
    rules,
    incidents,
    calls,
    records,
    field,
    keys,
    ledger,
    indicators,
    quality,
    cylinders,
):
    router.include_router(part.router)
