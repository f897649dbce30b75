"""维保变更: who claims a lift, whose turn it is, and the next lawful step as one button."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.reads import filters
from equipment.access.matrix import permits
from equipment.access.model import Asker
from equipment.contracts import store
from equipment.contracts.lifecycle import ACTORS, NEEDS_REASON, TRANSITIONS, Event, State
from equipment.contracts.model import FirmChange

router = APIRouter(include_in_schema=False)
SHOWN = 50


def steps_of(asker: Asker, change: FirmChange) -> list[tuple[str, bool]]:
    """What the asker may do next with a change, and whether it needs a reason."""
    if not permits(asker.role, "firm_change.act"):
        return []
    party = store.party_of(asker, change)
    return [
        (event.value, event in NEEDS_REASON)
        for event in Event
        if (State(change.state), event) in TRANSITIONS and ACTORS[event] is party
    ]


@router.get("/firm-changes")
def firm_changes(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("contract.view"))]
) -> Response:
    asked = filters(request, "unit", "all", "after")
    after = int(asked["after"]) if asked["after"].isdigit() else 0
    with context.transaction(asker) as conn:
        found = store.changes(conn, asked["unit"], after, SHOWN + 1, open_only=not asked["all"])
        told = [(change, store.history_of(conn, change.id), steps_of(asker, change)) for change in found[:SHOWN]]
    more = found[SHOWN - 1].id if len(found) > SHOWN else None
    return page(request, "pages/firm_changes.html", changes=told, more=more)
