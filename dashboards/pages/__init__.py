"""The pages: server-rendered, in the language of whoever reads, under his scope."""

from fastapi import APIRouter

from dashboards.pages import (
    access,
    alarms,
    board,
    calls,
    desk,
    ledger,
    maintenance,
    organisations,
    public,
    quality,
    units,
)

router = APIRouter()
for part in (access, desk, alarms, calls, units, organisations, maintenance, ledger, board, quality, public):
    router.include_router(part.router)
