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
    field,
    imports,
    labels,
    ledger,
    maintenance,
    maps,
    organisations,
    public,
    quality,
    reply,
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
    organisations,
    maintenance,
    field,
    ledger,
    board,
    reports,
    quality,
    public,
    reply,
    cylinders,
):
    router.include_router(part.router)
