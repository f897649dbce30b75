"""Excel 报送: many records in a table, tried out first, each row told what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from dashboards.api.imports import attached, receive
from dashboards.api.records import problems_of
from dashboards.context import Context, WebContext, permit
from dashboards.pages.reads import QUERIES, rows
from dashboards.pages.record_list import wanted
from dashboards.record_sheets import LEVELS as LEVEL_WORDS
from dashboards.record_sheets import STATES as STATE_WORDS
from dashboards.rendering import local
from equipment.access.model import Asker
from equipment.foundation.tables import write_xlsx
from maintenance.records import filing, tables
from maintenance.records.filing import Receipt
from maintenance.records.tables import Known, Line
from maintenance.templates import service as templates

router = APIRouter(tags=["maintenance"])
LARGEST_BYTES = 10_000_000
AT_ONCE = 1_000
MOST_LISTED = 10_000
LISTED = (
    "记录编号", "设备编号", "识别码", "设备", "维保单位", "级别", "签到", "签退", "人员", "不合格项", "状态", "维保人员已签名", "异议",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of a row: filed, repeated, good (tried out only) or refused."""

    line: int
    idempotency_key: str
    status: str
    record_id: str | None
    warnings: tuple[str, ...]
    problems: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class TableOutcome:
    """All rows in the order of the file. ``dry_run``: nothing was kept."""

    dry_run: bool
    rows: int
    filed: int
    repeated: int
    refused: int
    outcomes: list[RowOutcome]


@router.get("/records/template.xlsx")
def template(asker: Annotated[Asker, Depends(permit("record.file"))]) -> Response:
    """The table to fill in, with one example row."""
    return attached("records-template", "xlsx", tables.write_template)


@router.get("/records/list.xlsx")
def listed(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("record.view"))]) -> Response:
    """The list of records as the page shows it under the same filters, as a table; at most 10,000 rows."""
    with context.transaction(asker) as conn:
        found = rows(conn, QUERIES.records, wanted(request) | {"limit": MOST_LISTED, "offset": 0})
    lines = [
        (
            str(r.id), r.unit_id, r.rescue_code or "", r.unit_name, r.firm_name, LEVEL_WORDS[r.level],
            f"{local(r.started_at):%Y-%m-%d %H:%M}", f"{local(r.ended_at):%Y-%m-%d %H:%M}", "、".join(w["name"] for w in r.workers),
            str(r.failed_items), STATE_WORDS[r.state], "是" if r.signed else "否", r.dispute_reason or "",
        )
        for r in found
    ]  # fmt: skip
    return attached("records", "xlsx", lambda path: write_xlsx(path, LISTED, lines, "维保记录"))


@router.post("/records/table")
async def file_table(
    request: Request,
    context: Context,
    asker: Annotated[Asker, Depends(permit("record.file"))],
    dry_run: bool = True,
) -> TableOutcome:
    """An XLSX, XLS or CSV file as the request's body; at most 2,000 rows. First with ``dry_run``, which keeps nothing.

    Rows are filed or refused one by one; the same file may be sent again, what was filed is then repeated.
    """
    with NamedTemporaryFile(prefix="teshe-records-") as file:
        await receive(request, file, LARGEST_BYTES)
        return await run_in_threadpool(_file, context, asker, Path(file.name), dry_run=dry_run)


def _file(context: WebContext, asker: Asker, path: Path, *, dry_run: bool) -> TableOutcome:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        owned = conn.execute(filing.QUERIES.lifts_of_firm, (asker.organisation_id,)).fetchall()
        lists = templates.lists_of(conn, {row[0]: row[2] for row in owned}, now)
        lifts = {
            name: Known(row[0], next(iter(lists[row[0]]), None)) for row in owned for name in (row[0], row[1]) if name
        }
        lines = tables.read(path, lifts.get)
        conn.execute("savepoint sandbox")
        good = [line for line in lines if line.filing is not None]
        done: dict[int, Any] = {}
        for start in range(0, len(good), AT_ONCE):
            part = good[start : start + AT_ONCE]
            filings = [line.filing for line in part if line.filing is not None]
            made = filing.submit_many(conn, filings, asker, now)
            done |= {line.line: outcome for line, outcome in zip(part, made, strict=True)}
        if dry_run:
            conn.execute("rollback to savepoint sandbox")
    outcomes = [_outcome(line, done.get(line.line), dry_run=dry_run) for line in lines]
    counted = {s: sum(o.status == s for o in outcomes) for s in ("filed", "good", "repeated", "refused")}
    return TableOutcome(
        dry_run, len(lines), counted["filed"] + counted["good"], counted["repeated"], counted["refused"], outcomes
    )


def _outcome(line: Line, outcome: Any, *, dry_run: bool) -> RowOutcome:
    if isinstance(outcome, Receipt):
        status = "repeated" if outcome.repeated else "good" if dry_run else "filed"
        record = None if dry_run and not outcome.repeated else str(outcome.record_id)
        return RowOutcome(line.line, line.key, status, record, outcome.warnings, [])
    problems = [{"field": f, "reason": r} for f, r in line.problems] if outcome is None else problems_of(outcome)
    return RowOutcome(line.line, line.key, "refused", None, (), problems)
