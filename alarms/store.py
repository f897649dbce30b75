"""Alarms in the database: what the engine raises and what people do with it.

Every change is one row of history and one message on the streams ``alarms`` (for incidents and leads) and ``desk`` (for
the live feed), in one transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from alarms.engine.telling import Transition
from alarms.errors import UnknownAlarmError
from alarms.lifecycle import AlarmEvent, AlarmState, next_state
from alarms.rules.load import load_pack
from alarms.rules.model import Mode, Rule
from equipment.access.model import Asker
from equipment.foundation import stream
from equipment.foundation.database import Connection, load_queries
from ingest.store import moment

QUERIES = load_queries(__file__)
LONGEST_SHELF = timedelta(hours=8)


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
    over = {alarm_id(t.rule, t.unit_no, t.started_us) for t in transitions if t.event == "cleared"}
    raised = 0
    for transition in transitions:
        key = alarm_id(transition.rule, transition.unit_no, transition.started_us)
        # a condition that a late sample began and that is over by the newest sample pages nobody; a person's call does
        retrospective = transition.late and key in over and not transition.rule.momentary
        unit_id, name = names.get(transition.unit_no, ("", ""))
        message = _message(transition, key, unit_id, name, retrospective=retrospective)
        if transition.event == "raised":
            shard = shard_of_unit.get(transition.unit_no, 0)
            if not _insert(conn, transition, key, shard, now, retrospective=retrospective):
                continue
            raised += 1
        elif not _change(conn, transition, key, now):
            continue
        publish(conn, message, transition.unit_no, now)
    return raised


def _insert(conn: Connection, t: Transition, key: str, shard: int, now: datetime, *, retrospective: bool) -> bool:
    state = AlarmState.SUPPRESSED_BY_DESIGN if t.suppressed else AlarmState.UNACKNOWLEDGED
    evidence = {
        "values": t.evidence, "condition": t.rule.condition.text if t.rule.condition else None,
        "on_delay_seconds": t.rule.on_delay_seconds, "silence_seconds": t.rule.silence_seconds,
        "source": t.rule.source, "mark": t.rule.mark, "title_zh": t.rule.title_zh, "title_en": t.rule.title_en,
    }  # fmt: skip
    row = conn.execute(
        QUERIES.insert_alarm,
        (
            key, t.unit_no, shard, t.rule.id, t.rule.version, t.severity.value, sorted(r.value for r in t.rule.receivers),
            state.value, retrospective, t.rule.mode is Mode.SHADOW, moment(t.started_us), moment(t.at_us), Jsonb(evidence),
        ),
    ).fetchone()  # fmt: skip
    if row is None:
        return False
    _event(conn, key, t.unit_no, "raised", AlarmState.NORMAL, state, moment(t.at_us), now)
    return True


def _change(conn: Connection, t: Transition, key: str, now: datetime) -> bool:
    row = conn.execute(QUERIES.lock_alarm, (key,)).fetchone()
    if row is None:
        return False
    state, active = AlarmState(row[0]), bool(row[1])
    if t.event in ("no_signal", "signal_back"):
        conn.execute(QUERIES.set_no_signal, (t.event == "no_signal", key))
        _event(conn, key, t.unit_no, t.event, state, state, moment(t.at_us), now)
        return True
    if t.event in ("returned", "escalated"):
        return _worse(conn, t, key, state, active=active, now=now)
    if t.event == "withdrawn":
        after = next_state(state, AlarmEvent.WITHDRAW)
    elif active:
        after = next_state(state, AlarmEvent.CLEAR_LATCHED if t.rule.latch else AlarmEvent.CLEAR)
    else:
        return False
    values = {"id": key, "state": after.value, "active": False, "cleared_at": moment(t.at_us), "retrospective": False}
    conn.execute(QUERIES.set_state, values)
    _event(conn, key, t.unit_no, t.event, state, after, moment(t.at_us), now)
    return True


def _worse(conn: Connection, t: Transition, key: str, state: AlarmState, *, active: bool, now: datetime) -> bool:
    """The condition holds after all, or the severity rose: it is to be acknowledged again."""
    if active and t.event == "returned":
        return False
    after = next_state(state, AlarmEvent.RETURN)
    if t.event == "returned":
        conn.execute(QUERIES.set_active_again, (after.value, key))
    else:
        conn.execute(QUERIES.set_severity, (after.value, t.severity.value, key))
    _event(conn, key, t.unit_no, t.event, state, after, moment(t.at_us), now)
    return True


def _event(
    conn: Connection, key: str, unit_no: int, event: str, before: AlarmState, after: AlarmState, at: datetime,
    now: datetime, asker: Asker | None = None, reason: str | None = None,
) -> None:  # fmt: skip
    account = None if asker is None else asker.account_id
    conn.execute(
        QUERIES.insert_event, (key, unit_no, event, before.value, after.value, at, now, account, reason, Jsonb({}))
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
    before, after, unit_no = _act(conn, key, AlarmEvent.ACKNOWLEDGE)
    conn.execute(QUERIES.set_acknowledged, (after.value, now, asker.account_id, key))
    _tell(conn, key, unit_no, "acknowledged", before, after, now, asker, reason)
    return after


def reset(conn: Connection, key: str, asker: Asker, reason: str, now: datetime) -> AlarmState:
    """复位 of a latched alarm after it was examined on site.

    Raises
    ------
    UnknownAlarmError, TransitionError
    """
    before, after, unit_no = _act(conn, key, AlarmEvent.RESET)
    values = {"id": key, "state": after.value, "active": False, "cleared_at": None, "retrospective": False}
    conn.execute(QUERIES.set_state, values)
    _tell(conn, key, unit_no, "reset", before, after, now, asker, reason)
    return after


def shelve(conn: Connection, key: str, asker: Asker, reason: str, until: datetime, now: datetime) -> AlarmState:
    """搁置 until a time: it is judged and recorded, nobody is paged. At most :data:`LONGEST_SHELF`.

    Raises
    ------
    UnknownAlarmError, TransitionError
    """
    before, after, unit_no = _act(conn, key, AlarmEvent.SHELVE)
    conn.execute(QUERIES.set_shelved, (after.value, min(until, now + LONGEST_SHELF), key))
    _tell(conn, key, unit_no, "shelved", before, after, now, asker, reason)
    return after


def release_due(conn: Connection, now: datetime) -> int:
    """Un-shelve what has been shelved long enough; where its condition holds it pages again."""
    due = [row[0] for row in conn.execute(QUERIES.due_shelves, (now,))]
    for key in due:
        row = conn.execute(QUERIES.lock_alarm, (key,)).fetchone()
        if row is None:
            continue
        event = AlarmEvent.RELEASE_ACTIVE if row[1] else AlarmEvent.RELEASE_NORMAL
        before, after = AlarmState(row[0]), next_state(AlarmState(row[0]), event)
        conn.execute(QUERIES.set_shelved, (after.value, None, key))
        _tell(conn, key, row[2], "unshelved", before, after, now, None, None)
    return len(due)


def _act(conn: Connection, key: str, event: AlarmEvent) -> tuple[AlarmState, AlarmState, int]:
    row = conn.execute(QUERIES.lock_alarm, (key,)).fetchone()
    if row is None:
        raise UnknownAlarmError(f"没有报警 {key} (no such alarm)")
    before = AlarmState(row[0])
    return before, next_state(before, event), int(row[2])


def _tell(
    conn: Connection, key: str, unit_no: int, event: str, before: AlarmState, after: AlarmState, now: datetime,
    asker: Asker | None, reason: str | None,
) -> None:  # fmt: skip
    _event(conn, key, unit_no, event, before, after, now, now, asker, reason)
    message = {"alarm_id": key, "event": event, "state": after.value, "at": now.isoformat(),
               "by": None if asker is None else asker.display_name}  # fmt: skip
    stream.publish(conn, "desk", "alarm", message, unit_no=unit_no, now=now)
