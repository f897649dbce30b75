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
    organisations,
    public,
    quality,
    units,
)

router = APIRouter()
PARTS = (access, desk, alarms, calls, units, organisations, maintenance, ledger, board, quality, public, cylinders)
for part in PARTS:
    router.include_router(part.router)
