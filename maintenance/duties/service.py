"""Filing and reading the use-unit's duties. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from equipment.access.model import Asker, ScopeKind
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.transparency import log
from equipment.transparency.entry import digest_of
from maintenance import leads
from maintenance.duties.model import (
    DAILY,
    LATE_DAYS,
    MONTHLY,
    RESULTS,
    WEEKLY,
    Checked,
    Missed,
    end_of,
    items,
    missed_days,
    missed_periods,
    period_of,
)
from maintenance.errors import DutyError
from maintenance.leads import LeadSource
from maintenance.sealed import DUTY

QUERIES = load_queries(__file__)
PROBLEM_DEADLINE = timedelta(days=3)
DAYS_BACK, WEEKS_BACK, MONTHS_BACK = 30, 8, 6
REMIND_FROM_HOUR = 17
LONGEST_TEXT = 8_000


@dataclass(frozen=True, slots=True)
class Lift:
    """A lift of the use-unit."""

    no: int
    id: str
    name: str
    plate: str | None
    site: str
    kind: str


@dataclass(frozen=True, slots=True)
class Filed:
    """What came of it: the report's id, digest, the leads that problems have opened; ``repeated``: it was there already."""

    id: int
    digest: str
    zero_risk: bool
    late: bool
    leads: tuple[int, ...]
    repeated: bool


@dataclass(frozen=True, slots=True)
class Daily:
    """The list of one site on one day, signed once."""

    site: str
    day: date
    units: Mapping[str, Checked]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a use-unit has missed in the last days, weeks and months; ``never``: it has never filed anything."""

    missed: tuple[Missed, ...]
    never: bool


def lifts(conn: Connection, organisation: int) -> list[Lift]:
    """Lifts and escalators in use of a use-unit, by site."""
    return [Lift(*row) for row in conn.execute(QUERIES.lifts, (organisation,))]


def _organisation(asker: Asker) -> int:
    if asker.scope_kind is not ScopeKind.USE_UNIT or asker.organisation_id is None:
        raise DutyError("只有使用单位可以填报 (only a use-unit files these)")
    return asker.organisation_id


def file_daily(conn: Connection, wanted: Daily, asker: Asker, device: str, now: datetime) -> Filed:
    """日管控: every lift of a site on a day, under one signature. Nothing found is a report too (零风险报告).

    A problem opens or joins a lead.

    Raises
    ------
    DutyError
        A lift of the site is left out or foreign, a problem is not described, the day is too old or to come.
    """
    organisation, today = _organisation(asker), now.astimezone(SHANGHAI).date()
    if not today - timedelta(days=LATE_DAYS) <= wanted.day <= today:
        raise DutyError(f"日期须为今天或前 {LATE_DAYS} 天内 (today, or one of the {LATE_DAYS} days before)")
    known = {lift.id: lift for lift in lifts(conn, organisation) if lift.site == wanted.site}
    if not known or wanted.units.keys() != known.keys():
        left = sorted(known.keys() - wanted.units.keys())
        foreign = sorted(wanted.units.keys() - known.keys())
        raise DutyError(f"须列出该处全部在用电梯 (list every lift of the site)：缺 {left}，多 {foreign}")
    for unit, checked in wanted.units.items():
        if checked.result not in RESULTS:
            raise DutyError(f"{unit}: 结果须为 {', '.join(RESULTS)} 之一 (one of these)")
        if checked.result != "ok" and not checked.note.strip():
            raise DutyError(f"{unit}: 请写明情况和已采取的措施 (say what it is and what was done)")
    content = {
        "format": "teshe-duty-1", "kind": DAILY, "day": wanted.day.isoformat(), "site": wanted.site,
        "items": [list(item) for item in items()],
        "units": [
            {"id": unit, "name": known[unit].name, "plate": known[unit].plate, "result": c.result, "note": c.note}
            for unit, c in sorted(wanted.units.items())
        ],
    }  # fmt: skip
    problems = {u: c for u, c in wanted.units.items() if c.result == "problem"}
    report, repeated = _store(
        conn, _Report(organisation, DAILY, wanted.day, wanted.site, not problems, content, wanted.day < today), asker,
        device, now,
    )  # fmt: skip
    opened: list[int] = []
    if not repeated:
        rows = [(report, known[u].no, wanted.day, c.result, c.note) for u, c in wanted.units.items()]
        with conn.cursor() as cursor:
            cursor.executemany(QUERIES.insert_unit, rows)
        opened = [_lead(conn, report, known[u], c.note, asker, now) for u, c in sorted(problems.items())]
    return Filed(report, digest_of(content).hex(), not problems, wanted.day < today, tuple(opened), repeated)


def file_weekly(conn: Connection, day: date, findings: str, measures: str, asker: Asker, device: str, now: datetime) -> Filed:  # fmt: skip
    """周排查: the director's report over a week, with what its daily lists say by value.

    Raises
    ------
    DutyError
    """
    organisation, begin = _organisation(asker), period_of(WEEKLY, day)
    _require_text(findings=findings, measures=measures)
    days, lifts_checked, problems = _week(conn, organisation, begin)
    content = {
        "format": "teshe-duty-1", "kind": WEEKLY, "week": begin.isoformat(), "days_checked": days,
        "lifts_checked": lifts_checked, "problems": problems, "findings": findings, "measures": measures,
    }  # fmt: skip
    return _file_period(conn, WEEKLY, begin, content, asker, device, now, zero=not problems)


def file_monthly(conn: Connection, day: date, attendees: str, minutes: str, asker: Asker, device: str, now: datetime) -> Filed:  # fmt: skip
    """月调度: minutes of the meeting in which the head hears the report.

    Raises
    ------
    DutyError
    """
    _require_text(attendees=attendees, minutes=minutes)
    begin = period_of(MONTHLY, day)
    content = {
        "format": "teshe-duty-1", "kind": MONTHLY, "month": begin.isoformat()[:7], "attendees": attendees, "minutes": minutes,
    }  # fmt: skip
    return _file_period(conn, MONTHLY, begin, content, asker, device, now, zero=False)


def _require_text(**texts: str) -> None:
    for name, text in texts.items():
        if not text.strip() or len(text) > LONGEST_TEXT:
            raise DutyError(f"{name}: 不能为空，最多 {LONGEST_TEXT} 字 (needed, at most {LONGEST_TEXT} characters)")


def _file_period(
    conn: Connection, kind: str, begin: date, content: dict[str, Any], asker: Asker, device: str, now: datetime, *, zero: bool
) -> Filed:  # fmt: skip
    today = now.astimezone(SHANGHAI).date()
    if begin > today:
        raise DutyError("该周期尚未开始 (it has not begun yet)")
    late = end_of(kind, begin) < today
    report, repeated = _store(
        conn, _Report(_organisation(asker), kind, begin, "", zero, content, late), asker, device, now
    )
    return Filed(report, digest_of(content).hex(), zero, late, (), repeated)


@dataclass(frozen=True, slots=True)
class _Report:
    """A report to be stored."""

    organisation: int
    kind: str
    period: date
    site: str
    zero_risk: bool
    content: dict[str, Any]
    late: bool


def _store(conn: Connection, report: _Report, asker: Asker, device: str, now: datetime) -> tuple[int, bool]:
    digest = digest_of(report.content)
    row = conn.execute(
        QUERIES.insert_report,
        {
            "org": report.organisation, "kind": report.kind, "period": report.period, "site": report.site,
            "zero": report.zero_risk, "content": Jsonb(report.content), "digest": digest, "account": asker.account_id,
            "signer": asker.display_name, "device": device[:200], "late": report.late, "now": now,
        },
    ).fetchone()  # fmt: skip
    if row is None:
        key = (report.organisation, report.kind, report.period, report.site, digest)
        known = conn.execute(QUERIES.known_report, key).fetchone()
        return (int(known[0]) if known else 0), True
    log.seal(conn, DUTY, str(row[0]), digest, now)
    return int(row[0]), False


def _lead(conn: Connection, report: int, lift: Lift, note: str, asker: Asker, now: datetime) -> int:
    source = LeadSource(
        unit_no=lift.no, kind="use_unit_check", id=f"{report}:{lift.id}", cause="use_unit_check",
        summary=f"日管控发现问题：{note[:200]}",
        evidence={"duty_report": report, "note": note, "by": asker.display_name, "at": now.isoformat()},
        grade="general", deadline=now + PROBLEM_DEADLINE,
    )  # fmt: skip
    return leads.open_or_join(conn, source, now)


def _week(conn: Connection, organisation: int, begin: date) -> tuple[int, int, int]:
    row = conn.execute(QUERIES.week_in_numbers, (organisation, begin, end_of(WEEKLY, begin))).fetchone()
    return (int(row[0]), int(row[1]), int(row[2])) if row else (0, 0, 0)


def standing(conn: Connection, organisation: int, now: datetime) -> Standing:
    """What a use-unit has missed: the newest first."""
    today = now.astimezone(SHANGHAI).date()
    since = today - timedelta(days=DAYS_BACK)
    checked: dict[date, int] = dict(conn.execute(QUERIES.checked_days, (organisation, since)).fetchall())
    count = len(lifts(conn, organisation))
    missed = missed_days(checked, count, since, today) if count else []
    filed_any = bool(checked)
    for kind, back in ((WEEKLY, timedelta(weeks=WEEKS_BACK)), (MONTHLY, timedelta(days=31 * MONTHS_BACK))):
        filed = [row[0] for row in conn.execute(QUERIES.filed_periods, (organisation, kind, today - back))]
        filed_any = filed_any or bool(filed)
        if count:
            missed += missed_periods(kind, filed, today - back, today)
    return Standing(tuple(sorted(missed, key=lambda m: m.period_on, reverse=True)), never=not filed_any)


def remind(conn: Connection, now: datetime) -> int:
    """In the evening remind use-units that file of lifts that nobody has checked today."""
    local = now.astimezone(SHANGHAI)
    if local.hour < REMIND_FROM_HOUR:
        return 0
    return conn.execute(QUERIES.remind_today, {"today": local.date(), "now": now}).rowcount
