"""96366 来电记录: one call from the seat's form, the API or a file takes the same path."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from equipment.foundation import stream
from equipment.foundation.database import Connection, load_queries
from ingest.errors import CallError

QUERIES = load_queries(__file__, "calls.sql")
CATEGORIES = ("entrapment", "fault", "complaint", "consultation", "self_release", "false_alarm", "other")
MILESTONES = ("reported_at", "dispatched_at", "arrived_at", "freed_at", "called_back_at", "closed_at")
"""报警 派单 到达 解救 回访 办结, in the order in which they can happen."""
COUNTS = ("trapped", "injured", "suspected_dead")
MOST_PEOPLE = 99
LIVE_FOR = timedelta(hours=12)
"""A call reported longer ago, or closed already, is history: it opens no incident."""
FUTURE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call as it is told to us. ``external_id`` (工单编号) is unique within its ``source``."""

    source: str
    external_id: str
    category: str
    reported_at: datetime
    rescue_code: str | None = None
    unit_id: str | None = None
    registration_code: str | None = None
    place: str = ""
    address: str = ""
    caller_phone: str | None = None
    trapped: int | None = None
    injured: int | None = None
    suspected_dead: int | None = None
    medical_rescue: bool = False
    major_incident: bool = False
    cause_code: str | None = None
    description: str = ""
    dispatched_at: datetime | None = None
    arrived_at: datetime | None = None
    freed_at: datetime | None = None
    called_back_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallReceipt:
    """What became of a call: ``result`` is new, updated or unchanged; ``unit_id`` None when no lift was recognised."""

    id: int
    result: str
    unit_id: str | None
    historical: bool


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """A unit by which a call may name its lift."""

    no: int
    id: str


def faults(call: NewCall, now: datetime) -> list[tuple[str, str]]:
    """Everything about a call that cannot be right, as (field, reason)."""
    found: list[tuple[str, str]] = []
    if not call.external_id.strip():
        found.append(("external_id", "工单编号不能为空 (the number of the work order is needed)"))
    if call.category not in CATEGORIES:
        found.append(("category", f"类别须为 {', '.join(CATEGORIES)} 之一 (one of these)"))
    for name in COUNTS:
        count = getattr(call, name)
        if count is not None and not 0 <= count <= MOST_PEOPLE:
            found.append((name, f"须为 0 至 {MOST_PEOPLE} (0 to {MOST_PEOPLE} people)"))
    earlier = call.reported_at
    for name in MILESTONES:
        at: datetime | None = getattr(call, name)
        if at is None:
            continue
        if at.tzinfo is None:
            found.append((name, "时间须带时区 (a time needs its zone)"))
        elif at > now + FUTURE:
            found.append((name, "时间在将来 (lies in the future)"))
        elif at < earlier:
            found.append((name, "早于前一环节 (precedes the step before it)"))
        else:
            earlier = at
    return found


def record_call(conn: Connection, call: NewCall, entered_by: int | None, now: datetime) -> CallReceipt:
    """Keep a call and tell the incidents; the same call again changes nothing, a changed one is updated.

    Raises
    ------
    CallError
        With everything that cannot be right.
    """
    wrong = faults(call, now)
    if wrong:
        raise CallError("; ".join(f"{name}: {reason}" for name, reason in wrong))
    unit = find_unit(conn, call)
    return keep(conn, call, unit, entered_by, now)


def find_unit(conn: Connection, call: NewCall) -> KnownUnit | None:
    """The lift that the call names: by plate, id or registration code; None when it names none that is known."""
    row = conn.execute(QUERIES.find_unit, (call.rescue_code, call.unit_id, call.registration_code)).fetchone()
    return None if row is None else KnownUnit(*row)


def keep(conn: Connection, call: NewCall, unit: KnownUnit | None, entered_by: int | None, now: datetime) -> CallReceipt:
    """Write a checked call."""
    historical = call.closed_at is not None or call.reported_at < now - LIVE_FOR
    content = hashlib.sha256(msgspec.json.encode(replace(call, source=""))).digest()
    values: dict[str, Any] = {
        name: value for name, value in asdict(call).items() if name not in ("unit_id", "registration_code")
    }
    values |= {
        "unit_no": unit.no if unit else None, "historical": historical, "content_sha256": content,
        "entered_by": entered_by, "now": now,
    }  # fmt: skip
    before = conn.execute(QUERIES.known_call, (call.source, call.external_id)).fetchone()
    unit_id = unit.id if unit else None
    if before is not None and bytes(before[1]) == content:
        return CallReceipt(int(before[0]), "unchanged", unit_id, historical)
    row = conn.execute(QUERIES.upsert_call, values).fetchone()
    call_id = int(row[0]) if row else 0
    payload = {
        "id": call_id, "unit_no": values["unit_no"], "unit_id": unit_id, "at": call.reported_at.isoformat(),
        "category": call.category, "trapped": call.trapped, "injured": call.injured, "source": call.source,
        "historical": historical,
    }  # fmt: skip
    stream.publish(conn, "calls", "call", payload, unit_no=values["unit_no"], now=now)
    if not historical:
        stream.publish(conn, "desk", "call", payload, unit_no=values["unit_no"], now=now)
    return CallReceipt(call_id, "new" if before is None else "updated", unit_id, historical)
