"""线索: what automatic sources suspect, until a person judges it.

The same cause on the same unit joins the open lead; only a person's 核实 makes a numbered hazard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from maintenance.hazards import telemetry
from maintenance.hazards.clauses import check_grade
from maintenance.hazards.deadlines import hand_over_within
from maintenance.sealed import write_hazard_event, write_lead_event
from maintenance.triage import BY_HAND, load_sources

QUERIES = load_queries(__file__)
URGENT_DEADLINE = timedelta(hours=24)
MOST_AT_ONCE = 500
TELL_AGAIN = timedelta(hours=24)
"""How often an overdue urgent lead is told again, to the district and then to the city."""


SENSED = frozenset({"alarm_pattern", "entrapment"})
"""Sources whose telemetry is kept with the hazard."""


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


STATE_ZH = {"became_hazard": "转隐患", "self_rectify": "转企业自改", "unfounded": "不成立"}


@dataclass(frozen=True, slots=True)
class LeadSource:
    """What is suspected, with its evidence by value: its origin may be gone when somebody asks."""

    unit_no: int | None
    kind: str
    id: str
    cause: str
    summary: str
    evidence: Mapping[str, Any]
    grade: str
    deadline: datetime
    clause: str | None = None
    urgent: bool = False
    org_id: int | None = None
    """The subject where there is no unit, such as a filling station."""


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead as the API gives it."""

    id: int
    unit_id: str | None
    organisation_id: int | None
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
    answered_at: datetime | None
    hazard_id: int | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person has found, and how (核实情况). ``grade`` and ``clause`` matter for a hazard only."""

    decision: Decision
    reason: str
    grade: str | None = None
    clause: str | None = None
    stop_use: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a person enters: 群众举报, 媒体曝光, 监督检查发现, 上级交办, 移送, 自查上报. ``document`` is its number, where it has one."""

    source: str
    unit_id: str
    summary: str
    document: str = ""
    cause: str = ""
    grade: str | None = None
    clause: str | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """What a hazard is about. ``sensed_at``: when sensors saw it; None: they did not."""

    unit_no: int | None
    org_id: int | None
    path: str
    summary: str
    sensed_at: datetime | None


def open_or_join(conn: Connection, source: LeadSource, now: datetime) -> int:
    """Open a lead, or count on what is open of the same cause: the lead, or the hazard it became; returns the lead's id."""
    detail = {"source": source.kind, "source_id": source.id, "evidence": dict(source.evidence)}
    joined = _join_hazard(conn, source, detail, now)
    if joined is not None:
        return joined
    values = {
        "unit_no": source.unit_no, "org_id": source.org_id, "source_kind": source.kind, "source_id": source.id, "cause": source.cause,
        "urgent": source.urgent, "grade": source.grade, "clause": source.clause, "summary": source.summary,
        "evidence": Jsonb(dict(source.evidence)), "at": now, "deadline": source.deadline,
    }  # fmt: skip
    for query, event in ((QUERIES.open_lead, "opened"), (QUERIES.join_lead, "joined"), (QUERIES.open_lead, "opened")):
        row = conn.execute(query, values).fetchone()
        if row is not None:
            lead_id = int(row[0])
            _record(conn, lead_id, source.unit_no, event, now, detail)
            _tell(conn, lead_id, source.unit_no, event, source.summary, None, now)
            return lead_id
    raise StepError("线索状态变化过快，请重试 (the lead changes too fast: try again)")


def _join_hazard(conn: Connection, source: LeadSource, detail: Mapping[str, Any], now: datetime) -> int | None:
    """Write into the open hazard of the same cause that it was seen again; None when there is none."""
    values = {"unit_no": source.unit_no, "org_id": source.org_id, "cause": source.cause}
    row = conn.execute(QUERIES.open_hazard_of_cause, values).fetchone()
    if row is None:
        return None
    hazard_id, state, lead_id = row
    conn.execute(QUERIES.count_lead, (now, lead_id))
    _record(conn, lead_id, source.unit_no, "joined", now, detail)
    seen = {
        "hazard_id": hazard_id, "unit_no": source.unit_no, "event": "seen", "from_state": state, "to_state": state, "at": now,
        "account_id": None, "reason": source.summary, "evidence": detail,
    }  # fmt: skip
    write_hazard_event(conn, seen, now)
    _tell(conn, lead_id, source.unit_no, "joined", source.summary, None, now)
    return int(lead_id)


def known(conn: Connection, unit_no: int | None, finding_id: str, org_id: int | None = None) -> bool:
    """Whether a finding of that id has opened or joined a lead of the subject before, judged or not."""
    query = QUERIES.finding_known if org_id is None else QUERIES.finding_of_organisation_known
    return conn.execute(query, {"unit_no": unit_no, "org_id": org_id, "finding": finding_id}).fetchone() is not None


def mark_answered(
    conn: Connection, unit_no: int | None, still_missed: Sequence[str], now: datetime, org_id: int | None = None
) -> None:
    """Mark pending leads about missed duties that have been done since; a person still judges them."""
    query = QUERIES.mark_answered if org_id is None else QUERIES.mark_answered_of_organisation
    for lead_id, summary in conn.execute(
        query, (now, unit_no if org_id is None else org_id, list(still_missed))
    ).fetchall():
        _record(conn, lead_id, unit_no, "answered", now, {})
        _tell(conn, lead_id, unit_no, "answered", summary, None, now)


def enter(conn: Connection, report: Report, asker: Asker, now: datetime) -> int:
    """A report, finding or hand-over that a person enters becomes a lead; returns its id.

    Raises
    ------
    StepError
        The source is none that people enter, or nothing is said.
    UnknownLeadError
        No such unit in the caller's area.
    """
    if report.source not in BY_HAND:
        raise StepError(f"来源须为 {', '.join(BY_HAND)} 之一 (one of these)")
    if not report.summary.strip():
        raise StepError("请写明发现了什么 (say what was found)")
    row = conn.execute(QUERIES.unit_no_of, (report.unit_id,)).fetchone()
    if row is None:
        raise UnknownLeadError(f"辖区内没有设备 {report.unit_id} (no such unit in your area)")
    kind = load_sources()[report.source]
    evidence = {
        "entered_by": asker.display_name, "account": asker.account_id, "document": report.document, "found": report.summary,
    }  # fmt: skip
    cause = report.cause.strip() or f"{report.source}:{report.document.strip() or now.isoformat()}"
    made = LeadSource(
        unit_no=row[0], kind=report.source, id=f"{report.source}:{now.isoformat()}", cause=cause,
        summary=f"{kind.zh}：{report.summary.strip()}", evidence=evidence, grade=report.grade or kind.grade,
        clause=report.clause, deadline=now + kind.deadline, urgent=kind.urgent or report.urgent,
    )  # fmt: skip
    check_grade(made.grade, made.clause, row[1])
    return open_or_join(conn, made, now)


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
    _, unit_no, state, summary, suggested, clause, org_id, path, kind, seen_at, equipment, who, when = row
    if state != "pending":
        at = f"{when.astimezone(SHANGHAI):%m-%d %H:%M:%S}" if when else ""
        raise StepError(
            f"线索已由 {who or '系统'} 于 {at} 研判为“{STATE_ZH.get(state, state)}” (judged already: {state})"
        )
    hazard_id = None
    if judgement.decision is Decision.HAZARD:
        grade = judgement.grade or suggested
        wanted = judgement.clause or clause
        check_grade(grade, wanted, equipment)
        sensed_at = seen_at if kind in SENSED else None
        subject = Subject(unit_no, org_id, path, summary, sensed_at)
        hazard_id = _list_hazard(conn, lead_id, subject, grade, wanted, judgement, asker, now)
    conn.execute(
        QUERIES.decide_lead,
        (STATE_OF[judgement.decision], now, asker.account_id, judgement.reason, hazard_id, lead_id),
    )
    event = STATE_OF[judgement.decision]
    _record(conn, lead_id, unit_no, event, now, {"hazard_id": hazard_id}, asker, judgement.reason)
    _tell(conn, lead_id, unit_no, event, summary, asker, now)
    return hazard_id


def answer(conn: Connection, lead_id: int, said: str, asker: Asker, now: datetime) -> None:
    """企业自改: the firm or the use-unit says what it has done about a lead that was left to it.

    Raises
    ------
    UnknownLeadError
    StepError
        It was not left to it, was answered already, or nothing is said.
    """
    if not said.strip():
        raise StepError("请写明已采取的整改措施 (say what was done)")
    row = conn.execute(QUERIES.lock_lead, (lead_id,)).fetchone()
    if row is None:
        raise UnknownLeadError(f"没有线索 {lead_id} (no such lead)")
    if (
        row[2] != STATE_OF[Decision.SELF_RECTIFY]
        or conn.execute(QUERIES.answer_lead, (now, lead_id)).fetchone() is None
    ):
        raise StepError("该线索未转企业自改，或已反馈 (it was not left to you, or was answered already)")
    _record(conn, lead_id, row[1], "answered", now, {}, asker, said.strip())
    _tell(conn, lead_id, row[1], "answered", row[3], asker, now)


def decide_many(
    conn: Connection, lead_ids: Sequence[int], judgement: Judgement, asker: Asker, now: datetime
) -> list[tuple[int, int | None]]:
    """One decision with one reason on many leads; all of them or none. Returns (lead, hazard) in the order of the ids.

    Raises
    ------
    UnknownLeadError, StepError
        One of them cannot be judged so; the message names it.
    """
    wanted = sorted(set(lead_ids))
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise StepError(f"一次研判 1 至 {MOST_AT_ONCE} 条线索 (so many at once)")
    done = []
    for lead_id in wanted:
        try:
            done.append((lead_id, decide(conn, lead_id, judgement, asker, now)))
        except StepError as error:
            raise StepError(f"线索 {lead_id}：{error}") from error
    return done


def _list_hazard(
    conn: Connection, lead_id: int, subject: Subject, grade: str, clause: str | None, judgement: Judgement, asker: Asker, now: datetime
) -> int:  # fmt: skip
    unit_no = subject.unit_no
    parts = subject.path.strip("/").split("/")
    row = conn.execute(
        QUERIES.insert_hazard,
        {
            "district": parts[1] if len(parts) > 1 else parts[0], "year": now.astimezone(SHANGHAI).year,
            "unit_no": unit_no, "org_id": subject.org_id, "lead_id": lead_id, "grade": grade, "clause": clause, "stop_use": judgement.stop_use,
            "description": subject.summary, "now": now, "by": asker.account_id, "step_due": now + hand_over_within(stop_use=judgement.stop_use),
        },
    ).fetchone()  # fmt: skip
    hazard_id, number = (int(row[0]), str(row[1])) if row else (0, "")
    window = None
    if unit_no is not None and subject.sensed_at is not None:
        window = telemetry.keep(conn, hazard_id, unit_no, subject.sensed_at, now)
    listed = {
        "hazard_id": hazard_id, "unit_no": unit_no, "event": "list", "from_state": "", "to_state": "listed", "at": now,
        "account_id": asker.account_id, "reason": judgement.reason, "evidence": {"lead": lead_id} | ({"window_sha256": window} if window else {}),
    }  # fmt: skip
    write_hazard_event(conn, listed, now)
    payload = {"hazard_id": hazard_id, "number": number, "event": "list", "state": "listed", "grade": grade,
               "by": asker.display_name, "at": now.isoformat()}  # fmt: skip
    for name in ("ledger", "desk"):
        stream.publish(conn, name, "hazard", payload, unit_no=unit_no, now=now)
    return hazard_id


def tell_overdue(conn: Connection, now: datetime) -> int:
    """Announce leads whose deadline passed unjudged: none expires silently. Returns how many.

    An urgent one is escalated to the leaders and told again every day until somebody judges it.
    """
    found = conn.execute(QUERIES.overdue_leads, {"now": now, "again": now - TELL_AGAIN}).fetchall()
    for lead_id, unit_no, urgent, told in found:
        conn.execute(QUERIES.tell_overdue, (now, lead_id))
        event = "escalated" if urgent else "overdue"
        _record(conn, lead_id, unit_no, event, now, {"times": told + 1})
        _tell(conn, lead_id, unit_no, event, "", None, now)
    return len(found)


def _record(
    conn: Connection, lead_id: int, unit_no: int | None, event: str, now: datetime, detail: Mapping[str, Any],
    asker: Asker | None = None, reason: str | None = None,
) -> None:  # fmt: skip
    account = None if asker is None else asker.account_id
    values = {
        "lead_id": lead_id, "unit_no": unit_no, "event": event, "at": now, "account_id": account, "reason": reason,
        "detail": detail,
    }  # fmt: skip
    write_lead_event(conn, values, now)


def _tell(
    conn: Connection, lead_id: int, unit_no: int | None, event: str, summary: str, asker: Asker | None, now: datetime
) -> None:
    payload = {"lead_id": lead_id, "event": event, "summary": summary, "by": asker.display_name if asker else None,
               "at": now.isoformat()}  # fmt: skip
    for name in ("ledger", "desk"):
        stream.publish(conn, name, "lead", payload, unit_no=unit_no, now=now)
