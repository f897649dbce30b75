"""Missed duties: one walk over the register a day, in short transactions, opens a lead per duty and day that was missed.

Unknown is not overdue: a unit whose past is not recorded opens nothing here; its gaps are shown by the register.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from equipment.due.dates import due_dates as lawful_dates
from equipment.due.store import facts_of
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection
from equipment.registry.model import Unit
from equipment.registry.store import find_by_no
from maintenance import leads
from maintenance.due import due_dates as visit_dates
from maintenance.hazards import findings, missed
from maintenance.leads import QUERIES, LeadSource
from maintenance.triage import source

SCAN = "duties"
BATCH = 50
"""Units per transaction: the loop that numbers alarms waits for no more than this."""
EVERY = timedelta(seconds=2)
ENTRAPMENTS_EVERY = timedelta(minutes=5)
MAINTAINED = ("lift", "escalator")
LAWFUL = {"inspection": "overdue_inspection", "self_test": "overdue_self_test", "insurance": "overdue_insurance"}


@dataclass(frozen=True, slots=True)
class Missed:
    """One duty that was missed: its source, the day it was due, what is known of it."""

    kind: str
    on: date
    known: dict[str, Any]

    @property
    def cause(self) -> str:
        """What joins."""
        return (
            f"overdue:{self.kind.removeprefix('overdue_')}" if self.kind != "failed_inspection" else "inspection:failed"
        )


def missed_of(conn: Connection, unit: Unit, today: date) -> Iterator[Missed]:
    """What of a unit was due and was not done, later than the source tolerates."""
    facts = facts_of(conn, unit)
    newest = max((i for i in facts.inspections if i.kind != "self_test"), key=lambda i: i.on, default=None)
    if newest is not None and not newest.passed:
        yield Missed("failed_inspection", newest.on, {"report_no": newest.report_no, "body": newest.body})
    for due in lawful_dates(facts, today):
        kind = LAWFUL.get(due.duty)
        if kind is not None and due.on is not None and due.state == "overdue" and _late(kind, due.on, today):
            yield Missed(kind, due.on, {"clause": due.clause.text if due.clause else None})
    if unit.kind in MAINTAINED:
        visits = [(row[0], row[1]) for row in conn.execute(QUERIES.visits_of_unit, (unit.no,))]
        overdue = [d for d in visit_dates(visits, today) if d.last is not None and d.state(today) == "overdue"]
        if overdue and _late("overdue_maintenance", overdue[0].on, today):
            levels = [{"level": d.level, "last": str(d.last), "due": d.on.isoformat()} for d in overdue]
            yield Missed("overdue_maintenance", overdue[0].on, {"levels": levels})


def _late(kind: str, on: date, today: date) -> bool:
    return (today - on).days > source(kind).tolerance_days


def lead_of(unit: Unit, duty: Missed, today: date, now: datetime) -> LeadSource:
    """The lead of one missed duty. Its id names the day, so that what was judged once is not opened again."""
    kind = source(duty.kind)
    clause = kind.clauses.get(unit.kind)
    days = (today - duty.on).days
    words = f"{duty.on.isoformat()}" + (f" 应完成，已超 {days} 天" if duty.kind != "failed_inspection" else " 检验")
    return LeadSource(
        unit_no=unit.no, kind=kind.name, id=f"{duty.kind}:{duty.on.isoformat()}", cause=duty.cause,
        summary=f"{kind.zh}：{words}", evidence={"due": duty.on.isoformat(), "days": days, **duty.known},
        grade=kind.grade if clause or kind.grade != "major" else "serious", clause=clause, deadline=now + kind.deadline,
        urgent=kind.urgent,
    )  # fmt: skip


def examine(conn: Connection, unit: Unit, today: date, now: datetime) -> int:
    """Open what is missed, and mark what has been made good since; returns how many leads were opened."""
    found = list(missed_of(conn, unit, today))
    opened = 0
    for each in found:
        made = lead_of(unit, each, today, now)
        if not leads.known(conn, unit.no, made.id):
            leads.open_or_join(conn, made, now)
            opened += 1
    leads.mark_answered(conn, unit.no, [m.cause for m in found], now)
    return opened


class DutyScan:
    """The walk: every unit once a day, a few at a time, from where the last process stopped."""

    def __init__(self) -> None:
        self._next: datetime | None = None
        self._next_entrapments: datetime | None = None

    def run_if_due(self, conn: Connection, now: datetime) -> int:
        """One step, if it is time; returns how many leads were opened. The caller owns no transaction."""
        done = 0
        if self._next_entrapments is None or now >= self._next_entrapments:
            self._next_entrapments = now + ENTRAPMENTS_EVERY
            with conn.transaction():
                done += findings.find_entrapments(conn, now)
        if self._next is None or now >= self._next:
            self._next = now + EVERY
            for turn in (walk, missed.walk):
                with conn.transaction():
                    done += turn(conn, now)
        return done


def walk(conn: Connection, now: datetime) -> int:
    """The next units of today's walk; returns how many leads were opened."""
    today = now.astimezone(SHANGHAI).date()
    conn.execute(QUERIES.ensure_scan, (SCAN, today - timedelta(days=1)))
    row = conn.execute(QUERIES.lock_scan, (SCAN,)).fetchone()
    if row is None:
        return 0
    after, day = row
    if day != today:
        after = 0
    elif after < 0:
        return 0
    numbers = [r[0] for r in conn.execute(QUERIES.units_to_scan, (after, BATCH))]
    opened = 0
    for no in numbers:
        unit = find_by_no(conn, no)
        if unit is not None:
            opened += examine(conn, unit, today, now)
    conn.execute(QUERIES.advance_scan, (numbers[-1] if len(numbers) == BATCH else -1, today, SCAN))
    return opened
