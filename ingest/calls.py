"""96366 来电记录: one call from the seat's form, the API, a file or a call centre's gateway takes the same path."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from equipment.foundation import stream
from equipment.foundation.database import Connection, load_queries
from ingest.call_reference import reference
from ingest.call_units import CallLink, Found, KnownUnit, Told, UnitFinder
from ingest.errors import CallError

QUERIES = load_queries(__file__, "calls.sql")
MILESTONES = ("reported_at", "dispatched_at", "arrived_at", "freed_at", "called_back_at", "closed_at")
"""报警 派单 到达 解救 回访 办结, in the order in which they can happen."""
COUNTS = ("trapped", "injured", "suspected_dead")
MOST_PEOPLE = 99
LIVE_FOR = timedelta(hours=12)
"""A call reported longer ago, or closed already, is history: it opens no incident."""
FUTURE = timedelta(minutes=5)
SELF = "self"


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call as it is told to us. ``external_id`` (工单编号) is unique within its ``source``."""

    source: str
    external_id: str
    category: str
    reported_at: datetime
    subcategory: str | None = None
    rescue_code: str | None = None
    unit_id: str | None = None
    certificate_no: str | None = None
    registration_code: str | None = None
    place: str = ""
    project: str | None = None
    address: str = ""
    use_unit_name: str | None = None
    firm_name: str | None = None
    caller_phone: str | None = None
    trapped: int | None = None
    injured: int | None = None
    suspected_dead: int | None = None
    medical_rescue: bool = False
    major_incident: bool = False
    cause_code: str | None = None
    cause_text: str | None = None
    release_mode: str | None = None
    description: str = ""
    dispatched_at: datetime | None = None
    arrived_at: datetime | None = None
    freed_at: datetime | None = None
    called_back_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def self_released(self) -> bool:
        """自行脱困: people got out before anybody came, so that their release follows no arrival."""
        return self.category == "self_release" or self.release_mode == SELF


@dataclass(frozen=True, slots=True)
class CallReceipt:
    """What became of a call: ``result`` is new, updated or unchanged; ``unit_id`` None when no lift was recognised.

    ``candidates``: the lifts that its address may mean, for a person to choose among.
    """

    id: int
    result: str
    unit_id: str | None
    historical: bool
    link: CallLink = CallLink.NONE
    candidates: tuple[str, ...] = ()


def faults(call: NewCall, now: datetime) -> list[tuple[str, str]]:
    """Everything about a call that cannot be right, as (field, reason)."""
    found: list[tuple[str, str]] = []
    known = reference()
    if not call.external_id.strip():
        found.append(("external_id", "工单编号不能为空 (the number of the work order is needed)"))
    if call.category not in known.categories:
        found.append(("category", f"类别须为 {', '.join(known.categories)} 之一 (one of these)"))
    if call.release_mode is not None and call.release_mode not in known.release_modes:
        found.append(("release_mode", f"解救方式须为 {', '.join(known.release_modes)} 之一 (one of these)"))
    if call.cause_code is not None and call.cause_code not in known.causes:
        found.append(("cause_code", f"没有原因代码 {call.cause_code} (not a cause; words go into cause_text)"))
    for name in COUNTS:
        count = getattr(call, name)
        if count is not None and not 0 <= count <= MOST_PEOPLE:
            found.append((name, f"须为 0 至 {MOST_PEOPLE} (0 to {MOST_PEOPLE} people)"))
    return found + _wrong_times(call, now)


def _wrong_times(call: NewCall, now: datetime) -> list[tuple[str, str]]:
    """Milestones that are impossible. A missing one is no fault: old records lack some."""
    found: list[tuple[str, str]] = []
    earlier = call.reported_at
    for name in MILESTONES:
        at: datetime | None = getattr(call, name)
        if at is None:
            continue
        before = call.reported_at if name == "freed_at" and call.self_released else earlier
        if at.tzinfo is None:
            found.append((name, "时间须带时区 (a time needs its zone)"))
            if name == "reported_at":
                return found
        elif at > now + FUTURE:
            found.append((name, "时间在将来 (lies in the future)"))
        elif at < before:
            found.append((name, "早于前一环节 (precedes the step before it)"))
        else:
            earlier = max(earlier, at)
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
    return keep(conn, call, UnitFinder(conn).find(told_of(call)), entered_by, now)


def told_of(call: NewCall) -> Told:
    """What a call says of its lift; of its addresses the most exact first."""
    places = (
        f"{call.address} {call.place}" if call.address and call.place else "",
        f"{call.address} {call.project or ''}" if call.address and call.project else "",
        call.address, call.place, call.project or "",
    )  # fmt: skip
    return Told(
        call.rescue_code, call.unit_id, call.certificate_no, call.registration_code, tuple(p for p in places if p)
    )


def reported_before(conn: Connection, source: str, external_id: str) -> datetime | None:
    """When this call was reported, if it is known: a repeated request without a time is the same call."""
    row = conn.execute(QUERIES.known_call, (source, external_id)).fetchone()
    return None if row is None else row[2]


def keep(conn: Connection, call: NewCall, found: Found, entered_by: int | None, now: datetime) -> CallReceipt:
    """Write a checked call."""
    historical = call.closed_at is not None or call.reported_at < now - LIVE_FOR
    content = hashlib.sha256(msgspec.json.encode(replace(call, source=""))).digest()
    unit = found.unit
    candidates = tuple(u.id for u in found.candidates)
    before = conn.execute(QUERIES.known_call, (call.source, call.external_id)).fetchone()
    # the same call of a lift that is registered only now is taken again, to link it
    if before is not None and bytes(before[1]) == content and (unit is None or before[4] is not None):
        link = CallLink(before[3])
        return CallReceipt(
            int(before[0]), "unchanged", before[4], historical, link, candidates if link is CallLink.AMBIGUOUS else ()
        )
    values: dict[str, Any] = {name: value for name, value in asdict(call).items() if name != "unit_id"} | {
        "unit_no": unit.no if unit else None, "link": found.link.value, "candidates": [u.no for u in found.candidates],
        "historical": historical, "content_sha256": content, "entered_by": entered_by, "now": now,
    }  # fmt: skip
    row = conn.execute(QUERIES.upsert_call, values).fetchone()
    call_id = int(row[0]) if row else 0
    _announce(conn, call_id, call, unit, now, historical=historical)
    result = "new" if before is None else "updated"
    return CallReceipt(call_id, result, unit.id if unit else None, historical, found.link, candidates)


def _announce(
    conn: Connection, call_id: int, call: NewCall, unit: KnownUnit | None, now: datetime, *, historical: bool
) -> None:
    unit_no = unit.no if unit else None
    payload = {
        "id": call_id, "unit_no": unit_no, "unit_id": unit.id if unit else None, "at": call.reported_at.isoformat(),
        "category": call.category, "trapped": call.trapped, "injured": call.injured, "source": call.source,
        "historical": historical,
    }  # fmt: skip
    stream.publish(conn, "calls", "call", payload, unit_no=unit_no, now=now)
    if not historical:
        stream.publish(conn, "desk", "call", payload, unit_no=unit_no, now=now)


def choose_unit(conn: Connection, call_id: int, unit_id: str, now: datetime) -> None:
    """A person says which lift a call is about; the incidents are told.

    Raises
    ------
    CallError
        There is no such call or unit, as the caller may see them, or the call's own number named its lift.
    """
    row = conn.execute(QUERIES.call_for_choice, (call_id,)).fetchone()
    unit = conn.execute(QUERIES.unit_by_id, (unit_id,)).fetchone()
    if row is None or unit is None:
        raise CallError("没有该来电或该设备 (no such call, or no such unit)")
    if row[1] not in (CallLink.NONE.value, CallLink.AMBIGUOUS.value, CallLink.CHOSEN.value, CallLink.ADDRESS.value):
        raise CallError(
            "该来电已按编号确定电梯，不能改选 (its own number names the lift; correct the call at its source)"
        )
    conn.execute(QUERIES.choose_unit, (unit[0], call_id))
    payload = {
        "id": call_id, "unit_no": unit[0], "unit_id": unit[1], "at": row[3].isoformat(), "category": row[4],
        "trapped": row[5], "injured": row[6], "source": row[7], "historical": row[8],
    }  # fmt: skip
    stream.publish(conn, "calls", "call", payload, unit_no=unit[0], now=now)
    if not row[8]:
        stream.publish(conn, "desk", "call", payload, unit_no=unit[0], now=now)
