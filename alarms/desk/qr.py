"""扫码报告: what anybody says who scans a lift's plate. It joins what is open, or is a lead of its own; a complaint is a task.

Nobody has logged in, so a report never confirms anything and never makes a person be there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from psycopg.types.json import Jsonb

from alarms.desk.phone import QUERIES
from alarms.desk.settings import QrSettings
from alarms.errors import AlarmsInputError
from alarms.incidents import joining
from alarms.incidents.model import Source
from alarms.incidents.settings import DeskSettings
from alarms.incidents.sources import EMERGENCIES
from alarms.paging.outbox import QUERIES as OUTBOX
from equipment.foundation import metrics
from equipment.foundation.database import Connection

KINDS = ("entrapment", "fault", "complaint")
SEVERITY = {"entrapment": "critical", "fault": "high", "complaint": "medium"}
LONGEST_WORDS, LONGEST_PHONE = 500, 20
FORM_LETTERS = 32
SENDERS_KEPT = timedelta(days=1)

reports_total = metrics.counter("teshe_qr_reports_total", "Scan reports by what became of them", ("outcome",))


class Outcome(Enum):
    """What became of a report: it is kept, it was here before, or it is not taken, and why."""

    TAKEN = "taken"
    KNOWN = "known"
    NO_LIFT = "no_lift"
    SENDER = "sender"
    """Too many from this address."""
    SENDER_LIFT = "sender_lift"
    """Too many from this address about this lift."""
    LIFT = "lift"
    """Too many about this lift: the desk has them."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was filled in. ``form`` names the form that was filled, ``sender`` where it comes from."""

    form: str
    plate: str
    kind: str
    words: str
    phone: str
    sender: str


def problems_of(report: Report) -> dict[str, str]:
    """What is wrong with it, by field, in words that say what to do; empty: nothing.

    >>> problems_of(Report("0" * 32, "341000", "fault", "门关不上", "", "127.0.0.1"))
    {}
    """
    found: dict[str, str] = {}
    if report.kind not in KINDS:
        found["kind"] = "请选择发生了什么 (choose what happened)"
    if report.kind != "entrapment" and not report.words.strip():
        found["words"] = "请写明情况 (say what happened)"
    if len(report.words) > LONGEST_WORDS or "\x00" in report.words:
        found["words"] = f"最多 {LONGEST_WORDS} 字 (at most so many characters)"
    digits = [c for c in report.phone if c.isdigit()]
    if report.phone and (
        len(report.phone) > LONGEST_PHONE or len(digits) < 5 or set(report.phone) - set("0123456789+- ")
    ):
        found["phone"] = "请填写正确的电话，或留空 (a telephone number, or leave it empty)"
    return found


def take(conn: Connection, report: Report, settings: QrSettings, now: datetime) -> Outcome:
    """Keep a report for the jobs, within the limits. A second press of the same form changes nothing.

    Raises
    ------
    AlarmsInputError
        It is not well filled in: :func:`problems_of`.
    """
    if problems_of(report) or len(report.form) != FORM_LETTERS:
        raise AlarmsInputError("报告填写有误 (the report is not well filled in)")
    values = {
        "form": report.form, "plate": report.plate, "kind": report.kind, "words": report.words.strip(),
        "phone": report.phone.strip() or None, "sender": report.sender, "now": now, "per_sender": settings.per_sender,
        "per_sender_lift": settings.per_sender_lift, "per_lift": settings.per_lift, "window": settings.window,
    }  # fmt: skip
    row = conn.execute(QUERIES.take_report, values).fetchone()
    outcome = Outcome(row[0] if row else "no_lift")
    reports_total.labels(outcome.value).inc()
    return outcome


def act(conn: Connection, _: str, payload: dict[str, Any], settings: DeskSettings, now: datetime) -> None:
    """Let a report open or join an incident, or become a task: work of the inbox.

    Raises
    ------
    AlarmsInputError
        There is no such report.
    """
    row = conn.execute(QUERIES.report, (int(payload["report"]),)).fetchone()
    if row is None:
        raise AlarmsInputError("没有该扫码报告 (no such report)")
    number, unit_no, status, kind, received_at = row
    detail = {} if status == "in_use" else {"unit_status": status}
    source = Source(
        kind="qr", id=str(number), unit_no=unit_no, incident_kind=kind, severity=SEVERITY[kind],
        reported_at=received_at, confirmed=False, detail=detail,
    )  # fmt: skip
    if kind in EMERGENCIES or joining.same_event(conn, source, settings) is not None:
        joining.open_or_join(conn, source, settings, now)
        return
    task = {
        "key": f"qr_report:{number}", "kind": "qr_report", "incident": None, "unit": unit_no, "organisation": None,
        "person": None, "detail": Jsonb({"report": number, **detail}), "now": now, "by": None, "due": None,
    }  # fmt: skip
    conn.execute(OUTBOX.insert_task, task)


def erase(conn: Connection, report_id: int, reason: str, now: datetime) -> None:
    """依法删除 the words and the telephone of a report; that there was one stays.

    Raises
    ------
    AlarmsInputError
        No reason, no such report, or erased before.
    """
    if not reason.strip():
        raise AlarmsInputError("请写明依据，例如法条或当事人请求 (say by which law or request)")
    if conn.execute(QUERIES.erase_report, (now, reason.strip(), report_id)).fetchone() is None:
        raise AlarmsInputError(f"没有扫码报告 {report_id}，或已删除 (no such report, or it was erased)")


def forget_senders(conn: Connection, now: datetime) -> int:
    """Addresses serve the limits only, and are forgotten after a day."""
    return conn.execute(QUERIES.forget_senders, (now - SENDERS_KEPT,)).rowcount
