"""收件箱: acts on what machines told the web process: replies by link, keys that were pressed, calls on the line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import psycopg

from alarms.desk import phone
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

logger = get_logger("alarms.desk.inbox")
ANSWERS = {"answer": IncidentEvent.ANSWER, "refuse": IncidentEvent.REFUSE}
KEYS = {"1": "answer", "2": "refuse"}
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
    "reply": _reply, "receipt": _receipt, "call": _call,
}  # fmt: skip
