"""Turns alarms and calls into incidents: two streams in, one transaction per batch."""

from __future__ import annotations

from datetime import datetime, timedelta

from alarms.backtest.trust import admitted
from alarms.desk import inbox, phone, qr, two_hours
from alarms.incidents import clocks, joining, service
from alarms.incidents.settings import DeskSettings
from alarms.incidents.sources import EMERGENCIES, alarm_source, call_source, rings
from alarms.incidents.store import QUERIES
from alarms.store import hold_alone, lock_in_order
from alarms.storms.runner import StormRunner
from equipment.foundation import metrics, stream
from equipment.foundation.database import Connection
from equipment.foundation.stream import StreamEntry

CONSUMER = "incidents"
SLOW_EVERY = timedelta(seconds=1)

judged = metrics.counter("teshe_incident_sources_total", "Alarms and calls that incidents have taken", ("source",))


class IncidentRunner:
    """Consumer ``incidents`` of the streams ``alarms`` and ``calls``."""

    def __init__(self, settings: DeskSettings) -> None:
        self._settings = settings
        self._storms = StormRunner()
        self._slow_at: datetime | None = None

    def run_once(self, conn: Connection, now: datetime) -> int:
        """Take what is new and run the clocks; returns how much was done. The caller owns no transaction."""
        done = 0
        for name, take in (("alarms", self._alarm), ("calls", self._call)):
            with conn.transaction():
                entries = stream.consume(conn, CONSUMER, name)
                if name == "alarms" and entries:
                    hold_alone(conn)  # a group holds alarms that are not of this batch
                    lock_in_order(conn, [entry.payload["alarm_id"] for entry in entries])
                for entry in entries:
                    take(conn, entry, now)
                if entries:
                    stream.advance(conn, CONSUMER, name, entries[-1].seq)
                    judged.labels(name).inc(len(entries))
            done += len(entries)
        # an answer that has come counts before the timer that would go over it
        for work in (inbox.run, clocks.run_clocks):
            with conn.transaction():
                done += work(conn, self._settings, now)
        with conn.transaction():
            done += self._storms.turn(conn, now)
        if self._slow_at is None or abs(now - self._slow_at) >= SLOW_EVERY:
            self._slow_at = now
            with conn.transaction():
                done += two_hours.run(conn, self._settings, now)
                done += phone.release_stale(conn, self._settings, now)
                done += qr.forget_senders(conn, now)
        return done

    def _alarm(self, conn: Connection, entry: StreamEntry, now: datetime) -> None:
        p = entry.payload
        at = datetime.fromisoformat(p["at"])
        explained = self._storms.take(conn, p, now)
        # an alarm that was withdrawn never was; one that returned or grew worse calls again
        if p["event"] == "withdrawn" or (p["event"] == "cleared" and not p["momentary"]):
            service.source_cleared(conn, "alarm", p["alarm_id"], at, now)
        elif p["event"] in ("raised", "returned", "escalated") and rings(p) and not explained:
            source = admitted(conn, p, alarm_source(p), now)
            if source is not None:
                joining.open_or_join(conn, source, self._settings, now)

    def _call(self, conn: Connection, entry: StreamEntry, now: datetime) -> None:
        row = conn.execute(QUERIES.call, (int(entry.payload["id"]),)).fetchone()
        if row is None:
            return
        source = call_source(row)
        ended = row[10] is not None or row[11]
        if ended:
            return
        # a complaint about a lift in which people are trapped belongs to their incident
        known = source.incident_kind in EMERGENCIES or joining.same_event(conn, source, self._settings) is not None
        if known:
            joining.open_or_join(conn, source, self._settings, now)
