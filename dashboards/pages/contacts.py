"""通知名单: whom the two-hour rule tells, and by which channels firms and stations are reached."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from alarms.desk.phone import QUERIES as DESK
from alarms.incidents.settings import DeskSettings
from alarms.paging import addresses
from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.reads import filters, rows
from equipment.access.model import Asker, ScopeKind

router = APIRouter(include_in_schema=False)
SHOWN = 60
"""Organisations on one page; the search narrows them."""


@router.get("/contacts")
def contacts(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("paging.manage"))]) -> Response:
    """The desk sees everybody and the named people; a firm its own channels."""
    wanted, now = filters(request, "q")["q"], context.clock.now()
    own = asker.organisation_id if asker.scope_kind is ScopeKind.FIRM else None
    with context.transaction(asker) as conn:
        found = addresses.reached(conn, now, own)
        named = rows(conn, DESK.named_now) if own is None else []
    groups = [list(ways) for _, ways in groupby(found, key=lambda r: r.organisation_id)]
    matching = [g for g in groups if wanted in g[0].organisation]
    return page(
        request, "pages/contacts.html", groups=matching[:SHOWN], more=max(0, len(matching) - SHOWN), named=named,
        steps=DeskSettings().steps, own=own, wanted=wanted, channels=addresses.CHANNELS,
        unreached=sum(not any(r.channel for r in g) for g in groups),
    )  # fmt: skip
