"""Runs import jobs: reads the file into staged rows, plans every row, writes what was agreed to.

Each step is a chain of short transactions, and what is done is in the database: after a kill the same job goes on.
A row is written whole, with its audit entry and its source's key, or not at all (ADR 0015).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb, set_json_dumps, set_json_loads

from equipment.access.store import Change, audit_many
from equipment.errors import ImportFileError
from equipment.foundation.clock import SHANGHAI, Clock
from equipment.foundation.database import Connection, DatabaseRole, connect, set_local, translated
from equipment.foundation.errors import TableFileError, WorldError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import StopSignal, backoff_seconds
from equipment.foundation.tables import read_table
from equipment.imports.columns import is_header, map_header, sources
from equipment.imports.model import ImportJob, JobEvent, JobState, Outcome, Problem, Severity
from equipment.imports.organisations import create_planned, find_organisations
from equipment.imports.parse import Stated, read_row, source_key
from equipment.imports.plan import UNIT_FIELDS, Candidate, Ground, Known, Plan, plan_row
from equipment.imports.settings import ImportSettings
from equipment.imports.store import QUERIES, move, require_job, stored_file

log = get_logger("equipment.imports")
PAUSE_SECONDS = 0.5
READ_AT_ONCE = 5_000
SETTABLE = tuple(name for name in UNIT_FIELDS if name not in ("id", "kind"))
TEXT_COLUMNS = (
    "id", "device_code", "registration_code", "certificate_no", "rescue_code", "use_org", "use_org_code", "firm_org",
    "firm_org_code", "jurisdiction_id",
)  # fmt: skip
UNIT_COLUMNS = ", ".join(f"u.{name}" for name in UNIT_FIELDS)
COPY_ROWS = (
    f"copy equipment.import_row (job_id, line, source_key, {', '.join(TEXT_COLUMNS)}, stated, broken) from stdin"
)
COPY_PROBLEMS = "copy equipment.import_problem (job_id, line, stage, severity, title, value, why, remedy) from stdin"
COPY_PLANS = "copy equipment.import_plan (job_id, line, outcome, unit_no, patch, conflicts, read_at) from stdin"

Progress = Callable[[str, int, int], None]
"""Phase, rows done, rows in all."""


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def silent(phase: str, done: int, total: int) -> None:
    """Shows nothing."""


@dataclass(slots=True)
class Importer:
    """Runs jobs over one connection of the system role, in autocommit.

    A second such connection writes every other part of a large file ``beside`` the first: a part is one transaction and
    needs none of the others, and the time goes into the database.
    """

    conn: Connection
    clock: Clock
    settings: ImportSettings
    show: Progress = silent
    beside: Connection | None = None

    def __post_init__(self) -> None:
        for conn in (self.conn, self.beside):
            if conn is not None:
                # a plan made for the first few lines must not serve the last ones
                conn.prepare_threshold = None
                set_json_dumps(_json, conn)
                set_json_loads(msgspec.json.decode, conn)

    def run_open(self) -> int:
        """Run every job that waits for the importer; returns how many."""
        return sum(self.run(job) for (job,) in self.conn.execute(QUERIES.open_jobs).fetchall())

    def run(self, job_id: int) -> bool:
        """Take a job as far as it goes without a person; False when another process is at it."""
        with self._alone(job_id) as mine:
            if not mine:
                return False
            job = require_job(self.conn, job_id)
            if job.state is JobState.RECEIVED:
                self._try(job, self._check)
            elif job.state is JobState.APPLYING:
                self._try(job, self._write)
            return True

    @contextmanager
    def _alone(self, job_id: int) -> Iterator[bool]:
        # a lock of the session: it ends with the process, and the next one goes on
        row = self.conn.execute(QUERIES.try_lock, (job_id,)).fetchone()
        mine = bool(row and row[0])
        try:
            yield mine
        finally:
            if mine and not self.conn.closed:
                self.conn.execute(QUERIES.unlock, (job_id,))

    def _try(self, job: ImportJob, work: Callable[[ImportJob], None]) -> None:
        try:
            work(job)
        except (ImportFileError, TableFileError) as error:
            with self.conn.transaction():
                self.conn.execute(QUERIES.fail_job, (str(error), job.id))
                move(self.conn, job.id, JobEvent.FAIL, self.clock.now())

    def _progress(self, job: ImportJob, phase: str, done: int, total: int) -> None:
        self.conn.execute(QUERIES.progress, (phase, done, max(done, total), self.clock.now(), job.id))
        self.show(phase, done, total)

    # ── read ──

    def _check(self, job: ImportJob) -> None:
        if not job.staged:
            self._stage(job)
        self._plan(job)
        with self.conn.transaction():
            move(self.conn, job.id, JobEvent.CHECK, self.clock.now())

    def _stage(self, job: ImportJob) -> None:
        with self.conn.transaction():
            self.conn.execute(QUERIES.clear_rows, (job.id,))
            self.conn.execute(QUERIES.clear_problems, (job.id, "read"))
        with stored_file(self.conn, job) as path:
            table = read_table(path, is_header)
            mapping = map_header(table.header)
            self.conn.execute(QUERIES.set_file, (table.encoding, list(mapping.ignored), job.id))
            done = 0
            rows = (read_row(row, mapping) for row in table.rows)
            while batch := list(islice(rows, READ_AT_ONCE)):
                done += len(batch)
                if done > self.settings.most_rows:
                    raise ImportFileError(f"一次最多 {self.settings.most_rows} 行，请拆分文件 (split the file)")
                with self.conn.transaction():
                    self._copy_rows(job, batch)
                self._progress(job, "reading", done, table.lines - 1)
        if not done:
            raise ImportFileError("表头以下没有数据行 (no rows below the header)")
        with self.conn.transaction():
            self.conn.execute(QUERIES.set_staged, (job.id,))
        self.conn.execute(QUERIES.analyze_rows)

    def _copy_rows(self, job: ImportJob, batch: list[Stated]) -> None:
        wanted = sources()[job.options.source].key
        with self.conn.cursor() as cursor, cursor.copy(COPY_ROWS) as copy:
            for stated in batch:
                values = stated.values
                texts = [values.get(name) for name in TEXT_COLUMNS]
                copy.write_row((job.id, stated.line, source_key(values, wanted), *texts, _json(values), stated.broken))
        self._copy_problems(job, "read", [problem for stated in batch for problem in stated.problems])

    def _copy_problems(self, job: ImportJob, stage: str, problems: Iterable[Problem]) -> None:
        with self.conn.cursor() as cursor, cursor.copy(COPY_PROBLEMS) as copy:
            for p in problems:
                value = p.value.replace("\x00", "�")
                copy.write_row((job.id, p.line, stage, p.severity.value, p.title, value, p.why, p.remedy))

    # ── plan ──

    def _plan(self, job: ImportJob) -> None:
        """Plan every row that is not written yet, against the registry of now."""
        with self.conn.transaction():
            self._progress(job, "matching", 0, 0)
            self.conn.execute(QUERIES.clear_plan, (job.id,))
            self.conn.execute(QUERIES.clear_problems, (job.id, "check"))
            self.conn.execute(QUERIES.clear_matches, (job.id,))
            matching = {
                "job": job.id, "source": job.options.source_name, "scope": job.scope_path, "firm": job.firm_org_id,
                # our own file names its units by id and codes; an address is for those who know no better
                "by_place": job.options.source != "registry",
            }  # fmt: skip
            self.conn.execute(QUERIES.match_rows, matching)
            ground = self._ground(job)
            twins = self._twins(job)
            first: dict[int, int] = dict(self.conn.execute(QUERIES.applied_units, (job.id,)).fetchall())
            total = self._one(QUERIES.row_count, job.id)
        after, done = 0, 0
        while True:
            with self.conn.transaction():
                rows = self._candidates(job, after, twins)
                if not rows:
                    break
                plans = [plan_row(row, ground) for row in rows]
                for plan in plans:
                    _refuse_second(plan, first)
                self._keep_plans(job, plans)
            after, done = rows[-1].line, done + len(rows)
            self._progress(job, "checking", done, total)
        with self.conn.transaction():
            self._count(job)

    def _one(self, query: Any, *values: Any) -> int:
        row = self.conn.execute(query, values).fetchone()
        return int(row[0]) if row else 0

    def _ground(self, job: ImportJob) -> Ground:
        kept, ignored = {}, set()
        for key, name, value, decision in self.conn.execute(QUERIES.kept_values, (job.options.source_name,)):
            if decision == "keep":
                kept[key, name] = value
            else:
                ignored.add(key)
        today = self.clock.now().astimezone(SHANGHAI).date()
        found = find_organisations(self.conn, job.id, create=job.options.create_organisations)
        return Ground(job.options, job.scope_path, today, found, kept, frozenset(ignored), job.firm_org_id)

    def _twins(self, job: ImportJob) -> dict[int, list[tuple[str, list[int]]]]:
        found: dict[int, list[tuple[str, list[int]]]] = {}
        for name, lines in self.conn.execute(QUERIES.twins, {"job": job.id}):
            for line in lines:
                found.setdefault(line, []).append((name, [other for other in lines if other != line]))
        return found

    def _candidates(self, job: ImportJob, after: int, twins: dict[int, list[tuple[str, list[int]]]]) -> list[Candidate]:
        values = {"job": job.id, "after": after, "limit": READ_AT_ONCE}
        found = []
        for row in self.conn.execute(QUERIES.planned_rows.format(unit_columns=UNIT_COLUMNS), values):
            line, key, stated, broken, met, no, path, changed_at, *unit = row
            known = None
            if no is not None:
                known = Known(no, dict(zip(UNIT_FIELDS, (_plain(v) for v in unit), strict=True)), path, changed_at)
            found.append(Candidate(line, key, stated, broken, met or (), known, twins.get(line, ())))
        return found

    def _keep_plans(self, job: ImportJob, plans: list[Plan]) -> None:
        with self.conn.cursor() as cursor, cursor.copy(COPY_PLANS) as copy:
            for p in plans:
                copy.write_row(
                    (job.id, p.line, p.outcome.value, p.unit_no, _json(p.patch), _json(p.conflicts), p.read_at)
                )
        self._copy_problems(job, "check", [problem for plan in plans for problem in plan.problems])

    def _count(self, job: ImportJob) -> None:
        counts = {outcome.value: 0 for outcome in Outcome} | {"rows": 0, "conflicts": 0}
        for outcome, rows, conflicts in self.conn.execute(QUERIES.outcomes, (job.id,)):
            counts[outcome] = rows
            counts["rows"] += rows
            counts["conflicts"] += conflicts
        counts["noted"] = self._one(QUERIES.notes, job.id)
        self.conn.execute(QUERIES.set_counts, (Jsonb(counts), job.id))

    # ── write ──

    def _write(self, job: ImportJob) -> None:
        with self.conn.transaction():
            create_planned(self.conn, job.id, self.clock.now())
        # again: the registry may have changed since the trial, and the organisations have their ids now
        self._plan(job)
        at_once = self.settings.rows_at_once
        page = {"job": job.id, "after": 0, "limit": 2 * at_once}
        self.conn.execute(QUERIES.analyze_plans)
        row = self.conn.execute(QUERIES.pending_count, page).fetchone()
        total, done = (int(row[0]) if row else 0), 0
        while lines := [line for (line,) in self.conn.execute(QUERIES.pending_lines, page)]:
            self._write_parts(job, lines[:at_once], lines[at_once:])
            page["after"], done = lines[-1], done + len(lines)
            self._progress(job, "writing", done, total)
        with self.conn.transaction():
            self._count(job)
            self.conn.execute(QUERIES.clear_matches, (job.id,))
            self.conn.execute(QUERIES.forget_file, (job.id,))
            move(self.conn, job.id, JobEvent.FINISH, self.clock.now())

    def _write_parts(self, job: ImportJob, first: list[int], second: list[int]) -> None:
        if self.beside is None or not second:
            self._write_lines(job, first)
            if second:
                self._write_lines(job, second)
            return
        other = Importer(self.beside, self.clock, self.settings)
        with ThreadPoolExecutor(1, "import") as pool:
            written = pool.submit(other._write_lines, job, second)
            self._write_lines(job, first)
            written.result()

    def _write_lines(self, job: ImportJob, lines: list[int]) -> None:
        """Write rows in one transaction; where one breaks a rule of the database, halve until it stands alone."""
        try:
            with self.conn.transaction():
                self._write_together(job, lines)
        except psycopg.errors.DeadlockDetected:
            # a plate passes from a unit of the other part to one of these; the other part is through
            self._write_lines(job, lines)
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError, psycopg.errors.RaiseException) as error:
            if len(lines) > 1:
                self._write_lines(job, lines[: len(lines) // 2])
                self._write_lines(job, lines[len(lines) // 2 :])
                return
            why = error.diag.message_primary or type(error).__name__
            with self.conn.transaction():
                self._refuse(
                    job,
                    lines[0],
                    f"数据库拒绝此行: {why} (refused by the database)",
                    "核对编号后重新导入 (look at its codes and import again)",
                )

    def _write_together(self, job: ImportJob, lines: list[int]) -> None:
        now = self.clock.now()
        set_local(self.conn, "teshe.account", "" if job.account_id is None else str(job.account_id))
        values: dict[str, Any] = {
            "job": job.id, "lines": lines, "now": now, "account": job.account_id, "source": job.options.source_name,
            "scope": job.scope_path,
        }  # fmt: skip
        self.conn.execute(QUERIES.lock_planned_units, values)
        stale = {line for (line,) in self.conn.execute(QUERIES.stale_lines, values)}
        for line in sorted(stale):
            self._refuse(
                job,
                line,
                "试导入后此设备已被他人修改 (changed by somebody meanwhile)",
                "重新导入此文件 (import the file again)",
            )
        values["lines"] = [line for line in lines if line not in stale]
        columns = ", ".join(UNIT_FIELDS)
        made = ", ".join(f"v.{name}" for name in UNIT_FIELDS)
        planned = self.conn.execute(QUERIES.planned_lines, values).fetchall()
        numbers: dict[str, int] = dict(
            self.conn.execute(QUERIES.insert_units.format(columns=columns, values=made), values).fetchall()
        )
        values["lines"] = [line for line, _, _, _ in planned]
        values["units"] = [numbers[new] if outcome == "new" else no for _, outcome, no, new in planned]
        self.conn.execute(QUERIES.mark_applied, values)
        audit_many(
            self.conn,
            job.account_id,
            [
                ("unit.create" if outcome == "new" else "unit.edit", f"unit:{unit}",
                 Change(f"导入 {job.file_name}", before, after, f"import:{job.id} line {line}"))
                for outcome, unit, before, after, line in self.conn.execute(QUERIES.changes_to_audit, values).fetchall()
            ],
            now,
        )  # fmt: skip
        assignments = ", ".join(f"{name} = v.{name}" for name in SETTABLE)
        self.conn.execute(QUERIES.update_units.format(assignments=assignments), values)
        self.conn.execute(QUERIES.link_sources, values)
        self.conn.execute(QUERIES.settle_reconciliations, values)
        self.conn.execute(QUERIES.open_reconciliations, values)

    def _refuse(self, job: ImportJob, line: int, why: str, remedy: str) -> None:
        self.conn.execute(QUERIES.refuse_line, (job.id, line))
        self.conn.execute(QUERIES.insert_problem, (job.id, line, Severity.REFUSAL.value, "整行", "", why, remedy))

    def forget(self, now: datetime) -> None:
        """Delete staged rows of jobs that ended long ago; the job and its report stay."""
        before = now - timedelta(days=self.settings.keep_days)
        with self.conn.transaction():
            self.conn.execute(QUERIES.forget_rows, (before,))
            self.conn.execute(QUERIES.forget_plans, (before,))
            self.conn.execute(QUERIES.forget_applied, (before,))


def _plain(value: Any) -> Any:
    """A value of a unit as files state it: dates as text."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def _refuse_second(plan: Plan, first: dict[int, int]) -> None:
    """Two rows of one file never write the same unit."""
    if plan.unit_no is None or plan.outcome is Outcome.REFUSED:
        return
    line = first.setdefault(plan.unit_no, plan.line)
    if line != plan.line:
        plan.refuse(
            "整行",
            "",
            f"与第 {line} 行是同一台设备 (the same unit as in line {line})",
            "每台设备只保留一行 (keep one row per unit)",
        )
        plan.outcome, plan.patch, plan.conflicts = Outcome.REFUSED, {}, []


def run_importer(url: str, clock: Clock, stop: StopSignal) -> None:
    """Run jobs as they come until asked to stop; a database that is away is waited for."""
    attempt, forget_at = 0, clock.now()
    while not stop.is_set:
        try:
            with (
                translated(),
                connect(url, DatabaseRole.SYSTEM, application_name="teshe-imports", autocommit=True) as conn,
                connect(url, DatabaseRole.SYSTEM, application_name="teshe-imports-2", autocommit=True) as beside,
            ):
                importer = Importer(conn, clock, ImportSettings(), beside=beside)
                log.info("imports_ready")
                while not stop.is_set:
                    done = importer.run_open()
                    attempt = 0
                    if clock.now() >= forget_at:
                        importer.forget(clock.now())
                        forget_at = clock.now() + timedelta(hours=1)
                    stop.wait(0 if done else PAUSE_SECONDS)
        except (WorldError, psycopg.Error) as error:
            attempt += 1
            log.error("imports_failed", error=str(error), kind=type(error).__name__, attempt=attempt)
            stop.wait(backoff_seconds(attempt))
