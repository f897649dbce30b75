"""On-demand plans, workers' lifts and reminders. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from equipment.access.model import Asker, ScopeKind
from equipment.due.store import due_of
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.registry.coordinates import to_wgs84
from equipment.registry.store import require_unit
from maintenance.errors import PlanError, UnknownPlanError
from maintenance.plans import calendar
from maintenance.plans.calendar import Maintained
from maintenance.plans.conditions import LONGEST_INTERVAL_DAYS, Condition, Facts, conditions, met

QUERIES = load_queries(__file__)
STEPS: Mapping[tuple[str, str], str] = {
    ("proposed", "agree"): "agreed",
    ("agreed", "accept"): "accepted",
    ("suspended", "accept"): "accepted",
    ("accepted", "suspend"): "suspended",
    ("proposed", "end"): "ended",
    ("agreed", "end"): "ended",
    ("accepted", "end"): "ended",
    ("suspended", "end"): "ended",
}
"""(state, event) to the next state: the firm proposes, the use-unit agrees, the authority accepts; anybody of them ends."""
MAY: Mapping[str, frozenset[ScopeKind]] = {
    "agree": frozenset({ScopeKind.USE_UNIT}),
    "accept": frozenset({ScopeKind.JURISDICTION}),
    "end": frozenset(ScopeKind),
}
REMIND_AT = (-2, 0, 1, 3, 7)
"""Days after the due day: vendors' practice, a setting of ours."""
CONFIRM_WITHIN = timedelta(hours=24)
RECENT = timedelta(days=30)
ON_DEMAND, TRADITIONAL = "on_demand", "traditional"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a firm proposes: how often it comes [days], what it does then, what it promises."""

    interval_days: int
    items: str
    quality_target: str


@dataclass(frozen=True, slots=True)
class Plan:
    """An on-demand plan of a lift. ``conditions`` as judged at its last step."""

    id: int
    unit_id: str
    unit_no: int
    firm_org_id: int
    state: str
    interval_days: int
    items: str
    quality_target: str
    proposed_at: datetime
    conditions: list[dict[str, str]]


def judge(conn: Connection, unit_id: str, now: datetime) -> list[Condition]:
    """How the conditions of on-demand maintenance stand for a lift."""
    unit, today = require_unit(conn, unit_id), now.astimezone(SHANGHAI).date()
    due = {d.duty: d.state for d in due_of(conn, unit, today)}
    standing = conn.execute(QUERIES.standing, (unit.firm_org_id, today)).fetchone()
    online = conn.execute(QUERIES.online, (unit.no,)).fetchone()
    return conditions(
        Facts(
            status=unit.status,
            use_unit=unit.use_org_id is not None,
            licensed=bool(standing and standing[0]),
            grade=standing[1] if standing else None,
            inspection=due.get("inspection"),
            insurance=due.get("insurance"),
            terminal=unit.device_model is not None,
            online=online[0] if online else None,
        )
    )


def propose(conn: Connection, unit_id: str, wanted: Proposal, asker: Asker, now: datetime) -> int:
    """Propose on-demand maintenance of a lift; returns the plan's id. Its conditions are judged and told, not yet demanded.

    Raises
    ------
    PlanError
        The interval is out of bounds, something is not said, or there is a plan already.
    """
    if not 15 <= wanted.interval_days <= LONGEST_INTERVAL_DAYS:
        raise PlanError(f"间隔须为 15 至 {LONGEST_INTERVAL_DAYS} 天 (15 to {LONGEST_INTERVAL_DAYS} days)")
    if not wanted.items.strip() or not wanted.quality_target.strip():
        raise PlanError("请写明维保项目和质量目标 (say what is done and what is promised)")
    unit, found = require_unit(conn, unit_id), _told(judge(conn, unit_id, now))
    row = conn.execute(
        QUERIES.propose,
        {
            "unit_no": unit.no, "firm": asker.organisation_id, "use_org": unit.use_org_id, "interval": wanted.interval_days,
            "items": wanted.items, "target": wanted.quality_target, "now": now, "conditions": Jsonb(found),
        },
    ).fetchone()  # fmt: skip
    if row is None:
        raise PlanError("该电梯已有按需维保计划，请先终止 (there is a plan already: end it first)")
    _note(conn, int(row[0]), unit.no, "propose", asker, "", found, now)
    return int(row[0])


def act(conn: Connection, plan_id: int, event: str, reason: str, asker: Asker, now: datetime) -> Plan:
    """Agree (use-unit), accept (authority) or end a plan; accepting needs every condition to hold.

    Raises
    ------
    UnknownPlanError, PlanError
    """
    plan = require(conn, plan_id)
    state = STEPS.get((plan.state, event))
    if state is None or asker.scope_kind not in MAY.get(event, frozenset()):
        raise PlanError(f"状态 {plan.state} 下您不能 {event} (not possible in this state, or not for you)")
    found = judge(conn, plan.unit_id, now)
    if event == "accept" and not met(found):
        lacking = "、".join(c.zh for c in found if c.holds.value != "yes")
        raise PlanError(f"不符合或无法确认 (not met, or not known): {lacking}")
    if event == "end" and not reason.strip():
        raise PlanError("请写明终止原因 (say why)")
    _move(conn, plan, event, state, asker, reason, found, now)
    return require(conn, plan_id)


def _move(
    conn: Connection, plan: Plan, event: str, state: str, asker: Asker | None, reason: str, found: list[Condition], now: datetime
) -> None:  # fmt: skip
    told = _told(found)
    if state == "accepted" or plan.state == "accepted":
        mode = ON_DEMAND if state == "accepted" else TRADITIONAL
        conn.execute(QUERIES.set_mode, (plan.id, mode, now, reason or f"按需维保计划 {plan.id}: {event}"))
    conn.execute(QUERIES.set_state, (state, Jsonb(told), plan.id))
    _note(conn, plan.id, plan.unit_no, event, asker, reason, told, now)


def _told(found: list[Condition]) -> list[dict[str, str]]:
    return [{"name": c.name, "holds": c.holds.value, "zh": c.zh} for c in found]


def _note(
    conn: Connection, plan: int, unit_no: int, event: str, asker: Asker | None, reason: str, told: Any, now: datetime
) -> None:  # fmt: skip
    account, who = (None, "") if asker is None else (asker.account_id, asker.display_name)
    conn.execute(QUERIES.add_event, (plan, unit_no, event, now, account, who, reason, Jsonb(told)))


def require(conn: Connection, plan_id: int) -> Plan:
    """A plan that the caller may see.

    Raises
    ------
    UnknownPlanError
    """
    row = conn.execute(QUERIES.plan, (plan_id,)).fetchone()
    if row is None:
        raise UnknownPlanError(f"没有按需维保计划 {plan_id} (no such plan)")
    return Plan(*row)


def plans(conn: Connection, unit_id: str = "") -> list[Plan]:
    """Plans that have not ended, as the caller may see them."""
    return [Plan(*row) for row in conn.execute(QUERIES.plans, {"unit": unit_id})]


def suspend_unmet(conn: Connection, now: datetime) -> int:
    """Suspend accepted plans whose conditions no longer hold: the lift is due by the traditional days from today."""
    done = 0
    for plan in [p for p in plans(conn) if p.state == "accepted"]:
        found = judge(conn, plan.unit_id, now)
        if met(found):
            continue
        lacking = "、".join(c.zh for c in found if c.holds.value != "yes")
        _move(conn, plan, "suspend", "suspended", None, f"不再符合：{lacking}", found, now)
        done += 1
    return done


def assign(conn: Connection, unit_id: str, person: int, asker: Asker, now: datetime) -> None:
    """Say who of the firm goes to a lift.

    Raises
    ------
    PlanError
        He is not of the firm.
    """
    if conn.execute(QUERIES.colleague, (person, asker.organisation_id)).fetchone() is None:
        raise PlanError(f"人员 {person} 不在本单位 (not one of your people)")
    conn.execute(QUERIES.assign, (require_unit(conn, unit_id).no, asker.organisation_id, person, now))


@dataclass(frozen=True, slots=True)
class Lift:
    """A lift of a firm with what its calendar needs."""

    no: int
    firm: int
    use_org: int | None
    unit: Maintained


def lifts(conn: Connection, firm: int | None = None) -> list[Lift]:
    """Lifts and escalators in use that a firm keeps; None: of every firm in the caller's scope."""
    found = []
    for row in conn.execute(QUERIES.visits_of_all, {"firm": firm}):
        no, unit_id, name, address, first_use, firm_id, use_org, lon, lat, datum, interval, person, worker, visits = row
        place = None if lon is None or lat is None else to_wgs84(lon, lat, datum)
        unit = Maintained(
            unit_id, name, address, tuple(map(_visit, visits)), first_use, interval, place, person, worker or ""
        )  # fmt: skip
        found.append(Lift(no, firm_id, use_org, unit))
    return found


def _visit(text: str) -> tuple[str, date]:
    level, day = text.split(" ")
    return level, date.fromisoformat(day)


def remind(conn: Connection, now: datetime) -> int:
    """Write the reminders of today: visits before and after their day, confirmations that are late. Returns how many are due."""
    today = now.astimezone(SHANGHAI).date()
    rows = []
    for lift in lifts(conn):
        visit = calendar.next_visit(lift.unit, today)
        step = None if visit.on is None else (today - visit.on).days
        if step in REMIND_AT:
            rows.append(_reminder(lift.no, lift.firm, lift.use_org, "visit", visit.level, visit.on, step, now))
    late = conn.execute(QUERIES.unconfirmed, (now - CONFIRM_WITHIN, now - RECENT)).fetchall()
    rows += [
        _reminder(no, firm, use_org, "confirmation", record, day, 1, now) for record, no, firm, use_org, day in late
    ]
    with conn.cursor() as cursor:
        cursor.executemany(QUERIES.remind, rows)
    return len(rows)


def _reminder(
    no: int, firm: int | None, use_org: int | None, kind: str, subject: str, on: date | None, step: int | None, now: datetime
) -> dict[str, Any]:  # fmt: skip
    return {
        "unit_no": no, "firm": firm, "use_org": use_org, "kind": kind, "subject": subject, "due_on": on, "step": step, "at": now,
    }  # fmt: skip
