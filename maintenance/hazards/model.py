"""What a hazard (隐患) is, and a step with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from maintenance.hazards.lifecycle import HazardStep, takes_full_duties


@dataclass(frozen=True, slots=True)
class Hazard:
    """One hazard as it stands. Its subject is a unit, or an organisation where there is no unit."""

    id: int
    number: str
    unit_no: int | None
    unit_id: str | None
    org_id: int | None
    lead_id: int | None
    source_kind: str | None
    state: str
    grade: str
    clause: str | None
    stop_use: bool
    description: str
    responsible_org_id: int | None
    responsible_person: str | None
    measures: str | None
    funds: str | None
    plan: str | None
    due_at: datetime | None
    opened_at: datetime
    opened_by: int
    closed_at: datetime | None
    overdue_at: datetime | None
    step_due_at: datetime | None
    step_late: bool
    supervised_at: datetime | None
    extension_until: datetime | None
    notices: int
    reopened: int
    look_back: str | None
    self_closed: bool
    risk_colour: str | None
    version: int
    jurisdiction_path: str
    unit_kind: str | None
    cause: str | None

    @property
    def full_duties(self) -> bool:
        """Whether it takes all four duties with everything they ask."""
        return takes_full_duties(self.grade, self.supervised_at is not None)


@dataclass(frozen=True, slots=True)
class Step:
    """One step that somebody takes: ``detail`` carries what the step needs (see ``lifecycle.NEEDS``)."""

    event: HazardStep
    version: int | None = None
    reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    request: str | None = None
    """Names this very step, so that a phone whose answer was lost may send it again."""
