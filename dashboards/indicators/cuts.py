"""数据时点: a data cut, and the due dates of inspections that it counts by, kept per unit.

The dates come from the register's own pure functions. They follow from recorded facts alone, so they are made again only
where a fact has changed (``dashboards.due_to_make``), and a day that passes costs nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dashboards.indicators.facts import QUERIES
from equipment.due.dates import ANSWERS, Facts, Inspection, base_of, next_due, schedule
from equipment.due.rules import RuleTable, rule_table
from equipment.foundation.database import Connection

LOOKED_FOR = 50_000
"""Units that one look for changed facts names; the look reads the whole register."""
BATCH = 5_000
"""Units per transaction, so that a new city of 500,000 holds no lock for long."""


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty of one unit. ``ruled``: it is owed, now or later; ``on`` None: the date cannot be told.

    ``last`` is the last date of a duty that ends (self-test, once an inspection is due every year), None: it does not.
    """

    ruled: bool
    on: date | None
    recorded: bool
    last: date | None = None


def duty_of(duty: str, facts: Facts, rules: RuleTable | None = None) -> Duty:
    """The first date of a duty that nothing has answered, however long ago it was."""
    table = rules or rule_table()
    rule = next((r for r in table.of(facts.variety) if r.duty == duty), None)
    start, _ = base_of(facts)
    if rule is None or start is None:
        return Duty(rule is not None, None, recorded=False)
    # asked as on the first day, nothing is passed over: the answer is the same on every later day
    found = next_due(rule, table, facts, start)
    recorded = any(i.passed and i.kind in ANSWERS[duty] and i.on > start for i in facts.inspections)
    last = max(on for on, _ in schedule(rule, table, start)) if rule.besides else None
    return Duty(ruled=found.on is not None, on=found.on, recorded=recorded, last=last)


def refresh_due(conn: Connection) -> int:
    """Make the due dates of every unit whose facts have changed; how many those were. Commits batch by batch."""
    done = 0
    while True:
        wanted: list[tuple[int, list[int]]] = conn.execute(QUERIES.due_to_make, (LOOKED_FOR,)).fetchall()
        for first in range(0, len(wanted), BATCH):
            with conn.transaction():
                _make(conn, dict(wanted[first : first + BATCH]))
        done += len(wanted)
        if len(wanted) < LOOKED_FOR:
            return done


def _make(conn: Connection, wanted: Mapping[int, Sequence[int]]) -> None:
    units = list(wanted)
    inspections: dict[int, list[Inspection]] = defaultdict(list)
    for unit, kind, on, passed in conn.execute(QUERIES.due_inspections, (units,)):
        inspections[unit].append(Inspection(kind, on, passed))
    idle: dict[int, list[tuple[date, date | None]]] = defaultdict(list)
    for unit, since, until in conn.execute(QUERIES.due_idle, (units,)):
        idle[unit].append((since, until))
    rows = []
    for no, variety, kind, first_use in conn.execute(QUERIES.due_units, (units,)):
        facts = Facts(variety, kind, "in_use", first_use, None, None, tuple(inspections[no]), tuple(idle[no]))
        inspection, self_test = duty_of("inspection", facts), duty_of("self_test", facts)
        rows.append((
            no, wanted[no], inspection.ruled, inspection.on, inspection.recorded, self_test.ruled, self_test.on, self_test.recorded,
            self_test.last,
        ))  # fmt: skip
    with conn.cursor() as cursor:
        cursor.executemany(QUERIES.put_due, rows)


def take_cut(conn: Connection, at: datetime) -> int:
    """A data cut as of ``at``; the number of the cut. What changed since :func:`refresh_due` waits for the next one."""
    row = conn.execute(QUERIES.take_cut, (at,)).fetchone()
    return int(row[0]) if row else 0
