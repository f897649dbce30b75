"""JSON API under ``/api/v1``: for the firms' own software, and for our pages."""

from fastapi import APIRouter

from dashboards.api import (
    accounts,
    alarms,
    backtest,
    call_events,
    calls,
    contracts,
    cylinders,
    desk_work,
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
    desk_work,
    calls,
    call_events,
    records,
    field,
    keys,
    ledger,
    indicators,
    quality,
    cylinders,
):
    router.include_router(part.router)
