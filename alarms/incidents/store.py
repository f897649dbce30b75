"""Incidents in the database. Every change is one row of history and one message to the live feed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from alarms.errors import ConflictError, UnknownIncidentError
from alarms.incidents.lifecycle import event_zh
from alarms.incidents.model import Command, Incident, IncidentState, Source
from equipment.foundation import stream
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class IncidentHistory:
    """One row of an incident's story."""

    event: str
    from_state: str
    to_state: str
    at: datetime
    recorded_at: datetime
    account_id: int | None
    how_known: str
    reason: str | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Milestone:
    """里程碑: reported, dispatched, departed, arrived, freed, called_back or closed; when, by whom, and how it is known.

    ``how_known``: seat, firm_app, call, sensor, voice, sms_link or system (the platform's own clock).
    """

    name: str
    at: datetime
    recorded_at: datetime
    account_id: int | None
    by: str | None
    how_known: str


def _read(row: tuple[Any, ...]) -> Incident:
    values = list(row)
    values[3] = IncidentState(values[3])
    return Incident(*values)


def _one(conn: Connection, where: str, values: tuple[Any, ...]) -> Incident | None:
    row = conn.execute(f"{QUERIES.columns} {getattr(QUERIES, where)}", values).fetchone()
    return None if row is None else _read(row)


def find(conn: Connection, incident_id: int) -> Incident:
    """The incident of that id.

    Raises
    ------
    UnknownIncidentError
        There is none, or the caller may not see it.
    """
    found = _one(conn, "by_id", (incident_id,))
    if found is None:
        raise UnknownIncidentError(f"没有事件 {incident_id} (no such incident)")
    return found


def lock(conn: Connection, incident_id: int, version: int | None) -> Incident:
    """The incident of that id, locked until the transaction ends.

    Raises
    ------
    UnknownIncidentError
        There is none, or the caller may not see it.
    ConflictError
        It is no longer the version that the caller has seen; says who changed it.
    """
    found = _one(conn, "by_id_locked", (incident_id,))
    if found is None:
        raise UnknownIncidentError(f"没有事件 {incident_id} (no such incident)")
    if version is not None and version != found.version:
        event, at, name = conn.execute(QUERIES.last_event, (incident_id,)).fetchone() or ("", found.opened_at, None)
        raise ConflictError(
            f"{name or '系统'} 已于 {at.astimezone(SHANGHAI):%H:%M:%S} 操作：{event_zh(event)}，请按最新状态处理"
            f" (changed meanwhile by {name or 'the platform'}: look again)"
        )
    return found


def open_of_unit(conn: Connection, unit_no: int, on_site: bool, since: datetime) -> Incident | None:
    """The open incident of a unit that a further word belongs to, locked: see :func:`joining.same_event`."""
    values = {"unit": unit_no, "on_site": on_site, "since": since}
    row = conn.execute(f"{QUERIES.columns} {QUERIES.open_of_unit}", values).fetchone()
    return None if row is None else _read(row)


def open_of_caller(conn: Connection, caller: str, since: datetime) -> Incident | None:
    """The placeless open incident that this number told of after ``since``, locked."""
    return _one(conn, "open_of_caller", (caller, since))


def of_source(conn: Connection, kind: str, source_id: str) -> Incident | None:
    """The incident that a source opened or joined, locked."""
    return _one(conn, "of_source", (kind, source_id))


def verification_overdue(conn: Connection, now: datetime) -> list[Incident]:
    """Incidents nobody has verified in time, locked."""
    return [_read(row) for row in conn.execute(f"{QUERIES.columns} {QUERIES.verification_overdue}", (now,))]


def open_incidents(conn: Connection, limit: int = 300) -> list[Incident]:
    """Incidents that are not over, newest first, as the caller may see them."""
    return [_read(row) for row in conn.execute(f"{QUERIES.columns} {QUERIES.open_ones}", (limit,))]


def recent_incidents(conn: Connection, limit: int = 300) -> list[Incident]:
    """Incidents of any state, newest first, as the caller may see them."""
    return [_read(row) for row in conn.execute(f"{QUERIES.columns} {QUERIES.recent_ones}", (limit,))]


def history_of(conn: Connection, incident_id: int) -> list[IncidentHistory]:
    """Everything that happened to an incident, oldest first."""
    return [IncidentHistory(*row) for row in conn.execute(QUERIES.events, (incident_id,))]


def milestones_of(conn: Connection, incident_id: int) -> list[Milestone]:
    """What has been reached, in the order of the response."""
    return [Milestone(*row) for row in conn.execute(QUERIES.milestones, (incident_id,))]


def insert(
    conn: Connection, source: Source, state: IncidentState, verify_by: datetime | None, now: datetime,
    split_from: int | None = None,
) -> int:  # fmt: skip
    """Open an incident; returns its id. The caller holds the unit's lock."""
    row = conn.execute(
        QUERIES.insert_incident,
        {
            "day": now.astimezone(SHANGHAI).strftime("%Y%m%d"),
            "unit_no": source.unit_no,
            "state": state.value,
            "kind": source.incident_kind,
            "severity": source.severity,
            "first_source": source.kind,
            "confirmed": source.confirmed,
            "place": source.place,
            "trapped": source.trapped,
            "injured": source.injured,
            "suspected_dead": source.suspected_dead,
            "medical_rescue": source.medical_rescue,
            "major_incident": source.major_incident,
            "opened_at": now,
            "reported_at": source.reported_at if source.confirmed else None,
            "verify_by": verify_by,
            "accepted_at": now if source.seat is not None else None,
            "accepted_by": source.seat,
            "split_from": split_from,
        },
    ).fetchone()
    return int(row[0]) if row else 0


def attach(conn: Connection, incident_id: int, source: Source, now: datetime) -> bool:
    """Note that a source belongs to an incident; False when it already belongs to one."""
    values = (incident_id, source.kind, source.id, source.unit_no, now)
    return conn.execute(QUERIES.insert_source, values).fetchone() is not None


def move_sources(conn: Connection, incident_id: int, into: int) -> None:
    """Let an incident have the sources of another that was merged into it."""
    conn.execute(QUERIES.move_sources, (into, incident_id))


def move_source(conn: Connection, kind: str, source_id: str, into: int) -> None:
    """Let an incident have one source of another."""
    conn.execute(QUERIES.move_source, (into, kind, source_id))


def sources_of(conn: Connection, incident_id: int) -> list[tuple[str, str, int | None]]:
    """Kind, id and unit of an incident's sources, in the order in which they came."""
    return [(row[0], row[1], row[2]) for row in conn.execute(QUERIES.sources_of, (incident_id,))]


def end_orders(conn: Connection, incident_id: int, now: datetime) -> None:
    """Nobody is needed there any more: running orders end, and what still rings stops."""
    conn.execute(QUERIES.end_orders, (now, incident_id))
    conn.execute(QUERIES.stop_paging, (incident_id, None, now))


def change(conn: Connection, incident: Incident, values: Mapping[str, Any]) -> None:
    """Set columns of a locked incident and count its version on."""
    assignments = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values]
    statement = sql.SQL("update alarms.incident set {} where id = {}").format(
        sql.SQL(", ").join([sql.SQL("version = version + 1"), *assignments]), sql.Placeholder("incident_id")
    )
    conn.execute(statement, {**values, "incident_id": incident.id})


def record(
    conn: Connection,
    incident: Incident,
    event: str,
    after: IncidentState,
    at: datetime,
    now: datetime,
    command: Command,
) -> None:
    """Write one row of the story and tell the live feed."""
    conn.execute(
        QUERIES.insert_event,
        (
            incident.id, incident.unit_no, event, incident.state.value, after.value, at, now, command.actor,
            command.how_known, command.reason, Jsonb(dict(command.detail)),
        ),
    )  # fmt: skip
    message = {
        "incident_id": incident.id,
        "number": incident.number,
        "event": event,
        "state": after.value,
        "kind": incident.kind,
        "severity": incident.severity,
        "at": at.isoformat(),
        "by": command.actor_name,
    }
    stream.publish(conn, "desk", "incident", message, unit_no=incident.unit_no, now=now)
