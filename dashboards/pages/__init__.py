"""The pages: server-rendered, in the language of whoever reads, under his scope."""

from fastapi import APIRouter

from dashboards.pages import access, alarms, board, calls, desk, ledger, maintenance, public, quality, rules, units

router = APIRouter()
for part in (access, desk, alarms, calls, units, maintenance, ledger, board, quality, rules, public):
    router.include_router(part.router)
