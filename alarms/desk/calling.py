"""拨号: whom the seat rings, in which order, what came of each, and what must be put right afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from alarms.desk.phone import QUERIES
from alarms.errors import AlarmsInputError
from alarms.incidents import dispatching, store
from alarms.incidents.model import Command, IncidentEvent
from alarms.incidents.store import QUERIES as INCIDENTS
from alarms.paging.outbox import QUERIES as OUTBOX
from equipment.access.model import Asker
from equipment.foundation.database import Connection

RESULTS = ("connected", "no_answer", "switched_off", "refused", "wrong_number", "not_ours")
"""接通 无人接 停机 拒绝 错号 非我维保."""
TO_CORRECT = frozenset({"wrong_number", "not_ours"})
STATIONS = 2


@dataclass(frozen=True, slots=True)
class Callee:
    """One line of the call list: who, under which number, and what came of it last time in this incident."""

    role: str
    organisation_id: int | None
    person_id: int | None
    name: str
    phone: str
    organisation: str | None
    result: str | None
    rung_at: datetime | None
    tries: int | None


@dataclass(frozen=True, slots=True)
class CallOut:
    """One call that a seat has made."""

    role: str
    phone: str
    result: str
    organisation_id: int | None = None
    person_id: int | None = None
    name: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """待办: something the desk found wrong, or must follow."""

    id: int
    kind: str
    incident_id: int | None
    incident_number: str | None
    unit_no: int | None
    unit_name: str | None
    organisation_id: int | None
    organisation: str | None
    person: str | None
    detail: dict[str, Any]
    opened_at: datetime
    due_at: datetime | None


def call_list(conn: Connection, incident_id: int, now: datetime) -> list[Callee]:
    """Whom to ring for an incident: duty roster, firm, manager, 电梯安全员, property, nearest stations, 119."""
    incident = store.find(conn, incident_id)
    row = None if incident.unit_no is None else conn.execute(INCIDENTS.unit_of, (incident.unit_no,)).fetchone()
    found = conn.execute(INCIDENTS.stations, {"now": now, "incident": incident_id}).fetchall()
    lon, lat = (row[3], row[4]) if row is not None else (None, None)
    ranked = dispatching.rank([replace(dispatching.Station(*s), asked=False) for s in found], lon, lat)
    near = [station.id for station, _ in ranked[:STATIONS]]
    values = {"incident": incident_id, "now": now, "stations": near}
    return [Callee(*r) for r in conn.execute(QUERIES.call_list, values)]


def note_call(conn: Connection, incident_id: int, call: CallOut, asker: Asker, now: datetime) -> int:
    """Keep what came of a call. 错号 and 非我维保 open a task for the register, in the same press.

    Raises
    ------
    UnknownIncidentError, AlarmsInputError
    """
    if call.result not in RESULTS:
        raise AlarmsInputError(f"结果须为 {', '.join(RESULTS)} 之一 (one of these)")
    if not call.phone.strip():
        raise AlarmsInputError("请填写号码 (the number is needed)")
    incident = store.find(conn, incident_id)
    values = {
        "incident": incident_id, "unit": incident.unit_no, "organisation": call.organisation_id, "person": call.person_id,
        "role": call.role, "name": call.name, "phone": call.phone.strip(), "result": call.result, "note": call.note,
        "now": now, "account": asker.account_id,
    }  # fmt: skip
    row = conn.execute(QUERIES.insert_call_out, values).fetchone()
    if call.result in TO_CORRECT:
        subject = incident.unit_no if call.result == "not_ours" else call.phone.strip()
        task = {
            **values, "key": f"{call.result}:{call.organisation_id}:{subject}:{now:%Y%m%d}", "kind": call.result,
            "detail": Jsonb({"phone": call.phone.strip(), "name": call.name, "note": call.note}),
            "by": asker.account_id, "due": None,
        }  # fmt: skip
        conn.execute(OUTBOX.insert_task, task)
    detail = {"call_out": call.result, "role": call.role, "name": call.name}
    command = Command(incident_id, IncidentEvent.NOTE, asker.account_id, asker.display_name, "seat", detail=detail)
    store.record(conn, incident, "rang", incident.state, now, now, command)
    return int(row[0]) if row else 0


def tasks(conn: Connection, limit: int = 200) -> list[Task]:
    """What is still to be put right, oldest first."""
    return [Task(*row) for row in conn.execute(QUERIES.tasks, (limit,))]


def close_task(conn: Connection, task_id: int, resolution: str, asker: Asker, now: datetime) -> bool:
    """It was put right; False when there is no such open task.

    Raises
    ------
    AlarmsInputError
        It does not say how.
    """
    if not resolution.strip():
        raise AlarmsInputError("请写明处理结果 (say what was done)")
    return conn.execute(QUERIES.close_task, (now, asker.account_id, resolution.strip(), task_id)).fetchone() is not None
