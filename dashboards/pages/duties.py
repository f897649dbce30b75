"""日管控 周排查 月调度: what must be checked today, what was missed? On the officer's phone, and for the authority."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.reads import rows
from dashboards.rendering import local
from equipment.access.model import Asker, ScopeKind
from maintenance.duties import service
from maintenance.duties.model import items

router = APIRouter(include_in_schema=False)
DAYS = 30
SHOWN = 200
MISSED_SHOWN = 40


@router.get("/duties")
def duties(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("duty.view"))]) -> Response:
    """The use-unit's own duties; for the authority which use-units fall behind."""
    now = context.clock.now()
    today = local(now).date()
    since = today - timedelta(days=DAYS)
    if asker.scope_kind is not ScopeKind.USE_UNIT or asker.organisation_id is None:
        with context.transaction(asker) as conn:
            found = rows(conn, service.QUERIES.organisations, {"since": since, "today": today, "limit": 2_000})
        behind = sorted(found, key=lambda o: (o.checked / (o.lifts * DAYS), o.name))[:SHOWN]
        return page(request, "pages/duties_overseen.html", organisations=behind, days=DAYS)
    with context.transaction(asker) as conn:
        lifts = service.lifts(conn, asker.organisation_id)
        standing = service.standing(conn, asker.organisation_id, now)
        filed = rows(conn, service.QUERIES.reports, {"org": asker.organisation_id, "since": since, "limit": SHOWN})
    sites = [(site, list(group)) for site, group in groupby(lifts, key=lambda lift: lift.site)]
    done = {r.site: r for r in reversed(filed) if r.kind == "daily" and r.period_on == today}
    return page(
        request, "pages/duties.html", sites=sites, done=done, standing=standing, shown=MISSED_SHOWN, filed=filed,
        items=items(),
    )  # fmt: skip
