"""Which reports are one event: sources open incidents or join them, and people merge and split what was told wrongly.

Every function runs in its caller's transaction and scope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alarms.errors import AlarmsInputError, ConflictError, ImpossibleOrderError, TransitionError
from alarms.incidents import store
from alarms.incidents.lifecycle import OVER, next_state
from alarms.incidents.model import Command, Incident, IncidentEvent, IncidentState, Source
from alarms.incidents.settings import DeskSettings
from equipment.foundation.database import Connection, advisory_lock

SEVERITIES = ("critical", "high", "medium", "low")
"""Most urgent first."""
COUNTS = ("trapped", "injured", "suspected_dead")
KINDS = ("entrapment", "fault", "unknown", "self_release", "complaint", "other", "consultation", "false_alarm")
"""Gravest first: a word about a lift may make its incident graver, never lighter; only a person makes it lighter."""
ON_SITE = ("entrapment", "fault", "unknown")
"""Kinds that are not one event with an older complaint about the same lift."""
ORDER = (
    IncidentState.VERIFYING, IncidentState.ACCEPTED, IncidentState.DISPATCHED, IncidentState.ANSWERED,
    IncidentState.ARRIVED, IncidentState.FREED, IncidentState.CALLED_BACK,
)  # fmt: skip
"""How far help has come."""


def open_or_join(conn: Connection, source: Source, settings: DeskSettings, now: datetime) -> int:
    """Open an incident for ``source``, or join the open one of its event; returns the incident's id.

    The same source twice is the same: nothing changes, unless it now names the lift that it did not name at first.
    """
    known = store.of_source(conn, source.kind, source.id)
    if known is not None:
        return _locate(conn, known, source, settings, now)
    if source.unit_no is not None:
        # two sources of one lift at the same moment: the second one waits, and then joins
        advisory_lock(conn, f"incident-unit:{source.unit_no}")
    incident = same_event(conn, source, settings)
    if incident is None:
        return _open(conn, source, settings, now)
    if store.attach(conn, incident.id, source, now):
        _add(conn, incident, source, now)
    return incident.id


def same_event(conn: Connection, source: Source, settings: DeskSettings) -> Incident | None:
    """The open incident that ``source`` tells of, locked; None when it tells of something new.

    People inside are one event however long it lasts. Anything else is one event within the window after its newest
    source: people trapped today are not the complaint of last week. A caller who names no lift and rings again within the
    window means what he meant before.
    """
    since = source.reported_at - settings.join_within
    if source.unit_no is not None:
        return store.open_of_unit(conn, source.unit_no, source.incident_kind in ON_SITE, since)
    return store.open_of_caller(conn, source.caller, since) if source.caller else None


def _open(
    conn: Connection, source: Source, settings: DeskSettings, now: datetime, split_from: int | None = None
) -> int:
    state = IncidentState.ACCEPTED if source.confirmed else IncidentState.VERIFYING
    verify_by = None if source.confirmed else now + settings.verify_within
    incident_id = store.insert(conn, source, state, verify_by, now, split_from)
    if split_from is None:
        store.attach(conn, incident_id, source, now)
    incident = store.find(conn, incident_id)
    if source.confirmed and source.incident_kind == "entrapment":
        store.change(conn, incident, {"reassure_by": now + settings.reassure_within})
    command = Command(incident_id, IncidentEvent.NOTE, source.seat, how_known=_how_known(source), detail=_said(source))
    at = min(source.reported_at, now)
    store.record(conn, incident, "opened", state, at, now, command)
    return incident_id


def _add(conn: Connection, incident: Incident, source: Source, now: datetime) -> None:
    """What a further source says of an incident."""
    values: dict[str, Any] = {"touched_at": now}
    severity = min(incident.severity, source.severity, key=SEVERITIES.index)
    if severity != incident.severity:
        values["severity"] = severity
    kind = min(incident.kind, source.incident_kind, key=KINDS.index)
    if kind != incident.kind and (source.confirmed or not incident.confirmed):
        values["kind"] = kind
    for name in COUNTS:
        told, known = getattr(source, name), getattr(incident, name)
        if told is not None:
            # callers see different things: nobody is forgotten until a seat says how many there are
            values[name] = max(told, known or 0)
    if source.place and incident.unit_no is None:
        values["place"] = source.place
    for flag in ("medical_rescue", "major_incident"):
        if getattr(source, flag):
            values[flag] = True
    after = incident.state
    # a complaint about a lift does not say that people are inside: the lead keeps its clock
    if source.confirmed and not incident.confirmed and KINDS.index(source.incident_kind) <= KINDS.index(incident.kind):
        after = next_state(incident.state, IncidentEvent.CONFIRM)
        values |= {"confirmed": True, "reported_at": source.reported_at, "kind": source.incident_kind}
    if source.seat is not None and incident.accepted_by is None:
        values |= {"accepted_by": source.seat, "accepted_at": now}
    store.change(conn, incident, {**values, "state": after.value})
    command = Command(incident.id, IncidentEvent.NOTE, source.seat, how_known=_how_known(source), detail=_said(source))
    store.record(
        conn, replace(incident, severity=severity), "joined", after, min(source.reported_at, now), now, command
    )


def _locate(conn: Connection, incident: Incident, source: Source, settings: DeskSettings, now: datetime) -> int:
    """Somebody has said which lift a call is about; returns the id of the incident that goes on.

    An incident of that lift that is open already takes the call over, as it would have at first; once people have been
    sent for the placeless one both stay, for a seat to merge.
    """
    if source.unit_no is None or incident.unit_no is not None or incident.state in OVER:
        return incident.id
    advisory_lock(conn, f"incident-unit:{source.unit_no}")
    other = same_event(conn, source, settings)
    command = Command(incident.id, IncidentEvent.NOTE, source.seat, how_known=_how_known(source), detail=_said(source))
    if other is None:
        store.change(conn, incident, {"unit_no": source.unit_no})
        located = replace(incident, unit_no=source.unit_no)
        store.record(conn, located, "located", incident.state, now, now, command)
        return incident.id
    if incident.state not in (IncidentState.VERIFYING, IncidentState.ACCEPTED):
        store.record(conn, incident, "note", incident.state, now, now, command)
        return incident.id
    store.change(conn, incident, {"state": IncidentState.MERGED.value, "merged_into": other.id, "closed_at": now})
    store.record(conn, incident, "merged", IncidentState.MERGED, now, now, command)
    store.move_sources(conn, incident.id, other.id)
    _add(conn, other, source, now)
    return other.id


def _how_known(source: Source) -> str:
    return {"alarm": "sensor", "call": "call", "qr": "qr"}.get(source.kind, "system")


def _said(source: Source) -> Mapping[str, Any]:
    counts = {name: getattr(source, name) for name in COUNTS if getattr(source, name) is not None}
    return {"source": source.kind, "source_id": source.id, **counts, **source.detail}


def merge(conn: Connection, command: Command, into: int, now: datetime) -> Incident:
    """合并: the incident of ``command`` is the same event as ``into``; its sources go there. Returns what goes on.

    Raises
    ------
    UnknownIncidentError, ConflictError, TransitionError
    AlarmsInputError
        No reason, or the two are one already.
    ImpossibleOrderError
        Help has come further on the one that would end: merge the other way round.
    """
    if not (command.reason or "").strip():
        raise AlarmsInputError("请写明合并原因 (say why the two are one event)")
    if into == command.incident_id:
        raise AlarmsInputError("不能与自身合并 (it is the same incident)")
    # locked in the order of their ids, so that two seats cannot wait for each other
    first = store.lock(conn, min(into, command.incident_id), None)
    second = store.lock(conn, max(into, command.incident_id), None)
    ending, staying = (first, second) if first.id == command.incident_id else (second, first)
    if command.version is not None and ending.version != command.version:
        raise ConflictError("事件已被他人更新，请刷新后再合并 (changed meanwhile: look again)")
    next_state(ending.state, IncidentEvent.MERGE)
    if staying.state in OVER:
        raise TransitionError(f"目标事件已结束 (the other incident is {staying.state.value})")
    if ORDER.index(ending.state) > ORDER.index(staying.state):
        raise ImpossibleOrderError(
            "该事件的处置进度更靠前，请反过来合并 (help has come further on this one: merge the other into it)"
        )
    store.change(conn, ending, {"state": IncidentState.MERGED.value, "merged_into": staying.id, "closed_at": now})
    told = replace(command, detail={**command.detail, "into": staying.id, "into_number": staying.number})
    store.record(conn, ending, "merged", IncidentState.MERGED, now, now, told)
    store.end_orders(conn, ending.id, now)
    moved = store.sources_of(conn, ending.id)
    store.move_sources(conn, ending.id, staying.id)
    _take_over(conn, staying, ending, now)
    detail = {"from": ending.id, "from_number": ending.number, "sources": [list(s[:2]) for s in moved]}
    taken = replace(command, incident_id=staying.id, detail=detail)
    current = store.find(conn, staying.id)
    store.record(conn, replace(current, state=staying.state), "joined", current.state, now, now, taken)
    return current


def _take_over(conn: Connection, staying: Incident, ending: Incident, now: datetime) -> None:
    """Let an incident know what the one that was merged into it knew."""
    values: dict[str, Any] = {
        "touched_at": now,
        "severity": min(staying.severity, ending.severity, key=SEVERITIES.index),
        "kind": min(staying.kind, ending.kind, key=KINDS.index),
    }
    for name in COUNTS:
        known = [v for v in (getattr(staying, name), getattr(ending, name)) if v is not None]
        if known:
            values[name] = max(known)
    if ending.confirmed:
        reported = [at for at in (staying.reported_at, ending.began_at) if at is not None]
        values |= {"confirmed": True, "reported_at": min(reported)}
        if not staying.confirmed:
            values["state"] = next_state(staying.state, IncidentEvent.CONFIRM).value
    if staying.unit_no is None and ending.unit_no is not None:
        values["unit_no"] = ending.unit_no
    if staying.accepted_by is None and ending.accepted_by is not None:
        values |= {"accepted_by": ending.accepted_by, "accepted_at": ending.accepted_at}
    store.change(conn, staying, values)


@dataclass(frozen=True, slots=True)
class Split:
    """What is taken out of an incident, as (kind, id), and the lift it is about in truth; None: the same one."""

    sources: Sequence[tuple[str, str]]
    unit_no: int | None = None


def split(conn: Connection, command: Command, wanted: Split, settings: DeskSettings, now: datetime) -> Incident:
    """拆分: some sources of an incident tell of another event, which gets its own. Returns the new incident.

    Raises
    ------
    UnknownIncidentError, ConflictError, TransitionError
    AlarmsInputError
        No reason; a source that is not its own; or nothing would remain.
    """
    if not (command.reason or "").strip():
        raise AlarmsInputError("请写明拆分原因 (say why it is another event)")
    incident = store.lock(conn, command.incident_id, command.version)
    next_state(incident.state, IncidentEvent.SPLIT)
    own = {(kind, source): unit for kind, source, unit in store.sources_of(conn, incident.id)}
    chosen = list(dict.fromkeys(wanted.sources))
    if not chosen or any(s not in own for s in chosen):
        raise AlarmsInputError("请选择本事件的来源 (choose among the incident's own sources)")
    if len(chosen) == len(own):
        raise AlarmsInputError("至少保留一个来源：全部拆出请改为改正位置 (leave at least one source behind)")
    unit = wanted.unit_no if wanted.unit_no is not None else own[chosen[0]] or incident.unit_no
    spoken = any(kind == "call" for kind, _ in chosen)
    source = Source(
        kind=chosen[0][0], id=chosen[0][1], unit_no=unit, incident_kind=incident.kind, severity=incident.severity,
        reported_at=incident.began_at, confirmed=spoken, seat=command.actor,
        detail={"split_from": incident.number, "sources": [list(s) for s in chosen]},
    )  # fmt: skip
    made = _open(conn, source, settings, now, split_from=incident.id)
    for kind, source_id in chosen:
        store.move_source(conn, kind, source_id, made)
    told = replace(command, detail={"into": made, "sources": [list(s) for s in chosen]})
    store.change(conn, incident, {})
    store.record(conn, incident, "split", incident.state, now, now, told)
    return store.find(conn, made)
