"""The pages: server-rendered, in the language of whoever reads, under his scope."""

from fastapi import APIRouter

from dashboards.pages import (
    access,
    alarms,
    board,
    calls,
    cylinders,
    desk,
    ledger,
    maintenance,
    public,
    quality,
    rules,
    units,
)

router = APIRouter()
for part in (access, desk, alarms, calls, units, maintenance, ledger, board, quality, rules, public, cylinders):
    router.include_router(part.router)
