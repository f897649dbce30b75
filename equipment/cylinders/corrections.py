"""更正: what was registered wrongly of a cylinder, with what stood there before in its history.

What decides whether and how much a cylinder may be filled with (medium, date of making, tare, limits, dates of inspection)
is the authority's to correct; a station corrects its codes and the rest of the plate.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec
import psycopg

from equipment.access.model import Asker, ScopeKind
from equipment.access.store import Change, audit
from equipment.cylinders import stations
from equipment.cylinders.lifecycle import CylinderEvent, CylinderState, next_state
from equipment.cylinders.model import Cylinder, NewCylinder
from equipment.cylinders.register import problems
from equipment.cylinders.stations import QUERIES
from equipment.cylinders.store import find
from equipment.errors import CylinderInputError, DuplicateCodeError, OutOfScopeError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection

OWN = frozenset({"code", "certificate_no", "volume_l", "nominal_pressure_mpa"})
"""What the station itself may correct."""
ALL = frozenset(field.name for field in msgspec.structs.fields(NewCylinder))
LONGEST_REASON = 200


def lock(conn: Connection, code: str) -> None:
    """Let nobody else change the cylinder until the end of this transaction."""
    if "\x00" not in code:
        conn.execute(QUERIES.lock_cylinder, (code,))


def correct(
    conn: Connection, code: str, values: Mapping[str, Any], reason: str, asker: Asker, now: datetime
) -> Cylinder:
    """Correct values of a cylinder.

    Raises
    ------
    UnknownCylinderError, CylinderInputError
    CylinderStepError
        It is scrapped.
    DuplicateCodeError
        Another cylinder has the code, or the maker's serial number.
    OutOfScopeError
        The authority's to correct, or no station of one's own.
    """
    lock(conn, code)
    before = find(conn, code)
    _require_right(conn, values, asker)
    state = CylinderState(before.state)
    next_state(state, CylinderEvent.CORRECT, state)
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise CylinderInputError(f"reason: 请写明原因，不超过 {LONGEST_REASON} 字 (say why)")
    was = {name: getattr(before, name) for name in ALL}
    changed = {name: value for name, value in values.items() if was[name] != value}
    if not changed:
        return before
    if "code" in changed and changed["code"] is None:
        raise CylinderInputError("code: 已赋码的气瓶不能去码 (a cylinder keeps a code)")
    needed = [
        name
        for name in ("maker_code", "serial", "make_date", "variety_code", "medium")
        if name in changed and changed[name] is None
    ]
    wrong = [f"{name}: 不能为空 (needed)" for name in needed] or problems(
        NewCylinder(**{**was, **changed}), now.astimezone(SHANGHAI).date()
    )
    if wrong:
        raise CylinderInputError("; ".join(wrong))
    _write(conn, before, changed, now)
    kept = {
        "before": {name: _plain(was[name]) for name in changed},
        "after": {n: _plain(v) for n, v in changed.items()},
    }
    entry = {
        "at": now, "recorded_at": now, "station_id": before.station_id, "cylinder_no": before.no,
        "account_id": asker.account_id, "event": CylinderEvent.CORRECT.value, "from_state": before.state,
        "to_state": before.state, "reason": reason.strip(), "detail": kept,
    }  # fmt: skip
    conn.execute(QUERIES.keep_events, (msgspec.json.encode([entry]).decode(),))
    audit(
        conn,
        asker,
        "cylinder.correct",
        f"cylinder:{before.no}",
        now,
        change=Change(reason.strip(), before=kept["before"], after=kept["after"]),
    )
    return find(conn, str(changed.get("code", code)))


def _require_right(conn: Connection, values: Mapping[str, Any], asker: Asker) -> None:
    unknown = values.keys() - ALL
    if unknown:
        raise CylinderInputError(f"{', '.join(sorted(unknown))}: 不可更正 (these cannot be corrected)")
    if asker.scope_kind is ScopeKind.JURISDICTION:
        return
    stations.caller_of(conn, asker)
    foreign = sorted(values.keys() - OWN)
    if foreign:
        raise OutOfScopeError(
            f"{', '.join(foreign)} 由监察员更正，请联系辖区监管所 (the authority corrects these: ask your inspector)"
        )


def _write(conn: Connection, before: Cylinder, changed: Mapping[str, Any], now: datetime) -> None:
    # names of columns are those of NewCylinder, never input
    assignments = ", ".join(f"{name} = %({name})s" for name in sorted(changed))
    statement = QUERIES.correct.format(assignments=assignments)
    try:
        with conn.transaction():
            conn.execute(statement, {**changed, "no": before.no, "changed_at": now})
    except psycopg.errors.UniqueViolation as error:
        raise DuplicateCodeError("编码或出厂编号已登记，一瓶一码，不得重复 (another cylinder has it)") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise OutOfScopeError("不在您的权限范围内 (not yours to correct)") from error


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
