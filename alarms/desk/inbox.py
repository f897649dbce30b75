"""收件箱: acts on what was told without an account: replies by link, pressed keys, calls on the line, scan reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from alarms.desk import phone, qr
from alarms.desk.line import CallEvent, LineEvent
from alarms.desk.phone import QUERIES
from alarms.errors import AlarmsInputError
from alarms.incidents import service
from alarms.incidents.model import Command, IncidentEvent
from alarms.incidents.settings import DeskSettings
from alarms.paging.outbox import QUERIES as OUTBOX
from equipment.foundation.database import Connection
from equipment.foundation.errors import WorldError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import isolated
from ingest.bridge.model import EventTaken

logger = get_logger("alarms.desk.inbox")
ANSWERS = {"answer": IncidentEvent.ANSWER, "refuse": IncidentEvent.REFUSE}
KEYS = {"1": "answer", "2": "refuse"}
LARGEST = 16 * 1024
"""Bytes of one event."""
LONGEST_DELIVERY = 100
REFUSED = "对方通过短信或语音回复无法到场 (refused by link or key)"


def run(conn: Connection, settings: DeskSettings, now: datetime) -> int:
    """Act on what has come; each stands for itself, and what cannot be acted on is kept with its reason."""
    found = conn.execute(QUERIES.inbox).fetchall()
    for number, kind, delivery, payload, _ in found:
        message = Message(str(kind), str(delivery), payload)
        problem = isolated("inbox", partial(_act_on, conn, message, settings, now), _unforeseen)
        conn.execute(QUERIES.inbox_done, (now, problem, number))
    return len(found)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a machine."""

    kind: str
    delivery: str
    payload: dict[str, Any]


def _act_on(conn: Connection, message: Message, settings: DeskSettings, now: datetime) -> str | None:
    """Do what it says; why it cannot be done, None: it is done."""
    try:
        with conn.transaction():
            WORK[message.kind](conn, message.delivery, message.payload, settings, now)
    except (AlarmsInputError, ValueError, KeyError) as error:
        problem = str(error)[:500] or type(error).__name__
        logger.warning("inbox_refused", kind=message.kind, delivery=message.delivery, problem=problem)
        return problem
    return None


def _unforeseen(error: Exception) -> str:
    """A message that nobody thought of must not stop the clocks; a database that went away is no fault of the message."""
    if isinstance(error, WorldError | psycopg.OperationalError | psycopg.InterfaceError):
        raise error
    return f"{type(error).__name__}: {error}"[:500]


def _reply(conn: Connection, delivery: str, payload: dict[str, Any], settings: DeskSettings, now: datetime) -> None:
    token, answer = bytes.fromhex(payload["token_sha256"]), str(payload["answer"])
    row = conn.execute(QUERIES.link, (token,)).fetchone()
    if row is None or answer not in ANSWERS:
        raise AlarmsInputError("链接无效 (no such link)")
    dispatch, incident, _, expires, used, ended = row
    if used is not None:
        raise AlarmsInputError("链接已使用 (the link was used already)")
    if expires < now or ended is not None:
        raise AlarmsInputError("链接已过期或派单已结束 (the link has expired, or the order is over)")
    _act(conn, (incident, dispatch, answer, "sms_link"), settings, now)
    conn.execute(QUERIES.link_used, (now, answer, token))


def _receipt(conn: Connection, delivery: str, payload: dict[str, Any], settings: DeskSettings, now: datetime) -> None:
    row = conn.execute(OUTBOX.by_provider, (str(payload["id"]),)).fetchone()
    if row is None:
        raise AlarmsInputError("没有该外呼 (no call of ours has this id)")
    number, dispatch, incident = row
    key = str(payload.get("key", ""))
    conn.execute(OUTBOX.mark_receipted, (now, key, number))
    conn.execute(OUTBOX.note_attempt, (number, now, "receipt", key))
    if key in KEYS and dispatch is not None:
        _act(conn, (incident, dispatch, KEYS[key], "voice"), settings, now)


def _act(conn: Connection, said: tuple[int, int, str, str], settings: DeskSettings, now: datetime) -> None:
    incident, dispatch, answer, how = said
    reason = REFUSED if answer == "refuse" else None
    command = Command(incident, ANSWERS[answer], how_known=how, reason=reason, detail={"dispatch_id": dispatch})
    service.act(conn, command, settings, now)


def _call(conn: Connection, delivery: str, payload: dict[str, Any], settings: DeskSettings, now: datetime) -> None:
    phone.take_event(conn, read_event(payload), delivery, now)


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event that is in the inbox; ``duplicate``: it was there before."""

    call: str
    event: str
    duplicate: bool


def keep_event(
    conn: Connection, body: bytes, now: datetime, *, delivery: str | None = None, gateway: str | None = None
) -> KeptEvent:
    """Keep one event of a call centre, whichever way it came: this is the only way into the inbox.

    Parameters
    ----------
    delivery
        The sender's name for this delivery; without one ``id`` of the event is it, and without that the event itself.
    gateway
        Who sent it over MQTT, as its topic proves: the source of its events, and of nobody else's.

    Raises
    ------
    AlarmsInputError
        What is wrong with it.
    """
    payload = _read(body)
    if gateway is not None and payload.setdefault("source", gateway) != gateway:
        raise AlarmsInputError(f"source 须为本网关 {gateway} (a gateway tells of its own calls only)")
    told = read_event(payload)
    name = delivery if delivery is not None else payload.get("id")
    if name is None:
        name = f"{told.call}:{told.event.value}:{told.at.isoformat()}"
    elif not isinstance(name, str) or not 0 < len(name) <= LONGEST_DELIVERY:
        raise AlarmsInputError(f"id 须为 1–{LONGEST_DELIVERY} 个字符 (a text of at most so many characters)")
    row = conn.execute(QUERIES.receive, ("call", f"{told.source}:{name}", Jsonb(payload), now)).fetchone()
    return KeptEvent(told.call, told.event.value, duplicate=not (row and row[0]))


def take_told(conn: Connection, gateway_id: str, part: bytes, now: datetime) -> EventTaken:
    """One event that a call centre told over MQTT, for the bridge: kept, or refused with what is wrong."""
    try:
        kept = keep_event(conn, part, now, gateway=gateway_id)
    except AlarmsInputError as error:
        return EventTaken({"result": "refused", "problem": str(error)}, str(error))
    return EventTaken({"call": kept.call, "event": kept.event, "result": "duplicate" if kept.duplicate else "kept"})


def _read(body: bytes) -> dict[str, Any]:
    if len(body) > LARGEST:
        raise AlarmsInputError(f"事件不得超过 {LARGEST} 字节 (an event has at most so many bytes)")
    try:
        read = json.loads(body)
    except ValueError:
        raise AlarmsInputError("内容须为 JSON (the event must be JSON)") from None
    if not isinstance(read, dict):
        raise AlarmsInputError("内容须为 JSON 对象 (the event must be a JSON object)")
    # PostgreSQL's text knows no NUL
    if "\\u0000" in body.decode("utf-8", "replace"):
        raise AlarmsInputError("内容含 NUL 字符 (the event holds a NUL character)")
    return read


def read_event(payload: dict[str, Any]) -> CallEvent:
    """A call centre's event from its JSON.

    Raises
    ------
    AlarmsInputError
        What is missing or wrong.
    """
    texts = {name: v for name in ("source", "call", "called") if isinstance(v := payload.get(name), str)}
    if len(texts) != 3 or any(not v.strip() or len(v) > 64 for v in texts.values()):
        raise AlarmsInputError("source、call、called 须为 1–64 个字符 (each is a text of 1 to 64 characters)")
    caller = payload.get("caller")
    if caller is not None and (not isinstance(caller, str) or len(caller) > 30):
        raise AlarmsInputError("caller 须为文本或 null (a text, or null when it is withheld)")
    try:
        event = LineEvent(payload.get("event"))
        at = datetime.fromisoformat(str(payload.get("at")))
    except ValueError:
        raise AlarmsInputError("event 为 ringing/claimed/ended/abandoned，at 为带时区的时间 (with its zone)") from None
    if event not in (LineEvent.RINGING, LineEvent.CLAIMED, LineEvent.ENDED, LineEvent.ABANDONED) or at.tzinfo is None:
        raise AlarmsInputError("event 为 ringing/claimed/ended/abandoned，at 为带时区的时间 (with its zone)")
    reason = payload.get("reason")
    return CallEvent(
        texts["source"], texts["call"], event, at, texts["called"], caller or None,
        reason if isinstance(reason, str) else None,
    )  # fmt: skip


WORK: dict[str, Callable[[Connection, str, dict[str, Any], DeskSettings, datetime], None]] = {
    "reply": _reply, "receipt": _receipt, "call": _call, "qr": qr.act,
}  # fmt: skip
