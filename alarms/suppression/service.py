"""Shelving and out of service: what people do so that an alarm pages nobody, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alarms import store
from alarms.errors import ShelfError
from alarms.lifecycle import AlarmEvent, AlarmState
from alarms.suppression.model import Kind
from alarms.suppression.settings import SuppressionSettings
from equipment.access.model import Asker
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Suppression:
    """One record of a muting."""

    id: int
    alarm_id: str
    kind: str
    scope: str
    account_id: int | None
    author: str
    reason: str
    began_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shelf:
    """搁置 as asked: why, and until when at the latest; without a time, as long as is allowed."""

    reason: str
    until: datetime | None
    one_shot: bool = False
    """It ends with the alarm's condition, or at ``until``."""


def shelve(
    conn: Connection, key: str, asker: Asker, shelf: Shelf, settings: SuppressionSettings, now: datetime
) -> AlarmState:
    """搁置: it is judged and recorded, nobody is paged.

    Raises
    ------
    UnknownAlarmError, TransitionError
    ShelfError
        The time is over already, or longer than the settings allow for this alarm.
    """
    alarm, after = store.act(conn, key, AlarmEvent.SHELVE)
    latest = now + settings.longest(protected=alarm.protected)
    until = latest if shelf.until is None else shelf.until
    if until <= now:
        raise ShelfError("搁置截止时间已过，请填将来的时间 (the end of the shelf is over already: name a time to come)")
    if until > latest:
        minutes = round(settings.longest(protected=alarm.protected).total_seconds() / 60)
        what = "困人与报警按钮" if alarm.protected else "报警"
        raise ShelfError(f"{what}最长搁置 {minutes} 分钟 (this alarm may be shelved for {minutes} minutes at most)")
    kind = Kind.ONE_SHOT if shelf.one_shot else Kind.TIMED
    values = {"id": key, "state": after.value, "until": until, "shelf": kind.value, "by": None}
    conn.execute(store.QUERIES.set_muted, values)
    store.record_suppression(conn, key, alarm.unit_no, kind, "alarm", asker, shelf.reason, now, until)
    told = {"until": until.isoformat(), "shelf": kind.value}
    store.tell(conn, alarm, "shelved", after, now, asker, shelf.reason, told)
    return after


def unshelve(conn: Connection, key: str, asker: Asker, reason: str, now: datetime) -> AlarmState:
    """取消搁置: where its condition holds it pages again.

    Raises
    ------
    UnknownAlarmError
    ShelfError
        It is not shelved.
    """
    return _end(conn, key, AlarmState.SHELVED, "未被搁置 (it is not shelved)", asker, reason, now)


def take_out_of_service(conn: Connection, key: str, asker: Asker, reason: str, now: datetime) -> AlarmState:
    """停用: until somebody returns it to service. What calls for rescue is shelved for a short time instead.

    Raises
    ------
    UnknownAlarmError, TransitionError
    ShelfError
        It is an entrapment or a call for help: those are never muted without an end.
    """
    alarm, after = store.act(conn, key, AlarmEvent.TAKE_OUT_OF_SERVICE)
    if alarm.protected:
        raise ShelfError(
            "困人与报警按钮不得停用，可由人员限时搁置 (an entrapment or alarm button is never out of service: shelve it)"
        )
    _out(conn, alarm, after, asker, reason, now)
    return after


def return_to_service(conn: Connection, key: str, asker: Asker, reason: str, now: datetime) -> AlarmState:
    """恢复投用.

    Raises
    ------
    UnknownAlarmError
    ShelfError
        It is not out of service.
    """
    return _end(conn, key, AlarmState.OUT_OF_SERVICE, "未停用 (it is not out of service)", asker, reason, now)


def release_due(conn: Connection, now: datetime) -> int:
    """End what has been muted long enough; where its condition holds it pages again."""
    due = [row[0] for row in conn.execute(QUERIES.due, (now,))]
    for key in due:
        alarm = store.lock(conn, key)
        if alarm is not None and alarm.state in (AlarmState.SHELVED, AlarmState.SUPPRESSED_BY_DESIGN):
            store.release(conn, alarm, now, None, "到期 (its time is over)")
    return len(due)


def follow_registry(conn: Connection, now: datetime) -> int:
    """停用 what belongs to a unit that is not in use or has lost its terminal, and back when that ends.

    Entrapments and calls for help are left: people may be inside whatever the register says.
    """
    changed = 0
    for key, status in conn.execute(QUERIES.to_take_out).fetchall():
        alarm, after = store.act(conn, key, AlarmEvent.TAKE_OUT_OF_SERVICE)
        _out(conn, alarm, after, None, f"设备状态 {status} (the unit's status)", now)
        changed += 1
    for (key,) in conn.execute(QUERIES.to_return).fetchall():
        held = store.lock(conn, key)
        if held is not None:
            store.release(conn, held, now, None, "设备恢复在用 (the unit is in use again)")
            changed += 1
    return changed


def suppressions_of(conn: Connection, key: str) -> list[Suppression]:
    """Every muting of an alarm, newest first."""
    return [Suppression(*row) for row in conn.execute(QUERIES.of_alarm, (key,))]


def _out(
    conn: Connection, alarm: store.Locked, after: AlarmState, asker: Asker | None, reason: str, now: datetime
) -> None:
    values = {"id": alarm.id, "state": after.value, "until": None, "shelf": None, "by": None}
    conn.execute(store.QUERIES.set_muted, values)
    scope = "unit" if asker is None else "alarm"
    store.record_suppression(conn, alarm.id, alarm.unit_no, Kind.OUT_OF_SERVICE, scope, asker, reason, now, None)
    store.tell(conn, alarm, "out_of_service", after, now, asker, reason)


def _end(
    conn: Connection, key: str, wanted: AlarmState, otherwise: str, asker: Asker, reason: str, now: datetime
) -> AlarmState:
    alarm = store.known(conn, key)
    if alarm.state is not wanted:
        raise ShelfError(otherwise)
    return store.release(conn, alarm, now, asker, reason)
