"""``teshe import equipment`` and ``teshe imports``: files of units, from the command line and as they come from the pages."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from dashboards.composition import require_database
from equipment.errors import ImportFileError
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.foundation.logs import configure_logging
from equipment.foundation.monitor import monitored
from equipment.foundation.process import StopSignal
from equipment.foundation.settings import FoundationSettings
from equipment.imports import store
from equipment.imports.model import ImportJob, ImportOptions, JobState
from equipment.imports.runner import Importer, run_importer
from equipment.imports.settings import ImportSettings

REFUSED = 1
SHOWN = 50
PHASES = {"reading": "读取", "matching": "匹配", "checking": "检查", "writing": "写入", "waiting": "等待"}


def imports_command() -> None:
    """Run imports as people hand them in on the pages."""
    settings, clock, stop = FoundationSettings(), SystemClock(), StopSignal().listen()
    configure_logging(settings.log_format, settings.log_level)
    with monitored(settings.metrics_host, settings.metrics_port, stop, clock):
        run_importer(require_database(settings), clock, stop)


def import_equipment_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV (UTF-8, GB18030) or XLSX.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
    source: Annotated[str, typer.Option(help="registry, registration, plates or firm.")] = "registry",
    firm: Annotated[int | None, typer.Option(help="Id of the firm whose list it is.")] = None,
    create_organisations: Annotated[
        bool, typer.Option("--create-organisations", help="Register unknown organisations.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Compare with the registry of today, though it was imported.")
    ] = False,
) -> None:
    """Units of equipment: checked as a trial, then written. The same command goes on after a kill."""
    settings, console = ImportSettings(), Console(stderr=True)
    sent = store.submission(file, file.name, settings.most_bytes)
    options = ImportOptions(source, firm, create_organisations)
    url, clock = require_database(FoundationSettings()), SystemClock()
    with (
        connect(url, DatabaseRole.SYSTEM, application_name="teshe-import", autocommit=True) as conn,
        connect(url, DatabaseRole.SYSTEM, application_name="teshe-import-2", autocommit=True) as beside,
        progress_bar(console) as bar,
    ):
        task = bar.add_task("读取", total=None)
        importer = Importer(conn, clock, settings, lambda phase, done, total: bar.update(
            task, description=PHASES[phase], completed=done, total=max(done, total) or None), beside)  # fmt: skip
        with conn.transaction():
            job_id, _ = store.submit(conn, sent, options, None, clock.now(), again=again)
        job = _carry(conn, importer, job_id)
        if not dry_run and job.state is JobState.CHECKED:
            with conn.transaction():
                store.request_apply(conn, job_id, clock.now())
            job = _carry(conn, importer, job_id)
        lines = store.report(conn, job_id, limit=1_000_000 if as_json else SHOWN)
    _tell(job, lines, as_json=as_json, dry_run=dry_run)
    if job.state is JobState.FAILED or job.counts.get("refused"):
        raise typer.Exit(REFUSED)


def _carry(conn: Connection, importer: Importer, job_id: int) -> ImportJob:
    if not importer.run(job_id):
        raise ImportFileError(
            f"另一个进程正在处理导入任务 {job_id}，稍后再看 (another process is at this import: look again later)"
        )
    return store.require_job(conn, job_id)


def progress_bar(console: Console) -> Progress:
    """A bar on the terminal; nothing where there is none."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip


def summary(job: ImportJob) -> dict[str, Any]:
    """What a job did, for programs."""
    return {
        "job": job.id, "state": job.state.value, "file": job.file_name, "encoding": job.encoding, "repeat": job.repeat,
        "ignored_columns": job.ignored_columns, "failure": job.failure, **job.counts,
    }  # fmt: skip


def _tell(job: ImportJob, lines: list[store.ReportLine], *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        body = {**summary(job), "dry_run": dry_run, "report": [asdict(line) for line in lines]}
        typer.echo(json.dumps(body, ensure_ascii=False))
        return
    console = Console()
    if job.failure:
        console.print(f"[red]{job.failure}[/red]")
        return
    if lines:
        table = Table("行 row", "列 column", "值 value", "原因 why", "怎么办 what to do", title=job.file_name)
        for line in lines:
            table.add_row(str(line.line), line.title, line.value, line.why, line.remedy)
        console.print(table)
        if len(lines) == SHOWN:
            console.print(f"只显示前 {SHOWN} 条，完整报告用 --json (the first {SHOWN}; all with --json)")
    c = job.counts
    verb = "试导入 trial" if job.state is JobState.CHECKED else "已导入 imported"
    console.print(
        f"{verb} #{job.id}: 新增 new {c['new']}  更新 updated {c['update']}  无变化 unchanged {c['unchanged']}  "
        f"待指定 to be matched {c['waiting']}  待核对 to be decided {c['conflicts']}  拒绝 refused {c['refused']}"
    )
    if job.ignored_columns:
        console.print(f"未使用的列 ignored columns: {'、'.join(job.ignored_columns)}")
