"""双重预防: risk of units, credit of firms, 双随机 draws, results, and the indicators of the ledger."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.context import Context, permit
from equipment.access.model import Asker
from equipment.access.store import audit
from maintenance.errors import LedgerInputError
from maintenance.prevention import model, service
from maintenance.prevention.service import DrawOrder, FirmCredit, Rated, Result

router = APIRouter(tags=["prevention"])
Watcher = Annotated[Asker, Depends(permit("lead.view"))]
Drawer = Annotated[Asker, Depends(permit("hazard.press"))]
RATED_COLUMNS = (
    "设备编号",
    "设备名称",
    "风险分",
    "风险等级",
    "维保单位信用等级",
    *(p["zh"] for p in model.rules()["score"].values()),
)
IMPORTED = ("任务编号", "设备编号", "检查人员")


class Body(BaseModel):
    """What a request may say and nothing else."""

    model_config = ConfigDict(extra="forbid")


class DrawBody(Body):
    """A draw; ``seed`` is made public together with the result."""

    title: str = Field(min_length=1, max_length=100)
    basis: str = Field(min_length=1, max_length=200)
    seed: str = Field(min_length=1, max_length=200)
    officers: list[str] = Field(min_length=2, max_length=500)
    kind: str = Field("", max_length=40)


class DrawnBody(Body):
    """Tasks of the provincial platform as CSV with 任务编号, 设备编号, 检查人员."""

    title: str = Field(min_length=1, max_length=100)
    basis: str = Field(min_length=1, max_length=200)
    csv: str = Field(min_length=1, max_length=2_000_000)


class ResultBody(Body):
    """What an inspection found; an item is empty where it is right."""

    conclusion: Literal["no_problem", "problems", "not_possible"]
    officers: str = Field(min_length=1, max_length=200)
    items: dict[str, str] = Field(default_factory=dict, max_length=100)
    note: str = Field("", max_length=500)


@router.get("/units/{unit_id}/risk")
def risk_of(context: Context, unit_id: str, asker: Watcher) -> Rated:
    """The score of a unit with its parts."""
    with context.transaction(asker) as conn:
        found = service.rate(conn, context.clock.now(), unit=unit_id)
    if not found:
        raise LedgerInputError(f"辖区内没有在用设备 {unit_id} (no such unit in use in your area)")
    return found[0]


@router.get("/prevention/rules")
def published(context: Context, asker: Watcher) -> dict[str, Any]:
    """Scores, grades, shares and checklist as they are applied."""
    return model.rules()


@router.get("/prevention/risk.csv")
def export(context: Context, asker: Watcher, kind: Annotated[str, Query(max_length=40)] = "") -> Response:
    """Risk grades of all units in sight, for the draw on the provincial platform."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        found = service.rate(conn, now, kind)
        audit(conn, asker, "prevention.export", f"{len(found)}", now)
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(RATED_COLUMNS)
    for r in found:
        points = [str(p.points) if p.value is not None else f"{p.points}（未知）" for p in r.score.parts]
        sheet.writerow([r.unit_id, _harmless(r.name), r.score.points, r.score.level, r.credit, *points])
    told = {"Content-Disposition": 'attachment; filename="risk.csv"'}
    return Response(text.getvalue().encode("utf-8-sig"), media_type="text/csv", headers=told)


def _harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@" else text


@router.get("/prevention/credit")
def credit(context: Context, asker: Watcher) -> list[FirmCredit]:
    with context.transaction(asker) as conn:
        return service.credits_of(conn, context.clock.now())


@router.post("/prevention/draws", status_code=201)
def draw(context: Context, body: DrawBody, asker: Drawer) -> dict[str, int]:
    order = DrawOrder(body.title, body.basis, body.seed, tuple(body.officers), body.kind)
    with context.transaction(asker) as conn:
        return {"draw_id": service.draw(conn, order, asker, context.clock.now())}


@router.post("/prevention/draws/import", status_code=201)
def take_drawn(context: Context, body: DrawnBody, asker: Drawer) -> dict[str, int]:
    reader = csv.DictReader(io.StringIO(body.csv.lstrip("\ufeff")))
    if reader.fieldnames is None or set(IMPORTED) - {name.strip() for name in reader.fieldnames}:
        raise LedgerInputError(f"表头须有 {'、'.join(IMPORTED)} (these columns are wanted)")
    tasks = [tuple((row[name] or "").strip() for name in IMPORTED) for row in reader]
    if not tasks or any(not all(task) for task in tasks):
        raise LedgerInputError("每行须填写任务编号、设备编号、检查人员 (no cell may be empty)")
    order = DrawOrder(body.title, body.basis, "", ())
    with context.transaction(asker) as conn:
        made = service.take_drawn(conn, order, [(t[0], t[1], t[2]) for t in tasks], asker, context.clock.now())
    return {"draw_id": made}


@router.get("/prevention/draws")
def draws(context: Context, asker: Watcher) -> list[dict[str, Any]]:
    names = ("id", "title", "basis", "seed", "sha256", "drawn_at", "drawn_by", "tasks", "done")
    with context.transaction(asker) as conn:
        return [dict(zip(names, r, strict=True)) for r in conn.execute(service.QUERIES.draws)]


@router.get("/prevention/draws/{draw_id}/tasks")
def tasks_of(context: Context, draw_id: int, asker: Watcher) -> list[dict[str, Any]]:
    names = (
        "id",
        "number",
        "unit_id",
        "unit_name",
        "address",
        "stratum",
        "officers",
        "conclusion",
        "recorded_at",
        "lead_ids",
    )
    with context.transaction(asker) as conn:
        return [dict(zip(names, r, strict=True)) for r in conn.execute(service.QUERIES.tasks, (draw_id,))]


@router.get("/prevention/draws/{draw_id}/repeat")
def repeat(context: Context, draw_id: int, asker: Watcher) -> dict[str, Any]:
    """Draw once more from the published seed: does it give the same?"""
    with context.transaction(asker) as conn:
        same, tasks = service.repeat(conn, draw_id)
    return {"same": same, "tasks": len(tasks)}


@router.post("/prevention/tasks/{task_id}/result", status_code=201)
def result(
    context: Context, task_id: int, body: ResultBody, asker: Annotated[Asker, Depends(permit("lead.decide"))]
) -> dict[str, list[int]]:
    said = Result(body.conclusion, body.officers, body.items, body.note)
    with context.transaction(asker) as conn:
        return {"lead_ids": service.record_result(conn, task_id, said, asker, context.clock.now())}


@router.get("/ledger/indicators")
def indicators(
    context: Context,
    asker: Watcher,
    by: Literal["district", "firm", "source"] = "district",
    days: Annotated[int, Query(ge=1, le=3660)] = 365,
) -> dict[str, Any]:
    with context.transaction(asker) as conn:
        return service.indicators(conn, by, days, context.clock.now())
