"""The jobs process: numbers the streams, turns alarms and calls into incidents and leads, watches every clock.

The numbers are given on a thread of their own, so that an alarm is on the desk before anybody has thought about it; one
loop of short transactions does the thinking; what takes its time has a process of its own (dashboards/upkeep.py). A
second jobs process may run beside it: sequencers take a lock, consumers lock their cursor, and clocks act through the
same state tables as people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from alarms.incidents.runner import IncidentRunner
from alarms.incidents.settings import DeskSettings
from alarms.paging.runner import GROUPS, PagingWork
from alarms.suppression.service import follow_registry, release_due
from dashboards.open_work import open_work
from equipment.access.store import forget_sessions
from equipment.access.webhooks import forget as forget_deliveries
from equipment.contracts.store import lapse_due
from equipment.cylinders.retention import keep_traces
from equipment.foundation import metrics, stream
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, DatabaseRole, connect, translated
from equipment.foundation.errors import WorldError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import BackgroundWork, StopSignal, backoff_seconds
from equipment.history import store as history
from equipment.registry.store import fill_initials
from equipment.transparency import log
from equipment.transparency.keys import Signer
from maintenance.runner import LeadRunner

logger = get_logger("dashboards.jobs")
PAUSE_SECONDS = 0.02
"""Between two looks; what an alarm waits for its number, and then for its incident."""
SHELVES_EVERY = timedelta(seconds=1)
SESSIONS_EVERY = timedelta(minutes=10)
REGISTER_EVERY = timedelta(seconds=10)
DAY_EVERY = timedelta(minutes=30)
"""How soon after midnight the register follows what begins and ends with the day."""
TRACES_EVERY = timedelta(hours=6)
SIGNATURES_EVERY = timedelta(seconds=1)

turns = metrics.counter("teshe_jobs_turns_total", "Turns of the jobs loop")
numbered = metrics.counter("teshe_stream_entries_total", "Stream entries numbered", ("stream",))
sealed_total = metrics.counter("teshe_log_entries_total", "Entries of the tamper-evident log numbered")
backlog_age = metrics.gauge("teshe_jobs_turn_seconds", "Length of the last turn of the jobs loop [s]")


@dataclass(slots=True)
class _Periodic:
    """Work that is due every so often."""

    every: timedelta
    work: Callable[[Connection, datetime], int]
    next_at: datetime | None = None

    def run_if_due(self, conn: Connection, now: datetime) -> None:
        if self.next_at is not None and now < self.next_at:
            return
        self.next_at = now + self.every
        with conn.transaction():
            self.work(conn, now)


class Jobs:
    """Everything that happens without anybody asking."""

    def __init__(self, desk: DeskSettings, signer: Signer) -> None:
        self._incidents = IncidentRunner(desk)
        self._leads = LeadRunner()
        self._signer = signer
        self._periodic = (
            _Periodic(SHELVES_EVERY, release_due),
            _Periodic(SHELVES_EVERY, follow_registry),
            _Periodic(SESSIONS_EVERY, forget_sessions),
            _Periodic(SESSIONS_EVERY, forget_deliveries),
            _Periodic(DAY_EVERY, history.project_changes),
            _Periodic(REGISTER_EVERY, list_open_work),
            _Periodic(REGISTER_EVERY, lapse_due),
            _Periodic(REGISTER_EVERY, fill_initials),
            _Periodic(TRACES_EVERY, keep_traces),
            _Periodic(SIGNATURES_EVERY, self._sign),
        )

    def turn(self, conn: Connection, now: datetime) -> int:
        """Look at everything once; returns how much was done. ``conn`` has no transaction open."""
        done = self._incidents.run_once(conn, now)
        done += self._leads.run_once(conn, now)
        with conn.transaction():
            sealed = log.sequence(conn, now)
        sealed_total.inc(sealed)
        done += sealed
        for job in self._periodic:
            job.run_if_due(conn, now)
        turns.inc()
        return done

    def _sign(self, conn: Connection, now: datetime) -> int:
        log.register_key(conn, self._signer.public(now), None)
        return int(log.sign_if_due(conn, self._signer, self._signer.name, now) is not None)


def list_open_work(conn: Connection, now: datetime) -> int:
    """Write into new hand-overs of units what was open on them in every room."""
    return history.list_open_work(conn, open_work, now)


class Numbering(BackgroundWork):
    """Gives what has been committed to the streams its numbers."""

    def __init__(self, url: str, clock: Clock) -> None:
        super().__init__(url, clock, "numbering", PAUSE_SECONDS)

    def turn(self, conn: Connection, now: datetime) -> int:
        """Number what waits; returns how much that was."""
        done = stream.sequence_waiting(conn, now)
        for name, count in done.items():
            numbered.labels(name).inc(count)
        return sum(done.values())


def run_jobs(url: str, desk: DeskSettings, signer: Signer, clock: Clock, stop: StopSignal) -> None:
    """Turn until asked to stop; a database that is away is waited for."""
    paging = [PagingWork(url, clock, desk, channels).start() for channels in GROUPS]
    numbering = Numbering(url, clock).start()
    try:
        _turn_until(url, desk, signer, clock, stop)
    finally:
        numbering.stop()
        for sender in paging:
            sender.stop(None)  # what is being sent has either been noted or is sent again


def _turn_until(url: str, desk: DeskSettings, signer: Signer, clock: Clock, stop: StopSignal) -> None:
    attempt = 0
    while not stop.is_set:
        jobs = Jobs(desk, signer)
        try:
            with (
                translated(),
                connect(url, DatabaseRole.SYSTEM, application_name="teshe-jobs", autocommit=True) as conn,
            ):
                logger.info("jobs_ready")
                while not stop.is_set:
                    began = clock.monotonic()
                    done = jobs.turn(conn, clock.now())
                    backlog_age.set(clock.monotonic() - began)
                    attempt = 0
                    stop.wait(0 if done else PAUSE_SECONDS)
        except (WorldError, psycopg.Error) as error:
            attempt += 1
            logger.error("jobs_failed", error=str(error), kind=type(error).__name__, attempt=attempt)
            stop.wait(backoff_seconds(attempt))
