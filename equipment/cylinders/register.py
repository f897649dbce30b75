"""建档: cylinders as their station registers them, one by one judged, in the caller's transaction and scope."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
import psycopg

from equipment.access.model import Asker
from equipment.access.store import Change, audit
from equipment.cylinders.media import media
from equipment.cylinders.model import NewCylinder
from equipment.cylinders.stations import QUERIES
from equipment.errors import CylinderInputError, NotAStationError, OutOfScopeError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection

MOST_CYLINDERS = 1_000
"""In one call."""
CODE = re.compile(r"^[0-9A-Za-z-]{4,40}$")
VARIETIES = ("2310", "2320", "23T0")
"""无缝, 焊接, 特种 (特种设备目录)."""
EARLIEST = date(1950, 1, 1)
LARGEST = 100_000.0
LONGEST_TEXT = 60


class RegisterCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that registers cylinders; each is read by itself."""

    cylinders: list[msgspec.Raw]


@dataclass(frozen=True, slots=True)
class RegisterItem:
    """What became of the cylinder at ``index``: registered, repeated (registered before), taken or invalid."""

    index: int
    outcome: str
    code: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RegisterAnswer:
    """The answer to a call that registers cylinders."""

    registered: int
    repeated: int
    taken: int
    invalid: int
    items: tuple[RegisterItem, ...]


def read_call(body: bytes) -> RegisterCall:
    """A call from its JSON.

    Raises
    ------
    CylinderInputError
        It is no JSON, has no cylinders or too many.
    """
    try:
        call = msgspec.json.decode(body, type=RegisterCall)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CylinderInputError(f"无法读取 (cannot be read): {error}") from None
    if not 1 <= len(call.cylinders) <= MOST_CYLINDERS:
        raise CylinderInputError(
            f"一次 1 至 {MOST_CYLINDERS} 只，收到 {len(call.cylinders)} 只 (1 to {MOST_CYLINDERS} cylinders a call)"
        )
    return call


def problems(cylinder: NewCylinder, today: date) -> list[str]:
    """Everything that cannot be right in a cylinder, as ``field: why``."""
    found = []
    if cylinder.code is not None and not CODE.match(cylinder.code):
        found.append("code: 须为 4 至 40 位字母、数字和 - (4 to 40 letters, digits and -)")
    if cylinder.variety_code not in VARIETIES:
        found.append(f"variety_code: 须为 {', '.join(VARIETIES)} 之一 (one of these)")
    if cylinder.medium not in media():
        found.append(f"medium: 须为介质目录之一 (one of): {', '.join(media())}")
    for name in ("maker_code", "serial", "certificate_no"):
        text = getattr(cylinder, name)
        if text is not None and not (0 < len(text.strip()) <= LONGEST_TEXT and text.isprintable()):
            found.append(f"{name}: 须为 1 至 {LONGEST_TEXT} 个可见字符 (1 to {LONGEST_TEXT} printable characters)")
    for name in ("volume_l", "nominal_pressure_mpa", "tare_kg", "max_fill_kg"):
        value = getattr(cylinder, name)
        if value is not None and not (math.isfinite(value) and 0 < value <= LARGEST):
            found.append(f"{name}: {value:g} 不可能 (not possible)")
    if not EARLIEST <= cylinder.make_date <= today:
        found.append("make_date: 不能在将来 (lies in the future, or too long ago)")
    found += _dates(cylinder, today)
    return found


def _dates(c: NewCylinder, today: date) -> list[str]:
    found = []
    if c.last_inspection is not None and not c.make_date <= c.last_inspection <= today:
        found.append("last_inspection: 须在制造日期之后、今天之前 (between the date of making and today)")
    if c.next_inspection is not None and c.next_inspection <= (c.last_inspection or c.make_date):
        found.append("next_inspection: 须晚于上次检验 (after the last inspection)")
    if c.scrap_date is not None and c.scrap_date <= c.make_date:
        found.append("scrap_date: 须晚于制造日期 (after the date of making)")
    return found


def register(
    conn: Connection, raws: Sequence[msgspec.Raw], station_id: int, asker: Asker | None, now: datetime
) -> RegisterAnswer:
    """Register cylinders of a station. The same cylinder again is ``repeated`` and changes nothing.

    Raises
    ------
    NotAStationError, OutOfScopeError
    """
    today = now.astimezone(SHANGHAI).date()
    answers: dict[int, RegisterItem] = {}
    sound: dict[int, NewCylinder] = {}
    for index, raw in enumerate(raws):
        read = _read(raw, today)
        if isinstance(read, NewCylinder):
            sound[index] = read
        else:
            answers[index] = RegisterItem(index, "invalid", detail=read)
    made = _insert(conn, list(sound.values()), station_id, now)
    rest = [c for c in sound.values() if (c.maker_code, c.serial) not in made]
    own = {(maker, serial): code for maker, serial, code in conn.execute(
        QUERIES.own_by_serial, ([c.maker_code for c in rest], [c.serial for c in rest], station_id))}  # fmt: skip
    if asker is not None and made:
        audit(conn, asker, "cylinder.register", f"station:{station_id}", now, change=Change(after={"count": len(made)}))
    for index, cylinder in sound.items():
        answers[index] = _outcome(index, cylinder, made, own)
    items = tuple(answers[index] for index in range(len(raws)))
    count = {name: sum(i.outcome == name for i in items) for name in ("registered", "repeated", "taken", "invalid")}
    return RegisterAnswer(items=items, **count)


def _read(raw: msgspec.Raw, today: date) -> NewCylinder | str:
    try:
        cylinder = msgspec.json.decode(raw, type=NewCylinder)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return str(error)
    return "; ".join(problems(cylinder, today)) or cylinder


def _insert(conn: Connection, cylinders: Sequence[NewCylinder], station_id: int, now: datetime) -> set[tuple[str, str]]:
    entries = msgspec.json.encode(cylinders).decode()
    try:
        with conn.transaction():
            rows = conn.execute(QUERIES.register, {"entries": entries, "station": station_id, "now": now})
            return {(maker, serial) for maker, serial in rows}
    except psycopg.errors.InsufficientPrivilege as error:
        raise OutOfScopeError("不在您的权限或管辖范围内 (outside your scope)") from error
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotAStationError("没有该充装单位 (no such filling station)") from error


def _outcome(
    index: int, cylinder: NewCylinder, made: set[tuple[str, str]], own: dict[tuple[str, str], str | None]
) -> RegisterItem:
    key = (cylinder.maker_code, cylinder.serial)
    if key in made:
        made.discard(key)  # the same twice in one call: the second is a repetition
        own[key] = cylinder.code
        return RegisterItem(index, "registered", cylinder.code)
    if key in own and own[key] == cylinder.code:
        return RegisterItem(index, "repeated", cylinder.code)
    text = "编码或出厂编号已登记，一瓶一码，不得重复 (the code or the maker's serial is registered already)"
    return RegisterItem(index, "taken", cylinder.code, text)
