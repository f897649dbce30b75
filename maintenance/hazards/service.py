"""Steps of a hazard. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from equipment.access.model import Asker
from equipment.foundation import stream
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection
from maintenance.errors import MeanwhileError, StepError, UnknownHazardError
from maintenance.hazards import facts, files
from maintenance.hazards.clauses import check_grade
from maintenance.hazards.deadlines import deadlines, step_within
from maintenance.hazards.demands import check, deadline_of, officers_of
from maintenance.hazards.lifecycle import BY_ITSELF, OVER, STEP_ZH, HazardState, HazardStep, next_state
from maintenance.hazards.model import Hazard, Step
from maintenance.hazards.sampling import drawn
from maintenance.hazards.wanted import Wanted
from maintenance.leads import MOST_AT_ONCE, QUERIES
from maintenance.orders import service as orders
from maintenance.risk import service as risk
from maintenance.sealed import write_hazard_event

DOCUMENTS = {
    HazardStep.HAND_OVER: "hand_over", HazardStep.ORDER: "order", HazardStep.NOTIFY: "notice", HazardStep.INTERVIEW: "interview",
    HazardStep.SUPERVISE: "supervision",
}  # fmt: skip
"""Steps that issue a numbered document."""


def find(conn: Connection, hazard_id: int) -> Hazard:
    """The hazard of that id.

    Raises
    ------
    UnknownHazardError
        There is none, or the caller may not see it.
    """
    return _one(conn, "hazard_by_id", hazard_id)


def list_hazards(conn: Connection, wanted: Wanted, after: int, limit: int, now: datetime) -> list[Hazard]:
    """Hazards as the caller may see them, what slips first coming first; ``after`` rows are left out."""
    values = {"wanted": Jsonb(wanted.as_json(now)), "size": limit, "after": after}
    return [Hazard(*row) for row in conn.execute(f"{QUERIES.hazard_columns} {QUERIES.hazards_found}", values)]


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
        Somebody else was first; says who and when.
    StepError
        The state does not allow it, or something it needs is missing.
    """
    hazard = _one(conn, "hazard_locked", hazard_id)
    if step.request and conn.execute(QUERIES.request_done, (hazard_id, asker.account_id, step.request)).fetchone():
        return hazard
    if step.version is not None and step.version != hazard.version:
        raise MeanwhileError(_who_was_first(conn, hazard_id))
    if step.event in BY_ITSELF:
        raise StepError("此步骤由系统完成 (nobody takes this step by hand)")
    after = next_state(HazardState(hazard.state), step.event)
    check(conn, hazard, step, asker)
    changes = _changes(hazard, step, asker, now)
    detail = dict(step.detail) | _by_value(conn, hazard, step, after, now)
    if step.request:
        detail["request"] = step.request
    if step.event in DOCUMENTS:
        kind = DOCUMENTS[step.event]
        detail["document"] = orders.issue(conn, kind, hazard, step, asker, now)
    _write(conn, hazard, after, changes, now)
    entry = {
        "hazard_id": hazard_id, "unit_no": hazard.unit_no, "event": step.event.value, "from_state": hazard.state,
        "to_state": after.value, "at": now, "account_id": asker.account_id, "reason": step.reason, "evidence": detail,
    }  # fmt: skip
    write_hazard_event(conn, entry, now)
    done = find(conn, hazard_id)
    tell(conn, done, step.event.value, asker.display_name, now)
    return done


def hand_over_many(
    conn: Connection, hazard_ids: Sequence[int], to: str, step: Step, asker: Asker, now: datetime
) -> list[Hazard]:  # fmt: skip
    """交办 of many hazards, each to its own ``use_unit`` or ``firm``; all of them or none.

    Raises
    ------
    UnknownHazardError, MeanwhileError, StepError
        One of them refuses, or has no such unit; the message names it.
    """
    wanted = sorted(set(hazard_ids))
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise StepError(f"一次办理 1 至 {MOST_AT_ONCE} 项隐患 (so many at once)")
    done = []
    for hazard_id in wanted:
        parties = conn.execute(QUERIES.parties_of, (hazard_id,)).fetchone()
        if parties is None:
            raise UnknownHazardError(f"没有隐患 {hazard_id} (no such hazard)")
        firm, use_unit, _ = parties
        org = use_unit if to == "use_unit" else firm
        try:
            if org is None:
                raise StepError("没有登记该责任单位 (no such unit is registered for it)")
            own = replace(step, detail={**step.detail, "responsible_org_id": org})
            done.append(act(conn, hazard_id, own, asker, now))
        except StepError as error:
            raise StepError(f"隐患 {find(conn, hazard_id).number}：{error}") from error
    return done


def tell(conn: Connection, hazard: Hazard, event: str, by: str | None, now: datetime) -> None:
    """Announce what happened to a hazard."""
    payload = {"hazard_id": hazard.id, "number": hazard.number, "event": event, "state": hazard.state, "grade": hazard.grade,
               "by": by, "at": now.isoformat()}  # fmt: skip
    for name in ("ledger", "desk"):
        stream.publish(conn, name, "hazard", payload, unit_no=hazard.unit_no, now=now)


def _who_was_first(conn: Connection, hazard_id: int) -> str:
    row = conn.execute(QUERIES.last_event, (hazard_id,)).fetchone()
    who, event, at = row or ("系统", "", None)
    when = f"{at.astimezone(SHANGHAI):%m-%d %H:%M:%S}" if at else ""
    return (
        f"{who} 已于 {when} 办理“{said_event(event)}”，请刷新后重试 ({event}, meanwhile, by somebody else: look again)"
    )


def said_event(event: str) -> str:
    """What an entry is called; those that are no steps keep their name."""
    return STEP_ZH[HazardStep(event)] if event in {e.value for e in HazardStep} else event


def _write(conn: Connection, hazard: Hazard, after: HazardState, changes: dict[str, Any], now: datetime) -> None:
    grade, stopped = changes.get("grade", hazard.grade), bool(changes.get("stop_use", hazard.stop_use))
    within = step_within(after.value, grade, stop_use=stopped)
    values: dict[str, Any] = {"state": after.value}
    if after.value != hazard.state or after is HazardState.RECTIFYING:
        values |= {"step_due_at": None if within is None else now + within, "step_late": False}
    values |= changes
    assignments = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values]
    conn.execute(
        sql.SQL("update maintenance.hazard set version = version + 1, {} where id = {}").format(
            sql.SQL(", ").join(assignments), sql.Placeholder("hazard_id")
        ),
        {**values, "hazard_id": hazard.id},
    )


def _changes(hazard: Hazard, step: Step, asker: Asker, now: datetime) -> dict[str, Any]:
    """Columns that a step changes."""
    detail = step.detail
    match step.event:
        case HazardStep.HAND_OVER:
            texts = {n: str(detail[n]) for n in ("responsible_person", "funds", "plan") if detail.get(n)}
            return {
                "responsible_org_id": int(detail["responsible_org_id"]), "measures": str(detail["measures"]),
                "due_at": deadline_of(str(detail["due_at"]), now), "overdue_at": None, **texts,
            }  # fmt: skip
        case HazardStep.SEND_BACK:
            return {"responsible_org_id": None, "due_at": None, "overdue_at": None}
        case HazardStep.START:
            texts = {n: str(detail[n]) for n in ("responsible_person", "funds", "plan") if detail.get(n)}
            return {"measures": str(detail["measures"]), **texts}
        case HazardStep.CLOSE | HazardStep.UNSUBSTANTIATE:
            return {"closed_at": now, "extension_until": None, "stop_use": False}
        case HazardStep.SELF_CLOSE:
            closer = hazard.responsible_org_id or asker.organisation_id
            closed = {"closed_at": now, "self_closed": True, "extension_until": None, "responsible_org_id": closer}
            return closed | _look_back(hazard, now)
        case HazardStep.LOOK_BACK:
            return {"look_back": "passed", "step_due_at": None, "step_late": False}
        case HazardStep.REOPEN:
            return {
                "closed_at": None, "self_closed": False, "look_back": None, "reopened": hazard.reopened + 1,
                "due_at": now + deadlines().rectify[hazard.grade].within, "overdue_at": None,
            }  # fmt: skip
        case HazardStep.ASK_EXTENSION:
            return {"extension_until": _extension(hazard, str(detail["until"]), now)}
        case HazardStep.GRANT_EXTENSION:
            return {"due_at": hazard.extension_until, "extension_until": None, "overdue_at": None}
        case HazardStep.REFUSE_EXTENSION:
            return {"extension_until": None}
        case _:
            return _standing(hazard, step, now)


def _look_back(hazard: Hazard, now: datetime) -> dict[str, Any]:
    known = deadlines()
    if not drawn(hazard.number, now, known.look_back_share):
        return {}
    return {"look_back": "due", "step_due_at": now + known.look_back.within, "step_late": False}


def _standing(hazard: Hazard, step: Step, now: datetime) -> dict[str, Any]:
    """Columns changed by steps that move no state."""
    detail = step.detail
    match step.event:
        case HazardStep.REGRADE:
            grade, clause = str(detail["grade"]), str(detail.get("clause") or "").strip() or hazard.clause
            check_grade(grade, clause, hazard.unit_kind)
            return {"grade": grade, "clause": clause}
        case HazardStep.STOP_USE | HazardStep.RESUME_USE:
            return {"stop_use": step.event is HazardStep.STOP_USE}
        case HazardStep.NOTIFY:
            return {"notices": hazard.notices + 1}
        case HazardStep.SUPERVISE | HazardStep.UNSUPERVISE:
            return {"supervised_at": now if step.event is HazardStep.SUPERVISE else None}
        case _:
            return {}


def _extension(hazard: Hazard, text: str, now: datetime) -> datetime:
    until = deadline_of(text, now)
    if hazard.due_at is not None and until <= hazard.due_at:
        raise StepError("申请的期限须晚于现有期限 (the new deadline lies after the present one)")
    return until


def _by_value(conn: Connection, hazard: Hazard, step: Step, after: HazardState, now: datetime) -> dict[str, Any]:
    """What the entry keeps by value, so that it can be read when its origin is gone.

    A step that ends the case, and each look at an ended one, names every file of it with its digest.
    """
    found: dict[str, Any] = {}
    if step.detail.get("officers"):
        found["officers_named"] = officers_of(str(step.detail["officers"]), 1)
    if after in OVER:
        found["files"] = [files.said(f) for f in files.files_of(conn, hazard.id)]
    elif step.detail.get("files"):
        found["files"] = files.by_value(conn, hazard.id, step.detail["files"])
    if step.event is HazardStep.SELF_CLOSE:
        found["fact"] = facts.verified(conn, hazard, step.detail, now)
    if step.event is HazardStep.ASSESS:
        judged = risk.assess(conn, step.detail)
        found["risk"] = judged
        conn.execute(QUERIES.set_risk, (Jsonb(judged), judged["colour"], hazard.id))
    return found
