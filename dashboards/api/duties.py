"""使用单位职责: daily lists, weekly reports, monthly minutes, and what was missed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from dashboards.context import Context, permit
from dashboards.pages.reads import rows
from dashboards.rendering import local
from equipment.access.model import Asker
from maintenance.duties import service
from maintenance.duties.model import Checked
from maintenance.duties.service import Daily, Filed

router = APIRouter(tags=["duties"])
SHOWN = timedelta(days=62)


class UnitResult(BaseModel):
    """One lift: ok, problem or stopped; the last two say what it is and what was done."""

    model_config = ConfigDict(extra="forbid")

    result: str = Field("ok", max_length=20)
    note: str = Field("", max_length=1_000)


class NewDaily(BaseModel):
    """The list of one site; every lift of the site stands in it."""

    model_config = ConfigDict(extra="forbid")

    site: str = Field(max_length=300)
    day: date
    units: dict[str, UnitResult]
    device: str = Field("", max_length=200)


class NewWeekly(BaseModel):
    """《每周电梯安全排查治理报告》."""

    model_config = ConfigDict(extra="forbid")

    week: date = Field(description="Any day of the week")
    findings: str = Field(max_length=service.LONGEST_TEXT)
    measures: str = Field(max_length=service.LONGEST_TEXT)
    device: str = Field("", max_length=200)


class NewMonthly(BaseModel):
    """《每月电梯安全调度会议纪要》."""

    model_config = ConfigDict(extra="forbid")

    month: date = Field(description="Any day of the month")
    attendees: str = Field(max_length=1_000)
    minutes: str = Field(max_length=service.LONGEST_TEXT)
    device: str = Field("", max_length=200)


@router.post("/duties/daily", status_code=201)
def daily(context: Context, wanted: NewDaily, asker: Annotated[Asker, Depends(permit("duty.check"))]) -> Filed:
    """日管控: one signature covers a site's list. Sending the same list again is harmless."""
    units = {unit: Checked(u.result, u.note) for unit, u in wanted.units.items()}
    with context.transaction(asker) as conn:
        return service.file_daily(
            conn, Daily(wanted.site, wanted.day, units), asker, wanted.device, context.clock.now()
        )


@router.post("/duties/weekly", status_code=201)
def weekly(context: Context, wanted: NewWeekly, asker: Annotated[Asker, Depends(permit("duty.report"))]) -> Filed:
    """周排查: the director's report; what the daily lists say is taken over by value."""
    with context.transaction(asker) as conn:
        return service.file_weekly(
            conn, wanted.week, wanted.findings, wanted.measures, asker, wanted.device, context.clock.now()
        )


@router.post("/duties/monthly", status_code=201)
def monthly(context: Context, wanted: NewMonthly, asker: Annotated[Asker, Depends(permit("duty.report"))]) -> Filed:
    """月调度: the minutes of the meeting."""
    with context.transaction(asker) as conn:
        return service.file_monthly(
            conn, wanted.month, wanted.attendees, wanted.minutes, asker, wanted.device, context.clock.now()
        )


@router.get("/duties")
def reports(context: Context, asker: Annotated[Asker, Depends(permit("duty.view"))]) -> list[dict[str, Any]]:
    """What was filed in the last two months, newest first."""
    since = local(context.clock.now()).date() - SHOWN
    with context.transaction(asker) as conn:
        found = rows(conn, service.QUERIES.reports, {"org": None, "since": since, "limit": 500})
    return [row._asdict() for row in found]


@router.get("/duties/missed")
def missed(context: Context, asker: Annotated[Asker, Depends(permit("duty.check"))]) -> service.Standing:
    """What your use-unit has missed."""
    with context.transaction(asker) as conn:
        return service.standing(conn, asker.organisation_id or 0, context.clock.now())
