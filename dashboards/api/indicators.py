"""事故 and 指标: the register, and the fatality rate with what it can and cannot tell."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dashboards.context import Context, permit
from dashboards.errors import BadRequestError
from dashboards.indicators import board
from equipment.access.model import Asker
from equipment.access.store import audit
from equipment.accidents import store
from equipment.accidents.model import NewAccident
from equipment.registry.store import require_unit

router = APIRouter(tags=["indicators"])


class AccidentReport(BaseModel):
    """事故快报. The level follows from deaths, injuries and loss; ``level`` may be sent and is checked."""

    model_config = ConfigDict(extra="forbid")

    occurred_at: AwareDatetime
    unit_id: str | None = None
    kind: str | None = None
    jurisdiction_id: str | None = None
    deaths: int = Field(0, ge=0)
    serious_injuries: int = Field(0, ge=0)
    trapped_minutes: int | None = Field(None, ge=0)
    loss_yuan: float | None = Field(None, ge=0)
    level: str | None = None
    counted: bool = True
    not_counted_reason: str | None = Field(None, max_length=500)
    narrative: str = Field("", max_length=2_000)


@router.post("/accidents", status_code=201)
def report(
    context: Context, accident: AccidentReport, asker: Annotated[Asker, Depends(permit("accident.report"))]
) -> dict[str, Any]:
    now = context.clock.now()
    if accident.occurred_at > now:
        raise BadRequestError("An accident cannot have happened in the future.")
    if not accident.counted and not accident.not_counted_reason:
        raise BadRequestError("Say why the accident is not counted.")
    with context.transaction(asker) as conn:
        unit = require_unit(conn, accident.unit_id) if accident.unit_id else None
        kind = unit.kind if unit else accident.kind
        place = unit.jurisdiction_id if unit else accident.jurisdiction_id or _own_place(asker)
        if kind is None or place is None:
            raise BadRequestError("Give the unit, or the kind of equipment and the district.")
        new = NewAccident(
            kind=kind,
            jurisdiction_id=place,
            occurred_at=accident.occurred_at,
            reported_at=now,
            deaths=accident.deaths,
            serious_injuries=accident.serious_injuries,
            trapped_minutes=accident.trapped_minutes,
            loss_yuan=accident.loss_yuan,
            counted=accident.counted,
            not_counted_reason=accident.not_counted_reason,
            narrative=accident.narrative,
            unit_no=unit.no if unit else None,
        )
        entry = store.report(conn, new, asker.account_id, now)
        audit(conn, asker, "accident.report", f"accident:{entry}", now)
    return {"id": entry}


def _own_place(asker: Asker) -> str | None:
    return asker.scope_path.strip("/").rsplit("/", 1)[-1] if asker.scope_path else None


@router.get("/accidents")
def accidents(
    context: Context, asker: Annotated[Asker, Depends(permit("accident.view"))], since: datetime, until: datetime
) -> list[dict[str, Any]]:
    if since.tzinfo is None or until.tzinfo is None:
        raise BadRequestError("'since' and 'until' need a time zone.")
    with context.transaction(asker) as conn:
        return [asdict(a) | {"level": a.level.value} for a in store.accidents_between(conn, since, until)]


@router.get("/indicators/fatality")
def fatality(
    context: Context,
    asker: Annotated[Asker, Depends(permit("board.view"))],
    year: Annotated[int | None, Query(ge=2000, le=2100)] = None,
    definition: str = "in_use",
) -> dict[str, Any]:
    """万台死亡率 of a year (of the running year: of its elapsed part) under a named definition."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        found = board.fatality_of_year(conn, year, definition, now)
    return found.as_json()
