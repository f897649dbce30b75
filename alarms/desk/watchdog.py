"""值守: watches the escalator and the sender from another process. One that is late is an alarm of its own."""

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
    """How the escalator and the sender stand.

    ``beat_at`` None: it has never run here; ``overdue``: timers it has not acted on; ``unsent``: pages that no sender takes.
    """

    beat_at: datetime | None
    overdue: int
    oldest: datetime | None
    unsent: int = 0
    oldest_unsent: datetime | None = None


def judge(lag: Lag, settings: DeskSettings, now: datetime, since: datetime | None = None) -> tuple[int, str | None]:
    """Seconds it is late, and why that is an alarm; None: all is well.

    An escalator that has never run is late from ``since``, when somebody began to watch; None: he has just begun.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    >>> judge(Lag(at, 0, None), DeskSettings(), at + timedelta(seconds=5))
    (5, None)
    """
    allowed = timedelta(seconds=settings.watchdog_seconds)
    silent = abs(now - (lag.beat_at or since or now))
    waiting = timedelta(0) if lag.oldest is None else now - lag.oldest
    unsent = timedelta(0) if lag.oldest_unsent is None else now - lag.oldest_unsent
    seconds = round(max(silent, waiting, unsent).total_seconds())
    if silent > allowed or (lag.beat_at is None and lag.overdue):
        return seconds, "升级程序无心跳 (the escalator has no pulse)"
    if waiting > allowed:
        return seconds, "升级超时未执行 (timers are not acted on)"
    if unsent > allowed:
        return seconds, "派单通知未发出 (pages are not sent)"
    return seconds, None


def seen(conn: Connection, now: datetime) -> Lag:
    """How they stand at this moment."""
    row = conn.execute(QUERIES.lag, {"now": now}).fetchone()
    return Lag(*row) if row is not None else Lag(None, 0, None)


def look(conn: Connection, settings: DeskSettings, now: datetime, since: datetime | None = None) -> tuple[Lag, str]:
    """Look once, in the caller's transaction; returns what was seen and whether it is well, late or has just ended."""
    lag = seen(conn, now)
    seconds, why = judge(lag, settings, now, since)
    late_gauge.set(seconds if why else 0)
    said = conn.execute(QUERIES.watchdog_report, (now, seconds, lag.overdue, why)).fetchone()
    return lag, str(said[0]) if said else "late"
