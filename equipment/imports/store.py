"""Import jobs in the database: handed in once, looked at, applied. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from psycopg.types.json import Jsonb

from equipment.access.model import Asker, ScopeKind
from equipment.access.store import audit
from equipment.errors import ImportFileError, OutOfScopeError, UnknownImportError
from equipment.foundation.database import Connection, load_queries
from equipment.imports.model import ImportJob, ImportOptions, JobEvent, JobState, step

QUERIES = load_queries(__file__)
CHUNK_BYTES = 1_000_000
WHOLE_CITY = "/"
"""Scope of the operator's command."""
NEWEST = 2**62


@dataclass(frozen=True, slots=True)
class Submission:
    """A file that lies on this machine, to be handed in."""

    path: Path
    file_name: str
    sha256: bytes
    size: int


def options_for(asker: Asker | None, source: str, firm: int | None, *, create_organisations: bool) -> ImportOptions:
    """How a file of this asker is taken: a firm hands in the list of its own lifts, and nothing else.

    Raises
    ------
    ImportFileError
        The source is not known, or needs its firm.
    OutOfScopeError
        A firm speaks for another one, or wants to register organisations.
    """
    if asker is None or asker.scope_kind is not ScopeKind.FIRM:
        return ImportOptions(source or "registry", firm, create_organisations)
    if source not in ("", "firm") or firm not in (None, asker.organisation_id) or create_organisations:
        raise OutOfScopeError(
            "维保单位只能上报本单位维保的电梯 (a firm hands in the list of its own lifts, and nothing else)"
        )
    return ImportOptions("firm", asker.organisation_id)


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One line of a job's report as it is stored."""

    id: int
    line: int
    severity: str
    title: str
    value: str
    why: str
    remedy: str


def refuse_size(size: int, most_bytes: int) -> None:
    """Let a file pass that is not too large and not empty.

    Raises
    ------
    ImportFileError
    """
    if size > most_bytes:
        raise ImportFileError(
            f"文件有 {size / 1e6:.0f} MB，上限 {most_bytes / 1e6:.0f} MB：请按区县拆分，或另存为 XLSX"
            " (the file is too large: split it by district, or save it as XLSX)"
        )
    if size == 0:
        raise ImportFileError("文件是空的 (the file is empty)")


def submission(path: Path, file_name: str, most_bytes: int) -> Submission:
    """Read a file once for its digest.

    Raises
    ------
    ImportFileError
        It is too large, or empty.
    """
    refuse_size(path.stat().st_size, most_bytes)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return Submission(path, file_name[:200], digest, path.stat().st_size)


def submit(
    conn: Connection,
    sent: Submission,
    options: ImportOptions,
    asker: Asker | None,
    now: datetime,
    *,
    again: bool = False,
) -> tuple[int, bool]:
    """Hand a file in; returns the job and whether it is new.

    The same file with the same options is the same job, however often it is sent. With ``again`` a job that is over
    is followed by a new one, which compares the file with the registry of today.

    Raises
    ------
    OutOfScopeError
        The asker has no jurisdiction to import into.
    """
    firm = asker.organisation_id if asker is not None and asker.scope_kind is ScopeKind.FIRM else None
    scope = _scope(conn, asker)
    if not scope:
        raise OutOfScopeError("您的账号没有管辖范围，不能导入 (your account has no area to import into)")
    values: dict[str, Any] = {
        "file_name": sent.file_name, "file_bytes": sent.size, "sha256": sent.sha256, "options": Jsonb(options.as_json()),
        "account_id": None if asker is None else asker.account_id, "scope_path": scope, "firm": firm,
        "now": now, "repeat": 0,
    }  # fmt: skip
    last = conn.execute(QUERIES.same_jobs, values).fetchone()
    if last is not None:
        over = JobState(last[2]) not in (JobState.RECEIVED, JobState.APPLYING)
        if not (again and over):
            return int(last[0]), False
        values["repeat"] = last[1] + 1
    row = conn.execute(QUERIES.insert_job, values).fetchone()
    if row is None:  # somebody sent the same at the same moment
        same = conn.execute(QUERIES.same_jobs, values).fetchone()
        return int(same[0]) if same else 0, False
    with sent.path.open("rb") as file:
        for no, content in enumerate(iter(lambda: file.read(CHUNK_BYTES), b"")):
            conn.execute(QUERIES.insert_chunk, (row[0], no, content))
    if asker is not None:
        audit(conn, asker, "import.submit", f"import:{row[0]}", now, reason=sent.file_name)
    return int(row[0]), True


def _scope(conn: Connection, asker: Asker | None) -> str | None:
    if asker is None:
        return WHOLE_CITY
    if asker.scope_kind is ScopeKind.FIRM:
        # its lifts may stand anywhere in the city; which are its own is asked row by row
        row = conn.execute(QUERIES.whole_city).fetchone()
        return None if row is None else str(row[0])
    return asker.scope_path


@contextmanager
def stored_file(conn: Connection, job: ImportJob) -> Iterator[Path]:
    """The job's file on this machine, for as long as it is read."""
    suffix = Path(job.file_name).suffix.lower()[:8]
    with NamedTemporaryFile(prefix="teshe-import-", suffix=suffix if suffix.isascii() else "") as copy:
        for (no,) in conn.execute(QUERIES.chunks, (job.id,)).fetchall():
            row = conn.execute(QUERIES.chunk, (job.id, no)).fetchone()
            copy.write(row[0] if row else b"")
        copy.flush()
        yield Path(copy.name)


def _job(row: tuple[Any, ...]) -> ImportJob:
    job_id, name, size, options, repeat, account, scope, state, *rest = row
    return ImportJob(job_id, name, size, ImportOptions(**options), repeat, account, scope, JobState(state), *rest)


def require_job(conn: Connection, job_id: int) -> ImportJob:
    """The job.

    Raises
    ------
    UnknownImportError
        There is none, or the caller may not see it.
    """
    row = conn.execute(f"{QUERIES.job_columns} {QUERIES.where_job}", (job_id,)).fetchone()
    if row is None:
        raise UnknownImportError(f"没有导入任务 {job_id} (no such import)")
    return _job(row)


def newest_jobs(conn: Connection, before: int = NEWEST, limit: int = 50) -> list[ImportJob]:
    """Jobs that the caller may see, newest first."""
    return [_job(row) for row in conn.execute(f"{QUERIES.job_columns} {QUERIES.newest_jobs}", (before, limit))]


def move(conn: Connection, job_id: int, event: JobEvent, now: datetime, asker: Asker | None = None) -> JobState:
    """Let something happen to a job.

    Raises
    ------
    UnknownImportError, ImportStateError
    """
    row = conn.execute(QUERIES.lock_job, (job_id,)).fetchone()
    if row is None:
        raise UnknownImportError(f"没有导入任务 {job_id} (no such import)")
    after = step(JobState(row[0]), event)
    finished = after in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
    conn.execute(QUERIES.set_state, {"state": after.value, "now": now, "finished": finished, "job": job_id})
    if asker is not None:
        audit(conn, asker, f"import.{event.value}", f"import:{job_id}", now)
    return after


def request_apply(conn: Connection, job_id: int, now: datetime, asker: Asker | None = None) -> JobState:
    """Ask for the writing; a second press finds it asked for already."""
    job = require_job(conn, job_id)
    if job.state in (JobState.APPLYING, JobState.DONE):
        return job.state
    return move(conn, job_id, JobEvent.APPLY, now, asker)


def report(conn: Connection, job_id: int, after: int = 0, limit: int = 200) -> list[ReportLine]:
    """A page of the job's report, in the order of the file."""
    return [ReportLine(*row) for row in conn.execute(QUERIES.problems, (job_id, after, limit))]
