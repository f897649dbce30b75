"""JSON API under ``/api/v1``: for the firms' own software, and for our pages."""

from fastapi import APIRouter

from dashboards.api import (
    alarms,
    calls,
    contracts,
    cylinders,
    incidents,
    indicators,
    keys,
    ledger,
    organisations,
    quality,
    records,
    rosters,
    sessions,
    unit_history,
    units,
)

router = APIRouter()
PARTS = (
    sessions, units, unit_history, organisations, contracts, rosters, alarms, incidents, calls, records, keys, ledger, indicators,
    quality, cylinders,
)  # fmt: skip
for part in PARTS:
    router.include_router(part.router)
