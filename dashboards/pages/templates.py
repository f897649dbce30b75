"""维保模板: which items do manufacturers demand, which wait for approval, and where do they hold?"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dashboards.context import Context, permit
from dashboards.pages.frame import page
from dashboards.pages.reads import rows
from equipment.access.model import Asker, ScopeKind
from equipment.catalogue.varieties import varieties
from maintenance.checklists.catalogue import LEVELS, PLACE_WORDS
from maintenance.templates import service

router = APIRouter(include_in_schema=False)
MOST_LISTED = 500


def _varieties() -> list[tuple[str, str]]:
    return [(v.code, f"{v.code} {v.zh}") for v in varieties().values()]


@router.get("/templates")
def templates(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("template.view"))]
) -> Response:
    """Those that wait first; then where which name holds."""
    with context.transaction(asker) as conn:
        found = rows(conn, service.QUERIES.listing, (MOST_LISTED,))
        assigned = [a for a in rows(conn, service.QUERIES.assignments) if a.name]
    approved = [(name, name) for name in sorted({t.name for t in found if t.state == "approved"})]
    return page(
        request, "pages/templates.html", templates=found, assigned=assigned, approved=approved, varieties=_varieties(),
        variety_names={v.code: v.zh for v in varieties().values()},
        of_authority=asker.scope_kind is ScopeKind.JURISDICTION,
    )  # fmt: skip


@router.get("/templates/{template_id}")
def template(
    request: Request, context: Context, template_id: int, asker: Annotated[Asker, Depends(permit("template.view"))]
) -> Response:
    """One version with its items, its source and what was decided."""
    with context.transaction(asker) as conn:
        found, state = service.find(conn, template_id)
        decisions = rows(conn, service.QUERIES.decisions, (template_id,))
    variety = varieties().get(found.variety_code)
    return page(
        request, "pages/template.html", shown=found, state=state, decisions=decisions, levels=LEVELS,
        places=PLACE_WORDS, variety=variety.zh if variety else found.variety_code,
        annex=variety is not None and variety.annex in ("A", "B", "C", "D"),
    )  # fmt: skip
