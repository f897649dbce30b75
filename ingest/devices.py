"""终端上下线: whether a terminal is online, from what it says, what the broker says for it, and its silence.

A terminal's status carries the id of its session, and so does its Will. What is said of a session that is over is kept
as ``stale`` and not believed: a Will may arrive long after the terminal has connected again. :func:`judge` is the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from equipment.foundation.database import Connection, load_queries
from equipment.link import store as link
from ingest.model import StatusReport

QUERIES = load_queries(__file__, "devices.sql")


class DeviceSettings(BaseSettings):
    """When a silent terminal counts as offline."""

    model_config = SettingsConfigDict(env_prefix="TESHE_", frozen=True, extra="ignore")

    silent_after_seconds: float = Field(
        default=900.0, gt=0, description="A terminal that sends nothing for so long is offline [s]"
    )
    silent_after_by_kind: dict[str, float] = Field(
        default={"boiler": 300.0, "pressure_vessel": 300.0, "ropeway": 300.0, "amusement_ride": 300.0, "vehicle": 43_200.0},
        description="The same for single kinds of equipment, as JSON [s]; vehicles are switched off after a shift",
    )  # fmt: skip
    goodbye_grace_seconds: float = Field(
        default=60.0, ge=0, description="Data so long after a good-bye makes the terminal online again [s]"
    )


@dataclass(frozen=True, slots=True)
class Presence:
    """What is known of one terminal. ``online`` None: it has never said or shown anything."""

    session: str | None = None
    online: bool | None = None
    cause: str | None = None
    since: datetime | None = None
    session_since: datetime | None = None
    status_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the history."""

    at: datetime
    online: bool
    cause: str
    session: str | None


def judge(now: Presence, report: StatusReport, earlier: frozenset[str]) -> tuple[Presence, Event | None]:
    """The presence after one report, and what enters the history; nothing when the report says what is known.

    Parameters
    ----------
    earlier
        Sessions the terminal has had before the present one.
    """
    said = Event(report.at, report.online, "will" if report.will else "status", report.session)
    over = report.session is not None and report.session != now.session and report.session in earlier
    foreign = not report.online and None not in (report.session, now.session) and report.session != now.session
    if over or foreign:
        return now, replace(said, cause="stale")
    begins = report.online and report.session != now.session
    # a retained copy is old news: it does not wake a terminal that has fallen silent
    if report.retained and not begins and now.online is not None:
        return now, None
    if report.online == now.online and not begins:
        return replace(now, status_at=report.at), None
    session = report.session if report.session is not None or report.online else now.session
    session_since = report.at if begins else now.session_since
    return Presence(session, report.online, said.cause, report.at, session_since, report.at), said


def take_reports(conn: Connection, reports: Sequence[StatusReport]) -> list[int]:
    """Take in the status messages of a batch, in order of arrival; returns the units that began a new session.

    Two round trips for any number of reports, inside the caller's transaction.
    """
    if not reports:
        return []
    units = sorted({report.unit_no for report in reports})
    before = {row[0]: Presence(*row[1:]) for row in conn.execute(QUERIES.sessions, (units,))}
    named = [(r.unit_no, r.session) for r in reports if r.session is not None]
    asked = ([unit for unit, _ in named], [session for _, session in named])
    seen: dict[int, set[str]] = {}
    for unit_no, session in conn.execute(QUERIES.sessions_seen, asked):
        seen.setdefault(unit_no, set()).add(session)
    after = dict(before)
    events: list[tuple[int, Event]] = []
    begun: list[int] = []
    for report in reports:
        known = after.get(report.unit_no, Presence())
        sessions = seen.setdefault(report.unit_no, set())
        changed, event = judge(known, report, frozenset(sessions))
        after[report.unit_no] = changed
        if event is not None:
            events.append((report.unit_no, event))
        if changed.session != known.session and known.session is not None:
            begun.append(report.unit_no)
        if changed.session is not None:
            sessions.add(changed.session)
    _save(conn, {unit: p for unit, p in after.items() if p != before.get(unit)})
    _insert(conn, events)
    return begun


def _save(conn: Connection, changed: dict[int, Presence]) -> None:
    if changed:
        rows = [
            (unit, p.online, p.session, p.status_at, p.cause, p.since, p.session_since) for unit, p in changed.items()
        ]
        conn.execute(QUERIES.save_sessions, [list(column) for column in zip(*rows, strict=True)])


def _insert(conn: Connection, events: Sequence[tuple[int, Event]]) -> None:
    if events:
        rows = [(unit, e.at, e.online, e.cause, e.session) for unit, e in events]
        conn.execute(QUERIES.insert_events, [list(column) for column in zip(*rows, strict=True)])


def watch(conn: Connection, settings: DeviceSettings, now: datetime) -> int:
    """Note who has been silent for too long and who is heard again; returns how many changed.

    While the link to the zone of the terminals is cut, nobody is silent: they cannot be heard.
    """
    kinds = settings.silent_after_by_kind
    values = {
        "kinds": list(kinds), "seconds": list(kinds.values()), "other": settings.silent_after_seconds,
        "grace": settings.goodbye_grace_seconds, "now": now,
    }  # fmt: skip
    silent = 0 if link.is_cut(conn, now) else conn.execute(QUERIES.mark_silent, values).rowcount
    return silent + conn.execute(QUERIES.mark_heard, values).rowcount


def history(conn: Connection, unit_no: int, most: int = 20) -> list[Event]:
    """The newest entries of a terminal's history, newest first."""
    return [Event(*row) for row in conn.execute(QUERIES.history, (unit_no, most))]
