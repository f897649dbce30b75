"""Turns alarms, fills, reports and missed duties into leads, and watches the clocks of leads and hazards."""

from __future__ import annotations

from datetime import datetime

from equipment.foundation import metrics, stream
from equipment.foundation.database import Connection
from equipment.foundation.stream import StreamEntry
from maintenance import leads
from maintenance.hazards import clocks, findings
from maintenance.hazards.overdue import DutyScan
from maintenance.leads import QUERIES, LeadSource
from maintenance.triage import load_device_triage, triage_of

CONSUMER = "leads"
EVIDENCE_ALARMS = 20
opened = metrics.counter("teshe_leads_total", "Leads opened or joined by alarms")


class LeadRunner:
    """Consumer ``leads`` of the streams ``alarms``, ``devices``, ``cylinders``, ``calls`` and ``ledger``; daily walks for missed duties."""

    def __init__(self) -> None:
        self._scan = DutyScan()

    def run_once(self, conn: Connection, now: datetime) -> int:
        """Take what is new; returns how much was done. The caller owns no transaction."""
        done = 0
        streams = (
            ("alarms", self._alarm), ("devices", self._device), ("cylinders", findings.take_fill), ("calls", findings.take_call),
            ("ledger", findings.take_finding),
        )  # fmt: skip
        for name, take in streams:
            with conn.transaction():
                entries = stream.consume(conn, CONSUMER, name)
                for entry in entries:
                    take(conn, entry, now)
                if entries:
                    stream.advance(conn, CONSUMER, name, entries[-1].seq)
            done += len(entries)
        with conn.transaction():
            late = leads.tell_overdue(conn, now) + clocks.tell_late(conn, now)
        return done + late + self._scan.run_if_due(conn, now)

    def _alarm(self, conn: Connection, entry: StreamEntry, now: datetime) -> None:
        p = entry.payload
        if p["event"] != "raised" or p["suppressed"] or p["shadow"]:
            return
        rule = triage_of(p["rule"])
        if rule is None or not rule.takes(p["receivers"], p["incident_kind"]):
            return
        row = conn.execute(QUERIES.alarms_of_unit_and_rule, (p["unit_no"], p["rule"], now - rule.window)).fetchone()
        count, first, ids = row or (0, None, [])
        if count < rule.times:
            return
        source = LeadSource(
            unit_no=p["unit_no"],
            kind=rule.kind,
            id=p["alarm_id"],
            cause=rule.cause or f"alarm:{p['rule']}",
            summary=f"{rule.zh}：{rule.window.days} 天内 {count} 次（{p['title_zh']}）",
            evidence={
                "rule": p["rule"], "count": count, "since": first.isoformat() if first else None,
                "alarms": list(ids or [])[:EVIDENCE_ALARMS], "values": p["evidence"],
            },
            grade=rule.grade,
            clause=rule.clause,
            urgent=rule.urgent,
            deadline=now + rule.deadline,
        )  # fmt: skip
        leads.open_or_join(conn, source, now)
        opened.inc()

    def _device(self, conn: Connection, entry: StreamEntry, now: datetime) -> None:
        """反复误报: the terminal itself is suspected, and somebody has to look at it."""
        if entry.kind != "device_untrusted":
            return
        p, rule = entry.payload, load_device_triage()
        source = LeadSource(
            unit_no=p["unit_no"],
            kind=rule.kind,
            id=f"{p['unit_no']}:{p['at']}",
            cause="device:false_alarms",
            summary=f"{rule.zh}：{p['days']:g} 天内 {p['count']} 次误报（{p['device_model']}）",
            evidence={name: p[name] for name in ("device_model", "count", "since", "alarms", "rules")},
            grade=rule.grade,
            urgent=rule.urgent,
            deadline=now + rule.deadline,
        )
        leads.open_or_join(conn, source, now)
        opened.inc()
