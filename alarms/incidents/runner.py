"""Turns alarms and calls into incidents: two streams in, one transaction per batch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alarms.backtest.trust import admitted
from alarms.incidents import clocks, joining, service
from alarms.incidents.model import Source
from alarms.incidents.settings import DeskSettings
from alarms.incidents.store import QUERIES
from alarms.store import hold_alone, lock_in_order
from alarms.storms.runner import StormRunner
from equipment.foundation import metrics, stream
from equipment.foundation.database import Connection
from equipment.foundation.stream import StreamEntry

CONSUMER = "incidents"
EMERGENCIES = frozenset({"entrapment", "fault"})
"""Categories of a call that open an incident; others stay calls, unless their lift has one open."""

judged = metrics.counter("teshe_incident_sources_total", "Alarms and calls that incidents have taken", ("source",))


class IncidentRunner:
    """Consumer ``incidents`` of the streams ``alarms`` and ``calls``."""

    def __init__(self, settings: DeskSettings) -> None:
        self._settings = settings
        self._storms = StormRunner()

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
        with conn.transaction():
            done += self._storms.turn(conn, now)
            done += clocks.run_clocks(conn, self._settings, now)
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


def rings(payload: dict[str, Any]) -> bool:
    """Whether an alarm opens an incident at the desk."""
    silent = payload["suppressed"] or payload["shadow"] or payload["retrospective"]
    return payload["incident_kind"] is not None and "desk" in payload["receivers"] and not silent


def alarm_source(payload: dict[str, Any]) -> Source:
    """An alarm as a source: a lead, until a person confirms it."""
    return Source(
        kind="alarm",
        id=payload["alarm_id"],
        unit_no=payload["unit_no"],
        incident_kind=payload["incident_kind"],
        severity=payload["severity"],
        reported_at=datetime.fromisoformat(payload["at"]),
        confirmed=False,
        detail={"rule": payload["rule"], "title_zh": payload["title_zh"], "title_en": payload["title_en"]},
    )


def call_source(row: tuple[Any, ...]) -> Source:
    """A call as a source: a person says so. The columns are those of the query ``call``."""
    category, injured = row[2], row[5]
    return Source(
        kind="call",
        id=str(row[0]),
        unit_no=row[1],
        incident_kind=category,
        severity="critical" if category == "entrapment" or injured else "high" if category == "fault" else "medium",
        reported_at=row[9],
        confirmed=True,
        place=row[3],
        trapped=row[4],
        injured=injured,
        suspected_dead=row[6],
        medical_rescue=row[7],
        major_incident=row[8],
        seat=row[13] if row[12] == "seat" else None,
        caller=row[14],
        detail={"category": category},
    )
