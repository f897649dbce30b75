"""应急统计 for other systems: what the statistics page shows, as numbers, each with its definition."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from alarms.statistics.figures import BINS, Group, Times
from alarms.statistics.load import ACCEPTABLE_PER_HOUR, BASIS_DAYS, MANAGEABLE_PER_HOUR, Load
from alarms.statistics.model import Case, Period, Start
from alarms.statistics.store import Leads, Statistics, read_statistics
from dashboards.context import Context, permit
from dashboards.errors import BadRequestError
from dashboards.rendering import local
from dashboards.reports.model import ReportKind, ReportPeriod
from equipment.access.model import Asker

router = APIRouter(prefix="/statistics", tags=["statistics"])
LONGEST_DAYS = 366
DEFINITIONS = {
    "counted": "经人员确认的实际事件；未确认的传感器线索、演练、测试和补录不计入 (confirmed real incidents only)",
    "monthly_rate": "困人起数 ÷ 月数 ÷ 期末日在用电梯 (entrapments / months / lifts in use on the last day)",
    "daily_rate": "困人起数 ÷ 天数 ÷ 期末日在用电梯 (entrapments / days / lifts in use)",
    "arrival_reported": "到达 − 报警 (from the report)",
    "arrival_dispatched": "到达 − 派单 (from the first order)",
    "release": "解救 − 到达 (from the arrival to the release)",
    "in_time": "不超过 30 分钟，恰为 30 分 00 秒不算超时 (30:00 is in time)",
    "bins": "左闭右开，按秒计算，末档 ≥30 分 (half open, judged on seconds)",
    "levels": "最先到达者的派单级别，无人到达按最高派单级别 (of the first who arrived, else the highest ordered)",
    "people_freed": "已解救事件的被困人数之和，人数未记录的不计 (where the number is known)",
    "seat_load": "坐席在某小时有操作即为在岗，通告由在岗坐席均摊 (ISA-18.2-2016 §16, shared by the seats at work)",
}


class Durations(BaseModel):
    """One step's durations. ``missing``: not recorded or impossible, in no mean and no bin."""

    known: int
    missing: int
    mean_seconds: float | None
    in_time: int
    share_in_time: float | None
    bins: dict[str, int]


class Row(BaseModel):
    """One row of a breakdown of entrapments."""

    name: str
    entrapments: int
    people_freed: int
    arrival_reported: Durations
    arrival_dispatched: Durations
    release: Durations


class LateCase(BaseModel):
    """One arrival of more than 30 minutes, by either start."""

    incident_id: int
    number: str
    place: str
    firm: str | None
    reported_at: datetime
    seconds_from_report: float | None
    seconds_from_order: float | None


class Seat(BaseModel):
    """One seat's load."""

    name: str
    hours: int
    incidents_taken: int
    mean_take_seconds: float | None
    acts: int
    annunciations: float
    per_hour: float
    busiest_ten_minutes: float
    share_of_intervals_over_ten: float


class OperatorLoad(BaseModel):
    """ISA-18.2-2016 §16. ``per_hour`` is per seat at work; ``enough_days`` False: no basis for a judgement."""

    annunciations: int
    unattended: int
    per_hour: float | None
    acceptable_per_hour: int
    manageable_per_hour: int
    busiest_ten_minutes: float
    share_of_intervals_over_ten: float
    floods: int
    share_of_time_in_flood: float
    share_of_top_ten_rules: float | None
    by_severity: dict[str, int]
    by_rule: dict[str, int]
    enough_days: bool
    seats: list[Seat]


class DeskStatistics(BaseModel):
    """Everything of one period and place. ``lifts`` null: how many are in use is not known, and no rate is given."""

    first: date
    last: date
    days: int
    months: float
    district: str | None
    read_at: datetime
    lifts: int | None
    incidents: int
    by_nature: dict[str, int]
    by_kind: dict[str, int]
    entrapments: int
    entrapments_by_first_source: dict[str, int]
    entrapments_on_paper: int
    monthly_rate: float | None
    daily_rate: float | None
    people_freed: int
    people_unknown: int
    sensor_leads: Leads
    arrival_reported: Durations
    arrival_dispatched: Durations
    release: Durations
    levels: dict[str, int]
    release_modes: dict[str, int]
    causes: dict[str, int]
    late_from_report: int
    late_from_order: int
    late: list[LateCase]
    groups: dict[str, list[Row]]
    load: OperatorLoad
    definitions: dict[str, str]


def _durations(t: Times) -> Durations:
    names = [f"{low}-{high}" for low, high in BINS] + ["30+"]
    return Durations(
        known=t.known, missing=t.missing, mean_seconds=t.mean_seconds, in_time=t.in_time,
        share_in_time=t.share_in_time, bins=dict(zip(names, t.bins, strict=True)),
    )  # fmt: skip


def _row(g: Group) -> Row:
    return Row(
        name=g.name, entrapments=g.entrapments, people_freed=g.people, arrival_reported=_durations(g.from_report),
        arrival_dispatched=_durations(g.from_order), release=_durations(g.release),
    )  # fmt: skip


def _late(case: Case) -> LateCase:
    spans = [case.arrival(start) for start in (Start.REPORTED, Start.DISPATCHED)]
    from_report, from_order = (None if s is None else s.total_seconds() for s in spans)
    return LateCase(
        incident_id=case.id, number=case.number, place=case.place, firm=case.firm, reported_at=case.reported_at,
        seconds_from_report=from_report, seconds_from_order=from_order,
    )  # fmt: skip


def _load(x: Load) -> OperatorLoad:
    seats = [
        Seat(
            name=s.name, hours=s.hours, incidents_taken=s.taken, mean_take_seconds=s.mean_take_seconds, acts=s.acts,
            annunciations=s.rung, per_hour=s.per_hour, busiest_ten_minutes=s.busiest,
            share_of_intervals_over_ten=s.over_share,
        )
        for s in x.seats
    ]  # fmt: skip
    return OperatorLoad(
        annunciations=x.annunciations, unattended=x.unattended, per_hour=x.per_hour,
        acceptable_per_hour=ACCEPTABLE_PER_HOUR, manageable_per_hour=MANAGEABLE_PER_HOUR, busiest_ten_minutes=x.busiest,
        share_of_intervals_over_ten=x.over_share, floods=x.floods, share_of_time_in_flood=x.flood_share,
        share_of_top_ten_rules=x.top_share, by_severity=dict(x.severities), by_rule=dict(x.rules),
        enough_days=x.days >= BASIS_DAYS, seats=seats,
    )  # fmt: skip


def answer(found: Statistics, district: str) -> DeskStatistics:
    """The figures as they are sent; an unknown key is ``unknown``."""
    f = found.figures
    late = {c.id: c for start in Start for c in f.late[start]}
    return DeskStatistics(
        first=f.period.first, last=f.period.last, days=f.period.days, months=f.period.months, district=district or None,
        read_at=found.read_at, lifts=f.lifts, incidents=f.incidents, by_nature={n.value: c for n, c in f.by_nature.items()},
        by_kind=dict(f.by_kind), entrapments=f.entrapments, entrapments_by_first_source=dict(f.by_source),
        entrapments_on_paper=f.supplements, monthly_rate=f.rate(), daily_rate=f.daily_rate(), people_freed=f.people_freed,
        people_unknown=f.people_unknown, sensor_leads=found.leads, arrival_reported=_durations(f.arrival[Start.REPORTED]),
        arrival_dispatched=_durations(f.arrival[Start.DISPATCHED]), release=_durations(f.release),
        levels={"none" if k is None else str(k): n for k, n in f.levels.items()},
        release_modes={k or "unknown": n for k, n in f.release_modes.items()},
        causes={k or "unknown": n for k, n in f.causes.items()}, late_from_report=len(f.late[Start.REPORTED]),
        late_from_order=len(f.late[Start.DISPATCHED]),
        late=[_late(c) for c in sorted(late.values(), key=lambda c: (c.reported_at, c.id))],
        groups={name: [_row(g) for g in groups] for name, groups in f.groups.items()}, load=_load(found.load),
        definitions=DEFINITIONS,
    )  # fmt: skip


def asked_period(month: str, first: date | None, last: date | None, now: datetime) -> Period:
    """A month of the calendar, or whole days from ``first`` to ``last``; without either the month that runs.

    Raises
    ------
    PeriodError, BadRequestError
    """
    if first is not None or last is not None:
        if month or first is None or last is None or last < first or (last - first).days >= LONGEST_DAYS:
            raise BadRequestError(
                f"请给出 month，或不超过 {LONGEST_DAYS} 天的 first 与 last (month, or first and last)"
            )
        return Period(first, last)
    read = ReportPeriod.read(ReportKind.MONTHLY, month or f"{local(now):%Y-%m}")
    return Period(read.first, read.last)


@router.get("/desk")
def desk(
    context: Context,
    asker: Annotated[Asker, Depends(permit("statistics.view"))],
    month: Annotated[str, Query(max_length=10, description="2026-03")] = "",
    first: date | None = None,
    last: date | None = None,
    district: Annotated[str, Query(max_length=20, description="Code of a district; empty: all that you may see")] = "",
) -> DeskStatistics:
    """The desk's figures of a period, by the definitions in ``definitions``."""
    now = context.clock.now()
    period = asked_period(month, first, last, now)
    with context.transaction(asker) as conn:
        return answer(read_statistics(conn, period, now, district), district)
