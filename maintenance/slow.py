"""What takes its time (慢任务): looking at records, reminders, plans; on a thread of its own, so that no alarm waits for a photo."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from equipment.foundation import metrics, stream
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection
from equipment.foundation.process import BackgroundWork
from maintenance.anchors import service as anchors
from maintenance.anchors.settings import AnchorSettings
from maintenance.duties import service as duties
from maintenance.plans import service as plans
from maintenance.plausibility import service

CONSUMER = "plausibility"
PAUSE_SECONDS = 2.0
ROUND_EVERY = timedelta(minutes=30)
looked_at = metrics.counter("teshe_records_assessed_total", "Maintenance records looked at for plausibility")


class SlowMaintenance(BackgroundWork):
    """One turn looks at what is due."""

    def __init__(self, url: str, clock: Clock) -> None:
        super().__init__(url, clock, "slow-maintenance", PAUSE_SECONDS)
        self._next_round: datetime | None = None
        self._authority = AnchorSettings()

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
        """What is due by the day: plans whose conditions ended, reminders, a time-stamp over the log."""
        for work in (plans.suspend_unmet, plans.remind, duties.remind):
            with conn.transaction():
                work(conn, now)
        anchors.anchor_if_due(conn, self._authority, now)
