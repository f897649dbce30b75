"""设备导入 and 核对: hand a file in, watch it, read the report, apply; decide what sources disagree about."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.i18n import DEFAULT_LANGUAGE
from dashboards.pages.frame import language_of, page
from dashboards.pages.reads import filters
from equipment.access.model import Asker, ScopeKind
from equipment.foundation.database import Connection
from equipment.imports import reconciliation, store
from equipment.imports.columns import ORGANISATIONS, Source, columns, sources, template_header
from equipment.imports.model import JobState
from equipment.imports.reconciliation import ACTS, Reconciliation, WorkFilter
from equipment.imports.settings import ImportSettings
from equipment.registry.store import organisations

router = APIRouter(include_in_schema=False)
REPORT_ROWS = 200
OPEN_STATES = (JobState.RECEIVED, JobState.APPLYING)


def _named(source: Source, language: str) -> str:
    return source.zh if language == DEFAULT_LANGUAGE else source.en


def _number(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 18 else 0


@router.get("/imports")
def imports(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("unit.import"))]) -> Response:
    with context.transaction(asker) as conn:
        jobs = store.newest_jobs(conn)
        firms = organisations(conn, "maintenance_firm")
        waiting = sum(reconciliation.counts(conn).values())
    language = language_of(request)
    return page(
        request,
        "pages/imports.html",
        jobs=jobs,
        firms=[(firm.id, firm.name) for firm in firms],
        sources=[(s.name, _named(s, language)) for s in sources().values()],
        names={s.name: _named(s, language) for s in sources().values()},
        header=template_header(),
        most_mb=ImportSettings().most_bytes // 1_000_000,
        waiting=waiting,
        own=asker.scope_kind is ScopeKind.FIRM,
    )


@router.get("/imports/{job}")
def one_import(
    request: Request, context: Context, job: int, asker: Annotated[Asker, Depends(permit("unit.import"))]
) -> Response:
    after = _number(filters(request, "after")["after"])
    with context.transaction(asker) as conn:
        found = store.require_job(conn, job)
        ready = found.state in (JobState.CHECKED, JobState.DONE)
        report = store.report(conn, job, after, REPORT_ROWS + 1) if ready else []
    return page(
        request,
        "pages/import.html",
        job=found,
        source=_named(sources()[found.options.source], language_of(request)),
        open=found.state in OPEN_STATES,
        report=report[:REPORT_ROWS],
        more=report[REPORT_ROWS - 1].id if len(report) > REPORT_ROWS else None,
    )


def _title(name: str, language: str) -> str:
    column = columns().get(ORGANISATIONS[name][0] if name in ORGANISATIONS else name)
    if column is None:
        return name
    return column.zh if language == DEFAULT_LANGUAGE else column.en


def _shown(item: Reconciliation, value: Any, names: dict[int, str], language: str) -> str:
    """A value of an item in words."""
    if item.field in ORGANISATIONS and isinstance(value, int):
        return names.get(value, str(value))
    if isinstance(value, dict):
        return "  ".join(f"{_title(k, language)}: {v}" for k, v in value.items() if v is not None)
    return "" if value is None else str(value)


def _names(conn: Connection, items: list[Reconciliation]) -> dict[int, str]:
    wanted = {
        value for item in items if item.field in ORGANISATIONS
        for value in (item.registry_value, item.source_value) if isinstance(value, int)
    }  # fmt: skip
    found = conn.execute("select id, name from equipment.organisation where id = any(%s)", (sorted(wanted),))
    return dict(found.fetchall())


@router.get("/reconciliation")
def work_list(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("reconciliation.view"))]
) -> Response:
    asked, language = filters(request, "source", "kind", "decided", "after"), language_of(request)
    wanted = WorkFilter(asked["source"], asked["kind"], asked["decided"] == "yes")
    with context.transaction(asker) as conn:
        found = reconciliation.items(conn, wanted, _number(asked["after"]), reconciliation.PAGE + 1)
        counts = reconciliation.counts(conn)
        names = _names(conn, found)
    shown = found[: reconciliation.PAGE]
    known = sorted({source for source, _ in counts} | ({asked["source"]} if asked["source"] else set()))
    return page(
        request,
        "pages/reconciliation.html",
        items=[
            (i, _title(i.field, language), _shown(i, i.registry_value, names, language),
             _shown(i, i.source_value, names, language))
            for i in shown
        ],
        acts={kind: tuple(acts) for kind, acts in ACTS.items()},
        sources=[(s, source_name(s, language)) for s in known],
        source_names={s: source_name(s, language) for s in {*known, *(i.source for i in shown)}},
        total=sum(counts.values()),
        more=shown[-1].id if len(found) > reconciliation.PAGE else None,
    )  # fmt: skip


def source_name(source: str, language: str) -> str:
    """The name of a source as items carry it: ``plates``, ``firm:12``."""
    kind, _, number = source.partition(":")
    known = sources().get(kind)
    name = source if known is None else _named(known, language)
    return f"{name} #{number}" if number else name
