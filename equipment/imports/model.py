"""What an import job, its options, its rows and its plan are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from equipment.errors import ImportFileError, ImportStateError
from equipment.imports.columns import sources


class JobState(Enum):
    """State of an import job (导入任务)."""

    RECEIVED = "received"
    """The file is here; the importer reads and checks it."""
    CHECKED = "checked"
    """The trial is done (试导入完成): nothing was written, a person reads the report."""
    APPLYING = "applying"
    DONE = "done"
    FAILED = "failed"
    """The file as a whole cannot be imported; ``failure`` says why."""
    CANCELLED = "cancelled"


class JobEvent(Enum):
    """What can happen to a job."""

    CHECK = "check"
    APPLY = "apply"
    FINISH = "finish"
    FAIL = "fail"
    CANCEL = "cancel"


STEPS: dict[tuple[JobState, JobEvent], JobState] = {
    (JobState.RECEIVED, JobEvent.CHECK): JobState.CHECKED,
    (JobState.RECEIVED, JobEvent.FAIL): JobState.FAILED,
    (JobState.RECEIVED, JobEvent.CANCEL): JobState.CANCELLED,
    (JobState.CHECKED, JobEvent.APPLY): JobState.APPLYING,
    (JobState.CHECKED, JobEvent.CANCEL): JobState.CANCELLED,
    (JobState.APPLYING, JobEvent.FINISH): JobState.DONE,
    (JobState.APPLYING, JobEvent.FAIL): JobState.FAILED,
}
"""A pair that is missing is an error. What is being written is not cancelled: it would be half done."""


def step(state: JobState, event: JobEvent) -> JobState:
    """The state after an event.

    Raises
    ------
    ImportStateError
        Not possible in this state.
    """
    after = STEPS.get((state, event))
    if after is None:
        raise ImportStateError(f"导入任务处于 {state.value}，不能 {event.value} (not possible in this state)")
    return after


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is to be taken. The same file with the same options is the same job."""

    source: str = "registry"
    organisation_id: int | None = None
    """The firm, where every firm is a source of its own."""
    create_organisations: bool = False
    """Whether organisations that nobody knows are registered too."""

    def __post_init__(self) -> None:
        known = sources().get(self.source)
        if known is None:
            raise ImportFileError(f"来源 {self.source!r} 未知，可选 {', '.join(sources())} (no such source)")
        if known.per_organisation != (self.organisation_id is not None):
            raise ImportFileError(
                f"来源 {known.zh} {'必须' if known.per_organisation else '不能'}指定单位 (a firm's list needs its firm)"
            )

    @property
    def source_name(self) -> str:
        """Under which the source's keys are kept."""
        return self.source if self.organisation_id is None else f"{self.source}:{self.organisation_id}"

    def as_json(self) -> dict[str, Any]:
        """As the job keeps it."""
        return asdict(self)


class Severity(Enum):
    """What a problem does to its row."""

    REFUSAL = "refusal"
    """The row is not imported."""
    NOTE = "note"
    """It is, but somebody should look."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of the report: where, what stands there, why that is a problem, what to do."""

    line: int
    title: str
    value: str
    why: str
    remedy: str
    severity: Severity = Severity.REFUSAL


class Outcome(Enum):
    """What the plan does with a row."""

    NEW = "new"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    WAITING = "waiting"
    """Nobody knows which unit it is: a person decides."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ImportJob:
    """A job as a page shows it."""

    id: int
    file_name: str
    file_bytes: int
    options: ImportOptions
    repeat: int
    account_id: int | None
    scope_path: str
    state: JobState
    phase: str
    rows_done: int
    rows_total: int
    encoding: str | None
    ignored_columns: list[str]
    counts: dict[str, int]
    failure: str | None
    staged: bool
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None
    firm_org_id: int | None
    """The firm that handed its own list in; None: the authority did, or the operator."""
