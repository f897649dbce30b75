"""双重预防: risk of units, credit of firms, 双随机 draws, results, and the indicators of the ledger."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from dashboards.api.imports import receive
from dashboards.context import Context, WebContext, permit
from equipment.access.model import Asker
from equipment.access.store import audit
from equipment.foundation.errors import TableFileError
from equipment.foundation.tables import read_table
from maintenance.errors import LedgerInputError
from maintenance.hazards.demands import SEPARATORS
from maintenance.prevention import model, service
from maintenance.prevention.service import DrawOrder, FirmCredit, Rated, Result, Stratum
from maintenance.risk.matrix import COLOURS

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
LARGEST_BYTES = 10_000_000
CONCLUSIONS = {"no_problem": "未发现问题", "problems": "发现问题", "not_possible": "未能检查"}
IMPORTED = ("任务编号", "设备编号", "检查人员")


class Body(BaseModel):
    """What a request may say and nothing else."""

    model_config = ConfigDict(extra="forbid")


Names = Annotated[list[str], BeforeValidator(lambda said: SEPARATORS.split(said) if isinstance(said, str) else said)]
"""A list, or a text with one in a line as a form sends it."""


class WantedBody(Body):
    """Among which units is drawn, and how many; ``number`` 0: by the published shares."""

    kind: str = Field("", max_length=40)
    number: int = Field(0, ge=0, le=5_000)
    colours: Names = Field(default_factory=list, max_length=4)


class DrawBody(WantedBody):
    """A draw; ``seed`` is made public together with the result."""

    title: str = Field(min_length=1, max_length=100)
    basis: str = Field(min_length=1, max_length=200)
    seed: str = Field(min_length=1, max_length=200)
    officers: Names = Field(min_length=2, max_length=500)


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


def order_of(body: WantedBody) -> DrawOrder:
    """The order of a request; what cannot be is told."""
    colours = tuple(c for c in body.colours if c)
    if set(colours) - set(COLOURS):
        raise LedgerInputError(f"风险等级须为 {', '.join(COLOURS)} 之一 (one of these)")
    if isinstance(body, DrawBody):
        officers = tuple(dict.fromkeys(o.strip() for o in body.officers if o.strip()))
        return DrawOrder(body.title, body.basis, body.seed, officers, body.kind, body.number, colours)
    return DrawOrder("", "", "", (), body.kind, body.number, colours)


@router.post("/prevention/draws/preview")
def preview(context: Context, body: WantedBody, asker: Drawer) -> list[Stratum]:
    """What a draw would take of each stratum, before there is a seed."""
    with context.transaction(asker) as conn:
        return service.strata(conn, order_of(body), context.clock.now())


@router.post("/prevention/draws", status_code=201)
def draw(context: Context, body: DrawBody, asker: Drawer) -> dict[str, int]:
    with context.transaction(asker) as conn:
        return {"draw_id": service.draw(conn, order_of(body), asker, context.clock.now())}


@router.post("/prevention/draws/import", status_code=201)
async def take_drawn(
    request: Request,
    context: Context,
    asker: Drawer,
    title: Annotated[str, Query(min_length=1, max_length=100)],
    basis: Annotated[str, Query(min_length=1, max_length=200)],
) -> dict[str, int]:
    """Tasks that the provincial platform drew: an XLSX or CSV file as the body, with 任务编号, 设备编号, 检查人员."""
    order = DrawOrder(title, basis, "", ())
    with NamedTemporaryFile(prefix="teshe-draw-") as file:
        await receive(request, file, LARGEST_BYTES)
        return {"draw_id": await run_in_threadpool(_take_drawn, context, order, Path(file.name), asker)}


def _take_drawn(context: WebContext, order: DrawOrder, path: Path, asker: Asker) -> int:
    try:
        tasks = list(_tasks_in(path))
    except TableFileError as error:
        raise LedgerInputError(f"表头须有 {'、'.join(IMPORTED)}：{error}") from error
    if not tasks:
        raise LedgerInputError("表中没有任务 (there is no task in the file)")
    with context.transaction(asker) as conn:
        return service.take_drawn(conn, order, tasks, asker, context.clock.now())


def _tasks_in(path: Path) -> Iterator[tuple[str, str, str]]:
    table = read_table(path, lambda cells: set(IMPORTED) <= {c.strip() for c in cells})
    places = [[c.strip() for c in table.header].index(name) for name in IMPORTED]
    for row in table.rows:
        number, unit, officers = (row.cells[p].strip() if p < len(row.cells) else "" for p in places)
        if not (number and unit and officers):
            raise LedgerInputError(f"第 {row.line} 行须填写任务编号、设备编号、检查人员 (no cell may be empty)")
        yield number, unit, officers


@router.get("/prevention/draws/{draw_id}/tasks.csv")
def tasks_file(context: Context, draw_id: int, asker: Watcher) -> Response:
    """The drawn tasks, for publishing and for whoever goes there."""
    with context.transaction(asker) as conn:
        found = conn.execute(service.QUERIES.tasks, (draw_id,)).fetchall()
        audit(conn, asker, "prevention.export", f"draw:{draw_id}", context.clock.now())
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(("任务编号", "设备编号", "设备名称", "地址", "抽样层", "检查人员", "检查结论"))
    for _, number, unit, name, address, stratum, officers, conclusion, *_ in found:
        cells = (number, unit, name, address or "", stratum, "、".join(officers), CONCLUSIONS.get(conclusion or "", ""))
        sheet.writerow([_harmless(str(c)) for c in cells])
    told = {"Content-Disposition": f'attachment; filename="draw-{draw_id}.csv"'}
    return Response(text.getvalue().encode("utf-8-sig"), media_type="text/csv", headers=told)


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
