"""Scores, credit, draws, results and indicators. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from equipment.access.model import Asker
from equipment.access.store import audit
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from maintenance import leads
from maintenance.errors import LedgerInputError, StepError, UnknownHazardError
from maintenance.hazards.clauses import fitting
from maintenance.hazards.demands import OFFICERS, officers_of
from maintenance.leads import Report
from maintenance.prevention import model
from maintenance.prevention.model import CREDIT_RANK, Basis, Credit, Score, Task

QUERIES = load_queries(__file__)
YEAR = timedelta(days=365)
MOST_UNITS = 50_000
CONCLUSIONS = ("no_problem", "problems", "not_possible")
"""未发现问题, 发现问题, 未能检查."""


@dataclass(frozen=True, slots=True)
class Rated:
    """A unit with its score and the credit grade of its firm."""

    unit_id: str
    name: str
    credit: str
    score: Score


@dataclass(frozen=True, slots=True)
class FirmCredit:
    """A firm with its grade."""

    id: int
    name: str
    credit: Credit


def credits_of(conn: Connection, now: datetime, firm: int | None = None) -> list[FirmCredit]:
    """Firms with units in the caller's sight, with their grades."""
    rows = conn.execute(QUERIES.firm_counts, {"now": now, "year": now - YEAR, "firm": firm})
    names = ("open_major", "open_overdue", "reopened", "confirmed_entrapment", "disputed_record")
    return [FirmCredit(r[0], r[1], model.credit(r[2], dict(zip(names, r[3:], strict=True)))) for r in rows]


def rate(conn: Connection, now: datetime, kind: str = "", unit: str | None = None) -> list[Rated]:
    """Units in use with their scores, in the order of the register.

    Raises
    ------
    LedgerInputError
        More than can be rated at once.
    """
    today = now.astimezone(SHANGHAI).date()
    firm = None if unit is None else conn.execute(QUERIES.firm_of, (unit,)).fetchone()
    grades = {f.id: f.credit.grade for f in credits_of(conn, now, firm[0] if firm else None)}
    values = {"today": today, "year": now - YEAR, "unit": unit, "kind": kind, "limit": MOST_UNITS + 1}
    rows = conn.execute(QUERIES.facts, values).fetchall()
    if len(rows) > MOST_UNITS:
        raise LedgerInputError(f"超过 {MOST_UNITS} 台，请选择设备种类 (too many units: choose a kind)")
    words = model.rules()["score"]["place"]["words"]
    found = []
    for _, unit_id, name, place, firm, *counted in rows:
        grade = grades.get(firm, "unknown")
        names = (
            "age",
            "alarms",
            "entrapments",
            "major_hazards",
            "serious_hazards",
            "general_hazards",
            "overdue_duties",
            "uninsured",
            "unconnected",
        )
        facts: dict[str, float | None] = dict(zip(names, counted, strict=True))
        facts["place"] = float(any(w in f"{name} {place}" for w in words))
        facts["firm_credit"] = None if grade == "unknown" else float(CREDIT_RANK[grade])
        found.append(Rated(unit_id, name, grade, model.score(facts)))
    return found


@dataclass(frozen=True, slots=True)
class DrawOrder:
    """What is to be drawn: among units of a kind, by whom, with which published seed.

    ``number``: how many in all; 0: by the published shares. ``colours``: only these risk colours; empty: all.
    """

    title: str
    basis: str
    seed: str
    officers: tuple[str, ...]
    kind: str = ""
    number: int = 0
    colours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stratum:
    """One stratum before a draw: how many units, the share, how many would be drawn."""

    name: str
    units: int
    share: float
    wanted: int


def basis_of(conn: Connection, order: DrawOrder, now: datetime) -> Basis:
    """Candidates, shares and counts as they are now, before the seed does anything.

    Raises
    ------
    LedgerInputError
    """
    rated = rate(conn, now, order.kind)
    candidates = {
        r.unit_id: model.stratum(r.score.level, r.credit)
        for r in rated
        if not order.colours or r.score.level in order.colours
    }
    made = Basis(order.title, order.seed, model.shares_of(), candidates, order.officers)
    return replace(made, counts=model.spread(order.number, made.shares, made.sizes())) if order.number else made


def strata(conn: Connection, order: DrawOrder, now: datetime) -> list[Stratum]:
    """What a draw would take of each stratum."""
    basis = basis_of(conn, order, now)
    wanted, sizes = basis.wanted(), basis.sizes()
    return [Stratum(name, sizes[name], basis.shares.get(name, 0.0), wanted[name]) for name in sizes]


def draw(conn: Connection, order: DrawOrder, asker: Asker, now: datetime) -> int:
    """Draw, and keep everything that makes the draw repeatable; returns its id.

    Raises
    ------
    LedgerInputError
        Nothing could be drawn so, or what it needs is missing.
    """
    for name in order.officers:
        officers_of(name, 1)
    basis = basis_of(conn, order, now)
    tasks = model.draw(basis)
    if not tasks:
        raise LedgerInputError(
            "没有设备符合所选种类和风险等级，未抽取 (no unit of this kind and colour: nothing was drawn)"
        )
    made = _keep(conn, order, basis, basis.fingerprint(), asker, now)
    for number, task in enumerate(tasks, start=1):
        values = (made, f"{made}-{number:04d}", task.stratum, Jsonb(list(task.officers)), task.unit_id)
        conn.execute(QUERIES.insert_task, values)
    return made


def _keep(conn: Connection, order: DrawOrder, basis: Basis | None, mark: str, asker: Asker, now: datetime) -> int:
    counts = basis.counts if basis else None
    row = conn.execute(
        QUERIES.insert_draw,
        {
            "title": order.title, "basis": order.basis, "seed": order.seed, "rules": Jsonb(dict(basis.shares) if basis else {}),
            "candidates": Jsonb(dict(basis.candidates) if basis else {}), "officers": Jsonb(list(order.officers)),
            "counts": None if counts is None else Jsonb(dict(counts)), "sha256": mark, "at": now, "by": asker.account_id,
            "path": asker.scope_path or "",
        },
    ).fetchone()  # fmt: skip
    made = int(row[0]) if row else 0
    audit(conn, asker, "prevention.draw", f"draw:{made}:{mark}", now)
    return made


def take_drawn(
    conn: Connection, order: DrawOrder, tasks: Sequence[tuple[str, str, str]], asker: Asker, now: datetime
) -> int:
    """Tasks that the provincial platform drew: (its number, unit id, officers); all of them or none. Returns the draw's id.

    Raises
    ------
    LedgerInputError
        One of them is about no unit of the caller's area; the message names its number.
    """
    made = _keep(conn, order, None, "", asker, now)
    for number, unit_id, officers in tasks:
        named = [f"{o['name']} {o['badge']}" for o in officers_of(officers, 1)]
        row = conn.execute(QUERIES.insert_task, (made, number, "province", Jsonb(named), unit_id)).fetchone()
        if row is None:
            raise LedgerInputError(f"任务 {number}：辖区内没有设备 {unit_id} (no such unit in your area)")
    return made


def repeat(conn: Connection, draw_id: int) -> tuple[bool, list[Task]]:
    """Draw once more from what was kept; True when fingerprint and tasks are the same as then.

    Raises
    ------
    UnknownHazardError
    LedgerInputError
        Another platform drew it.
    """
    row = conn.execute(QUERIES.draw_whole, (draw_id,)).fetchone()
    if row is None:
        raise UnknownHazardError(f"没有抽签 {draw_id} (no such draw)")
    *kept, mark, whole = row
    if not mark:
        raise LedgerInputError("任务由省平台抽取，本平台无法重演 (another platform drew it)")
    basis = Basis(*kept)
    tasks = model.draw(basis)
    there = [(t[2], t[5], tuple(t[6])) for t in conn.execute(QUERIES.tasks, (draw_id,))]
    again = [(t.unit_id, t.stratum, t.officers) for t in tasks]
    # a district sees of the city's draw only its own tasks
    same = there == again if whole else set(there) <= set(again)
    return same and basis.fingerprint() == mark, tasks


@dataclass(frozen=True, slots=True)
class Result:
    """What an inspection found. ``items``: checklist id to "" where it is right, or to what is wrong."""

    conclusion: str
    officers: str
    items: Mapping[str, str]
    note: str = ""


def record_result(conn: Connection, task_id: int, result: Result, asker: Asker, now: datetime) -> list[int]:
    """Keep what was found; every fault becomes a lead of the ledger. Returns the leads' ids.

    Raises
    ------
    UnknownHazardError
    StepError
        It was entered already, an item is missing, or conclusion and items do not agree.
    """
    row = conn.execute(QUERIES.task, (task_id,)).fetchone()
    if row is None:
        raise UnknownHazardError(f"没有检查任务 {task_id} (no such task)")
    if conn.execute(QUERIES.task_done, (task_id,)).fetchone() is not None:
        raise StepError("检查结果已录入 (the result was entered already)")
    officers_of(result.officers, OFFICERS)
    listed = {item["id"]: item for item in model.rules()["checklist"]}
    faults = {i: said.strip() for i, said in result.items.items() if said.strip()}
    missing = set(listed) - set(result.items) if result.conclusion != "not_possible" else set()
    if result.conclusion not in CONCLUSIONS or set(result.items) - set(listed) or missing:
        raise StepError(
            f"请逐项填写检查表：{'、'.join(sorted(missing)) or '项目或结论不正确'} (every item of the checklist)"
        )
    if (result.conclusion == "problems") != bool(faults):
        raise StepError("检查结论与检查项目不一致 (conclusion and items do not agree)")
    if result.conclusion == "not_possible" and not result.note.strip():
        raise StepError("请写明未能检查的原因 (say why it was not possible)")
    opened, about = [], {c.id for c in fitting(row[3])}
    for item, said in faults.items():
        clause = listed[item].get("clause")
        report = Report(
            "inspection", row[2], f"{listed[item]['zh']}：{said}", document=f"检查任务 {row[1]}", cause=f"checklist:{item}",
            clause=clause if clause in about else None,
        )  # fmt: skip
        opened.append(leads.enter(conn, report, asker, now))
    values = {
        "task": task_id, "conclusion": result.conclusion, "items": Jsonb(dict(result.items)), "officers": result.officers, "note": result.note,
        "leads": opened, "at": now, "by": asker.account_id,
    }  # fmt: skip
    conn.execute(QUERIES.insert_result, values)
    return opened


def indicators(conn: Connection, by: str, days: int, now: datetime) -> dict[str, Any]:
    """Open by grade and age, and for each district, firm or source: open, overdue, closed, in time, reopened, median days.

    ``by``: district, firm or source; closed ones are those of the last ``days``. ``key`` is what the list filters by; ``name``
    is that of a firm.
    """
    ages = [{"grade": r[0], "days": r[1], "open": r[2]} for r in conn.execute(QUERIES.by_age, {"now": now})]
    names = ("key", "name", "open", "overdue", "closed", "closed_in_time", "reopened", "median_days")
    rows = conn.execute(QUERIES.by_group, {"by": by, "now": now, "since": now - timedelta(days=days)})
    return {
        "as_of": now,
        "days": days,
        "by": by,
        "open_by_age": ages,
        "groups": [dict(zip(names, r, strict=True)) for r in rows],
    }
