"""What happens to incidents: people and clocks act on them.

Every function runs in its caller's transaction and scope. A sensor alone is only a lead: its incident opens as 待核实
with a clock of its own, and is cleared when the sensor takes it back before anybody confirmed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from alarms import store as alarm_store
from alarms.errors import AlarmsInputError, TransitionError
from alarms.incidents import store
from alarms.incidents.effects import EFFECTS, Doing, counts
from alarms.incidents.joining import open_or_join
from alarms.incidents.lifecycle import MILESTONE, lawful_time, next_state
from alarms.incidents.model import Command, Incident, IncidentEvent, IncidentState, Outcome
from alarms.incidents.settings import DeskSettings
from alarms.incidents.store import QUERIES
from equipment.access.model import Asker
from equipment.foundation.database import Connection

__all__ = ["acknowledge_alarms", "act", "open_or_join", "source_cleared", "verify"]

OUTCOME_EVENTS = {
    Outcome.CONFIRMED: IncidentEvent.CONFIRM,
    Outcome.FALSE_ALARM: IncidentEvent.CANCEL,
    Outcome.SELF_RELEASE: IncidentEvent.SELF_RELEASE,
    Outcome.NO_ANSWER: IncidentEvent.UNANSWERED,
}
NEED_REASON = frozenset(
    {IncidentEvent.CANCEL, IncidentEvent.REFUSE, IncidentEvent.ESCALATE, IncidentEvent.NOTE, IncidentEvent.SETTLE}
)
BY_HAND = frozenset({IncidentEvent.MERGE, IncidentEvent.SPLIT})
"""Events that need more than one incident: :mod:`alarms.incidents.joining`."""


def source_cleared(conn: Connection, kind: str, source_id: str, at: datetime, now: datetime) -> None:
    """The sensor's condition is over: an incident that nobody has confirmed is 自动消除, once no alarm of it holds."""
    incident = store.of_source(conn, kind, source_id)
    if incident is None or (incident.state, IncidentEvent.CLEAR) not in _clearable():
        return
    row = conn.execute(QUERIES.alarms_still_active, (incident.id,)).fetchone()
    if row is not None and row[0] > 0:
        return
    detail = {"source": kind, "source_id": source_id}
    command = Command(incident.id, IncidentEvent.CLEAR, how_known="sensor", at=at, detail=detail)
    values = {"outcome": "auto_cleared"} if incident.state is IncidentState.VERIFYING else {}
    _apply(Doing(conn, incident, command, DeskSettings(), at, now), values)


def _clearable() -> frozenset[tuple[IncidentState, IncidentEvent]]:
    return frozenset((s, IncidentEvent.CLEAR) for s in IncidentState if s not in _OVER_OR_FREED)


_OVER_OR_FREED = frozenset(
    {
        IncidentState.FREED, IncidentState.CALLED_BACK, IncidentState.CLOSED, IncidentState.CANCELLED,
        IncidentState.AUTO_CLEARED, IncidentState.MERGED,
    }
)  # fmt: skip


def verify(conn: Connection, command: Command, outcome: Outcome, settings: DeskSettings, now: datetime) -> Incident:
    """核实: what asking the car, the duty room or the firm has found. Nobody answered: help is sent.

    Raises
    ------
    TransitionError
        It is not 待核实.
    UnknownIncidentError, ConflictError
    """
    found = store.find(conn, command.incident_id)
    if found.state is not IncidentState.VERIFYING:
        raise TransitionError(f"事件已不在待核实状态 (not waiting to be verified, but {found.state.value})")
    reason = command.reason or f"核实结果：{outcome.value}"
    return act(conn, replace(command, event=OUTCOME_EVENTS[outcome], reason=reason), settings, now)


def act(conn: Connection, command: Command, settings: DeskSettings, now: datetime) -> Incident:
    """Do what ``command`` says; returns the incident after it.

    Raises
    ------
    UnknownIncidentError
    ConflictError
        Somebody else was first.
    TransitionError, ImpossibleOrderError
        The incident's state or its earlier milestones do not allow it.
    AlarmsInputError
        A reason is missing, or a number cannot be.
    """
    if command.event in BY_HAND:
        raise AlarmsInputError("合并和拆分须指明对象 (say with which incident, or which sources)")
    if command.event in NEED_REASON and not (command.reason or "").strip():
        raise AlarmsInputError("请写明原因 (give a reason)")
    incident = store.lock(conn, command.incident_id, command.version)
    next_state(incident.state, command.event)  # refused before anything is written
    at = lawful_time(incident, command.event, command.at, now)
    effect = EFFECTS.get(command.event)
    doing = Doing(conn, incident, command, settings, at, now)
    values = counts(command) | ({} if effect is None else effect(doing))
    _apply(doing, values)
    return store.find(conn, incident.id)


def _apply(doing: Doing, values: Mapping[str, Any]) -> None:
    incident, command = doing.incident, doing.command
    after = next_state(incident.state, command.event)
    changed = dict(values)
    column = MILESTONE.get(command.event)
    ends = command.event is not IncidentEvent.CLEAR or after is IncidentState.AUTO_CLEARED
    if column is not None and ends and getattr(incident, column) is None:
        changed[column] = doing.at
    behind = (doing.at - doing.now).total_seconds() if command.at is None else 0.0
    if behind > 0:
        command = replace(command, detail={**command.detail, "clock_behind_seconds": round(behind)})
    store.change(doing.conn, incident, {**changed, "state": after.value})
    store.record(doing.conn, incident, command.event.value, after, doing.at, doing.now, command)


def acknowledge_alarms(conn: Connection, incident_id: int, asker: Asker, now: datetime) -> None:
    """Taking an incident acknowledges its alarms: paging stops at once and everywhere."""
    for (key,) in conn.execute(QUERIES.unacknowledged_alarms, (incident_id,)).fetchall():
        alarm_store.acknowledge(conn, key, asker, "接警", now)
