"""JSON API under ``/api/v1``: for the firms' own software, and for our pages."""

from fastapi import APIRouter

from dashboards.api import (
    accounts,
    alarms,
    backtest,
    calls,
    contracts,
    cylinders,
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
    supplements,
    unit_history,
    units,
)

router = APIRouter()
for part in (
    sessions,
    accounts,
    imports,
    units,
    unit_history,
    organisations,
    contracts,
    rosters,
    alarms,
    backtest,
    rules,
    incidents,
    supplements,
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
