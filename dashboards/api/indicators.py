"""事故 and 指标: the register with what follows an accident, and the indicators with what they can and cannot tell."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dashboards.context import Context, permit
from dashboards.errors import BadRequestError, ForbiddenError
from dashboards.indicators import board, publish
from dashboards.indicators.facts import Focus, read_facts
from dashboards.indicators.standing import coverages
from equipment.access.model import Asker
from equipment.access.store import audit
from equipment.accidents import store
from equipment.accidents.clock import reporting_clock
from equipment.accidents.model import Accident, Casualty, NewAccident, Outcome
from equipment.foundation.database import Connection
from equipment.registry.store import require_unit

router = APIRouter(tags=["indicators"])
Text = Annotated[str, Field(max_length=2_000)]


class AccidentReport(BaseModel):
    """事故快报. The level follows from deaths, injuries, loss and ``facts``; ``exclusion`` is a clause of art. 3."""

    model_config = ConfigDict(extra="forbid")

    occurred_at: AwareDatetime
    known_at: AwareDatetime | None = None
    unit_id: str | None = None
    kind: str | None = None
    jurisdiction_id: str | None = None
    deaths: int = Field(0, ge=0)
    serious_injuries: int = Field(0, ge=0)
    minor_injuries: int = Field(0, ge=0)
    trapped_people: int | None = Field(None, ge=0)
    trapped_minutes: int | None = Field(None, ge=0)
    loss_yuan: float | None = Field(None, ge=0)
    cause: str = "open"
    counted: bool = True
    exclusion: str | None = None
    not_counted_reason: str | None = Field(None, max_length=500)
    facts: dict[str, float] = Field(default_factory=dict)
    incident_number: str | None = Field(None, max_length=40)
    narrative: Text = ""


class AccidentCorrection(AccidentReport):
    """更正: the whole entry as it should read, and why."""

    reason: str = Field(min_length=2, max_length=500)


class CasualtyChange(BaseModel):
    """伤亡变化 of one person; ``before`` is left out for somebody who was not counted yet."""

    model_config = ConfigDict(extra="forbid")

    before: Outcome | None = None
    after: Outcome
    at: AwareDatetime
    note: str = Field("", max_length=500)


class Addition(BaseModel):
    """续报: a report upward (with ``step``), a new fact, the investigation, the closure."""

    model_config = ConfigDict(extra="forbid")

    event: Literal["report", "fact", "investigation", "closure"]
    step: str | None = None
    at: AwareDatetime
    note: str = Field("", max_length=2_000)


class HotlineCheck(BaseModel):
    """96366 核查: of the plate of a unit, or of the level-1 phone of the firm that looks after it."""

    model_config = ConfigDict(extra="forbid")

    unit_id: str
    subject: Literal["plate", "level1_phone"]
    passed: bool
    at: AwareDatetime | None = None
    note: str = Field("", max_length=500)


class OfficialChoice(BaseModel):
    """The document that makes a definition official; ``definition`` left out withdraws the choice."""

    model_config = ConfigDict(extra="forbid")

    definition: str | None = None
    document_no: str = Field(max_length=100)
    approved_by: str = Field(max_length=100)
    valid_from: date


def _own_place(asker: Asker) -> str | None:
    return asker.scope_path.strip("/").rsplit("/", 1)[-1] if asker.scope_path else None


def _new(conn: Connection, asker: Asker, body: AccidentReport, reported_at: datetime) -> NewAccident:
    unit = require_unit(conn, body.unit_id) if body.unit_id else None
    kind = unit.kind if unit else body.kind
    place = unit.jurisdiction_id if unit else body.jurisdiction_id or _own_place(asker)
    if kind is None or place is None:
        raise BadRequestError("Give the unit, or the kind of equipment and the district.")
    given = body.model_dump(exclude={"unit_id", "kind", "jurisdiction_id", "reason"})
    given["counted"] = body.counted and not (body.exclusion or body.not_counted_reason)
    return NewAccident(
        **given, kind=kind, jurisdiction_id=place, reported_at=reported_at, unit_no=unit.no if unit else None
    )


@router.post("/accidents", status_code=201)
def report(
    context: Context, accident: AccidentReport, asker: Annotated[Asker, Depends(permit("accident.report"))]
) -> dict[str, Any]:
    now = context.clock.now()
    if accident.occurred_at > now:
        raise BadRequestError("An accident cannot have happened in the future.")
    with context.transaction(asker) as conn:
        entry = store.report(conn, _new(conn, asker, accident, now), asker.account_id, now)
        audit(conn, asker, "accident.report", f"accident:{entry}", now)
        number = _number(conn, entry)
    return {"id": entry, "number": number}


def _number(conn: Connection, entry: int) -> str:
    row = conn.execute(store.QUERIES.number_of, (entry,)).fetchone()
    return str(row[0]) if row else ""


@router.get("/accidents")
def accidents(
    context: Context, asker: Annotated[Asker, Depends(permit("accident.view"))], since: datetime, until: datetime
) -> list[dict[str, Any]]:
    if since.tzinfo is None or until.tzinfo is None:
        raise BadRequestError("'since' and 'until' need a time zone.")
    with context.transaction(asker) as conn:
        return [_as_json(a) for a in store.accidents_between(conn, since, until)]


def _as_json(accident: Accident) -> dict[str, Any]:
    return asdict(accident) | {"level": accident.level.value}


@router.get("/accidents/{number}")
def accident(
    context: Context, number: str, asker: Annotated[Asker, Depends(permit("accident.view"))]
) -> dict[str, Any]:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        current = store.require_current(conn, number)
        entries, additions = store.entries(conn, number), store.follow_ups(conn, number)
    told = {a.step: a.at for a in additions if a.step}
    clock = [
        {"to": d.step.to, "due_at": d.due_at, "done_at": d.done_at, "state": d.state(now)}
        for d in reporting_clock(current, told)
    ]
    return {
        "current": _as_json(current),
        "entries": [_as_json(e) for e in entries],
        "follow_ups": [asdict(a) for a in additions],
        "reporting": clock,
    }


@router.post("/accidents/{number}/correct", status_code=201)
def correct(
    context: Context, number: str, body: AccidentCorrection,
    asker: Annotated[Asker, Depends(permit("accident.report"))],
) -> dict[str, Any]:  # fmt: skip
    """Replace the entry that stands; the earlier ones stay readable."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        current = store.require_current(conn, number)
        new = _new(conn, asker, body, current.reported_at)
        entry = store.correct(conn, current.id, new, asker.account_id, now, body.reason)
        audit(conn, asker, "accident.correct", f"accident:{number}", now, reason=body.reason)
    return {"id": entry, "number": number}


@router.post("/accidents/{number}/casualties", status_code=201)
def casualty(
    context: Context, number: str, body: CasualtyChange, asker: Annotated[Asker, Depends(permit("accident.report"))]
) -> dict[str, Any]:
    """A death within 30 days counts, a later one is kept and does not."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        change = Casualty(body.before, body.after, body.at, body.note)
        entry = store.follow_casualty(conn, number, change, asker.account_id, now)
        current = store.require_current(conn, number)
        audit(conn, asker, "accident.casualty", f"accident:{number}", now)
    return {"id": entry, "deaths": current.deaths, "later_deaths": current.later_deaths, "level": current.level.value}


@router.post("/accidents/{number}/follow-ups", status_code=201)
def follow_up(
    context: Context, number: str, body: Addition, asker: Annotated[Asker, Depends(permit("accident.report"))]
) -> dict[str, Any]:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        current = store.require_current(conn, number)
        if body.at < current.occurred_at:
            raise BadRequestError("Nothing can follow an accident before it happened.")
        by = (asker.account_id, now)
        entry = store.add_follow_up(conn, number, body.event, body.at, by, note=body.note, step=body.step)
        audit(conn, asker, f"accident.{body.event}", f"accident:{number}", now)
    return {"id": entry}


@router.post("/hotline-checks", status_code=201)
def hotline_check(
    context: Context, body: HotlineCheck, asker: Annotated[Asker, Depends(permit("hotline.check"))]
) -> dict[str, Any]:
    now = context.clock.now()
    at = body.at or now
    if at > now:
        raise BadRequestError("A check cannot lie in the future.")
    with context.transaction(asker) as conn:
        unit = require_unit(conn, body.unit_id)
        if body.subject == "level1_phone" and unit.firm_org_id is None:
            raise BadRequestError(
                "This unit has no maintenance firm, so no level-1 phone can be rung: register the firm first."
            )
        subject = (unit.no, None) if body.subject == "plate" else (None, unit.firm_org_id)
        entry = store.record_hotline_check(
            conn, subject, at, (asker.account_id, now), passed=body.passed, note=body.note
        )
        audit(conn, asker, "hotline.check", f"unit:{body.unit_id}", now)
    return {"id": entry}


@router.get("/indicators/fatality")
def fatality(
    context: Context,
    asker: Annotated[Asker, Depends(permit("board.view"))],
    year: Annotated[int | None, Query(ge=2000, le=2100)] = None,
    definition: str | None = None,
) -> dict[str, Any]:
    """万台死亡率 of a year (of the running year: to date) under the official or a named definition."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        return board.fatality_of_year(conn, year, definition, now).as_json()


@router.get("/indicators/coverage")
def coverage(
    context: Context, asker: Annotated[Asker, Depends(permit("board.view"))], place: str = "", kind: str = ""
) -> dict[str, Any]:
    """Every coverage target with its three stages."""
    with context.transaction(asker) as conn:
        facts = read_facts(conn, context.clock.now())
    found = coverages(facts, Focus(facts.place(place), kind))
    rows = [
        {"target_id": c.definition.id, "target": c.definition.target, "of": c.of, "connected": c.connected,
         "enabled": c.enabled, "effective": c.effective, "excluded": c.excluded, "share": c.share, "met": c.met}
        for c in found
    ]  # fmt: skip
    return {"data_cut": facts.cut.cut_at, "place": facts.place(place).id, "coverage": rows}


@router.post("/indicators/cut", status_code=201)
def renew(context: Context, asker: Annotated[Asker, Depends(permit("board.refresh"))]) -> dict[str, Any]:
    """Count again now; at most once a minute."""
    with context.transaction(asker) as conn:
        row = conn.execute("select dashboards.renew_cut(%s)", (context.clock.now(),)).fetchone()
    return {"cut": row[0] if row else None}


@router.post("/indicators/official", status_code=201)
def choose(
    context: Context, body: OfficialChoice, asker: Annotated[Asker, Depends(permit("indicator.choose"))]
) -> dict[str, Any]:
    now = context.clock.now()
    if (asker.scope_path or "").count("/") != 2:
        raise ForbiddenError("口径由市局确定 (the definition is chosen by the city's bureau).")
    with context.transaction(asker) as conn:
        entry = publish.make_official(
            conn, body.definition, body.document_no, body.approved_by, body.valid_from, (asker.account_id, now)
        )
        audit(conn, asker, "indicator.choose", f"fatality:{body.definition}", now, reason=body.document_no)
    return {"id": entry}


@router.get("/indicators/values")
def published(
    context: Context,
    asker: Annotated[Asker, Depends(permit("board.view"))],
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[dict[str, Any]]:
    """Values that were published, each made again from its stored inputs."""
    with context.transaction(asker) as conn:
        found = publish.values(conn, limit)
    return [
        {"id": v.id, "definition": v.definition.id, "version": v.definition.version, "place": v.place, "kind": v.kind,
         "first": v.first, "last": v.last, "known_at": v.known_at, "inputs": v.inputs.as_json(), "printed": v.printed,
         "again": v.again(), "document": v.document, "published_at": v.published_at}
        for v in found
    ]  # fmt: skip
