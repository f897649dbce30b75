"""Findings of other rooms that become leads: gas cylinders, complaints, entrapments, records that nobody defended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from equipment.foundation.database import Connection
from equipment.foundation.stream import StreamEntry
from maintenance import leads
from maintenance.leads import QUERIES, LeadSource
from maintenance.plausibility import service as plausibility
from maintenance.plausibility.catalogue import catalogue
from maintenance.plausibility.service import COUNTING, Held
from maintenance.triage import Source, source

NUMBERS_KEPT = 20
COMPLAINT = "complaint"
CLOSING = ("lapse", "uphold")
"""What ends the answer period of a finding against the record: nobody answered, or the answer did not hold."""
PERSONAL = "worker"


def lead_of(
    kind: Source, unit_no: int | None, finding: tuple[str, str], summary: str, evidence: Mapping[str, Any], now: datetime
) -> LeadSource:  # fmt: skip
    """A lead of a source; ``finding`` is (id of the finding, cause)."""
    finding_id, cause = finding
    return LeadSource(
        unit_no=unit_no, kind=kind.name, id=finding_id, cause=cause, summary=f"{kind.zh}：{summary}" if summary else kind.zh,
        evidence=evidence, grade=kind.grade, deadline=now + kind.deadline, urgent=kind.urgent,
    )  # fmt: skip


def take_fill(conn: Connection, entry: StreamEntry, now: datetime) -> None:
    """错装介质, 无证充装: what the room of the cylinders suspects of a filling station (GB 45067-2024 4.5)."""
    p = entry.payload
    if entry.kind != "hazard":
        return
    kind = source("cylinder")
    what = "未经许可充装" if p["clause"] == "4.5 a" else f"应装 {p['cylinder_medium'] or '未知'}，实充 {p['medium']}"
    prevented = "（充装前已拦截）" if p["prevented"] else ""
    made = LeadSource(
        unit_no=None, org_id=p["station_id"], kind=kind.name, id=f"fill:{entry.seq}", cause=f"cylinder:{p['clause']}",
        summary=f"{kind.zh}：{what}{prevented}", evidence=p, grade=kind.grade, clause=p["clause"],
        deadline=now + kind.deadline, urgent=kind.urgent and not p["prevented"],
    )  # fmt: skip
    leads.open_or_join(conn, made, now)


def take_call(conn: Connection, entry: StreamEntry, now: datetime) -> None:
    """群众举报 over the hotline: a complaint about a known unit."""
    p = entry.payload
    if entry.kind != "call" or p.get("category") != COMPLAINT or entry.unit_no is None or p["historical"]:
        return
    if leads.known(conn, entry.unit_no, f"call:{p['id']}"):
        return
    evidence = {"call": p["id"], "at": p["at"], "source": p.get("source")}
    made = lead_of(source("public"), entry.unit_no, (f"call:{p['id']}", "public:call"), "96366 投诉", evidence, now)
    leads.open_or_join(conn, made, now)


def find_entrapments(conn: Connection, now: datetime) -> int:
    """反复困人 as people and calls have confirmed it; returns how many units."""
    kind = source("entrapment")
    found = conn.execute(
        QUERIES.repeated_entrapments, {"days": kind.days, "now": now, "times": kind.times}
    ).fetchall()  # fmt: skip
    done = 0
    for unit_no, count, numbers in found:
        finding = f"incidents:{numbers[0]}"
        if leads.known(conn, unit_no, finding):
            continue
        evidence = {"count": count, "incidents": numbers[:NUMBERS_KEPT], "days": kind.days}
        summary = f"{kind.days} 天内经确认 {count} 次"
        leads.open_or_join(conn, lead_of(kind, unit_no, (finding, "entrapment"), summary, evidence, now), now)
        done += 1
    return done


def take_finding(conn: Connection, entry: StreamEntry, now: datetime) -> None:
    """存疑记录: what speaks against a record and was not answered in time, or not well; never a score alone."""
    p = entry.payload
    if entry.kind != "finding" or p["event"] not in CLOSING or entry.unit_no is None:
        return
    story = plausibility.story(conn, UUID(p["record_id"]))
    kind = source("implausible")
    against = [h for h in story.findings if h.state == COUNTING and h.weight > 0] if story else []
    if story is None or not against or story.points < kind.points:
        return
    finding = f"record:{p['record_id']}:{','.join(str(h.id) for h in sorted(against, key=lambda h: h.id))}"
    if leads.known(conn, entry.unit_no, finding):
        return
    evidence = {"record": p["record_id"], "points": story.points, "findings": [_said(h) for h in against]}
    summary = f"{len(against)} 项发现已过申辩期或申辩不成立（{_said(against[0])['words']}）"
    leads.open_or_join(conn, lead_of(kind, entry.unit_no, (finding, "implausible"), summary, evidence, now), now)


def _said(held: Held) -> dict[str, Any]:
    """A finding by value, without who: names and certificates stay where they can be erased."""
    values = {n: v for n, v in held.detail.items() if n != PERSONAL}
    check = catalogue().checks.get(held.check)
    words = check.told({**values, PERSONAL: "作业人员"}, "zh") if check else held.check
    return {
        "finding": held.id, "check": held.check, "weight": held.weight, "words": words, "values": values,
        "found_at": held.found_at.isoformat(), "answer_by": held.answer_by.isoformat(),
    }  # fmt: skip
