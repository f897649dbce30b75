"""当日封存: which records of a day are not sealed yet? And the receipt of a seal, on paper if need be."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.reads import filters
from dashboards.rendering import local
from equipment.access import factors
from equipment.access.model import Asker
from equipment.transparency import log
from maintenance.day_seals import service

router = APIRouter(include_in_schema=False)


@router.get("/firm/seals")
def day(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("record.seal"))]) -> Response:
    """A day's records that no seal covers, and one action."""
    today = local(context.clock.now()).date()
    asked = filters(request, "day")["day"]
    try:
        wanted = date.fromisoformat(asked) if asked else today
    except ValueError:
        wanted = today
    with context.transaction(asker) as conn:
        shown = service.day_of(conn, wanted, asker)
        made = service.seals_of(conn, asker.organisation_id or 0)
        has_factor = factors.has(conn, asker.account_id)
    return page(request, "pages/day_seal_new.html", shown=shown, made=made, has_factor=has_factor)


@router.get("/firm/seals/{seal_id}")
def receipt(
    request: Request, context: Context, seal_id: UUID, asker: Annotated[Asker, Depends(permit("record.view"))]
) -> Response:
    """The receipt: what was sealed, by whom and how, the place in the log, the server's countersignature."""
    with context.transaction(asker) as conn:
        found = service.find(conn, seal_id)
        key = log.find_key(conn, found.promise.key_id)
    own = context.signer.public(context.clock.now())
    if key is None and own.id == found.promise.key_id:
        key = own  # the jobs write it down within a second of their start
    return page(request, "pages/day_seal.html", seal=found, holds=key is not None and found.holds(key))
