"""制造单位维保模板: import, approve, assign; what the form and the filing of records then use."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from dashboards.api.imports import attached, receive
from dashboards.context import Context, WebContext, permit
from dashboards.pages.reads import rows
from equipment.access.model import Asker
from equipment.access.store import Change, audit
from maintenance.templates import model, service
from maintenance.templates.service import NewTemplate, Target

router = APIRouter(tags=["maintenance"])
LARGEST_BYTES = 2_000_000
MOST_LISTED = 500
YAML_NAMES = (".yaml", ".yml")


class Reason(BaseModel):
    """Why; needed to reject and to withdraw."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=1_000)


class NewAssignment(BaseModel):
    """A name whose newest approved version holds, for one machine or one variety; an empty name takes it away."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=200)
    unit_id: str | None = Field(None, max_length=40)
    variety_code: str | None = Field(None, max_length=4)
    manufacturer: str = Field("", max_length=200)


@dataclass(frozen=True, slots=True)
class Proposed:
    """Kept, to be approved."""

    id: int
    items: int


@dataclass(frozen=True, slots=True)
class State:
    """Where a version stands now."""

    state: str


@router.get("/templates")
def listing(context: Context, asker: Annotated[Asker, Depends(permit("template.view"))]) -> list[dict[str, Any]]:
    """Every version of every name; those that wait for approval first."""
    with context.transaction(asker) as conn:
        return [row._asdict() for row in rows(conn, service.QUERIES.listing, (MOST_LISTED,))]


@router.get("/templates/example.xlsx")
def example(asker: Annotated[Asker, Depends(permit("template.import"))]) -> Response:
    """The table to fill in, with example rows."""
    return attached("maintenance-items", "xlsx", model.write_example)


@router.post("/templates", status_code=201)
async def propose(
    request: Request,
    context: Context,
    asker: Annotated[Asker, Depends(permit("template.import"))],
    name: Annotated[str, Query(min_length=1, max_length=200)],
    variety_code: Annotated[str, Query(min_length=4, max_length=4)],
    source: Annotated[str, Query(min_length=1, max_length=500, description="The manufacturer's document")],
    manufacturer: Annotated[str, Query(max_length=200)] = "",
    file_name: Annotated[str, Query(max_length=300, description=".yaml or .yml; otherwise a table")] = "",
) -> Proposed:
    """An XLSX, XLS, CSV or YAML file as the request's body: a new version of that name."""
    with NamedTemporaryFile(prefix="teshe-items-") as file:
        await receive(request, file, LARGEST_BYTES)
        as_yaml = file_name.lower().endswith(YAML_NAMES)
        items = await run_in_threadpool(model.read, Path(file.name), as_yaml=as_yaml)
    wanted = NewTemplate(name, variety_code, manufacturer, source, items)
    made = await run_in_threadpool(_propose, context, asker, wanted)
    return Proposed(made, len(items))


def _propose(context: WebContext, asker: Asker, wanted: NewTemplate) -> int:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        made = service.propose(conn, wanted, asker, now)
        audit(conn, asker, "template.import", f"template:{made}", now)
    return made


@router.get("/templates/{template_id}")
def template(
    context: Context, template_id: int, asker: Annotated[Asker, Depends(permit("template.view"))]
) -> dict[str, Any]:
    with context.transaction(asker) as conn:
        found, state = service.find(conn, template_id)
    return asdict(found) | {"state": state}


def _decide(context: WebContext, asker: Asker, template_id: int, step: str, reason: str) -> State:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        state = service.decide(conn, template_id, step, reason, asker, now)
        audit(conn, asker, f"template.{step}", f"template:{template_id}", now, reason=reason)
    return State(state)


@router.post("/templates/{template_id}/approve")
def approve(
    context: Context, template_id: int, wanted: Reason, asker: Annotated[Asker, Depends(permit("template.decide"))]
) -> State:
    """From now on it holds wherever its name is assigned; records by the version before are taken for 7 days more."""
    return _decide(context, asker, template_id, "approve", wanted.reason)


@router.post("/templates/{template_id}/reject")
def reject(
    context: Context, template_id: int, wanted: Reason, asker: Annotated[Asker, Depends(permit("template.decide"))]
) -> State:
    return _decide(context, asker, template_id, "reject", wanted.reason)


@router.post("/templates/{template_id}/withdraw")
def withdraw(
    context: Context, template_id: int, wanted: Reason, asker: Annotated[Asker, Depends(permit("template.decide"))]
) -> State:
    """It holds no longer; the approved version before it holds again."""
    return _decide(context, asker, template_id, "withdraw", wanted.reason)


@router.post("/template-assignments", status_code=204)
def assign(
    context: Context, wanted: NewAssignment, asker: Annotated[Asker, Depends(permit("template.assign"))]
) -> None:
    """A firm assigns to machines that it maintains, the authority also to varieties."""
    now = context.clock.now()
    target = Target(wanted.unit_id, wanted.variety_code, wanted.manufacturer)
    with context.transaction(asker) as conn:
        service.assign(conn, wanted.name, target, asker, now)
        to = wanted.unit_id or f"{wanted.variety_code} {wanted.manufacturer}".strip()
        audit(conn, asker, "template.assign", f"template:{to}", now, change=Change(after={"name": wanted.name}))
