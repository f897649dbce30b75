"""真实性核查: what was found of records, what the accused answers, what the inspector decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from dashboards.context import Context, permit
from equipment.access.model import Asker
from maintenance.plausibility import service
from maintenance.plausibility.catalogue import catalogue
from maintenance.plausibility.service import Held
from maintenance.records import service as records

router = APIRouter(tags=["plausibility"])


class Said(BaseModel):
    """What is said of a finding."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=service.LONGEST_ANSWER)


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding with its explanation in both languages. It counts only when ``counts`` is true."""

    id: int
    record_id: UUID
    check: str
    weight: int
    zh: str
    en: str
    values: dict[str, Any]
    state: str
    counts: bool
    found_at: datetime
    answer_by: datetime


@dataclass(frozen=True, slots=True)
class StoryView:
    """What was looked at of a record. ``points`` of what counts, ``provisional`` with what may still be answered."""

    looked_at: datetime
    looked: tuple[str, ...]
    skipped: list[dict[str, str]]
    points: int
    provisional: int
    band: str
    findings: list[FindingView]


def shown(held: Held) -> FindingView:
    """A finding with its words."""
    check = catalogue().checks[held.check]
    return FindingView(
        held.id, held.record_id, held.check, held.weight, check.told(held.detail, "zh"), check.told(held.detail, "en"),
        held.detail, held.state, service.counts(held.state, held.weight), held.found_at, held.answer_by,
    )  # fmt: skip


@router.get("/records/{record_id}/plausibility")
def story(
    context: Context, record_id: UUID, asker: Annotated[Asker, Depends(permit("finding.view"))]
) -> StoryView | None:
    """What was found of a record and why; null while nobody has looked. No grade or penalty follows from points alone."""
    with context.transaction(asker) as conn:
        found = service.story(conn, record_id)
        if found is None:
            records.require(conn, record_id)
            return None
    return StoryView(
        found.at, found.looked, [dict(s) for s in found.skipped], found.points, found.provisional, found.band.value,
        [shown(held) for held in found.findings],
    )  # fmt: skip


@router.post("/findings/{finding}/answer")
def answer(
    context: Context, finding: int, said: Said, asker: Annotated[Asker, Depends(permit("finding.answer"))]
) -> FindingView:
    """申辩: answer a finding against a record of your firm."""
    return _act(context, finding, "answer", said, asker)


@router.post("/findings/{finding}/uphold")
def uphold(
    context: Context, finding: int, said: Said, asker: Annotated[Asker, Depends(permit("finding.decide"))]
) -> FindingView:
    """The answer does not explain it: from now on the finding counts."""
    return _act(context, finding, "uphold", said, asker)


@router.post("/findings/{finding}/dismiss")
def dismiss(
    context: Context, finding: int, said: Said, asker: Annotated[Asker, Depends(permit("finding.decide"))]
) -> FindingView:
    """It is explained: the finding counts for nothing."""
    return _act(context, finding, "dismiss", said, asker)


def _act(context: Context, finding: int, event: str, said: Said, asker: Asker) -> FindingView:
    with context.transaction(asker) as conn:
        return shown(service.act(conn, finding, event, said.reason, asker, context.clock.now()))
