"""线索: what automatic sources suspect, until a person judges it.

The same cause on the same unit joins the open lead; only a person's 核实 makes a numbered hazard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from psycopg.types.json import Jsonb

from equipment.access.model import Asker
from equipment.foundation import stream
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from maintenance.errors import StepError, UnknownLeadError
from maintenance.hazards.clauses import GRADES, require_clause
from maintenance.sealed import write_hazard_event, write_lead_event

QUERIES = load_queries(__file__)
URGENT_DEADLINE = timedelta(hours=24)


class Decision(Enum):
    """研判结果."""

    HAZARD = "hazard"
    """转隐患"""
    SELF_RECTIFY = "self_rectify"
    """转企业自改"""
    UNFOUNDED = "unfounded"
    """不成立"""


STATE_OF = {
    Decision.HAZARD: "became_hazard", Decision.SELF_RECTIFY: "self_rectify", Decision.UNFOUNDED: "unfounded",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LeadSource:
    """What is suspected, with its evidence by value: its origin may be gone when somebody asks."""

    unit_no: int
    kind: str
    id: str
    cause: str
    summary: str
    evidence: Mapping[str, Any]
    grade: str
    deadline: datetime
    clause: str | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead as the API gives it."""

    id: int
    unit_id: str
    source_kind: str
    cause: str
    state: str
    urgent: bool
    suggested_grade: str
    suggested_clause: str | None
    summary: str
    evidence: dict[str, Any]
    occurrences: int
    opened_at: datetime
    last_seen_at: datetime
    deadline: datetime
    hazard_id: int | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person has found, and how (核实情况). ``grade`` and ``clause`` matter for a hazard only."""

    decision: Decision
    reason: str
    grade: str | None = None
    clause: str | None = None
    stop_use: bool = False


def open_or_join(conn: Connection, source: LeadSource, now: datetime) -> int:
    """Open a lead, or count the open one of the same cause on; returns its id."""
    values = {
        "unit_no": source.unit_no, "source_kind": source.kind, "source_id": source.id, "cause": source.cause,
        "urgent": source.urgent, "grade": source.grade, "clause": source.clause, "summary": source.summary,
        "evidence": Jsonb(dict(source.evidence)), "at": now, "deadline": source.deadline,
    }  # fmt: skip
    for query, event in ((QUERIES.open_lead, "opened"), (QUERIES.join_lead, "joined"), (QUERIES.open_lead, "opened")):
        row = conn.execute(query, values).fetchone()
        if row is not None:
            lead_id = int(row[0])
            detail = {"source": source.kind, "source_id": source.id, "evidence": dict(source.evidence)}
            _record(conn, lead_id, source.unit_no, event, now, detail)
            _tell(conn, lead_id, source.unit_no, event, source.summary, None, now)
            return lead_id
    raise StepError("线索状态变化过快，请重试 (the lead changes too fast: try again)")


def list_leads(conn: Connection, state: str, after: int, limit: int) -> list[Lead]:
    """Leads in order of their id, as the caller may see them."""
    values = {"state": state, "after": after, "limit": limit}
    return [Lead(*row) for row in conn.execute(QUERIES.leads, values)]


def decide(conn: Connection, lead_id: int, judgement: Judgement, asker: Asker, now: datetime) -> int | None:
    """研判. Returns the hazard's id when the lead became one (or belongs to an open one of the same cause).

    Raises
    ------
    UnknownLeadError
    StepError
        It was judged already, a reason is missing, or a major hazard has no clause of GB 45067-2024.
    """
    if not judgement.reason.strip():
        raise StepError("请写明核实情况 (say how it was verified)")
    row = conn.execute(QUERIES.lock_lead, (lead_id,)).fetchone()
    if row is None:
        raise UnknownLeadError(f"没有线索 {lead_id} (no such lead)")
    _, unit_no, state, summary, suggested, clause, _, path = row
    if state != "pending":
        raise StepError(f"线索已研判：{state} (judged already)")
    hazard_id = None
    if judgement.decision is Decision.HAZARD:
        grade = judgement.grade or suggested
        wanted = judgement.clause or clause
        _check_grade(grade, wanted)
        hazard_id = _list_hazard(conn, lead_id, unit_no, path, grade, wanted, summary, judgement, asker, now)
    conn.execute(
        QUERIES.decide_lead,
        (STATE_OF[judgement.decision], now, asker.account_id, judgement.reason, hazard_id, lead_id),
    )
    event = STATE_OF[judgement.decision]
    _record(conn, lead_id, unit_no, event, now, {"hazard_id": hazard_id}, asker, judgement.reason)
    _tell(conn, lead_id, unit_no, event, summary, asker, now)
    return hazard_id


def _check_grade(grade: str, clause: str | None) -> None:
    if grade not in GRADES:
        raise StepError(f"等级须为 {', '.join(GRADES)} 之一 (one of these)")
    if grade == "major":
        require_clause(clause)


def _list_hazard(
    conn: Connection, lead_id: int, unit_no: int, path: str, grade: str, clause: str | None, summary: str,
    judgement: Judgement, asker: Asker, now: datetime,
) -> int:  # fmt: skip
    parts = path.strip("/").split("/")
    row = conn.execute(
        QUERIES.insert_hazard,
        {
            "district": parts[1] if len(parts) > 1 else parts[0], "year": now.astimezone(SHANGHAI).year,
            "unit_no": unit_no, "lead_id": lead_id, "grade": grade, "clause": clause, "stop_use": judgement.stop_use,
            "description": summary, "now": now, "by": asker.account_id,
        },
    ).fetchone()  # fmt: skip
    hazard_id, number = (int(row[0]), str(row[1])) if row else (0, "")
    listed = {
        "hazard_id": hazard_id, "unit_no": unit_no, "event": "list", "from_state": "", "to_state": "listed", "at": now,
        "account_id": asker.account_id, "reason": judgement.reason, "evidence": {"lead": lead_id},
    }  # fmt: skip
    write_hazard_event(conn, listed, now)
    payload = {"hazard_id": hazard_id, "number": number, "event": "list", "state": "listed", "grade": grade,
               "by": asker.display_name, "at": now.isoformat()}  # fmt: skip
    for name in ("ledger", "desk"):
        stream.publish(conn, name, "hazard", payload, unit_no=unit_no, now=now)
    return hazard_id


def tell_overdue(conn: Connection, now: datetime) -> int:
    """Announce urgent leads whose deadline passed unjudged: none expires silently. Returns how many."""
    found = conn.execute(QUERIES.overdue_leads, (now,)).fetchall()
    for lead_id, unit_no in found:
        conn.execute(QUERIES.tell_overdue, (lead_id,))
        _record(conn, lead_id, unit_no, "overdue", now, {})
        _tell(conn, lead_id, unit_no, "overdue", "", None, now)
    return len(found)


def _record(
    conn: Connection, lead_id: int, unit_no: int, event: str, now: datetime, detail: Mapping[str, Any],
    asker: Asker | None = None, reason: str | None = None,
) -> None:  # fmt: skip
    account = None if asker is None else asker.account_id
    values = {
        "lead_id": lead_id, "unit_no": unit_no, "event": event, "at": now, "account_id": account, "reason": reason,
        "detail": detail,
    }  # fmt: skip
    write_lead_event(conn, values, now)


def _tell(
    conn: Connection, lead_id: int, unit_no: int, event: str, summary: str, asker: Asker | None, now: datetime
) -> None:
    payload = {"lead_id": lead_id, "event": event, "summary": summary, "by": asker.display_name if asker else None,
               "at": now.isoformat()}  # fmt: skip
    for name in ("ledger", "desk"):
        stream.publish(conn, name, "lead", payload, unit_no=unit_no, now=now)
