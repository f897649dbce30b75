"""依法删除的定期运行: what is over the approved time of its class is let go, class by class, each in one transaction.

A class whose period nobody approved is only counted. Every act stands in the audit; what the verifiable log holds is
erased there too, so that ``teshe verify`` says 已依法删除 and finds the log whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from equipment.access import retention
from equipment.access.retention import Period
from equipment.access.store import Change, audit_many
from equipment.foundation import metrics
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.foundation.logs import get_logger
from maintenance.retention import service

QUERIES = load_queries(__file__, "retention.sql")
ACTION = "retention.erase"
HOUR = 3
"""Of the city's day: when few look."""
log = get_logger("dashboards.retention")
erased_total = metrics.counter("teshe_retention_erased_total", "Personal data let go by its period", ("class",))


@dataclass(frozen=True, slots=True)
class Eraser:
    """How a class is counted (what is older than a moment) and let go (the same; why; now)."""

    count: Callable[[Connection, datetime], int]
    erase: Callable[[Connection, datetime, str, datetime], int]


@dataclass(frozen=True, slots=True)
class Standing:
    """A class as it stands: its period, how much is over it as of when (None: never counted), and the last run."""

    period: Period
    over: int | None = None
    counted_at: datetime | None = None
    last_at: datetime | None = None
    last_count: int | None = None


def _counted(name: str, conn: Connection, before: datetime) -> int:
    row = conn.execute(getattr(QUERIES, f"count_{name}"), {"before": before}).fetchone()
    return int(row[0]) if row else 0


def _erased(name: str, conn: Connection, before: datetime, _: str, now: datetime) -> int:
    row = conn.execute(getattr(QUERIES, f"erase_{name}"), {"before": before, "now": now}).fetchone()
    return int(row[0]) if row else 0


def _of_maintenance(name: str) -> Eraser:
    def count(conn: Connection, before: datetime) -> int:
        return service.count(conn, name, before)

    def erase(conn: Connection, before: datetime, reason: str, now: datetime) -> int:
        return service.let_go(conn, name, before, reason, now)

    return Eraser(count, erase)


ERASERS: Mapping[str, Eraser] = {
    **{n: Eraser(partial(_counted, n), partial(_erased, n)) for n in ("caller_phones", "refused_messages", "people")},
    **{name: _of_maintenance(name) for name in service.COUNTED},
}
"""By class; a test compares with the table of classes."""


def count(conn: Connection, now: datetime) -> list[Standing]:
    """试运行: count what is over the period of each class, and remember it for the page; lets nothing go."""
    for period in retention.periods(conn):
        before, eraser = period.cutoff(now), ERASERS.get(period.of.name)
        if before is not None and eraser is not None:
            conn.execute(QUERIES.note_standing, (period.of.name, eraser.count(conn, before), now))
    return standings(conn)


def standings(conn: Connection) -> list[Standing]:
    """Every class as the last count found it."""
    counted = {row[0]: row[1:] for row in conn.execute(QUERIES.standings)}
    last = {row[0]: row[1:] for row in conn.execute(QUERIES.last_runs)}
    return [
        Standing(p, *counted.get(p.of.name, (None, None)), *last.get(f"class:{p.of.name}", (None, None)))
        for p in retention.periods(conn)
    ]


def run(conn: Connection, now: datetime) -> Mapping[str, int]:
    """Let go what is over the approved time of its class, once; returns how much by class. ``conn`` commits by itself."""
    return {p.of.name: _run_class(conn, p, now) for p in retention.periods(conn) if p.approved_at and p.of.approvable}


def _run_class(conn: Connection, period: Period, now: datetime) -> int:
    before, name = period.cutoff(now), period.of.name
    if before is None:
        return 0
    reason = f"保存期满 {period.days} 天：{period.of.basis}"
    with conn.transaction():
        gone = ERASERS[name].erase(conn, before, reason, now)
        if gone:
            said = Change(reason, after={"count": gone, "before": before.isoformat(), "days": period.days})
            audit_many(conn, None, [(ACTION, f"class:{name}", said)], now)
    erased_total.labels(name).inc(gone)
    if gone:
        log.info("retention_erased", kind=name, count=gone)
    return gone


class RetentionJob:
    """Runs once a night; what one turn leaves over its limit, the next takes."""

    def __init__(self) -> None:
        self._done: str | None = None

    def turn(self, conn: Connection, now: datetime) -> int:
        """Run if the night's run is due; returns how much was let go."""
        here = now.astimezone(SHANGHAI)
        day = (here - timedelta(hours=HOUR)).date().isoformat()
        if self._done == day:
            return 0
        done = sum(run(conn, now).values())
        if not done:
            with conn.transaction():
                count(conn, now)
            self._done = day
        return done
