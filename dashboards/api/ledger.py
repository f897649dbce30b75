"""线索 and 隐患: judged, handed over, rectified, re-checked, closed; one route per step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from dashboards.context import Context, permit
from equipment.access.model import Asker
from maintenance import leads
from maintenance.hazards import service
from maintenance.hazards.lifecycle import BY_ITSELF, HazardStep, action_of
from maintenance.hazards.model import Hazard, Step
from maintenance.hazards.wanted import Wanted
from maintenance.leads import Decision, Judgement, Lead

router = APIRouter(tags=["ledger"])
DEEPEST = 10_000
"""Rows that a list can leave out: whoever wants more narrows the filter."""
Limit = Annotated[int, Query(ge=1, le=500)]


class Verdict(BaseModel):
    """研判: what was found, and how."""

    model_config = ConfigDict(extra="forbid")

    decision: Decision
    reason: str = Field(min_length=1, max_length=500)
    grade: str | None = None
    clause: str | None = Field(None, max_length=20)
    stop_use: bool = False


class StepBody(BaseModel):
    """One step; ``detail`` carries what the step needs. The same ``request`` again is the same step."""

    model_config = ConfigDict(extra="forbid")

    version: int | None = None
    reason: str | None = Field(None, max_length=500)
    detail: dict[str, Any] = Field(default_factory=dict)
    request: str | None = Field(None, min_length=8, max_length=64)


@router.get("/leads")
def list_leads(
    context: Context,
    asker: Annotated[Asker, Depends(permit("lead.view"))],
    state: str = "pending",
    after: int = 0,
    limit: Limit = 100,
) -> list[Lead]:
    with context.transaction(asker) as conn:
        return leads.list_leads(conn, state, after, limit)


@router.post("/leads/{lead_id}/decide")
def decide(
    context: Context, lead_id: int, verdict: Verdict, asker: Annotated[Asker, Depends(permit("lead.decide"))]
) -> dict[str, Any]:
    judgement = Judgement(verdict.decision, verdict.reason, verdict.grade, verdict.clause, verdict.stop_use)
    with context.transaction(asker) as conn:
        hazard_id = leads.decide(conn, lead_id, judgement, asker, context.clock.now())
    return {"lead_id": lead_id, "hazard_id": hazard_id}


class Answer(BaseModel):
    """What was done about it."""

    model_config = ConfigDict(extra="forbid")

    said: str = Field(min_length=1, max_length=500)


@router.post("/leads/{lead_id}/answer", status_code=204)
def answer(
    context: Context, lead_id: int, body: Answer, asker: Annotated[Asker, Depends(permit("hazard.rectify"))]
) -> None:
    """企业自改: what was left to the firm or the use-unit is answered by it."""
    with context.transaction(asker) as conn:
        leads.answer(conn, lead_id, body.said, asker, context.clock.now())


class BatchVerdict(Verdict):
    """One decision with one reason on many leads."""

    lead_ids: list[int] = Field(min_length=1, max_length=leads.MOST_AT_ONCE)


class ReportBody(BaseModel):
    """What was reported, exposed, found or handed down."""

    model_config = ConfigDict(extra="forbid")

    source: str
    unit_id: str = Field(max_length=40)
    summary: str = Field(min_length=1, max_length=500)
    document: str = Field("", max_length=100)
    cause: str = Field("", max_length=100)
    grade: str | None = None
    clause: str | None = Field(None, max_length=20)
    urgent: bool = False


@router.post("/leads", status_code=201)
def enter(
    context: Context, body: ReportBody, asker: Annotated[Asker, Depends(permit("lead.decide"))]
) -> dict[str, int]:
    with context.transaction(asker) as conn:
        return {"lead_id": leads.enter(conn, leads.Report(**body.model_dump()), asker, context.clock.now())}


@router.post("/leads/decide")
def decide_many(
    context: Context, verdict: BatchVerdict, asker: Annotated[Asker, Depends(permit("lead.decide"))]
) -> list[dict[str, Any]]:
    judgement = Judgement(verdict.decision, verdict.reason, verdict.grade, verdict.clause, verdict.stop_use)
    with context.transaction(asker) as conn:
        done = leads.decide_many(conn, verdict.lead_ids, judgement, asker, context.clock.now())
    return [{"lead_id": lead_id, "hazard_id": hazard_id} for lead_id, hazard_id in done]


class HazardFilter(BaseModel):
    """Filters of the list; empty is every one."""

    model_config = ConfigDict(extra="forbid")

    state: str = Field("open", max_length=20)
    grade: str = Field("", max_length=20)
    district: str = Field("", max_length=20)
    source: str = Field("", max_length=40)
    firm: str = Field("", max_length=9)
    age: str = Field("", max_length=9)
    flag: str = Field("", max_length=20)
    q: str = Field("", max_length=100)
    after: int = Field(0, ge=0, le=DEEPEST)
    limit: int = Field(50, ge=1, le=500)


@router.get("/hazards")
def list_hazards(
    context: Context,
    asker: Annotated[Asker, Depends(permit("hazard.view"))],
    asked: Annotated[HazardFilter, Query()],
) -> list[Hazard]:
    """Fifty rows without a jump: filters and words as on the page; what slips first comes first."""
    wanted = Wanted(**asked.model_dump(exclude={"after", "limit"}))
    with context.transaction(asker) as conn:
        return service.list_hazards(conn, wanted, asked.after, asked.limit, context.clock.now())


@router.get("/hazards/{hazard_id}")
def one(context: Context, hazard_id: int, asker: Annotated[Asker, Depends(permit("hazard.view"))]) -> Hazard:
    with context.transaction(asker) as conn:
        return service.find(conn, hazard_id)


def _route(event: HazardStep, action: str) -> Callable[..., Hazard]:
    allowed = permit(action)

    def take_step(
        context: Context, hazard_id: int, body: StepBody, asker: Annotated[Asker, Depends(allowed)]
    ) -> Hazard:
        step = Step(event, body.version, body.reason, body.detail, body.request)
        with context.transaction(asker) as conn:
            return service.act(conn, hazard_id, step, asker, context.clock.now())

    take_step.__name__ = event.value
    take_step.__doc__ = event.name.replace("_", " ").capitalize()
    # the annotation names a local of this function, which FastAPI could not look up as text
    take_step.__annotations__["asker"] = Annotated[Asker, Depends(allowed)]
    return take_step


for _event in HazardStep:
    if _event not in BY_ITSELF:
        router.add_api_route(
            f"/hazards/{{hazard_id}}/{_event.value}", _route(_event, action_of(_event)), methods=["POST"]
        )
