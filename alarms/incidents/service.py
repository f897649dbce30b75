"""What happens to incidents: sources open or join them, people and clocks act on them.

Every function runs in its caller's transaction and scope. A sensor alone is only a lead: its incident opens as 待核实
with a clock of its own, and is cleared when the sensor takes it back before anybody confirmed it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from alarms import store as alarm_store
from alarms.errors import AlarmsInputError, ImpossibleOrderError, TransitionError
from alarms.incidents import dispatching, store
from alarms.incidents.lifecycle import MILESTONE, OVER, check_order, next_state
from alarms.incidents.model import Command, Incident, IncidentEvent, IncidentState, Outcome, Source
from alarms.incidents.settings import DeskSettings
from alarms.incidents.store import QUERIES
from equipment.access.model import Asker
from equipment.foundation.database import Connection

SEVERITIES = ("critical", "high", "medium", "low")
"""Most urgent first."""
OUTCOME_EVENTS = {
    Outcome.CONFIRMED: IncidentEvent.CONFIRM,
    Outcome.FALSE_ALARM: IncidentEvent.CANCEL,
    Outcome.SELF_RELEASE: IncidentEvent.SELF_RELEASE,
    Outcome.NO_ANSWER: IncidentEvent.UNANSWERED,
}
NEED_REASON = frozenset({IncidentEvent.CANCEL, IncidentEvent.REFUSE, IncidentEvent.ESCALATE, IncidentEvent.NOTE})
COUNTS = ("trapped", "injured", "suspected_dead")


def open_or_join(conn: Connection, source: Source, settings: DeskSettings, now: datetime) -> int:
    """Open an incident for ``source``, or join the open one of its unit; returns the incident's id.

    The same source twice is the same: nothing changes, unless it now names the lift that it did not name at first.
    """
    known = store.of_source(conn, source.kind, source.id)
    if known is not None:
        return _locate(conn, known, source, now)
    incident = None if source.unit_no is None else store.open_of_unit(conn, source.unit_no)
    if incident is None:
        opened = _open(conn, source, settings, now)
        if opened is not None:
            return opened
        # the unit's incident was opened between our look and our insert
        incident = store.open_of_unit(conn, source.unit_no) if source.unit_no is not None else None
        if incident is None:
            return open_or_join(conn, source, settings, now)
    _join(conn, incident, source, now)
    return incident.id


def _open(conn: Connection, source: Source, settings: DeskSettings, now: datetime) -> int | None:
    state = IncidentState.ACCEPTED if source.confirmed else IncidentState.VERIFYING
    verify_by = None if source.confirmed else now + settings.verify_within
    incident_id = store.insert(conn, source, state, verify_by, now)
    if incident_id is None:
        return None
    store.attach(conn, incident_id, source, now)
    incident = store.find(conn, incident_id)
    command = Command(incident_id, IncidentEvent.NOTE, source.seat, how_known=_how_known(source), detail=_said(source))
    store.record(conn, incident, "opened", state, source.reported_at, now, command)
    return incident_id


def _join(conn: Connection, incident: Incident, source: Source, now: datetime) -> None:
    if store.attach(conn, incident.id, source, now):
        _add(conn, incident, source, now)


def _add(conn: Connection, incident: Incident, source: Source, now: datetime) -> None:
    """What a further source says of an incident."""
    values: dict[str, Any] = {}
    severity = min(incident.severity, source.severity, key=SEVERITIES.index)
    if severity != incident.severity:
        values["severity"] = severity
    values |= {name: getattr(source, name) for name in COUNTS if getattr(source, name) is not None}
    if source.place and incident.unit_no is None:
        values["place"] = source.place
    for flag in ("medical_rescue", "major_incident"):
        if getattr(source, flag):
            values[flag] = True
    after = incident.state
    if source.confirmed and not incident.confirmed:
        after = next_state(incident.state, IncidentEvent.CONFIRM)
        values |= {"confirmed": True, "reported_at": source.reported_at, "kind": source.incident_kind}
    if source.seat is not None and incident.accepted_by is None:
        values |= {"accepted_by": source.seat, "accepted_at": now}
    store.change(conn, incident, {**values, "state": after.value})
    command = Command(incident.id, IncidentEvent.NOTE, source.seat, how_known=_how_known(source), detail=_said(source))
    store.record(conn, replace(incident, severity=severity), "joined", after, source.reported_at, now, command)


def _locate(conn: Connection, incident: Incident, source: Source, now: datetime) -> int:
    """Somebody has said which lift a call is about; returns the id of the incident that goes on.

    An incident of that lift that is open already takes the call over, as it would have at first; once people have been
    sent for the placeless one both stay, for a seat to merge.
    """
    if source.unit_no is None or incident.unit_no is not None or incident.state in OVER:
        return incident.id
    other = store.open_of_unit(conn, source.unit_no)
    command = Command(incident.id, IncidentEvent.NOTE, source.seat, how_known=_how_known(source), detail=_said(source))
    if other is None:
        store.change(conn, incident, {"unit_no": source.unit_no})
        located = replace(incident, unit_no=source.unit_no)
        store.record(conn, located, "located", incident.state, now, now, command)
        return incident.id
    if incident.state not in (IncidentState.VERIFYING, IncidentState.ACCEPTED):
        store.record(conn, incident, "note", incident.state, now, now, command)
        return incident.id
    store.change(conn, incident, {"state": IncidentState.MERGED.value, "merged_into": other.id})
    store.record(conn, incident, "merged", IncidentState.MERGED, now, now, command)
    store.move_sources(conn, incident.id, other.id)
    _add(conn, other, source, now)
    return other.id


def _how_known(source: Source) -> str:
    return {"alarm": "sensor", "call": "call"}.get(source.kind, "system")


def _said(source: Source) -> Mapping[str, Any]:
    counts = {name: getattr(source, name) for name in COUNTS if getattr(source, name) is not None}
    return {"source": source.kind, "source_id": source.id, **counts, **source.detail}


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
    _apply(
        conn, incident, command, {"outcome": "auto_cleared"} if incident.state is IncidentState.VERIFYING else {}, now
    )


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
        A reason is missing.
    """
    if command.event in NEED_REASON and not (command.reason or "").strip():
        raise AlarmsInputError("请写明原因 (give a reason)")
    incident = store.lock(conn, command.incident_id, command.version)
    next_state(incident.state, command.event)  # refused before anything is written
    at = command.at or now
    if command.event is not IncidentEvent.ACCEPT:
        check_order(incident, command.event, at, now)
    effect = EFFECTS.get(command.event)
    values = {} if effect is None else effect(conn, incident, command, settings, now)
    _apply(conn, incident, command, values, now)
    return store.find(conn, incident.id)


def _apply(conn: Connection, incident: Incident, command: Command, values: Mapping[str, Any], now: datetime) -> None:
    after = next_state(incident.state, command.event)
    at = command.at or now
    changed = dict(values)
    column = MILESTONE.get(command.event)
    ends = command.event is not IncidentEvent.CLEAR or after is IncidentState.AUTO_CLEARED
    if column is not None and ends and getattr(incident, column) is None:
        changed[column] = at
    for name in COUNTS:
        if isinstance(command.detail.get(name), int):
            changed[name] = command.detail[name]
    store.change(conn, incident, {**changed, "state": after.value})
    store.record(conn, incident, command.event.value, after, at, now, command)


Effect = Callable[[Connection, Incident, Command, DeskSettings, datetime], dict[str, Any]]


def _accept(
    conn: Connection, incident: Incident, command: Command, settings: DeskSettings, now: datetime
) -> dict[str, Any]:
    if incident.accepted_by is not None:
        raise TransitionError("已有坐席接警 (a seat has taken it already)")
    return {"accepted_by": command.actor}


def _confirm(
    conn: Connection, incident: Incident, command: Command, settings: DeskSettings, now: datetime
) -> dict[str, Any]:
    values: dict[str, Any] = {"confirmed": True}
    if incident.reported_at is None:
        values["reported_at"] = incident.opened_at
    return values


def _dispatch(
    conn: Connection, incident: Incident, command: Command, settings: DeskSettings, now: datetime
) -> dict[str, Any]:
    wanted = command.detail.get("level", dispatching.FIRM)
    dispatching.order(conn, incident, int(wanted), command.actor, settings, now)
    return {"accepted_at": now, "accepted_by": command.actor} if incident.accepted_by is None and command.actor else {}


def _escalate(
    conn: Connection, incident: Incident, command: Command, settings: DeskSettings, now: datetime
) -> dict[str, Any]:
    newest = conn.execute(QUERIES.newest_dispatch, (incident.id,)).fetchone()
    if newest is not None:
        conn.execute(QUERIES.mark_escalated, (now, newest[0]))
    wanted = dispatching.next_level(conn, incident.id)
    dispatching.order(conn, incident, wanted, command.actor, settings, now)
    return {}


def _order_of(conn: Connection, incident: Incident) -> int:
    newest = conn.execute(QUERIES.newest_dispatch, (incident.id,)).fetchone()
    if newest is None:
        raise ImpossibleOrderError("没有可处理的派单 (there is no order of yours on this incident)")
    return int(newest[0])


def _answer(
    conn: Connection, incident: Incident, command: Command, settings: DeskSettings, now: datetime
) -> dict[str, Any]:
    conn.execute(QUERIES.mark_answered, (command.at or now, _order_of(conn, incident)))
    return {}


def _refuse(
    conn: Connection, incident: Incident, command: Command, settings: DeskSettings, now: datetime
) -> dict[str, Any]:
    conn.execute(QUERIES.mark_refused, (command.at or now, _order_of(conn, incident)))
    return {}


def _arrive(
    conn: Connection, incident: Incident, command: Command, settings: DeskSettings, now: datetime
) -> dict[str, Any]:
    at = command.at or now
    conn.execute(QUERIES.mark_arrived, (at, at, _order_of(conn, incident)))
    return {}


def _self_release(
    conn: Connection, incident: Incident, command: Command, settings: DeskSettings, now: datetime
) -> dict[str, Any]:
    return {"confirmed": True, "kind": "self_release", "reported_at": incident.began_at}


def _close(
    conn: Connection, incident: Incident, command: Command, settings: DeskSettings, now: datetime
) -> dict[str, Any]:
    cause = command.detail.get("cause_code")
    if not cause:
        raise AlarmsInputError("请选择原因分类 (choose the cause)")
    return {"cause_code": str(cause), "outcome": command.reason}


def _cancel(
    conn: Connection, incident: Incident, command: Command, settings: DeskSettings, now: datetime
) -> dict[str, Any]:
    return {"outcome": "false_alarm"}


EFFECTS: dict[IncidentEvent, Effect] = {
    IncidentEvent.ACCEPT: _accept,
    IncidentEvent.CONFIRM: _confirm,
    IncidentEvent.UNANSWERED: _dispatch,
    IncidentEvent.DISPATCH: _dispatch,
    IncidentEvent.ESCALATE: _escalate,
    IncidentEvent.ANSWER: _answer,
    IncidentEvent.REFUSE: _refuse,
    IncidentEvent.ARRIVE: _arrive,
    IncidentEvent.SELF_RELEASE: _self_release,
    IncidentEvent.CLOSE: _close,
    IncidentEvent.CANCEL: _cancel,
}


def acknowledge_alarms(conn: Connection, incident_id: int, asker: Asker, now: datetime) -> None:
    """Taking an incident acknowledges its alarms: paging stops at once and everywhere."""
    for (key,) in conn.execute(QUERIES.unacknowledged_alarms, (incident_id,)).fetchall():
        alarm_store.acknowledge(conn, key, asker, "接警", now)


def run_clocks(conn: Connection, settings: DeskSettings, now: datetime) -> int:
    """Act for those who did not: what nobody verified is dispatched, what nobody answered goes a level up.

    Returns how many incidents it moved. The clocks stand in the database, so that no restart resets them.
    """
    moved = 0
    for incident in store.verification_overdue(conn, now):
        command = Command(
            incident.id,
            IncidentEvent.UNANSWERED,
            how_known="system",
            reason="待核实超时，自动派单 (not verified in time)",
        )
        act(conn, command, settings, now)
        moved += 1
    words = {
        "answer": "派单无人应答，自动升级 (nobody answered)",
        "arrive": "超过到达时限，自动升级 (not on site in time)",
        "refused": "拒单，自动升级 (refused)",
    }
    for incident_id, why in conn.execute(QUERIES.orders_overdue, {"now": now}).fetchall():
        act(conn, Command(incident_id, IncidentEvent.ESCALATE, how_known="system", reason=words[why]), settings, now)
        moved += 1
    return moved
