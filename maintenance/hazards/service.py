"""Steps of a hazard. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from psycopg import sql

from equipment.access.model import Asker
from equipment.foundation import stream
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection
from maintenance.errors import MeanwhileError, StepError, UnknownHazardError
from maintenance.hazards.lifecycle import NEEDS, HazardState, HazardStep, next_state
from maintenance.leads import QUERIES
from maintenance.sealed import write_hazard_event

OFFICERS = 2
"""复查 by at least two (总局令第57号)."""
SEPARATORS = re.compile(r"[、,，;；\n]+")


@dataclass(frozen=True, slots=True)
class Hazard:
    """One hazard as it stands."""

    id: int
    number: str
    unit_no: int
    unit_id: str
    lead_id: int | None
    state: str
    grade: str
    clause: str | None
    stop_use: bool
    description: str
    responsible_org_id: int | None
    measures: str | None
    due_at: datetime | None
    opened_at: datetime
    opened_by: int
    closed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step that somebody takes: ``detail`` carries what the step needs (see ``lifecycle.NEEDS``)."""

    event: HazardStep
    version: int | None = None
    reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def find(conn: Connection, hazard_id: int) -> Hazard:
    """The hazard of that id.

    Raises
    ------
    UnknownHazardError
        There is none, or the caller may not see it.
    """
    return _one(conn, "hazard_by_id", hazard_id)


def list_hazards(conn: Connection, state: str, after: int, limit: int) -> list[Hazard]:
    """Hazards in order of their id, as the caller may see them; state ``open`` is all that is not over."""
    values = {"state": state, "after": after, "limit": limit}
    return [Hazard(*row) for row in conn.execute(f"{QUERIES.hazard_columns} {QUERIES.hazards_of_state}", values)]


def _one(conn: Connection, where: str, hazard_id: int) -> Hazard:
    row = conn.execute(f"{QUERIES.hazard_columns} {getattr(QUERIES, where)}", (hazard_id,)).fetchone()
    if row is None:
        raise UnknownHazardError(f"没有隐患 {hazard_id} (no such hazard)")
    return Hazard(*row)


def act(conn: Connection, hazard_id: int, step: Step, asker: Asker, now: datetime) -> Hazard:
    """Take a step; returns the hazard after it.

    Raises
    ------
    UnknownHazardError
    MeanwhileError
        Somebody else was first.
    StepError
        The state does not allow it, or something it needs is missing.
    """
    hazard = _one(conn, "hazard_locked", hazard_id)
    if step.version is not None and step.version != hazard.version:
        raise MeanwhileError("隐患已被他人更新，请刷新后重试 (changed meanwhile: look again)")
    after = next_state(HazardState(hazard.state), step.event)
    _check_needs(step)
    values = _changes(conn, hazard, step, asker, now)
    assignments = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values]
    conn.execute(
        sql.SQL("update maintenance.hazard set {} where id = {}").format(
            sql.SQL(", ").join(
                [sql.SQL("version = version + 1, state = {}").format(sql.Placeholder("state")), *assignments]
            ),
            sql.Placeholder("hazard_id"),
        ),
        {**values, "state": after.value, "hazard_id": hazard_id},
    )
    entry = {
        "hazard_id": hazard_id, "unit_no": hazard.unit_no, "event": step.event.value, "from_state": hazard.state,
        "to_state": after.value, "at": now, "account_id": asker.account_id, "reason": step.reason,
        "evidence": dict(step.detail),
    }  # fmt: skip
    write_hazard_event(conn, entry, now)
    payload = {"hazard_id": hazard_id, "number": hazard.number, "event": step.event.value, "state": after.value,
               "grade": hazard.grade, "by": asker.display_name, "at": now.isoformat()}  # fmt: skip
    for name in ("ledger", "desk"):
        stream.publish(conn, name, "hazard", payload, unit_no=hazard.unit_no, now=now)
    return find(conn, hazard_id)


WORDS = {
    "responsible_org_id": "责任单位", "measures": "整改措施", "due_at": "整改期限", "evidence": "证据", "officers": "复查人员",
}  # fmt: skip


def _check_needs(step: Step) -> None:
    missing = [WORDS[name] for name in NEEDS.get(step.event, ()) if not str(step.detail.get(name) or "").strip()]
    if missing:
        raise StepError(f"请补充 {'、'.join(missing)} (missing)")


def _changes(conn: Connection, hazard: Hazard, step: Step, asker: Asker, now: datetime) -> dict[str, Any]:
    detail = step.detail
    match step.event:
        case HazardStep.HAND_OVER:
            return {
                "responsible_org_id": int(detail["responsible_org_id"]), "measures": str(detail["measures"]),
                "due_at": _deadline(str(detail["due_at"]), now),
            }  # fmt: skip
        case HazardStep.START:
            return {"measures": str(detail["measures"])}
        case HazardStep.CLOSE:
            _check_recheck(conn, hazard, step, asker)
            return {"closed_at": now}
        case HazardStep.UNSUBSTANTIATE:
            return {"closed_at": now}
        case HazardStep.REOPEN:
            return {"closed_at": None}
        case _:
            return {}


def _deadline(text: str, now: datetime) -> datetime:
    """The end of a day of the city, or an exact time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise StepError(f"整改期限 {text!r} 不是日期，例如 2026-12-01 (not a date)") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=SHANGHAI)
        if moment.hour == moment.minute == 0:
            moment += timedelta(days=1) - timedelta(seconds=1)
    if moment <= now:
        raise StepError("整改期限已过 (the deadline lies in the past)")
    return moment


def _check_recheck(conn: Connection, hazard: Hazard, step: Step, asker: Asker) -> None:
    officers = [name for name in SEPARATORS.split(str(step.detail["officers"])) if name.strip()]
    if len(set(officers)) < OFFICERS:
        raise StepError("复查须不少于两人，请以顿号分隔填写姓名和证号 (two officers at least)")
    row = conn.execute(QUERIES.who_applied, (hazard.id,)).fetchone()
    if row is not None and row[0] == asker.account_id:
        raise StepError("申请人不能自行复查销号 (whoever applied cannot re-check)")
