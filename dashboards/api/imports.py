"""设备导入导出: a file is handed in, checked as a trial, applied when somebody says so; what sources disagree about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from dashboards.context import Context, WebContext, permit
from equipment.access.model import Asker
from equipment.foundation.tables import write_csv
from equipment.imports import export, reconciliation, store
from equipment.imports.model import ImportJob, ImportOptions, JobEvent
from equipment.imports.reconciliation import Decision, Reconciliation, WorkFilter
from equipment.imports.settings import ImportSettings

router = APIRouter(tags=["imports"])
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MOST_REPORTED = 1_000_000
REPORT_HEADER = ("行", "级别", "列", "值", "原因", "怎么办")
SEVERITIES = {"refusal": "拒绝", "note": "提示"}


class DecisionBody(BaseModel):
    """What is decided, and why."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["keep", "take", "link", "create", "ignore"]
    reason: str = Field(min_length=1, max_length=reconciliation.LONGEST_REASON)
    unit_id: str | None = Field(None, max_length=40)


def attached(name: str, kind: str, write: Callable[[Path], object]) -> Response:
    """A table to download, as ``write`` puts it into a file; ``kind`` is csv or xlsx."""
    with TemporaryDirectory(prefix="teshe-export-") as folder:
        path = Path(folder) / f"{name}.{kind}"
        write(path)
        headers = {"Content-Disposition": f'attachment; filename="{path.name}"'}
        return Response(path.read_bytes(), media_type=FORMATS[kind], headers=headers)


async def receive(request: Request, file: Any, most_bytes: int) -> tuple[bytes, int]:
    """Write the request's body to ``file`` as it comes; returns its digest and size.

    Raises
    ------
    ImportFileError
        It is larger than allowed: said as soon as that is known, from the announced length where there is one.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced):
        store.refuse_size(int(announced), most_bytes)
    digest, size = hashlib.sha256(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most_bytes:
            store.refuse_size(size, most_bytes)
        digest.update(chunk)
        file.write(chunk)
    file.flush()
    store.refuse_size(size, most_bytes)
    return digest.digest(), size


def _submit(
    context: WebContext, asker: Asker, sent: store.Submission, options: ImportOptions, *, again: bool
) -> tuple[ImportJob, bool]:
    with context.transaction(asker) as conn:
        job, new = store.submit(conn, sent, options, asker, context.clock.now(), again=again)
        return store.require_job(conn, job), new


@router.post("/imports", status_code=201, response_model=ImportJob)
async def submit(
    request: Request,
    context: Context,
    asker: Annotated[Asker, Depends(permit("unit.import"))],
    file_name: Annotated[str, Query(max_length=200)] = "units.csv",
    source: Annotated[str, Query(description="By default the registry's own list; of a firm: its own list")] = "",
    firm: int | None = None,
    create_organisations: bool = False,
    again: bool = False,
) -> Any:
    """A CSV or XLSX file as the request's body. The same file with the same options is the same job (200, not 201).

    A firm hands in the list of its own lifts: of these it may say what is a firm's to say, the rest waits for the registrar.
    """
    options = store.options_for(asker, source, firm, create_organisations=create_organisations)
    with NamedTemporaryFile(prefix="teshe-upload-") as file:
        digest, size = await receive(request, file, ImportSettings().most_bytes)
        sent = store.Submission(Path(file.name), file_name or "units.csv", digest, size)
        job, new = await run_in_threadpool(_submit, context, asker, sent, options, again=again)
    return job if new else JSONResponse(jsonable_encoder(job))


@router.get("/imports")
def jobs(
    context: Context,
    asker: Annotated[Asker, Depends(permit("unit.import"))],
    before: int = store.NEWEST,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[ImportJob]:
    """Newest first."""
    with context.transaction(asker) as conn:
        return store.newest_jobs(conn, before, limit)


@router.get("/imports/template.{kind}")
def template(kind: Literal["csv", "xlsx"], asker: Annotated[Asker, Depends(permit("unit.import"))]) -> Response:
    """An empty file with the columns."""
    return attached("units-template", kind, export.write_template)


@router.get("/imports/{job}")
def one(context: Context, job: int, asker: Annotated[Asker, Depends(permit("unit.import"))]) -> ImportJob:
    """State, progress and counts: ask again until it is over."""
    with context.transaction(asker) as conn:
        return store.require_job(conn, job)


@router.get("/imports/{job}/report")
def report(
    context: Context,
    job: int,
    asker: Annotated[Asker, Depends(permit("unit.import"))],
    after: int = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> list[store.ReportLine]:
    """Row, column, value, why, what to do; ``after`` is the id of the last line of the page before."""
    with context.transaction(asker) as conn:
        store.require_job(conn, job)
        return store.report(conn, job, after, limit)


@router.get("/imports/{job}/report.csv")
def report_file(context: Context, job: int, asker: Annotated[Asker, Depends(permit("unit.import"))]) -> Response:
    """The whole report as a file."""
    with context.transaction(asker) as conn:
        store.require_job(conn, job)
        lines = store.report(conn, job, 0, MOST_REPORTED)
        rows = ((str(x.line), SEVERITIES[x.severity], x.title, x.value, x.why, x.remedy) for x in lines)
        return attached(f"import-{job}-report", "csv", lambda path: write_csv(path, REPORT_HEADER, rows))


@router.post("/imports/{job}/apply")
def apply(context: Context, job: int, asker: Annotated[Asker, Depends(permit("unit.import"))]) -> ImportJob:
    """Write what the trial has shown; pressing twice is the same as once."""
    with context.transaction(asker) as conn:
        store.request_apply(conn, job, context.clock.now(), asker)
        return store.require_job(conn, job)


@router.post("/imports/{job}/cancel")
def cancel(context: Context, job: int, asker: Annotated[Asker, Depends(permit("unit.import"))]) -> ImportJob:
    """Give a trial up; nothing was written."""
    with context.transaction(asker) as conn:
        store.move(conn, job, JobEvent.CANCEL, context.clock.now(), asker)
        return store.require_job(conn, job)


@router.get("/exports/units.{kind}")
def export_units(
    context: Context,
    kind: Literal["csv", "xlsx"],
    asker: Annotated[Asker, Depends(permit("unit.export"))],
    unit_kind: str = "",
    status: str = "",
    district: str = "",
) -> Response:
    """Units with the columns of the import: taken back, the file changes nothing."""
    wanted = export.ExportFilter(unit_kind, status, district)
    with context.transaction(asker) as conn:
        return attached("units", kind, lambda path: export.write_units(conn, path, wanted))


@router.get("/reconciliation")
def work_list(
    context: Context,
    asker: Annotated[Asker, Depends(permit("reconciliation.view"))],
    source: str = "",
    kind: str = "",
    decided: bool = False,
    after: int = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = reconciliation.PAGE,
) -> list[Reconciliation]:
    """What sources say differently than the registry, or about units that nobody knows."""
    with context.transaction(asker) as conn:
        return reconciliation.items(conn, WorkFilter(source, kind, decided), after, limit)


@router.post("/reconciliation/{item}/decide")
def decide(
    context: Context, item: int, body: DecisionBody, asker: Annotated[Asker, Depends(permit("reconciliation.decide"))]
) -> Reconciliation:
    with context.transaction(asker) as conn:
        wanted = Decision(body.decision, body.reason, body.unit_id or None)
        return reconciliation.decide(conn, item, wanted, asker, context.clock.now())
