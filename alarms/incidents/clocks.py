"""Acts for those who did not: the timers stand in the database, so that no restart resets them."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg

from alarms.errors import AlarmsInputError
from alarms.incidents import service, store
from alarms.incidents.model import Command, IncidentEvent
from alarms.incidents.settings import DeskSettings
from alarms.incidents.store import QUERIES
from equipment.foundation import metrics, stream
from equipment.foundation.database import Connection
from equipment.foundation.errors import WorldError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import isolated

logger = get_logger("alarms.incidents.clocks")
PULSE = "escalator"
STEP_BACK = timedelta(seconds=2)
"""A clock that reads this much earlier than before was set back."""
BEAT_EVERY = timedelta(seconds=1)
WORDS = {
    "answer": "派单无人应答，自动升级 (nobody answered)",
    "arrive": "超过到达时限，自动升级 (not on site in time)",
    "refused": "拒单，自动升级 (refused)",
}
NOT_VERIFIED = "待核实超时，自动派单 (not verified in time)"
refused_total = metrics.counter("teshe_clock_refusals_total", "Timers that could not act on their incident")


def run_clocks(conn: Connection, settings: DeskSettings, now: datetime) -> int:
    """What nobody verified is dispatched, what nobody answered goes a level up; returns how many incidents moved.

    Each incident stands for itself: one that cannot be moved stops no other, and the desk is told.
    """
    beaten = _follow_clock(conn, now)
    moved = 0
    for incident in store.verification_overdue(conn, now):
        moved += _try(conn, Command(incident.id, IncidentEvent.UNANSWERED, reason=NOT_VERIFIED), settings, now)
    for incident_id, why, _ in conn.execute(QUERIES.orders_overdue, {"now": now}).fetchall():
        moved += _try(conn, Command(incident_id, IncidentEvent.ESCALATE, reason=WORDS[why]), settings, now)
    if not beaten or now - beaten >= BEAT_EVERY:
        conn.execute(QUERIES.beat, {"name": PULSE, "now": now})
    return moved


def _try(conn: Connection, command: Command, settings: DeskSettings, now: datetime) -> int:
    def work() -> int:
        try:
            with conn.transaction():
                service.act(conn, command, settings, now)
        except AlarmsInputError as error:
            return refused(error)
        return 1

    def refused(error: Exception) -> int:
        if isinstance(error, WorldError | psycopg.OperationalError | psycopg.InterfaceError):
            raise error  # the database went away, or gave the whole turn up
        refused_total.inc()
        logger.error("clock_refused", incident=command.incident_id, clock_event=command.event.value, error=str(error))
        return 0

    return isolated("clock", work, refused)


def _follow_clock(conn: Connection, now: datetime) -> datetime | None:
    """Take running timers back with a clock that was set back: people wait in real time, not by the clock.

    Returns the last beat, None when there is none that this clock has made.
    """
    row = conn.execute(QUERIES.pulse, (PULSE,)).fetchone()
    if row is None:
        return None
    step: timedelta = row[0] - now
    if step < STEP_BACK:
        return None if step > timedelta(0) else now + step
    logger.error("clock_set_back", seconds=round(step.total_seconds(), 1))
    values = {"step": step, "incident": row[1], "dispatch": row[2], "notification": row[3], "now": now}
    for query in (QUERIES.shift_verification, QUERIES.shift_orders, QUERIES.shift_notifications):
        conn.execute(query, values)
    message = {"seconds": round(step.total_seconds())}
    stream.publish(conn, "desk", "clock_set_back", message, unit_no=None, now=now)
    return None
