"""The upkeep process: everything that takes its time, away from the path of an alarm.

The store's upkeep (ingest/upkeep.py) in the main thread; data cuts, reports, the outage pack and lawful deletion,
back-tests, and the slow work on maintenance records each on a thread and a connection of its own.
"""

from __future__ import annotations

from alarms.backtest.runner import BacktestWork
from dashboards.papers.outage_job import OutageJob
from dashboards.reports.runner import SlowWork
from equipment.foundation.clock import Clock
from equipment.foundation.process import StopSignal
from ingest.upkeep import UpkeepOptions, run_upkeep
from maintenance.slow import SlowMaintenance


def run_slowly(url: str, options: UpkeepOptions, clock: Clock, stop: StopSignal, pack: OutageJob) -> None:
    """Until asked to stop; a database that is away is waited for. What a turn leaves unfinished is taken up again."""
    works = (SlowWork(url, clock, pack), BacktestWork(url, clock), SlowMaintenance(url, clock))
    try:
        for work in works:
            work.start()
        run_upkeep(url, options, clock, stop)
    finally:
        for work in works:
            work.stop()
