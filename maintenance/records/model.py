"""What a firm files (TSG T5002-2017 art. 7), and everything that can be wrong with it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from maintenance.canonical import canonical_of
from maintenance.checklists.catalogue import LEVELS, PLACES, Checklist
from maintenance.errors import RecordError

RESULTS = ("pass", "fail", "fixed", "not_applicable")
"""合格 不合格 已处理 不适用."""
FUTURE = timedelta(minutes=10)
OLDEST = timedelta(days=60)
"""A visit older than this is filed through an inspector, not by the app."""
LONGEST_VISIT = timedelta(hours=24)
MOST_WORKERS = 10
LONGEST_TEXT = 1_000
_DIGEST = re.compile("[0-9a-f]{64}")


class Worker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """维保人员, with the certificate he shows."""

    name: str
    certificate_no: str | None = None


class Sign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """签到 or 签退 on site: device time, and the position if the phone had one."""

    at: datetime
    lon: float | None = None
    lat: float | None = None
    datum: str = "unknown"
    accuracy_m: float | None = None
    how: str = "manual"
    mock: bool | None = None
    """Whether the phone says that its position was simulated; None: it does not say."""


class ItemResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item: its result, the measured value where there is one, and why where it is not applicable or failed."""

    id: str
    result: str
    value: float | None = None
    note: str = ""
    photos: list[str] = []


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part that was adjusted or replaced."""

    name: str
    quantity: float = 1
    note: str = ""


class PlacePass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place that was passed at once: when (device time), and what it looked like (SHA-256 of photos, hex)."""

    place: str
    at: datetime
    photos: list[str] = []


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A maintenance record as it is signed."""

    unit_id: str
    level: str
    workers: list[Worker]
    sign_in: Sign
    sign_out: Sign
    items: list[ItemResult]
    submitted_at: datetime
    parts: list[Part] = []
    found: str = ""
    corrects: UUID | None = None
    places: list[PlacePass] = []
    drawn: str | None = None
    """SHA-256 of the picture of the worker's drawn signature, hex."""


_DECODER = msgspec.json.Decoder(Record)


def read_record(body: bytes) -> Record:
    """A record from its JSON.

    Raises
    ------
    RecordError
        It is no JSON, or a field is missing, unknown or of the wrong type; names the place.
    """
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        text = str(error)
        place = text.rsplit("`$", 1)[-1].rstrip("`").lstrip(".") if "`$" in text else "body"
        raise RecordError([(place or "body", text)]) from None


def schema() -> dict[str, Any]:
    """JSON schema of a record, for the API's documentation."""
    return msgspec.json.schema(Record)


def content_of(record: Record) -> dict[str, Any]:
    """The record as JSON values: what is stored, signed and hashed.

    Photos, places, the drawn signature and what a phone says of simulated positions stand there only when there are any: a record without them has the same
    canonical form as before they existed (docs/decisions/0060).
    """
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(record))
    for item in found["items"]:
        if not item["photos"]:
            del item["photos"]
    for sign in (found["sign_in"], found["sign_out"]):
        if sign["mock"] is None:
            del sign["mock"]
    for name in ("places", "drawn"):
        if not found[name]:
            del found[name]
    return found


def photos_of(record: Record) -> list[str]:
    """Every picture that the record names, once, in order."""
    named = [p for place in record.places for p in place.photos] + [p for item in record.items for p in item.photos]
    return list(dict.fromkeys([*named, *([record.drawn] if record.drawn else [])]))


def canonical(record: Record) -> bytes:
    """The canonical form (RFC 8785) whose SHA-256 is the record's digest."""
    return canonical_of(content_of(record))


def problems(record: Record, checklist: Checklist | None, now: datetime) -> list[tuple[str, str]]:
    """Everything that cannot be right, as (field, reason); ``checklist`` None where the manufacturer sets the items."""
    found: list[tuple[str, str]] = []
    if record.level not in (*LEVELS, "on_demand"):
        found.append(("level", f"须为 {', '.join(LEVELS)}, on_demand 之一 (one of these)"))
    if not record.workers or len(record.workers) > MOST_WORKERS:
        found.append(("workers", "须有 1 至 10 名维保人员 (1 to 10 workers)"))
    found += [
        (f"workers.{i}.name", "姓名不能为空 (needed)") for i, w in enumerate(record.workers) if not w.name.strip()
    ]
    if len(record.found) > LONGEST_TEXT:
        found.append(("found", f"最多 {LONGEST_TEXT} 字 (too long)"))
    found += [
        (f"places.{i}.place", f"须为 {', '.join(PLACES)} 之一 (one of these)")
        for i, passed in enumerate(record.places)
        if passed.place not in PLACES
    ]
    if any(_DIGEST.fullmatch(name) is None for name in photos_of(record)):
        found.append(
            ("photos", "照片须以 SHA-256 的 64 位小写十六进制指代 (name a photo by its SHA-256, lower-case hex)")
        )
    return found + _times(record, now) + _items(record, checklist)


def _times(record: Record, now: datetime) -> list[tuple[str, str]]:
    moments = {"sign_in.at": record.sign_in.at, "sign_out.at": record.sign_out.at, "submitted_at": record.submitted_at}
    moments |= {f"places.{i}.at": passed.at for i, passed in enumerate(record.places)}
    naive = [(name, "时间须带时区 (needs a time zone)") for name, at in moments.items() if at.tzinfo is None]
    if naive:
        return naive
    found = [(name, "时间在将来 (lies in the future)") for name, at in moments.items() if at > now + FUTURE]
    if record.sign_out.at < record.sign_in.at:
        found.append(("sign_out.at", "签退早于签到 (before the sign-in)"))
    elif record.sign_out.at - record.sign_in.at > LONGEST_VISIT:
        found.append(("sign_out.at", "维保时长超过 24 小时 (longer than a day)"))
    if record.sign_in.at < now - OLDEST:
        found.append(("sign_in.at", f"早于 {OLDEST.days} 天前，请联系监察员补录 (too old: ask the inspector)"))
    return found


def _items(record: Record, checklist: Checklist | None) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    seen: set[str] = set()
    for position, item in enumerate(record.items):
        place = f"items.{position}"
        if item.id in seen:
            found.append((f"{place}.id", f"{item.id} 重复 (twice)"))
        seen.add(item.id)
        if checklist is not None and checklist.item(item.id) is None:
            found.append((f"{place}.id", f"{item.id} 不在本次维保项目中 (not due at this visit)"))
        if item.result not in RESULTS:
            found.append((f"{place}.result", f"须为 {', '.join(RESULTS)} 之一 (one of these)"))
        elif item.result in ("fail", "not_applicable") and not item.note.strip():
            found.append((f"{place}.note", f"{item.id} 请写明原因 (say why)"))
    due = {item.id for item in checklist.items if not item.condition_zh} if checklist is not None else set()
    missing = sorted(due - seen)
    if missing:
        found.append(("items", f"缺少项目 (missing): {', '.join(missing)}"))
    if checklist is None and not record.items:
        found.append(("items", "按制造单位要求填写项目 (the manufacturer's items are needed)"))
    return found
