"""Runs back-tests and scores in the background, on a thread and connections of its own beside the jobs.

The jobs loop never waits for it: a back-test must not delay an alarm. The replay itself is done by processes of low
priority.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from alarms.backtest import runs, shadow
from alarms.backtest.reading import QUERIES
from alarms.backtest.run import Asked, backtest, rules_of
from alarms.backtest.runs import Run
from alarms.backtest.settings import BacktestSettings
from alarms.errors import AlarmsInputError, ReplayFailedError
from equipment.foundation import metrics
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, DatabaseRole, connect, translated, try_advisory_lock
from equipment.foundation.errors import WorldError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import backoff_seconds

log = get_logger("alarms.backtest")
PAUSE_SECONDS = 2.0
LOST_AFTER = timedelta(minutes=3)
"""A run that showed no life for so long was left by a process that ended."""
TOLD_EVERY_SECONDS = 0.5
done_total = metrics.counter("teshe_backtests_total", "Back-tests that ended", ("how",))


class BacktestWork:
    """One turn takes up a run and works out scores when they are due; :meth:`start` for the thread."""

    def __init__(self, url: str, clock: Clock, settings: BacktestSettings | None = None) -> None:
        self._url = url
        self._clock = clock
        self._settings = settings or BacktestSettings()
        self._next_score: datetime | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="backtests", daemon=True)

    def start(self) -> BacktestWork:
        """Begin."""
        self._thread.start()
        return self

    def stop(self, seconds: float = 10.0) -> None:
        """Ask it to end; a run that is under way is given back and begun again later."""
        self._stopped.set()
        self._thread.join(seconds)

    def turn(self, conn: Connection, now: datetime) -> int:
        """Do what is due; returns how much was done. ``conn`` commits by itself."""
        done = 0
        if self._next_score is None or now >= self._next_score:
            self._next_score = now + timedelta(seconds=self._settings.score_seconds)
            with conn.transaction():
                if try_advisory_lock(conn, "alarms.shadow"):
                    done += shadow.score_all(conn, self._settings, now)
                    done += shadow.report_devices(conn, self._settings, now)
        row = conn.execute(QUERIES.claim_run, {"now": now, "lost": now - LOST_AFTER}).fetchone()
        if row is not None:
            run = runs.find(conn, int(row[0]))
            if run is not None:
                self._test(conn, run)
                done += 1
        return done

    def _test(self, conn: Connection, run: Run) -> None:
        try:
            sides = [text for text in (run.rules_a, run.rules_b) if text is not None]
            found = [self._side(conn, run, text, number, len(sides)) for number, text in enumerate(sides)]
        except _StoppedError:
            conn.execute(QUERIES.give_back_run, (run.id,))
            return
        except (AlarmsInputError, ReplayFailedError) as error:
            conn.execute(QUERIES.fail_run, (str(error), self._clock.now(), run.id))
            done_total.labels("failed").inc()
            log.warning("backtest_failed", run=run.id, error=str(error))
            return
        second = Jsonb(found[1]) if len(found) > 1 else None
        conn.execute(QUERIES.finish_run, (Jsonb(found[0]), second, self._clock.now(), run.id))
        done_total.labels("done").inc()

    def _side(self, conn: Connection, run: Run, text: str, number: int, sides: int) -> dict[str, Any]:
        asked = Asked(rules_of(conn, text), run.period, run.matching, tuple(run.units), run.scope_path)
        told_at = self._clock.monotonic()

        def progress(share: float, _: datetime) -> None:
            nonlocal told_at
            if self._stopped.is_set():
                raise _StoppedError
            if self._clock.monotonic() - told_at >= TOLD_EVERY_SECONDS:
                told_at = self._clock.monotonic()
                conn.execute(QUERIES.note_progress, ((number + share) / sides, self._clock.now(), run.id))

        # half of the machine stays with those who wait for an alarm
        workers = max(1, self._settings.workers // 2)
        return backtest(self._url, asked, workers, self._clock.now(), progress, patient=True)

    def _run(self) -> None:
        attempt = 0
        while not self._stopped.is_set():
            try:
                with (
                    translated(),
                    connect(
                        self._url, DatabaseRole.SYSTEM, application_name="teshe-backtests", autocommit=True
                    ) as conn,
                ):
                    while not self._stopped.is_set():
                        done = self.turn(conn, self._clock.now())
                        attempt = 0
                        self._stopped.wait(0 if done else PAUSE_SECONDS)
            except (WorldError, psycopg.Error) as error:
                attempt += 1
                log.error("backtests_failed", error=str(error), kind=type(error).__name__, attempt=attempt)
                self._stopped.wait(backoff_seconds(attempt))


class _StoppedError(Exception):
    """The process is to end."""
