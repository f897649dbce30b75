"""移交: units that went from one jurisdiction to another, with the work that was open on them, until somebody has received them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.pages.contracts import number_of
from dashboards.pages.frame import page
from dashboards.pages.reads import filters
from equipment.access.matrix import permits
from equipment.access.model import Asker
from equipment.catalogue.varieties import jurisdictions
from equipment.history import store

router = APIRouter(include_in_schema=False)
SHOWN = 50


def _receives(asker: Asker, to_id: str) -> bool:
    """Whether the asker supervises where the unit went."""
    area = jurisdictions().get(to_id)
    inside = area is not None and asker.scope_path is not None and area.path.startswith(asker.scope_path)
    return inside and permits(asker.role, "handover.receive")


@router.get("/handovers")
def handovers(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("handover.view"))]
) -> Response:
    asked = filters(request, "all", "after")
    with context.transaction(asker) as conn:
        found = store.handovers(
            conn, open_only=asked["all"] != "yes", after=number_of(asked["after"]) or 0, limit=SHOWN + 1
        )
    shown = [(h, _receives(asker, h.to_id) and h.received_at is None) for h in found[:SHOWN]]
    return page(
        request, "pages/handovers.html", handovers=shown, next=found[SHOWN - 1].id if len(found) > SHOWN else None
    )
