"""Alarms in the database: what the engine raises and what people do with it.

Every change is one row of history and one message on the streams ``alarms`` (for incidents and leads) and ``desk`` (for
the live feed), in one transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from alarms.engine.telling import Transition
from alarms.errors import AssigneeError, UnknownAlarmError
from alarms.lifecycle import HIDDEN, AlarmEvent, AlarmState, next_state
from alarms.rules.load import load_pack
from alarms.rules.model import Mode, Rule
from alarms.suppression.model import Kind, is_protected
from alarms.suppression.settings import settings
from equipment.access.model import Asker
from equipment.foundation import stream
from equipment.foundation.database import Connection, load_queries
from ingest.store import moment

QUERIES = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as lists show it."""

    id: str
    unit_no: int
    unit_id: str
    unit_name: str
    place_name: str
    rescue_code: str | None
    jurisdiction_path: str
    rule: str
    rule_version: int
    severity: str
    receivers: list[str]
    state: str
    active: bool
    retrospective: bool
    no_signal: bool
    shadow: bool
    started_at: datetime
    raised_at: datetime
    cleared_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: int | None
    shelved_until: datetime | None
    shelf: str | None
    """timed or one_shot, while it is shelved."""
    protected: bool
    """Entrapment or a person's call for help: muted by a person only, and not for long."""
    assigned_to: str | None
    """Name of whoever it was given to, as it was then."""
    assigned_account: int | None
    assigned_organisation: int | None
    inhibited_by: str | None
    """``storm:12`` or ``alarm:<id>``: what explains it."""
    evidence: dict[str, Any]

    @property
    def definition(self) -> Rule | None:
        """The rule as it is now; None when it is gone."""
        return load_pack().rule(self.rule)


@dataclass(frozen=True, slots=True)
class AlarmHistory:
    """One row of an alarm's history."""

    event: str
    from_state: str
    to_state: str
    at: datetime
    recorded_at: datetime
    account_id: int | None
    reason: str | None
    evidence: dict[str, Any]
    actor: str | None
    """Who did it; None: the platform, or an account that is gone."""


@dataclass(frozen=True, slots=True)
class Assignee:
    """Somebody who can be charged with an alarm: ``kind`` is account or organisation."""

    kind: str
    id: int
    name: str
    role: str

    @property
    def key(self) -> str:
        """As a form names it: ``account:7``."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Locked:
    """An alarm under lock, as much of it as decides what happens next."""

    id: str
    state: AlarmState
    active: bool
    unit_no: int
    rule: str
    latched: bool
    protected: bool
    shelf: str | None
    shadow: bool
    inhibited_by: str | None

    @property
    def release(self) -> AlarmEvent:
        """Where it goes when it is muted no longer: as its condition says, and a latched one is still to be looked at."""
        if self.active:
            return AlarmEvent.RELEASE_ACTIVE
        return AlarmEvent.RELEASE_LATCHED if self.latched else AlarmEvent.RELEASE_NORMAL


def lock(conn: Connection, key: str) -> Locked | None:
    """The alarm, held until the transaction ends."""
    row = conn.execute(QUERIES.lock_alarm, (key,)).fetchone()
    return None if row is None else Locked(key, AlarmState(row[0]), *row[1:])


def hold_alone(conn: Connection) -> None:
    """Before any alarm is held, by whoever learns only on the way which ones he must change (ADR 0052)."""
    conn.execute(QUERIES.hold_alone)


def lock_in_order(conn: Connection, keys: Sequence[str]) -> None:
    """Hold alarms; whoever knows beforehand which ones takes them in this order, so that two never wait for each other."""
    if keys:
        conn.execute(QUERIES.hold_shared)
        conn.execute(QUERIES.lock_in_order, (list(keys),)).fetchall()


def alarm_id(rule: Rule, unit_no: int, started_us: int) -> str:
    """Identity of an alarm: the same condition of the same unit is the same alarm, however often it is judged."""
    text = f"{rule.id}|{rule.version}|{unit_no}|{started_us}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def write_transitions(
    conn: Connection, transitions: Sequence[Transition], shard_of_unit: dict[int, int], now: datetime
) -> int:
    """Write what the engine found; returns how many alarms are new. Writing the same twice changes nothing."""
    if not transitions:
        return 0
    names = {
        no: (unit_id, name)
        for no, unit_id, name in conn.execute(QUERIES.unit_names, ([t.unit_no for t in transitions],))
    }
    lock_in_order(conn, [alarm_id(t.rule, t.unit_no, t.started_us) for t in transitions if t.event != "raised"])
    over = {alarm_id(t.rule, t.unit_no, t.started_us) for t in transitions if t.event == "cleared"}
    raised = 0
    for transition in transitions:
        key = alarm_id(transition.rule, transition.unit_no, transition.started_us)
        # a condition that a late sample began and that is over by the newest sample pages nobody; a person's call does
        retrospective = transition.late and key in over and not transition.rule.momentary
        unit_id, name = names.get(transition.unit_no, ("", ""))
        state: AlarmState | None = None
        if transition.event == "raised":
            shard = shard_of_unit.get(transition.unit_no, 0)
            if not _insert(conn, transition, key, shard, now, retrospective=retrospective):
                continue
            raised += 1
        else:
            state = _change(conn, transition, key, now)
            if state is None:
                continue
        message = _message(transition, key, unit_id, name, retrospective=retrospective)
        # what is muted is judged and recorded, and pages nobody when it grows worse
        message["suppressed"] = message["suppressed"] or state in HIDDEN
        publish(conn, message, transition.unit_no, now)
    return raised


def _insert(conn: Connection, t: Transition, key: str, shard: int, now: datetime, *, retrospective: bool) -> bool:
    state = AlarmState.SUPPRESSED_BY_DESIGN if t.suppressed else AlarmState.UNACKNOWLEDGED
    evidence = {
        "values": t.evidence, "condition": t.rule.condition.text if t.rule.condition else None,
        "on_delay_seconds": t.rule.on_delay_seconds, "silence_seconds": t.rule.silence_seconds,
        "source": t.rule.source, "mark": t.rule.mark, "title_zh": t.rule.title_zh, "title_en": t.rule.title_en,
        "incident_kind": t.rule.incident_kind, "momentary": t.rule.momentary, "latch": t.rule.latch,
    }  # fmt: skip
    row = conn.execute(
        QUERIES.insert_alarm,
        (
            key, t.unit_no, shard, t.rule.id, t.rule.version, t.severity.value, sorted(r.value for r in t.rule.receivers),
            state.value, retrospective, t.rule.mode is Mode.SHADOW, moment(t.started_us), moment(t.at_us),
            is_protected(t.rule.incident_kind, momentary=t.rule.momentary), Jsonb(evidence),
        ),
    ).fetchone()  # fmt: skip
    if row is None:
        return False
    _event(conn, key, t.unit_no, "raised", AlarmState.NORMAL, state, moment(t.at_us), now)
    if t.suppressed:
        until = now + settings().design_limit
        conn.execute(QUERIES.set_muted_until, (until, key))
        condition = t.rule.suppress_when.text if t.rule.suppress_when else ""
        record_suppression(conn, key, t.unit_no, Kind.DESIGN, "alarm", None, condition, now, until)
    return True


def _change(conn: Connection, t: Transition, key: str, now: datetime) -> AlarmState | None:
    """The state after it; None: it is no news."""
    alarm = lock(conn, key)
    if alarm is None:
        return None
    state, active = alarm.state, alarm.active
    if t.event in ("no_signal", "signal_back"):
        conn.execute(QUERIES.set_no_signal, (t.event == "no_signal", key))
        _event(conn, key, t.unit_no, t.event, state, state, moment(t.at_us), now, values=t.evidence)
        return state
    if t.event in ("returned", "escalated"):
        return _worse(conn, t, key, state, active=active, now=now)
    if t.event == "withdrawn":
        after = next_state(state, AlarmEvent.WITHDRAW)
    elif active:
        after = next_state(state, AlarmEvent.CLEAR_LATCHED if t.rule.latch else AlarmEvent.CLEAR)
    else:
        return None
    values = {"id": key, "state": after.value, "active": False, "cleared_at": moment(t.at_us), "retrospective": False}
    conn.execute(QUERIES.set_state, values)
    # by inspection mode it was never an alarm; inhibited by a group it was one, and its latch holds
    by_design = after is AlarmState.SUPPRESSED_BY_DESIGN and alarm.inhibited_by is None
    latched = t.rule.latch and t.event != "withdrawn" and not by_design
    conn.execute(QUERIES.set_latched, (latched, key))
    _event(conn, key, t.unit_no, t.event, state, after, moment(t.at_us), now, values=t.evidence)
    if after is AlarmState.SUPPRESSED_BY_DESIGN or (after is AlarmState.SHELVED and alarm.shelf == "one_shot"):
        # once its condition is over there is nothing left to mute
        event = AlarmEvent.RELEASE_LATCHED if latched else AlarmEvent.RELEASE_NORMAL
        _released(
            conn, key, t.unit_no, after, next_state(after, event), now, None, "条件已结束 (the condition is over)"
        )
        return next_state(after, event)
    return after


def _worse(
    conn: Connection, t: Transition, key: str, state: AlarmState, *, active: bool, now: datetime
) -> AlarmState | None:
    """The condition holds after all, or the severity rose: it is to be acknowledged again."""
    if active and t.event == "returned":
        return None
    after = next_state(state, AlarmEvent.RETURN)
    if t.event == "returned":
        conn.execute(QUERIES.set_active_again, (after.value, key))
    else:
        conn.execute(QUERIES.set_severity, (after.value, t.severity.value, key))
    _event(conn, key, t.unit_no, t.event, state, after, moment(t.at_us), now, values=t.evidence)
    return after


def _event(
    conn: Connection, key: str, unit_no: int, event: str, before: AlarmState, after: AlarmState, at: datetime,
    now: datetime, asker: Asker | None = None, reason: str | None = None, values: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    account = None if asker is None else asker.account_id
    conn.execute(
        QUERIES.insert_event,
        (key, unit_no, event, before.value, after.value, at, now, account, reason, Jsonb(dict(values or {}))),
    )


def _message(t: Transition, key: str, unit_id: str, name: str, *, retrospective: bool) -> dict[str, Any]:
    rule = t.rule
    return {
        "alarm_id": key,
        "rule": rule.id,
        "rule_version": rule.version,
        "unit_no": t.unit_no,
        "unit_id": unit_id,
        "unit_name": name,
        "severity": t.severity.value,
        "receivers": sorted(r.value for r in rule.receivers),
        "incident_kind": rule.incident_kind,
        "event": t.event,
        "started_at": moment(t.started_us).isoformat(),
        "at": moment(t.at_us).isoformat(),
        "latched": rule.latch,
        "momentary": rule.momentary,
        "suppressed": t.suppressed,
        "retrospective": retrospective,
        "shadow": rule.mode is Mode.SHADOW,
        "title_zh": rule.title_zh,
        "title_en": rule.title_en,
        "evidence": t.evidence,
    }


def publish(conn: Connection, message: dict[str, Any], unit_no: int, now: datetime) -> None:
    """Tell incidents and leads, and the live feed unless nobody is to be paged."""
    stream.publish(conn, "alarms", "transition", message, unit_no=unit_no, now=now)
    if not (message["suppressed"] or message["shadow"]):
        stream.publish(conn, "desk", "alarm", message, unit_no=unit_no, now=now)


def open_alarms(conn: Connection, limit: int = 500) -> list[Alarm]:
    """Alarms that are not normal, most urgent first, as the caller may see them."""
    return [Alarm(*row) for row in conn.execute(f"{QUERIES.alarm_columns} {QUERIES.open_alarms}", (limit,))]


def alarms_of_unit(conn: Connection, unit_no: int, limit: int = 50) -> list[Alarm]:
    """The newest alarms of a unit."""
    return [Alarm(*row) for row in conn.execute(f"{QUERIES.alarm_columns} {QUERIES.alarms_of_unit}", (unit_no, limit))]


def require_alarm(conn: Connection, key: str) -> Alarm:
    """The alarm of that id.

    Raises
    ------
    UnknownAlarmError
    """
    row = conn.execute(f"{QUERIES.alarm_columns} {QUERIES.alarm_by_id}", (key,)).fetchone()
    if row is None:
        raise UnknownAlarmError(f"没有报警 {key} (no such alarm)")
    return Alarm(*row)


def history_of(conn: Connection, key: str) -> list[AlarmHistory]:
    """Everything that happened to an alarm, oldest first."""
    return [AlarmHistory(*row) for row in conn.execute(QUERIES.events_of_alarm, (key,))]


def acknowledge(conn: Connection, key: str, asker: Asker, reason: str | None, now: datetime) -> AlarmState:
    """确认: paging stops at once and everywhere.

    Raises
    ------
    UnknownAlarmError, TransitionError
    """
    alarm, after = act(conn, key, AlarmEvent.ACKNOWLEDGE)
    conn.execute(QUERIES.set_acknowledged, (after.value, now, asker.account_id, key))
    tell(conn, alarm, "acknowledged", after, now, asker, reason)
    return after


def reset(conn: Connection, key: str, asker: Asker, reason: str, now: datetime) -> AlarmState:
    """复位 of a latched alarm after it was examined on site.

    Raises
    ------
    UnknownAlarmError, TransitionError
    """
    alarm, after = act(conn, key, AlarmEvent.RESET)
    values = {"id": key, "state": after.value, "active": False, "cleared_at": None, "retrospective": False}
    conn.execute(QUERIES.set_state, values)
    conn.execute(QUERIES.set_latched, (False, key))
    tell(conn, alarm, "reset", after, now, asker, reason)
    return after


def comment(conn: Connection, key: str, asker: Asker, text: str, now: datetime) -> None:
    """备注: a row of its history; the state stays.

    Raises
    ------
    UnknownAlarmError
    """
    alarm = known(conn, key)
    tell(conn, alarm, "commented", alarm.state, now, asker, text)


def assignable(conn: Connection, unit_no: int) -> list[Assignee]:
    """Whom the asker may charge with an alarm of this unit."""
    return [Assignee(*row) for row in conn.execute(QUERIES.assignable, (unit_no,))]


def assign(conn: Connection, key: str, asker: Asker, assignee: str, reason: str | None, now: datetime) -> None:
    """指派 to an account or an organisation (``account:7``, ``organisation:3``).

    Raises
    ------
    UnknownAlarmError
    AssigneeError
        Nobody of that name looks after this unit.
    """
    alarm = known(conn, key)
    found = next((one for one in assignable(conn, alarm.unit_no) if one.key == assignee), None)
    if found is None:
        raise AssigneeError(
            "不能指派给该对象：请从名单中选择 (not somebody who looks after this unit: choose from the list)"
        )
    account = found.id if found.kind == "account" else None
    conn.execute(QUERIES.set_assigned, (found.name, account, found.id if account is None else None, key))
    told = {"assigned_to": found.name, "assignee": found.key}
    tell(conn, alarm, "assigned", alarm.state, now, asker, reason, told)


def release(conn: Connection, alarm: Locked, now: datetime, asker: Asker | None, reason: str | None) -> AlarmState:
    """End a muting: where the condition holds it pages again, as if it came now.

    Raises
    ------
    TransitionError
    """
    after = next_state(alarm.state, alarm.release)
    _released(conn, alarm.id, alarm.unit_no, alarm.state, after, now, asker, reason)
    if after is AlarmState.UNACKNOWLEDGED and not alarm.shadow:
        # incidents take it up again; a lift that has one open simply keeps it
        stream.publish(conn, "alarms", "transition", _again(conn, alarm.id, now), unit_no=alarm.unit_no, now=now)
    return after


def _released(
    conn: Connection, key: str, unit_no: int, before: AlarmState, after: AlarmState, now: datetime,
    asker: Asker | None, reason: str | None,
) -> None:  # fmt: skip
    conn.execute(QUERIES.set_released, (after.value, key))
    _event(conn, key, unit_no, "released", before, after, now, now, asker, reason)
    _announce(conn, key, unit_no, "released", after, now, asker)


def _again(conn: Connection, key: str, now: datetime) -> dict[str, Any]:
    """What is said of an alarm that pages again: all by value, also when its rule is gone."""
    a = require_alarm(conn, key)
    said = a.evidence
    return {
        "alarm_id": key, "rule": a.rule, "rule_version": a.rule_version, "unit_no": a.unit_no, "unit_id": a.unit_id,
        "unit_name": a.unit_name, "severity": a.severity, "receivers": a.receivers,
        "incident_kind": said.get("incident_kind"), "event": "returned", "started_at": a.started_at.isoformat(),
        "at": now.isoformat(), "latched": said.get("latch", False), "momentary": said.get("momentary", False),
        "suppressed": False, "retrospective": a.retrospective, "shadow": a.shadow,
        "title_zh": said.get("title_zh", a.rule), "title_en": said.get("title_en", a.rule),
        "evidence": said.get("values", {}),
    }  # fmt: skip


def record_suppression(
    conn: Connection, key: str, unit_no: int, kind: Kind, scope: str, asker: Asker | None, reason: str, now: datetime,
    until: datetime | None,
) -> None:  # fmt: skip
    """Who muted what, why, how far and until when."""
    account, author = (None, "teshe") if asker is None else (asker.account_id, asker.display_name)
    conn.execute(QUERIES.insert_suppression, (key, unit_no, kind.value, scope, account, author, reason, now, until))


def known(conn: Connection, key: str) -> Locked:
    """The alarm under lock.

    Raises
    ------
    UnknownAlarmError
    """
    found = lock(conn, key)
    if found is None:
        raise UnknownAlarmError(f"没有报警 {key} (no such alarm)")
    return found


def act(conn: Connection, key: str, event: AlarmEvent) -> tuple[Locked, AlarmState]:
    """The alarm under lock and where ``event`` leads it.

    Raises
    ------
    UnknownAlarmError, TransitionError
    """
    alarm = known(conn, key)
    return alarm, next_state(alarm.state, event)


def tell(
    conn: Connection, alarm: Locked, event: str, after: AlarmState, now: datetime, asker: Asker | None,
    reason: str | None, values: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """One row of history and one message to every open page."""
    _event(conn, alarm.id, alarm.unit_no, event, alarm.state, after, now, now, asker, reason, values)
    _announce(conn, alarm.id, alarm.unit_no, event, after, now, asker)


def _announce(
    conn: Connection, key: str, unit_no: int, event: str, after: AlarmState, now: datetime, asker: Asker | None
) -> None:
    message = {"alarm_id": key, "event": event, "state": after.value, "at": now.isoformat(),
               "by": None if asker is None else asker.display_name}  # fmt: skip
    stream.publish(conn, "desk", "alarm", message, unit_no=unit_no, now=now)
