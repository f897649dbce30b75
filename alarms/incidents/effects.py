"""What each event does beside moving the state: columns it sets, orders it writes, paging it stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from alarms.errors import AlarmsInputError, ImpossibleOrderError, TransitionError
from alarms.incidents import dispatching
from alarms.incidents.model import Command, Incident, IncidentEvent
from alarms.incidents.settings import DeskSettings
from alarms.incidents.store import QUERIES
from equipment.foundation.database import Connection

COUNTS = ("trapped", "injured", "suspected_dead", "serious_injuries")
FLAGS = ("medical_rescue", "major_incident")
MOST_PEOPLE = 99
RELEASE_MODES = ("firm", "property", "self", "station", "fire_brigade", "other")
SETTLED_BY_PHONE = frozenset({"complaint", "consultation", "other", "false_alarm", "self_release"})
TRIAGE = ("ages", "injuries", "floor", "light", "breathing", "children", "pregnant", "phone_battery", "panic", "note")
"""What the question card (询问卡) asks beside the numbers."""
FARTHEST = {"lon": 180.0, "lat": 90.0, "accuracy": 1e6}
"""Limits of a position: degrees [°], and metres of its accuracy [m]."""
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Doing:
    """One event that is about to happen: the locked incident, who wants it, when it happened, and now."""

    conn: Connection
    incident: Incident
    command: Command
    settings: DeskSettings
    at: datetime
    now: datetime


def _accept(doing: Doing) -> Values:
    if doing.incident.accepted_by is not None:
        raise TransitionError("已有坐席接警 (a seat has taken it already)")
    return {"accepted_by": doing.command.actor}


def _confirm(doing: Doing) -> Values:
    values: Values = {"confirmed": True}
    if doing.incident.reported_at is None:
        values["reported_at"] = doing.incident.opened_at
    if doing.incident.reassure_by is None:
        values["reassure_by"] = doing.now + doing.settings.reassure_within
    return values


def _dispatch(doing: Doing) -> Values:
    wanted = doing.command.detail.get("level", dispatching.FIRM)
    if wanted not in (dispatching.FIRM, dispatching.STATION, dispatching.FIRE_BRIGADE):
        raise AlarmsInputError("派单级别为 1、2 或 3 (the level of an order is 1, 2 or 3)")
    dispatching.order(doing.conn, doing.incident, int(wanted), doing.command.actor, doing.settings, doing.now)
    if doing.incident.accepted_by is None and doing.command.actor:
        return {"accepted_at": doing.now, "accepted_by": doing.command.actor}
    return {}


def _escalate(doing: Doing) -> Values:
    newest = doing.conn.execute(QUERIES.newest_dispatch, (doing.incident.id,)).fetchone()
    if newest is not None:
        doing.conn.execute(QUERIES.mark_escalated, (doing.now, newest[0]))
        dispatching.stop_paging(doing.conn, doing.incident.id, int(newest[0]), doing.now)
    wanted = dispatching.next_level(doing.conn, doing.incident.id)
    dispatching.order(doing.conn, doing.incident, wanted, doing.command.actor, doing.settings, doing.now)
    return {}


def _order_of(doing: Doing) -> int:
    """The order that is meant: the one named, or the newest that the asker may see."""
    named = doing.command.detail.get("dispatch_id")
    if named is not None:
        row = doing.conn.execute(QUERIES.dispatch_of, (named, doing.incident.id)).fetchone()
    else:
        row = doing.conn.execute(QUERIES.newest_dispatch, (doing.incident.id,)).fetchone()
    if row is None:
        raise ImpossibleOrderError("没有可处理的派单 (there is no order of yours on this incident)")
    return int(row[0])


def _how(command: Command) -> str:
    """How an answer or an arrival is known: a seat records what it heard by phone (电话接单, 电话到场)."""
    return "phone" if command.how_known == "seat" else command.how_known


def _answer(doing: Doing) -> Values:
    order = _order_of(doing)
    doing.conn.execute(QUERIES.mark_answered, (doing.at, _how(doing.command), order))
    # whoever answers, nobody else of this event is paged any more
    dispatching.stop_paging(doing.conn, doing.incident.id, None, doing.now)
    return {}


def _refuse(doing: Doing) -> Values:
    order = _order_of(doing)
    doing.conn.execute(QUERIES.mark_refused, (doing.at, doing.command.reason, order))
    dispatching.stop_paging(doing.conn, doing.incident.id, order, doing.now)
    return {}


def _place(command: Command) -> Values:
    """Where the team says that it is; all None where its phone does not tell."""
    given = {
        name: command.detail.get(key) for name, key in (("lon", "lon"), ("lat", "lat"), ("accuracy", "accuracy_m"))
    }
    for name, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and abs(float(str(value))) <= FARTHEST[name]):
            raise AlarmsInputError("位置须为经纬度数值 (the position is longitude, latitude and accuracy as numbers)")
    return given


def _depart(doing: Doing) -> Values:
    order, place = _order_of(doing), _place(doing.command)
    doing.conn.execute(QUERIES.mark_departed, {"at": doing.at, "how": _how(doing.command), **place, "id": order})
    dispatching.stop_paging(doing.conn, doing.incident.id, None, doing.now)
    return {}


def _arrive(doing: Doing) -> Values:
    order, place = _order_of(doing), _place(doing.command)
    metres = dispatching.metres_from_lift(doing.conn, doing.incident.id, place["lon"], place["lat"])
    how = "geofence" if doing.command.how_known == "firm_app" and metres is not None else _how(doing.command)
    doing.conn.execute(
        QUERIES.mark_arrived,
        {"at": doing.at, "how": how, **place, "metres": metres, "id": order},
    )
    dispatching.stop_paging(doing.conn, doing.incident.id, None, doing.now)
    return {}


def _free(doing: Doing) -> Values:
    _end(doing)
    mode = doing.command.detail.get("release_mode")
    if mode is not None and mode not in RELEASE_MODES:
        raise AlarmsInputError(f"解救方式为 {', '.join(RELEASE_MODES)} (how they were freed)")
    values: Values = {"reassure_by": None}
    if doing.command.detail.get("cause_code"):
        values["cause_code"] = str(doing.command.detail["cause_code"])[:20]
    if mode is not None:
        values["release_mode"] = mode
    return values


def _self_release(doing: Doing) -> Values:
    _end(doing)
    return {
        "confirmed": True, "kind": "self_release", "reported_at": doing.incident.began_at, "release_mode": "self",
        "reassure_by": None,
    }  # fmt: skip


def _close(doing: Doing) -> Values:
    cause = doing.command.detail.get("cause_code")
    if not cause:
        raise AlarmsInputError("请选择原因分类 (choose the cause)")
    return {"cause_code": str(cause), "outcome": doing.command.reason}


def _settle(doing: Doing) -> Values:
    if doing.incident.kind not in SETTLED_BY_PHONE:
        raise TransitionError(
            "困人和故障须派单处置，不能直接办结 (people inside or a fault need somebody on site: dispatch it)"
        )
    return {"outcome": doing.command.reason}


def _cancel(doing: Doing) -> Values:
    _end(doing)
    return {"outcome": "false_alarm", "reassure_by": None}


def _end(doing: Doing) -> None:
    """Nobody is needed any more: orders end, and what still rings stops."""
    doing.conn.execute(QUERIES.end_orders, (doing.now, doing.incident.id))
    dispatching.stop_paging(doing.conn, doing.incident.id, None, doing.now)


def _ask(doing: Doing) -> Values:
    """询问卡: numbers are set as they are told, also downward; words are kept beside what is known."""
    detail = doing.command.detail
    values = {name: bool(detail[name]) for name in FLAGS if isinstance(detail.get(name), bool)}
    known = {name: detail[name] for name in TRIAGE if detail.get(name) not in (None, "")}
    if known:
        doing.conn.execute(QUERIES.add_triage, (Jsonb(known), doing.incident.id))
    return dict(values)


def _reassure(doing: Doing) -> Values:
    return {"reassure_by": doing.now + doing.settings.reassure_within}


EFFECTS: dict[IncidentEvent, Callable[[Doing], Values]] = {
    IncidentEvent.ACCEPT: _accept,
    IncidentEvent.CONFIRM: _confirm,
    IncidentEvent.UNANSWERED: _dispatch,
    IncidentEvent.DISPATCH: _dispatch,
    IncidentEvent.ESCALATE: _escalate,
    IncidentEvent.ANSWER: _answer,
    IncidentEvent.REFUSE: _refuse,
    IncidentEvent.DEPART: _depart,
    IncidentEvent.ARRIVE: _arrive,
    IncidentEvent.FREE: _free,
    IncidentEvent.SELF_RELEASE: _self_release,
    IncidentEvent.CLOSE: _close,
    IncidentEvent.SETTLE: _settle,
    IncidentEvent.CANCEL: _cancel,
    IncidentEvent.ASK: _ask,
    IncidentEvent.REASSURE: _reassure,
}


def counts(command: Command) -> Values:
    """Numbers of people that a command tells.

    Raises
    ------
    AlarmsInputError
        One is not 0 to 99.
    """
    found: Values = {}
    for name in COUNTS:
        told = command.detail.get(name)
        if told is None:
            continue
        if not isinstance(told, int) or isinstance(told, bool) or not 0 <= told <= MOST_PEOPLE:
            raise AlarmsInputError(f"{name}: 须为 0 至 {MOST_PEOPLE} (0 to {MOST_PEOPLE} people)")
        found[name] = told
    return found
