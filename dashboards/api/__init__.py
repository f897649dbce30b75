"""JSON API under ``/api/v1``: for the firms' own software, and for our pages."""

from fastapi import APIRouter

from dashboards.api import (
    accounts,
    alarms,
    backtest,
    calls,
    casefile,
    contracts,
    cylinders,
    field,
    imports,
    incidents,
    indicators,
    keys,
    ledger,
    organisations,
    papers,
    prevention,
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
    calls,
    records,
    field,
    keys,
    casefile,
    papers,
    prevention,
    ledger,
    indicators,
    quality,
    cylinders,
):
    router.include_router(part.router)
