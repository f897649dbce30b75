"""Fills as filling systems send them: judged one by one, kept or refused, in the caller's transaction and scope.

What leaves this room goes on the stream ``cylinders`` (``STREAM``), which the jobs number. One kind, ``hazard``: a fill
that may be a major hazard under GB 45067-2024, a lead and not a verdict. Its payload::

    {
      "event": "hazard",
      "clause": "4.5 b",            item of GB 45067-2024: 4.5 b wrong medium, 4.5 a filling without a licence for it
      "prevented": false,           true: the check before the fill stopped it; false: the gas is in the cylinder
      "at": "2026-03-02T01:00:00+00:00",
      "code": "3413020000000001",   the cylinder, and its number in the register (null where nobody registered it)
      "cylinder_no": 17,
      "cylinder_medium": "lpg",     what belongs into it; null where it is not registered
      "medium": "dme",              what was filled
      "station_id": 42,             organisation that filled
      "owner_station_id": 42,       organisation that owns the cylinder; null where it is not registered
      "reasons": ["wrong_medium"]   every reason of the refusal
    }

``unit_no`` of the entry is null: a cylinder is no unit of the registry. The refusal itself, with the record by value,
stands in ``equipment.cylinder_refusal``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from equipment.cylinders import judge, stations
from equipment.cylinders.judge import Attempt
from equipment.cylinders.lifecycle import CylinderEvent, CylinderState, after_fill, next_state
from equipment.cylinders.model import (
    BatchAnswer,
    Check,
    CheckAnswer,
    Fill,
    ItemAnswer,
    Judged,
    Licence,
    Outcome,
    Reason,
    digest,
)
from equipment.cylinders.settings import CylinderSettings
from equipment.cylinders.stations import QUERIES, Caller
from equipment.errors import CylinderInputError, FillKeyError
from equipment.foundation import metrics, stream
from equipment.foundation.database import Connection, advisory_lock

STREAM = "cylinders"
MOST_FILLS = 1_000
"""In one call."""
outcomes = metrics.counter("teshe_cylinder_fills_total", "Fills received, by outcome", ("outcome",))


class FillCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call of a filling system; each fill is read by itself, so that one that is wrong spoils only itself."""

    fills: list[msgspec.Raw]


class _Code(msgspec.Struct):
    code: str | None = None


def read_call(body: bytes) -> FillCall:
    """A call from its JSON.

    Raises
    ------
    CylinderInputError
        It is no JSON, has no fills or too many.
    """
    try:
        call = msgspec.json.decode(body, type=FillCall)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CylinderInputError(f"无法读取 (cannot be read): {error}") from None
    if not 1 <= len(call.fills) <= MOST_FILLS:
        raise CylinderInputError(
            f"一次 1 至 {MOST_FILLS} 条，收到 {len(call.fills)} 条 (1 to {MOST_FILLS} fills a call: split it)"
        )
    return call


def submit(
    conn: Connection, call: FillCall, key: str, caller: Caller, now: datetime, settings: CylinderSettings
) -> BatchAnswer:
    """Judge and keep a call. The same key with the same content gives the first answer again, and changes nothing.

    Raises
    ------
    FillKeyError
        The key was used for another call.
    """
    content = hashlib.blake2b(b"\x00".join(bytes(raw) for raw in call.fills), digest_size=16).digest()
    advisory_lock(conn, f"fill-batch:{caller.station_id}:{key}")
    known = conn.execute(QUERIES.batch_answer, (caller.station_id, key)).fetchone()
    if known is not None:
        if bytes(known[0]) != content:
            raise FillKeyError(f"幂等键 {key} 已用于另一批记录 (key used for another call: take a new one)")
        return _replayed(call, known[1])
    batch = _Batch(conn, caller, now, settings)
    answer = batch.run(call.fills)
    special = [asdict(item) for item in answer.items if item.outcome != Outcome.ACCEPTED.value]
    conn.execute(QUERIES.keep_batch, (caller.station_id, key, content, Jsonb(special), now))
    for name in Outcome:
        outcomes.labels(name.value).inc(getattr(answer, name.value))
    return answer


def _replayed(call: FillCall, special: list[dict[str, Any]]) -> BatchAnswer:
    """The first answer: what was not accepted was kept, the others were accepted."""
    found = {
        e["index"]: ItemAnswer(**{**e, "reasons": tuple(e["reasons"]), "faults": tuple(e["faults"])}) for e in special
    }
    items = [
        found.get(index) or ItemAnswer(index, Outcome.ACCEPTED.value, _code_of(raw))
        for index, raw in enumerate(call.fills)
    ]
    return _answer(items, replayed=True)


def _code_of(raw: msgspec.Raw) -> str | None:
    try:
        return msgspec.json.decode(raw, type=_Code).code
    except msgspec.MsgspecError:
        return None


def _answer(items: Sequence[ItemAnswer], *, replayed: bool = False) -> BatchAnswer:
    counts = {o: sum(item.outcome == o.value for item in items) for o in Outcome}
    return BatchAnswer(
        counts[Outcome.ACCEPTED], counts[Outcome.REPEATED], counts[Outcome.REFUSED], counts[Outcome.INVALID],
        tuple(items), replayed,
    )  # fmt: skip


def judged(conn: Connection, codes: Sequence[str]) -> dict[str, Judged]:
    """Registered cylinders by code, also of other stations; one's own are locked until the transaction ends."""
    found = {}
    for row in conn.execute(QUERIES.for_fill, (sorted(set(codes)),)):
        *first, state, last_fill_at = row
        cylinder = Judged(*[*first, CylinderState(state), last_fill_at])
        found[cylinder.code] = cylinder
    return found


class _Batch:
    """One call on its way: cylinders as they stand after each fill, and what is to be written at the end."""

    def __init__(self, conn: Connection, caller: Caller, now: datetime, settings: CylinderSettings) -> None:
        self._conn = conn
        self._caller = caller
        self._now = now
        self._settings = settings
        self._oldest = timedelta(days=settings.trace_retention_days)
        self._licences: list[Licence] = stations.licences(conn, caller.station_id)
        self._cylinders: dict[str, Judged] = {}
        self._known: dict[tuple[int, datetime], bytes] = {}
        self._fills: list[dict[str, Any]] = []
        self._refusals: list[dict[str, Any]] = []
        self._changed: dict[int, Judged] = {}

    def run(self, raws: Sequence[msgspec.Raw]) -> BatchAnswer:
        """Judge in the order of filling, write, and answer in the order of the call."""
        answers: dict[int, ItemAnswer] = {}
        sound: list[tuple[int, Fill]] = []
        for index, raw in enumerate(raws):
            read = self._read(raw)
            if isinstance(read, Fill):
                sound.append((index, read))
            else:
                answers[index] = ItemAnswer(index, Outcome.INVALID.value, _code_of(raw), detail=read)
        self._cylinders = judged(self._conn, [fill.code for _, fill in sound])
        self._find_known([fill for _, fill in sound])
        for index, fill in sorted(sound, key=lambda entry: (entry[1].filled_at, entry[0])):
            answers[index] = self._decide(index, fill)
        self._write()
        return _answer([answers[index] for index in range(len(raws))])

    def _read(self, raw: msgspec.Raw) -> Fill | str:
        try:
            fill = msgspec.json.decode(raw, type=Fill)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return str(error)
        return "; ".join(judge.problems(fill, self._now, self._oldest)) or fill

    def _find_known(self, fills: Sequence[Fill]) -> None:
        """Fills that are there already; only one that is not after a cylinder's newest can be."""
        asked = []
        for fill in fills:
            cylinder = self._cylinders.get(fill.code)
            if cylinder is not None and cylinder.last_fill_at is not None and fill.filled_at <= cylinder.last_fill_at:
                asked.append((cylinder.no, fill.filled_at))
        if asked:
            rows = self._conn.execute(QUERIES.known_fills, ([no for no, _ in asked], [at for _, at in asked]))
            self._known.update({(no, at): bytes(content) for no, at, content in rows})

    def _decide(self, index: int, fill: Fill) -> ItemAnswer:
        cylinder = self._cylinders.get(fill.code)
        if cylinder is None:
            return self._refuse(index, fill, None, (Reason.UNKNOWN_CYLINDER,))
        known = self._known.get((cylinder.no, fill.filled_at))
        if known is not None:
            if known == digest(fill):
                return ItemAnswer(index, Outcome.REPEATED.value, fill.code)
            text = "同一气瓶同一时间已有内容不同的充装记录 (another fill of this cylinder at this time is on record)"
            return ItemAnswer(index, Outcome.INVALID.value, fill.code, detail=f"filled_at: {text}")
        attempt = self._attempt(cylinder, fill)
        reasons = judge.refusals(attempt)
        if not fill.appearance_ok:
            reasons += (Reason.PRECHECK_FAILED,)
        return self._refuse(index, fill, attempt, reasons) if reasons else self._accept(index, fill, cylinder)

    def _attempt(self, cylinder: Judged, fill: Fill) -> Attempt:
        return Attempt(cylinder, self._caller.station_id, fill.medium, fill.filled_at, self._licences, self._settings)

    def _refuse(self, index: int, fill: Fill, attempt: Attempt | None, reasons: tuple[Reason, ...]) -> ItemAnswer:
        self._refusals.append(_refusal(fill.code, fill.filled_at, fill, attempt, reasons))
        names = tuple(reason.value for reason in reasons)
        return ItemAnswer(index, Outcome.REFUSED.value, fill.code, names, detail=judge.detail_of(reasons))

    def _accept(self, index: int, fill: Fill, cylinder: Judged) -> ItemAnswer:
        found = judge.faults(fill, cylinder, self._settings.weight_tolerance_kg)
        content = digest(fill)
        self._fills.append(_fill_row(fill, cylinder, found, content, self._caller.station_id, self._now))
        self._known[cylinder.no, fill.filled_at] = content
        moved = replace(cylinder, state=after_fill(cylinder.state, passed=not found), last_fill_at=fill.filled_at)
        self._cylinders[fill.code] = self._changed[cylinder.no] = moved
        return ItemAnswer(index, Outcome.ACCEPTED.value, fill.code, faults=found)

    def _write(self) -> None:
        if self._fills:
            self._conn.execute(QUERIES.keep_fills, (_json(self._fills),))
            states = [{"no": c.no, "state": c.state.value, "filled_at": c.last_fill_at} for c in self._changed.values()]
            self._conn.execute(QUERIES.after_fills, {"states": _json(states), "now": self._now})
        keep_refusals(self._conn, self._refusals, "fill", self._caller, self._now)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _refusal(
    code: str, at: datetime, record: Fill | Check, attempt: Attempt | None, reasons: Sequence[Reason]
) -> dict[str, Any]:
    return {
        "at": at,
        "cylinder_no": attempt.cylinder.no if attempt else None,
        "code": code,
        "medium": record.medium,
        "reasons": [reason.value for reason in reasons],
        "clause": judge.clause_of(reasons),
        "record": msgspec.to_builtins(record),
        "judged": judge.evidence(attempt),
    }


def keep_refusals(
    conn: Connection, entries: Sequence[dict[str, Any]], stage: str, caller: Caller, now: datetime
) -> None:
    """Keep refusals as evidence, and tell those that may be a major hazard; ``stage`` is check or fill."""
    if not entries:
        return
    conn.execute(
        QUERIES.insert_refusals,
        {
            "entries": _json(list(entries)), "stage": stage, "station": caller.station_id, "account": caller.account_id,
            "now": now,
        },
    )  # fmt: skip
    for entry in entries:
        if entry["clause"] is not None:
            cylinder = entry["judged"].get("cylinder", {})
            payload = {
                "event": "hazard", "clause": entry["clause"], "prevented": stage == "check",
                "at": entry["at"].isoformat(), "code": entry["code"], "cylinder_no": entry["cylinder_no"],
                "cylinder_medium": cylinder.get("medium"), "medium": entry["medium"], "station_id": caller.station_id,
                "owner_station_id": cylinder.get("station_id"), "reasons": entry["reasons"],
            }  # fmt: skip
            stream.publish(conn, STREAM, "hazard", payload, unit_no=None, now=now)


def _fill_row(
    fill: Fill, cylinder: Judged, found: Sequence[str], content: bytes, station_id: int, now: datetime
) -> dict[str, Any]:
    row = {name: getattr(fill, name) for name in fill.__struct_fields__ if name != "code"}
    return row | {
        "received_at": now,
        "station_id": station_id,
        "cylinder_no": cylinder.no,
        "net_kg": judge.net_of(fill, cylinder),
        "tare_kg": cylinder.tare_kg,
        "max_fill_kg": cylinder.max_fill_kg,
        "inspection_due": cylinder.next_inspection,
        "passed": not found,
        "faults": list(found) or None,
        "traced": judge.is_traced(fill, cylinder),
        "content": f"\\x{content.hex()}",
    }


def check_before(
    conn: Connection, code: str, check: Check, caller: Caller, now: datetime, settings: CylinderSettings
) -> CheckAnswer:
    """充前检查: may the gas flow? Allowed, the cylinder is 检查合格; refused, the refusal is kept.

    Raises
    ------
    CylinderInputError
        A value cannot be right.
    """
    wrong = judge.problems(check, now, timedelta(days=settings.trace_retention_days))
    if wrong or not code.isascii() or not code.isprintable():
        raise CylinderInputError("; ".join(wrong) or "code: 气瓶编码无效 (not a cylinder's code)")
    cylinder = judged(conn, [code]).get(code)
    attempt: Attempt | None = None
    reasons: tuple[Reason, ...] = (Reason.UNKNOWN_CYLINDER,)
    if cylinder is not None:
        held = stations.licences(conn, caller.station_id)
        attempt = Attempt(cylinder, caller.station_id, check.medium, check.at, held, settings)
        reasons = judge.refusals(attempt)
        if cylinder.state is CylinderState.FILLING:
            # the gas is flowing already: a check would come too late
            reasons += (Reason.NOT_FILLABLE,)
    if cylinder is None or reasons:
        keep_refusals(conn, [_refusal(code, check.at, check, attempt, reasons)], "check", caller, now)
        return _stopped(cylinder.state.value if cylinder else "unknown", reasons)
    event = CylinderEvent.CHECK if check.appearance_ok else CylinderEvent.CHECK_FAILED
    state = _record_check(conn, cylinder, event, check, caller, now)
    if event is CylinderEvent.CHECK_FAILED:
        return _stopped(state.value, (Reason.PRECHECK_FAILED,))
    return CheckAnswer(allowed=True, state=state.value)


def _stopped(state: str, reasons: Sequence[Reason]) -> CheckAnswer:
    names = tuple(reason.value for reason in reasons)
    return CheckAnswer(allowed=False, state=state, reasons=names, detail=judge.detail_of(reasons))


def _record_check(
    conn: Connection, cylinder: Judged, event: CylinderEvent, check: Check, caller: Caller, now: datetime
) -> CylinderState:
    state = next_state(cylinder.state, event)
    detail = {k: v for k, v in msgspec.to_builtins(check).items() if k not in ("at", "note")}
    entry = {
        "at": check.at, "recorded_at": now, "station_id": caller.station_id, "cylinder_no": cylinder.no,
        "account_id": caller.account_id, "event": event.value, "from_state": cylinder.state.value,
        "to_state": state.value, "reason": check.note, "detail": detail,
    }  # fmt: skip
    conn.execute(QUERIES.keep_events, (_json([entry]),))
    values = {"no": cylinder.no, "state": state.value, "frozen_from": None, "at": check.at, "now": now}
    conn.execute(QUERIES.set_state, values)
    return state
