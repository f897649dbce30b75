"""What an alarm and a call are to the incidents: sources."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alarms.incidents.model import Source

EMERGENCIES = frozenset({"entrapment", "fault"})
"""Categories of a call that open an incident; others stay calls, unless their lift has one open."""


def rings(payload: dict[str, Any]) -> bool:
    """Whether an alarm opens an incident at the desk."""
    silent = payload["suppressed"] or payload["shadow"] or payload["retrospective"]
    return payload["incident_kind"] is not None and "desk" in payload["receivers"] and not silent


def alarm_source(payload: dict[str, Any]) -> Source:
    """An alarm as a source: a lead, until a person confirms it."""
    return Source(
        kind="alarm",
        id=payload["alarm_id"],
        unit_no=payload["unit_no"],
        incident_kind=payload["incident_kind"],
        severity=payload["severity"],
        reported_at=datetime.fromisoformat(payload["at"]),
        confirmed=False,
        detail={"rule": payload["rule"], "title_zh": payload["title_zh"], "title_en": payload["title_en"]},
    )


def call_source(row: tuple[Any, ...]) -> Source:
    """A call as a source: a person says so. The columns are those of the query ``call``."""
    category, injured = row[2], row[5]
    return Source(
        kind="call",
        id=str(row[0]),
        unit_no=row[1],
        incident_kind=category,
        severity="critical" if category == "entrapment" or injured else "high" if category == "fault" else "medium",
        reported_at=row[9],
        confirmed=True,
        place=row[3],
        trapped=row[4],
        injured=injured,
        suspected_dead=row[6],
        medical_rescue=row[7],
        major_incident=row[8],
        seat=row[13] if row[12] == "seat" else None,
        caller=row[14],
        detail={"category": category},
    )
