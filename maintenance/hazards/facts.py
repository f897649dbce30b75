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
from maintenance.hazards import missed
from maintenance.hazards.model import Hazard
from maintenance.leads import QUERIES

DUTIES = {"overdue_inspection": "inspection", "overdue_self_test": "self_test", "overdue_insurance": "insurance"}
"""Sources whose fact the register itself knows."""
ITEM = "item:"
"""How the cause of a failed item of a record begins."""


def verified(conn: Connection, hazard: Hazard, detail: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The fact by value.

    Raises
    ------
    StepError
        There is none yet; says what is wanted.
    """
    if hazard.source_kind == "missed_duty":
        return _kept(conn, hazard, now)
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


def _kept(conn: Connection, hazard: Hazard, now: datetime) -> dict[str, Any]:
    """The use-unit's duty is done again: nothing of it was missed since the hazard was listed, and enough of it was due."""
    duty, today = (hazard.cause or "").removeprefix("duty:"), now.astimezone(SHANGHAI).date()
    found = missed.kept_since(conn, hazard.org_id or 0, duty, hazard.opened_at.astimezone(SHANGHAI).date(), today)
    if not found:
        raise StepError(
            f"须自立案起连续履行{missed.WORDS.get(duty, '')}：{missed.ENOUGH_WORDS.get(duty, '')}，中间无缺"
            " (the duty must have been done without a gap since then)"
        )
    return {"duty": duty, "periods": [p.isoformat() for p in found]}


def _record(conn: Connection, hazard: Hazard, detail: Mapping[str, Any]) -> dict[str, Any]:
    text = str(detail.get("record_id") or "").strip()
    if not text:
        raise StepError("请补充 维保记录编号 (the id of the confirmed record is missing)")
    try:
        record = UUID(text)
    except ValueError:
        raise StepError(f"维保记录编号 {text!r} 不正确 (not the id of a record)") from None
    item = (hazard.cause or "").removeprefix(ITEM) if (hazard.cause or "").startswith(ITEM) else ""
    values = {
        "record": record, "unit_no": hazard.unit_no, "opened_at": hazard.opened_at, "lead": hazard.lead_id, "item": item,
    }  # fmt: skip
    row = conn.execute(QUERIES.verifying_record, values).fetchone()
    if row is None:
        named = f"、其中项目 {item} 合格或已处理" if item else ""
        raise StepError(
            f"须引用本设备在立案且最近一次发现之后完成、已由使用单位确认{named}的维保记录"
            " (a record of this unit since then, confirmed by its use-unit)"
        )
    return {"record_id": str(record)} | dict(zip(("level", "ended_at", "digest", "confirmed_at"), row, strict=True))
