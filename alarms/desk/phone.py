"""Calls on the line in the database: told by the call centre, claimed by seats, cleared by a call-back only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from alarms.desk.line import CallEvent, LineCall, LineEvent, LineState, next_state
from alarms.errors import AlarmsInputError, ConflictError, TransitionError, UnknownCallError
from alarms.incidents import joining, service, store
from alarms.incidents.model import Command, IncidentEvent, IncidentState
from alarms.incidents.settings import DeskSettings
from alarms.incidents.sources import EMERGENCIES, call_source
from alarms.incidents.store import QUERIES as INCIDENTS
from equipment.access.model import Asker
from equipment.foundation import stream
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from ingest import calls
from ingest.calls import CallReceipt, NewCall

QUERIES = load_queries(__file__)
DROPPED = frozenset({"dropped", "line_lost", "no_audio"})
"""Reasons of an end at which the caller did not mean to hang up: he is rung back at once."""
RESULTS = ("connected", "no_answer", "switched_off", "refused", "wrong_number")
LINES = ("12345", "12315", "120", "119", "110")
TRANSFERS = ("accepted", "refused", "no_answer", "unknown")


def _read(row: tuple[Any, ...]) -> LineCall:
    values = list(row)
    values[5] = LineState(values[5])
    return LineCall(*values)


def find(conn: Connection, call_id: int, *, lock: bool = False) -> LineCall:
    """One call on the line.

    Raises
    ------
    UnknownCallError
    """
    row = conn.execute(f"{QUERIES.columns} {QUERIES.by_id_locked if lock else QUERIES.by_id}", (call_id,)).fetchone()
    if row is None:
        raise UnknownCallError(f"没有来电 {call_id} (no such call on the line)")
    return _read(row)


def on_the_line(conn: Connection) -> list[LineCall]:
    """Calls that ring or are claimed, the longest waiting first."""
    return [_read(row) for row in conn.execute(f"{QUERIES.columns} {QUERIES.open_ones}")]


def missed(conn: Connection) -> list[LineCall]:
    """Calls nobody took or that broke off, and nobody has rung back, oldest first."""
    return [_read(row) for row in conn.execute(f"{QUERIES.columns} {QUERIES.missed_ones}")]


def take_event(conn: Connection, told: CallEvent, delivery: str, now: datetime) -> LineCall | None:
    """What the call centre tells; None when this delivery was taken before."""
    if conn.execute(QUERIES.delivery_known, (delivery,)).fetchone() is not None:
        return None
    conn.execute(QUERIES.lock_call, (f"line:{told.source}:{told.call}",))
    row = conn.execute(f"{QUERIES.columns} {QUERIES.by_external}", (told.source, told.call)).fetchone()
    if row is None:
        state = next_state(None, told.event)
        values = (told.source, told.call, told.caller, told.called, state.value, min(told.at, now), now)
        made = conn.execute(QUERIES.insert_call, values).fetchone()
        before = find(conn, int(made[0]) if made else 0)
    else:
        before = _read(row)
        state = next_state(before.state, told.event)
    changes: dict[str, Any] = {"state": state.value}
    if told.caller and not before.caller:
        changes["caller"] = told.caller
    if state in (LineState.ENDED, LineState.ABANDONED) and before.ended_at is None:
        changes["ended_at"] = min(told.at, now)
        changes["dropped"] = told.reason in DROPPED or (told.event is LineEvent.ABANDONED and state is LineState.ENDED)
    if state is LineState.CLAIMED and before.claimed_at is None:
        changes["claimed_at"] = min(told.at, now)
    _change(conn, before.id, changes)
    detail = {"reason": told.reason} if told.reason else {}
    _note(conn, before.id, told.event.value, told.at, now, None, detail, delivery)
    return _tell(conn, before.id, told.event.value, now)


def take(conn: Connection, call_id: int, asker: Asker, settings: DeskSettings, now: datetime) -> LineCall:
    """接听: the seat claims the call. Its own call again is the same.

    Raises
    ------
    UnknownCallError, TransitionError
    ConflictError
        Another seat has it and is there.
    """
    call = find(conn, call_id, lock=True)
    state = next_state(call.state, LineEvent.TAKE)
    others = call.state is LineState.CLAIMED and call.claimed_by not in (None, asker.account_id)
    if others and not _stale(call, settings, now):
        at = (call.claimed_at or now).astimezone(SHANGHAI)
        raise ConflictError(
            f"{call.claimed_name} 已于 {at:%H:%M:%S} 接听该来电 (taken by {call.claimed_name}: leave it to him)"
        )
    if call.claimed_by == asker.account_id:
        return call
    _change(conn, call_id, {"state": state.value, "claimed_by": asker.account_id, "claimed_at": now, "seen_at": now})
    _note(conn, call_id, LineEvent.TAKE.value, now, now, asker.account_id, {})
    return _tell(conn, call_id, LineEvent.TAKE.value, now)


def _stale(call: LineCall, settings: DeskSettings, now: datetime) -> bool:
    seen = call.seen_at or call.claimed_at
    return seen is None or now - seen > timedelta(seconds=settings.claim_stale_seconds)


def _own(conn: Connection, call_id: int, asker: Asker) -> LineCall:
    call = find(conn, call_id, lock=True)
    if call.claimed_by != asker.account_id:
        raise TransitionError("该来电不由您接听 (it is not your call: take it first)")
    return call


def release(conn: Connection, call_id: int, asker: Asker, now: datetime) -> LineCall:
    """Give a claimed call back to everybody."""
    call = _own(conn, call_id, asker)
    state = next_state(call.state, LineEvent.RELEASE)
    _change(conn, call_id, {"state": state.value, "claimed_by": None, "claimed_at": None, "seen_at": None})
    _note(conn, call_id, LineEvent.RELEASE.value, now, now, asker.account_id, {})
    return _tell(conn, call_id, LineEvent.RELEASE.value, now)


def beat(conn: Connection, asker: Asker, now: datetime) -> int:
    """The seat is there: its claimed calls stay its own. Returns how many."""
    return conn.execute(QUERIES.beat, (now, asker.account_id)).rowcount


def release_stale(conn: Connection, settings: DeskSettings, now: datetime) -> int:
    """Calls whose seat says nothing any more ring again for everybody; returns how many."""
    before = now - timedelta(seconds=settings.claim_stale_seconds)
    done = 0
    for (call_id,) in conn.execute(QUERIES.stale_ones, (before,)).fetchall():
        changes = {"state": LineState.RINGING.value, "claimed_by": None, "claimed_at": None, "seen_at": None}
        _change(conn, int(call_id), changes)
        _note(conn, int(call_id), LineEvent.STALE.value, now, now, None, {})
        _tell(conn, int(call_id), LineEvent.STALE.value, now)
        done += 1
    return done


def open_incident(
    conn: Connection, call_id: int, what: Mapping[str, Any], asker: Asker, settings: DeskSettings, now: datetime
) -> tuple[CallReceipt, int | None]:
    """One action: the call is taken down and its incident opened, with what the line already says.

    Returns the receipt and the incident (None: a question that opens none). The same call again is the same.

    Raises
    ------
    UnknownCallError, TransitionError, CallError
    """
    line = find(conn, call_id, lock=True)
    if line.claimed_by is None and line.state in (LineState.RINGING, LineState.ABANDONED):
        if line.state is LineState.RINGING:
            line = take(conn, call_id, asker, settings, now)
    elif line.claimed_by != asker.account_id:
        raise TransitionError("该来电由其他坐席接听 (another seat has this call)")
    new = NewCall(
        **{
            "category": "entrapment", **what, "source": "seat", "external_id": f"line-{line.id}",
            "reported_at": line.rang_at, "caller_phone": what.get("caller_phone") or line.caller,
        }
    )  # fmt: skip
    receipt = calls.record_call(conn, new, asker.account_id, now)
    incident: int | None = line.incident_id
    row = conn.execute(INCIDENTS.call, (receipt.id,)).fetchone()
    if row is not None:
        source = call_source(row)
        if source.incident_kind in EMERGENCIES or joining.same_event(conn, source, settings) is not None:
            incident = joining.open_or_join(conn, source, settings, now)
    _change(conn, call_id, {"incident_id": incident, "call_record_id": receipt.id})
    _note(conn, call_id, "opened", now, now, asker.account_id, {"incident_id": incident, "call_record_id": receipt.id})
    _tell(conn, call_id, "opened", now)
    return receipt, incident


def dispatch_opened(conn: Connection, incident_id: int, asker: Asker, settings: DeskSettings, now: datetime) -> bool:
    """Send level 1 for an incident that a call has just opened or joined.

    False, and nothing is sent: its lift is not known yet, or help is on its way already.
    """
    incident = store.lock(conn, incident_id, None)
    if incident.unit_no is None or incident.state not in (IncidentState.VERIFYING, IncidentState.ACCEPTED):
        return False
    command = Command(incident_id, IncidentEvent.DISPATCH, asker.account_id, asker.display_name, "seat")
    service.act(conn, command, settings, now)
    return True


def return_call(conn: Connection, call_id: int, result: str, note: str, asker: Asker, now: datetime) -> LineCall:
    """回拨: only somebody who was reached takes a call off the list of missed ones.

    Raises
    ------
    UnknownCallError, AlarmsInputError
    """
    if result not in RESULTS:
        raise AlarmsInputError(f"结果须为 {', '.join(RESULTS)} 之一 (one of these)")
    call = find(conn, call_id, lock=True)
    if call.state in (LineState.RINGING, LineState.CLAIMED):
        raise TransitionError("来电尚未结束，无需回拨 (the caller is still on the line)")
    if result == "connected" and call.returned_at is None:
        _change(conn, call_id, {"returned_at": now, "returned_by": asker.account_id, "return_result": result})
    _note(conn, call_id, "return_call", now, now, asker.account_id, {"result": result, "note": note})
    return _tell(conn, call_id, "return_call", now)


def transfer(
    conn: Connection,
    call_id: int | None,
    incident_id: int | None,
    said: tuple[str, str, str],
    asker: Asker,
    now: datetime,
) -> int:
    """转接 to another line with its result; ``said`` is (line, result, note).

    Raises
    ------
    AlarmsInputError
    """
    line, result, note = said
    if line not in LINES or result not in TRANSFERS:
        raise AlarmsInputError(f"线路 {', '.join(LINES)}；结果 {', '.join(TRANSFERS)} (one of these)")
    if call_id is None and incident_id is None:
        raise AlarmsInputError("请指明来电或事件 (say which call or incident)")
    if call_id is not None:
        incident_id = find(conn, call_id).incident_id or incident_id
    row = conn.execute(
        QUERIES.insert_transfer, (call_id, incident_id, line, result, note, now, asker.account_id)
    ).fetchone()
    if call_id is not None:
        _note(conn, call_id, "transfer", now, now, asker.account_id, {"line": line, "result": result, "note": note})
        _tell(conn, call_id, "transfer", now)
    return int(row[0]) if row else 0


def _change(conn: Connection, call_id: int, values: Mapping[str, Any]) -> None:
    names = ("state", "caller", "claimed_at", "claimed_by", "seen_at", "ended_at", "dropped", "returned_at", "returned_by",
             "return_result", "incident_id", "call_record_id")  # fmt: skip
    given = {name: values.get(name) for name in names} | {f"set_{name}": name in values for name in names}
    conn.execute(QUERIES.change, {**given, "id": call_id})


def _note(
    conn: Connection, call_id: int, event: str, at: datetime, now: datetime, account: int | None,
    detail: Mapping[str, Any], delivery: str | None = None,
) -> None:  # fmt: skip
    conn.execute(QUERIES.insert_event, (call_id, delivery, event, at, now, account, Jsonb(dict(detail))))


def _tell(conn: Connection, call_id: int, event: str, now: datetime) -> LineCall:
    call = find(conn, call_id)
    message = {
        "line_id": call.id, "event": event, "state": call.state.value, "caller": call.caller, "called": call.called,
        "claimed_by": call.claimed_by, "claimed_name": call.claimed_name, "dropped": call.dropped,
        "incident_id": call.incident_id,
    }  # fmt: skip
    stream.publish(conn, "desk", "line", message, unit_no=None, now=now)
    return call
