"""现场: the field form's shell and its service worker. The shell is the same for everybody: it names nobody."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.pages.frame import frame_of, page, renderer
from dashboards.pages.reads import QUERIES, filters, rows
from dashboards.rendering import local
from equipment.access.model import Asker
from maintenance.plans import calendar
from maintenance.plans import service as plans

router = APIRouter(include_in_schema=False)
ROOT = Path(__file__).parents[1]
ASSETS = (
    "/static/css/tokens.css",
    "/static/icon.svg",
    "/static/js/device.js",
    *sorted(f"/static/field/{path.name}" for path in (ROOT / "static" / "field").iterdir()),
)
CALENDAR_DAYS = 15
REMINDED = timedelta(days=1)
MOST_REMINDERS = 100
SHELL = ("/field", *ASSETS)
"""What the phone keeps to open the form without network."""


@cache
def version() -> str:
    """Changes with any byte of the shell."""
    found = hashlib.sha256()
    for path in sorted((ROOT / "templates" / "field").iterdir()):
        found.update(path.read_bytes())
    for address in ASSETS:
        found.update((ROOT / address.lstrip("/")).read_bytes())
    return found.hexdigest()[:16]


@router.get("/field")
def shell(request: Request, _: Annotated[Asker, Depends(permit("record.file"))]) -> Response:
    """The form. What it shows, it asks the API for, once, and keeps it on the phone."""
    return page(request, "field/shell.html")


@router.get("/field/worker.js")
def worker(request: Request, _: Annotated[Asker, Depends(permit("record.file"))]) -> Response:
    """The service worker, with the list of what it keeps."""
    text = renderer().render("field/worker.js", frame_of(request, None), version=version(), shell=list(SHELL))
    return Response(text, media_type="text/javascript", headers={"Service-Worker-Allowed": "/field"})


@router.get("/firm/plan")
def plan(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("firm.view"))]) -> Response:
    """Day by day: which lift, at which level, what is late. With ``worker`` that worker's lifts only; today as a route."""
    now = context.clock.now()
    today, wanted = local(now).date(), filters(request, "worker")["worker"]
    with context.transaction(asker) as conn:
        every = [lift.unit for lift in plans.lifts(conn, asker.organisation_id)]
        people = rows(conn, QUERIES.firm_workers)
        reminders = rows(
            conn, plans.QUERIES.reminders, {"since": now - REMINDED, "kind": "visit", "limit": MOST_REMINDERS}
        )
    chosen = [u for u in every if not wanted or str(u.person) == wanted]
    visits = [calendar.next_visit(unit, today) for unit in chosen]
    days = calendar.by_day(visits, today, CALENDAR_DAYS)
    first = days[0][1] if days and days[0][0] == today else []
    return page(
        request, "field/plan.html", days=days, coverage=calendar.coverage(visits), route=calendar.route(first),
        people=[(str(p.id), p.name) for p in people], reminders=reminders,
    )  # fmt: skip
