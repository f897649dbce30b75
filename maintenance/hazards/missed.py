"""日管控 周排查 月调度 left undone (总局令第74号): which use-units fall behind, looked at once a day, a lead per duty.

Unknown is not missed: a use-unit that has never filed anything here may keep its lists on paper; the list of use-units
shows it, and no lead is opened. A lift counts from the day on which the register says that it was in use and theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from maintenance import leads
from maintenance.duties.model import DAILY, MONTHLY, WEEKLY, missed_periods, period_of
from maintenance.duties.service import QUERIES as DUTIES
from maintenance.leads import LeadSource
from maintenance.triage import source

QUERIES = load_queries(__file__, "missed.sql")
SCAN = "use_unit_duties"
BATCH = 20
"""Use-units per transaction."""
BACK = {WEEKLY: timedelta(weeks=4), MONTHLY: timedelta(days=93)}
"""How far a missed week or month is looked for: as long as it may still be made good."""
WORDS = {DAILY: "日管控", WEEKLY: "周排查", MONTHLY: "月调度"}
ENOUGH = {DAILY: 7, WEEKLY: 2, MONTHLY: 1}
"""How many days, weeks or months without a gap are the fact that the duty is done again (mark M)."""
ENOUGH_WORDS = {DAILY: "连续 7 日", WEEKLY: "连续 2 周", MONTHLY: "1 个月"}
UNITS = {DAILY: "日", WEEKLY: "周", MONTHLY: "月"}


@dataclass(frozen=True, slots=True)
class Behind:
    """What a use-unit has left undone of one duty; ``about``: the month of the days, or the first day of the newest period."""

    duty: str
    about: str
    periods: tuple[str, ...]
    evidence: dict[str, Any]

    @property
    def cause(self) -> str:
        """What joins."""
        return f"duty:{self.duty}"

    @property
    def finding(self) -> str:
        """What is judged once."""
        return f"{self.cause}:{self.about}"


def behind(conn: Connection, organisation: int, today: date) -> Iterator[Behind]:
    """What is undone and can no longer be filed in time."""
    kind = source("missed_duty")
    row = conn.execute(QUERIES.began, (organisation,)).fetchone()
    if row is None or row[0] is None:
        return
    began: date = row[0]
    until = today - timedelta(days=kind.tolerance_days + 1)
    days = days_missed(conn, organisation, max(began, until.replace(day=1)), until)
    if len(days) >= kind.times:
        listed: list[dict[str, Any]] = [
            {"day": d.isoformat(), "lifts": owed, "left_out": left} for d, owed, left in days
        ]
        yield Behind(DAILY, f"{until:%Y-%m}", tuple(d["day"] for d in listed), {"days": listed})
    for duty, back in BACK.items():
        missed = periods_missed(conn, organisation, duty, max(began, today - back), until + timedelta(days=1))
        if missed:
            yield Behind(duty, missed[-1].isoformat(), tuple(m.isoformat() for m in missed), {})


def days_missed(conn: Connection, organisation: int, since: date, until: date) -> list[tuple[date, int, int]]:
    """Days on which lifts in use were left out: day, lifts, how many were left out."""
    values = {"org": organisation, "since": since, "until": until}
    return [(day, owed, left) for day, owed, left in conn.execute(QUERIES.days, values) if left]


def periods_missed(conn: Connection, organisation: int, duty: str, since: date, today: date) -> list[date]:
    """Whole weeks or months since a day that ended before ``today`` without their report."""
    filed = [row[0] for row in conn.execute(DUTIES.filed_periods, (organisation, duty, period_of(duty, since)))]
    return [m.period_on for m in missed_periods(duty, filed, since, today)]


def kept_since(conn: Connection, organisation: int, duty: str, since: date, today: date) -> list[date]:
    """The days, weeks or months since a day in which the duty was done; empty: not yet enough of them, or one was missed."""
    if duty == DAILY:
        values = {"org": organisation, "since": since + timedelta(days=1), "until": today - timedelta(days=1)}
        days = conn.execute(QUERIES.days, values).fetchall()
        done = [row[0] for row in days] if days and not any(row[2] for row in days) else []
        return done if len(done) >= ENOUGH[DAILY] else []
    if duty not in BACK or periods_missed(conn, organisation, duty, since, today):
        return []
    filed = sorted({row[0] for row in conn.execute(DUTIES.filed_periods, (organisation, duty, period_of(duty, since)))})
    return filed if len(filed) >= ENOUGH[duty] else []


def examine(conn: Connection, organisation: int, today: date, now: datetime) -> int:
    """Open what is undone, and mark what has been made good since; returns how many leads were opened."""
    kind, found, opened = source("missed_duty"), list(behind(conn, organisation, today)), 0
    for each in found:
        if leads.known(conn, None, each.finding, organisation):
            continue
        made = LeadSource(
            unit_no=None, org_id=organisation, kind=kind.name, id=each.finding, cause=each.cause,
            summary=f"{kind.zh}：{WORDS[each.duty]}缺 {len(each.periods)} {UNITS[each.duty]}（最近 {each.periods[-1]}）",
            evidence={"duty": each.duty, "periods": list(each.periods), **each.evidence}, grade=kind.grade,
            deadline=now + kind.deadline, urgent=kind.urgent,
        )  # fmt: skip
        leads.open_or_join(conn, made, now)
        opened += 1
    # a daily list cannot be filed any more: its lead waits for a person as it is
    still = [each.cause for each in found] + [f"duty:{DAILY}"]
    leads.mark_answered(conn, None, still, now, organisation)
    return opened


def walk(conn: Connection, now: datetime) -> int:
    """The next use-units of today's walk; returns how many leads were opened."""
    today = now.astimezone(SHANGHAI).date()
    conn.execute(leads.QUERIES.ensure_scan, (SCAN, today - timedelta(days=1)))
    row = conn.execute(leads.QUERIES.lock_scan, (SCAN,)).fetchone()
    if row is None:
        return 0
    after, day = row
    if day == today and after < 0:
        return 0
    found = [r[0] for r in conn.execute(QUERIES.organisations_to_scan, (0 if day != today else after, BATCH))]
    opened = sum(examine(conn, organisation, today, now) for organisation in found)
    conn.execute(leads.QUERIES.advance_scan, (found[-1] if len(found) == BATCH else -1, today, SCAN))
    return opened
