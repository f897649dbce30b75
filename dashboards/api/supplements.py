"""补录: what was kept on paper while the platform was away."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from alarms import supplement
from alarms.incidents.settings import DeskSettings
from alarms.supplement import Supplement
from dashboards.context import Context, permit
from equipment.access.model import Asker
from equipment.access.store import audit
from ingest.calls import NewCall

router = APIRouter(prefix="/supplements", tags=["incidents"])


class Paper(BaseModel):
    """One sheet: its number, what happened, and when."""

    model_config = ConfigDict(extra="forbid")

    paper_number: str = Field(min_length=1, max_length=64)
    category: str
    level: int | None = Field(None, ge=1, le=3)
    rescue_code: str | None = Field(None, max_length=12)
    place: str = Field("", max_length=200)
    caller_phone: str | None = Field(None, max_length=30)
    trapped: int | None = None
    injured: int | None = None
    suspected_dead: int | None = None
    cause_code: str | None = Field(None, max_length=20)
    release_mode: str | None = Field(None, max_length=20)
    description: str = Field("", max_length=1_000)
    reported_at: AwareDatetime
    dispatched_at: AwareDatetime | None = None
    arrived_at: AwareDatetime | None = None
    freed_at: AwareDatetime | None = None
    called_back_at: AwareDatetime | None = None
    closed_at: AwareDatetime | None = None


@router.post("", status_code=201)
def enter(
    context: Context, paper: Paper, asker: Annotated[Asker, Depends(permit("incident.supplement"))]
) -> Supplement:
    """Enter one sheet with its original times. The same number with the same content is the same entry."""
    now = context.clock.now()
    values = paper.model_dump(exclude={"paper_number", "level"})
    call = NewCall(**values, source=supplement.SOURCE, external_id=paper.paper_number.strip())
    with context.transaction(asker) as conn:
        entered = supplement.enter(conn, call, paper.level, asker, DeskSettings(), now)
        if not entered.repeated:
            audit(conn, asker, "incident.supplement", f"incident:{entered.number}", now)
    return entered
