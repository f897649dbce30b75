"""自查自改: the fact that closes a general hazard, looked up by the platform itself and kept by value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from equipment.due.dates import due_dates
from equipment.due.store import facts_of
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection
from equipment.registry.store import find_by_no
from maintenance.errors import StepError
from maintenance.hazards.model import Hazard
from maintenance.leads import QUERIES

DUTIES = {"overdue_inspection": "inspection", "overdue_self_test": "self_test", "overdue_insurance": "insurance"}
"""Sources whose fact the register itself knows."""


def verified(conn: Connection, hazard: Hazard, detail: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The fact by value.

    Raises
    ------
    StepError
        There is none yet; says what is wanted.
    """
    duty = DUTIES.get(hazard.source_kind or "")
    return _record(conn, hazard, detail) if duty is None else _registered(conn, hazard, duty, now)


def _registered(conn: Connection, hazard: Hazard, duty: str, now: datetime) -> dict[str, Any]:
    unit = None if hazard.unit_no is None else find_by_no(conn, hazard.unit_no)
    if unit is None:
        raise StepError("没有登记的设备可核对 (no unit of the register to look at)")
    today: date = now.astimezone(SHANGHAI).date()
    found = next((d for d in due_dates(facts_of(conn, unit), today) if d.duty == duty), None)
    if found is None or found.on is None or found.state in ("overdue", "unknown"):
        raise StepError(
            "登记中仍显示超期或未知，请先登记新的检验、检测或保单 (the register still shows it overdue: enter the new one first)"
        )
    return {"duty": duty, "next_due": found.on.isoformat(), "state": found.state}


def _record(conn: Connection, hazard: Hazard, detail: Mapping[str, Any]) -> dict[str, Any]:
    text = str(detail.get("record_id") or "").strip()
    if not text:
        raise StepError("请补充 维保记录编号 (the id of the confirmed record is missing)")
    try:
        record = UUID(text)
    except ValueError:
        raise StepError(f"维保记录编号 {text!r} 不正确 (not the id of a record)") from None
    row = conn.execute(QUERIES.verifying_record, (record, hazard.unit_no, hazard.opened_at)).fetchone()
    if row is None:
        raise StepError(
            "须引用本设备在立案后完成、且已由使用单位确认的维保记录 (a record of this unit since then, confirmed by its use-unit)"
        )
    return {"record_id": str(record)} | dict(zip(("level", "ended_at", "digest", "confirmed_at"), row, strict=True))
