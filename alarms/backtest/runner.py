"""Runs back-tests and scores in the background, on a thread and connections of its own beside the jobs.

The jobs loop never waits for it: a back-test must not delay an alarm. The replay itself is done by processes of low
priority.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from alarms.backtest import runs, shadow
from alarms.backtest.reading import QUERIES
from alarms.backtest.run import Asked, backtest, rules_of
from alarms.backtest.runs import Run
from alarms.backtest.settings import BacktestSettings
from alarms.errors import AlarmsInputError, ReplayFailedError
from equipment.foundation import metrics
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, try_advisory_lock
from equipment.foundation.logs import get_logger
from equipment.foundation.process import BackgroundWork

log = get_logger("alarms.backtest")
PAUSE_SECONDS = 2.0
LOST_AFTER = timedelta(minutes=3)
"""A run that showed no life for so long was left by a process that ended."""
TOLD_EVERY_SECONDS = 0.5
done_total = metrics.counter("teshe_backtests_total", "Back-tests that ended", ("how",))


class BacktestWork(BackgroundWork):
    """One turn takes up a run and works out scores when they are due; a run that is stopped is begun again later."""

    def __init__(self, url: str, clock: Clock, settings: BacktestSettings | None = None) -> None:
        super().__init__(url, clock, "backtests", PAUSE_SECONDS)
        self._settings = settings or BacktestSettings()
        self._next_score: datetime | None = None

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


class _StoppedError(Exception):
    """The process is to end."""
