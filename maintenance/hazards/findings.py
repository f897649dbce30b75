"""Findings of other rooms that become leads: fills of gas cylinders, complaints at the hotline, repeated entrapments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from equipment.foundation.database import Connection
from equipment.foundation.stream import StreamEntry
from maintenance import leads
from maintenance.leads import QUERIES, LeadSource
from maintenance.triage import Source, source

NUMBERS_KEPT = 20
COMPLAINT = "complaint"


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
