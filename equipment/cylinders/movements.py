"""流转: what happens to a cylinder beside its fills, by the table of its life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from equipment.access.model import Asker, ScopeKind
from equipment.cylinders import stations
from equipment.cylinders.lifecycle import (
    APART,
    NEEDS_REASON,
    SUPERVISORS,
    WITH_A_FILL,
    CylinderEvent,
    CylinderState,
    next_state,
)
from equipment.cylinders.media import media
from equipment.cylinders.model import Movement
from equipment.cylinders.settings import CylinderSettings, add_months
from equipment.cylinders.stations import QUERIES
from equipment.cylinders.store import events_of, unknown
from equipment.errors import CylinderInputError, CylinderStepError, OutOfScopeError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection

FUTURE = timedelta(minutes=10)
LONGEST_TEXT = 200
RECENT_EVENTS = 50
JUDGED = frozenset({CylinderEvent.CHECK, CylinderEvent.CHECK_FAILED})
"""Events that only the check before a fill brings along."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Where the cylinder stands now; ``repeated``: the same event was recorded before."""

    code: str
    state: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class _Locked:
    no: int
    station_id: int
    medium: str
    state: CylinderState
    frozen_from: CylinderState | None


def problems(movement: Movement, at: datetime, now: datetime, oldest: timedelta) -> list[str]:
    """Everything that cannot be right in a movement at ``at``, as ``field: why``."""
    try:
        event = CylinderEvent(movement.event)
    except ValueError:
        return [f"event: 须为 {', '.join(e.value for e in CylinderEvent)} 之一 (one of these)"]
    found = []
    if at.tzinfo is None:
        return ["at: 时间须带时区 (needs a time zone)"]
    if not now - oldest <= at <= now + FUTURE:
        found.append("at: 时间在将来或早于保存期 (in the future, or older than traces are kept)")
    if event in WITH_A_FILL:
        found.append("event: 随充装记录产生 (a fill record brings it along)")
    if event in APART:
        found.append("event: 请用转移或更正接口 (send a transfer or a correction)")
    if event in JUDGED:
        found.append("event: 请用充前检查接口 (send the check before the fill)")
    if event in NEEDS_REASON and not (movement.reason or "").strip():
        found.append("reason: 请写明原因 (say why)")
    texts = {name: getattr(movement, name) for name in ("reason", "recipient", "phone", "address")}
    for name, text in texts.items():
        if text is not None and (len(text) > LONGEST_TEXT or "\x00" in text):
            found.append(f"{name}: 最多 {LONGEST_TEXT} 字 (too long)")
        if text is not None and name != "reason" and event is not CylinderEvent.DELIVER:
            found.append(f"{name}: 仅用于配送 (belongs to a delivery only)")
    if event is CylinderEvent.DELIVER and (movement.phone or movement.address) and not movement.recipient:
        found.append("recipient: 请填写收货人 (to whom?)")
    if movement.next_inspection is not None:
        if event is not CylinderEvent.PASS_INSPECTION:
            found.append("next_inspection: 仅用于检验合格 (belongs to a passed inspection only)")
        elif movement.next_inspection <= at.astimezone(SHANGHAI).date():
            found.append("next_inspection: 须晚于检验日期 (after the inspection)")
    return found


def move(
    conn: Connection, code: str, movement: Movement, asker: Asker, now: datetime, settings: CylinderSettings
) -> Moved:
    """Record an event. The same event at the same time again changes nothing.

    Raises
    ------
    CylinderInputError, UnknownCylinderError
    CylinderStepError
        The cylinder's state does not allow it.
    OutOfScopeError
        Freezing is the authority's, everything else the station's.
    """
    at = movement.at or now
    wrong = problems(movement, at, now, timedelta(days=settings.trace_retention_days))
    if wrong:
        raise CylinderInputError("; ".join(wrong))
    event = CylinderEvent(movement.event)
    cylinder = _lock(conn, code)
    _require_right(conn, event, asker)
    recorded = [e for e in events_of(conn, cylinder.no, RECENT_EVENTS) if e.at == at and e.event == event.value]
    if recorded:
        return Moved(code, cylinder.state.value, repeated=True)
    state = next_state(cylinder.state, event, cylinder.frozen_from)
    entry = {
        "at": at, "recorded_at": now, "station_id": cylinder.station_id, "cylinder_no": cylinder.no,
        "account_id": asker.account_id, "event": event.value, "from_state": cylinder.state.value,
        "to_state": state.value, "reason": movement.reason, "detail": _detail(cylinder, movement, at, settings),
    }  # fmt: skip
    kept = conn.execute(QUERIES.keep_events, (msgspec.json.encode([entry]).decode(),)).fetchone()
    if kept is None or not kept[0]:
        raise CylinderStepError("该时间已有同一事件 (this event is on record at that time): give its exact time")
    frozen_from = cylinder.state.value if state is CylinderState.FROZEN else None
    values = {"no": cylinder.no, "state": state.value, "frozen_from": frozen_from, "at": at, "now": now}
    conn.execute(QUERIES.set_state, values)
    _consequences(conn, cylinder, movement, at, settings)
    return Moved(code, state.value)


def _lock(conn: Connection, code: str) -> _Locked:
    row = conn.execute(QUERIES.lock_cylinder, (code,)).fetchone() if "\x00" not in code else None
    if row is None:
        raise unknown(code)
    return _Locked(row[0], row[1], row[2], CylinderState(row[3]), CylinderState(row[4]) if row[4] else None)


def _require_right(conn: Connection, event: CylinderEvent, asker: Asker) -> None:
    supervises = asker.scope_kind is ScopeKind.JURISDICTION
    if supervises is not (event in SUPERVISORS):
        whose = "监察员" if event in SUPERVISORS else "充装单位"
        raise OutOfScopeError(
            f"{event.value} 由{whose}办理 (only the {'authority' if event in SUPERVISORS else 'station'} records it)"
        )
    if not supervises:
        stations.caller_of(conn, asker)


def _next_inspection(
    cylinder: _Locked, movement: Movement, at: datetime, settings: CylinderSettings
) -> tuple[str, str]:
    day = at.astimezone(SHANGHAI).date()
    following = movement.next_inspection or add_months(day, settings.months(media()[cylinder.medium]))
    return day.isoformat(), following.isoformat()


def _detail(cylinder: _Locked, movement: Movement, at: datetime, settings: CylinderSettings) -> dict[str, str]:
    if movement.event == CylinderEvent.PASS_INSPECTION.value:
        return {"next_inspection": _next_inspection(cylinder, movement, at, settings)[1]}
    return {}


def _consequences(
    conn: Connection, cylinder: _Locked, movement: Movement, at: datetime, settings: CylinderSettings
) -> None:
    """What an event changes beside the state."""
    event = CylinderEvent(movement.event)
    if event is CylinderEvent.PASS_INSPECTION:
        conn.execute(QUERIES.set_inspection, (*_next_inspection(cylinder, movement, at, settings), cylinder.no))
    elif event is CylinderEvent.SCRAP:
        conn.execute(QUERIES.set_scrapped, (at.astimezone(SHANGHAI).date(), cylinder.no))
    elif event is CylinderEvent.DELIVER and movement.recipient:
        conn.execute(
            QUERIES.insert_delivery,
            (cylinder.no, at, cylinder.station_id, movement.recipient, movement.phone, movement.address),
        )
