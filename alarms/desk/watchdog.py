"""值守: watches the escalator from another process. An escalator that is late is an alarm of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from alarms.desk.phone import QUERIES
from alarms.incidents.settings import DeskSettings
from equipment.foundation import metrics
from equipment.foundation.database import Connection

late_gauge = metrics.gauge("teshe_escalator_late_seconds", "How late the escalator is, as its watchdog sees it [s]")


@dataclass(frozen=True, slots=True)
class Lag:
    """How the escalator stands. ``beat_at`` None: it has never run here; ``overdue``: timers it has not acted on."""

    beat_at: datetime | None
    overdue: int
    oldest: datetime | None


def judge(lag: Lag, settings: DeskSettings, now: datetime) -> tuple[int, str | None]:
    """Seconds it is late, and why that is an alarm; None: all is well.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    >>> judge(Lag(at, 0, None), DeskSettings(), at + timedelta(seconds=5))
    (5, None)
    """
    allowed = timedelta(seconds=settings.watchdog_seconds)
    silent = None if lag.beat_at is None else abs(now - lag.beat_at)
    waiting = timedelta(0) if lag.oldest is None else now - lag.oldest
    late = max(silent or timedelta(0), waiting)
    seconds = round(late.total_seconds())
    if lag.beat_at is None and lag.overdue == 0:
        return seconds, None
    if silent is None or silent > allowed:
        return seconds, "升级程序无心跳 (the escalator has no pulse)"
    if waiting > allowed:
        return seconds, "升级超时未执行 (timers are not acted on)"
    return seconds, None


def look(conn: Connection, settings: DeskSettings, now: datetime) -> tuple[Lag, str]:
    """Look once, in the caller's transaction; returns what was seen and whether it is well, late or has just ended."""
    row = conn.execute(QUERIES.lag, (now,)).fetchone()
    lag = Lag(*row) if row is not None else Lag(None, 0, None)
    seconds, why = judge(lag, settings, now)
    late_gauge.set(seconds if why else 0)
    said = conn.execute("select alarms.watchdog_report(%s, %s, %s, %s)", (now, seconds, lag.overdue, why)).fetchone()
    return lag, str(said[0]) if said else "late"
