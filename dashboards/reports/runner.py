"""What takes its time (慢任务): data cuts, scheduled reports, the outage pack and lawful deletion, on a thread and a connection of its own beside the jobs.

The jobs loop never waits for it: a report that is being set must not delay an alarm.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dashboards.indicators.errors import NoDataCutError
from dashboards.papers.outage_job import OutageJob
from dashboards.reports.errors import NoChineseFontError
from dashboards.reports.service import QUERIES, due, make
from dashboards.retention import RetentionJob
from equipment.foundation import metrics
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, try_advisory_lock
from equipment.foundation.logs import get_logger
from equipment.foundation.process import BackgroundWork

log = get_logger("dashboards.reports")
CUT_EVERY = timedelta(minutes=10)
PAUSE_SECONDS = 5.0
cuts = metrics.counter("teshe_data_cuts_total", "Data cuts of the indicators")
cut_seconds = metrics.gauge("teshe_data_cut_seconds", "Length of the last data cut [s]")
made = metrics.counter("teshe_reports_total", "Reports made by the calendar")
ACCIDENT_SINCE_CUT = """
select exists (select 1 from equipment.accident a
               where a.recorded_at > (select max(cut_at) from dashboards.data_cut))
"""
CITY = "select id from equipment.jurisdiction where parent_id is null order by id limit 1"


def _accident_since_cut(conn: Connection) -> bool:
    """Whether the register has an entry that no cut has seen: the board must not show yesterday's zero."""
    row = conn.execute(ACCIDENT_SINCE_CUT).fetchone()
    return bool(row and row[0])


class SlowWork(BackgroundWork):
    """One turn looks at what is due."""

    def __init__(self, url: str, clock: Clock, pack: OutageJob | None = None) -> None:
        super().__init__(url, clock, "slow", PAUSE_SECONDS)
        self._pack = pack
        self._retention = RetentionJob()
        self._next_cut: datetime | None = None

    def turn(self, conn: Connection, now: datetime) -> int:
        """Do what is due; returns how much was done. A second process that does the same is left to it."""
        done = 0
        if self._next_cut is None or now >= self._next_cut or _accident_since_cut(conn):
            with conn.transaction():
                if try_advisory_lock(conn, "dashboards.slow.cut"):
                    began = self._clock.monotonic()
                    conn.execute(QUERIES.take_cut, (now,))
                    cut_seconds.set(self._clock.monotonic() - began)
                    cuts.inc()
                    done += 1
            self._next_cut = now + CUT_EVERY
        if self._pack is not None:
            done += self._pack.turn(conn, now)
        done += self._retention.turn(conn, now)
        return done + self._reports(conn, now)

    def _reports(self, conn: Connection, now: datetime) -> int:
        row = conn.execute(CITY).fetchone()
        if row is None:
            return 0
        done = 0
        for period in due(conn, now, str(row[0])):
            try:
                with conn.transaction():
                    if try_advisory_lock(conn, f"dashboards.slow.report:{period.stem}"):
                        done += make(conn, period, now, scheduled=True).id is not None
                        made.inc()
            except NoDataCutError:
                continue  # the platform did not run in that period: there is nothing to report
            except NoChineseFontError as error:
                log.error("report_not_set", period=period.stem, error=str(error))
                continue
        return done
