"""The pages: server-rendered, in the language of whoever reads, under his scope."""

from fastapi import APIRouter

from dashboards.pages import (
    access,
    accounts,
    alarms,
    backtest,
    board,
    calls,
    cylinders,
    desk,
    devices,
    field,
    imports,
    labels,
    ledger,
    maintenance,
    maps,
    organisations,
    public,
    quality,
    reports,
    rules,
    units,
)

router = APIRouter()
for part in (
    access,
    accounts,
    desk,
    alarms,
    backtest,
    rules,
    calls,
    labels,
    maps,
    imports,
    units,
    devices,
    organisations,
    maintenance,
    field,
    ledger,
    board,
    reports,
    quality,
    public,
    cylinders,
):
    router.include_router(part.router)
