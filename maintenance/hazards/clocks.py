"""逾期 by itself: deadlines of hazards and of their steps, watched by the jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from equipment.foundation.database import Connection
from maintenance.hazards import service
from maintenance.hazards.lifecycle import HazardStep
from maintenance.leads import QUERIES
from maintenance.sealed import write_hazard_event


def tell_late(conn: Connection, now: datetime) -> int:
    """Mark and announce what has become late since; returns how many.

    A hazard whose unit has applied for close-out in time is not overdue: what is late then is the re-check.
    """
    done = 0
    for event, find, mark in (
        (HazardStep.OVERDUE, QUERIES.hazards_overdue, QUERIES.mark_overdue),
        (HazardStep.LATE, QUERIES.steps_late, QUERIES.mark_step_late),
    ):
        for hazard_id, unit_no, state, due_at in conn.execute(find, {"now": now}).fetchall():
            conn.execute(mark, {"now": now, "id": hazard_id})
            _record(conn, (hazard_id, unit_no, state), event, due_at, now)
            done += 1
    return done


def _record(
    conn: Connection, hazard: tuple[int, int | None, str], event: HazardStep, due_at: datetime, now: datetime
) -> None:
    hazard_id, unit_no, state = hazard
    detail: dict[str, Any] = {"due_at": due_at.isoformat()}
    entry = {
        "hazard_id": hazard_id, "unit_no": unit_no, "event": event.value, "from_state": state, "to_state": state, "at": now,
        "account_id": None, "reason": None, "evidence": detail,
    }  # fmt: skip
    write_hazard_event(conn, entry, now)
    service.tell(conn, service.find(conn, hazard_id), event.value, None, now)
