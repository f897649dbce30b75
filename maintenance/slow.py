"""What takes its time (慢任务): looking at records, reminders, plans; on a thread of its own, so that no alarm waits for a photo."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from uuid import UUID

import psycopg

from equipment.foundation import metrics, stream
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, DatabaseRole, connect, translated
from equipment.foundation.errors import WorldError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import backoff_seconds
from maintenance.duties import service as duties
from maintenance.plans import service as plans
from maintenance.plausibility import service

log = get_logger("maintenance.slow")
CONSUMER = "plausibility"
PAUSE_SECONDS = 2.0
ROUND_EVERY = timedelta(minutes=30)
looked_at = metrics.counter("teshe_records_assessed_total", "Maintenance records looked at for plausibility")


class SlowMaintenance:
    """One turn looks at what is due; use :meth:`start` for the thread and :meth:`stop` to end it."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._next_round: datetime | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slow-maintenance", daemon=True)

    def start(self) -> SlowMaintenance:
        """Begin."""
        self._thread.start()
        return self

    def stop(self, seconds: float = 10.0) -> None:
        """Ask it to end, and wait for the record that is being looked at."""
        self._stopped.set()
        self._thread.join(seconds)

    def turn(self, conn: Connection, now: datetime) -> int:
        """Take the news of records, look at one that is due, let unanswered findings count."""
        with conn.transaction():
            entries = stream.consume(conn, CONSUMER, "ledger")
            for entry in entries:
                if entry.kind == "record" and entry.payload["event"] in ("submitted", "confirmed"):
                    service.remember(conn, UUID(entry.payload["record_id"]), entry.payload["event"], now)
            if entries:
                stream.advance(conn, CONSUMER, "ledger", entries[-1].seq)
        with conn.transaction():
            done = service.look_at_due(conn, now)
        looked_at.inc(done)
        with conn.transaction():
            done += service.lapse(conn, now)
        if self._next_round is None or now >= self._next_round:
            self._next_round = now + ROUND_EVERY
            self._round(conn, now)
        return done

    def _round(self, conn: Connection, now: datetime) -> None:
        """What is due by the day: plans whose conditions ended, reminders."""
        for work in (plans.suspend_unmet, plans.remind, duties.remind):
            with conn.transaction():
                work(conn, now)

    def _run(self) -> None:
        attempt = 0
        while not self._stopped.is_set():
            try:
                with (
                    translated(),
                    connect(
                        self._url, DatabaseRole.SYSTEM, application_name="teshe-slow-maintenance", autocommit=True
                    ) as conn,
                ):
                    while not self._stopped.is_set():
                        done = self.turn(conn, self._clock.now())
                        attempt = 0
                        self._stopped.wait(0 if done else PAUSE_SECONDS)
            except (WorldError, psycopg.Error) as error:
                attempt += 1
                log.error("slow_maintenance_failed", error=str(error), kind=type(error).__name__, attempt=attempt)
                self._stopped.wait(backoff_seconds(attempt))
