"""报警规则: what is judged, and a city's own versions of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from alarms.rules import city
from alarms.rules.city import Setting, Version
from alarms.rules.model import Rule
from alarms.rules.preview import counted, preview
from dashboards.context import Context, permit
from dashboards.errors import NotFoundError
from equipment.access.model import Asker
from equipment.foundation.database import Connection
from equipment.registry.store import units_for_worker
from ingest import read

router = APIRouter(prefix="/rules", tags=["rules"])
UNITS_LOOKED_AT = 40
LONGEST_RULE = 20_000


class Draft(BaseModel):
    """A rule as YAML."""

    model_config = ConfigDict(extra="forbid")

    definition: str = Field(max_length=LONGEST_RULE)


class Edit(Draft):
    """A new version, with why, and the number that it gets."""

    reason: str = Field(min_length=1, max_length=500)
    next_version: int = Field(ge=1)


class Limit(BaseModel):
    """A limit of a district; without a value it falls back to what holds above."""

    model_config = ConfigDict(extra="forbid")

    jurisdiction_id: str
    name: str
    value: float | None
    reason: str = Field(min_length=1, max_length=500)


def as_json(rule: Rule) -> dict[str, Any]:
    """What everybody may know of a rule."""
    return {
        "id": rule.id, "version": rule.version, "origin": rule.origin.value, "mode": rule.mode.value, "kind": rule.kind,
        "title_zh": rule.title_zh, "title_en": rule.title_en, "severity": rule.severity.value,
        "receivers": sorted(r.value for r in rule.receivers), "condition": rule.condition.text if rule.condition else None,
        "silence_seconds": rule.silence_seconds, "on_delay_seconds": rule.on_delay_seconds,
        "off_delay_seconds": rule.off_delay_seconds, "latch": rule.latch, "source": rule.source, "mark": rule.mark,
    }  # fmt: skip


def preview_of(
    conn: Connection, rule: Rule, now: datetime, limits: Mapping[tuple[str, str], float] | None = None, area: str = ""
) -> dict[str, Any]:
    """What a rule would do now to the units that the asker sees: under other ``limits``, or only in an ``area``."""
    units = [unit for unit in units_for_worker(conn) if area in unit.jurisdiction_path.split("/") or not area]
    in_force = city.load(conn).settings if limits is None else limits
    looked = [unit for unit in units if unit.kind == rule.kind][:UNITS_LOOKED_AT]
    latest = {unit.no: read.latest_values(conn, unit.kind, unit.no) for unit in looked}
    found = preview(rule, units, {no: values for no, values in latest.items() if values}, now, in_force)
    return {
        "applicable": {way.value: count for way, count in found.applicable.items()}, "looked_at": found.looked_at,
        "holds": list(found.holds), "fails": found.fails, "unknown": found.unknown,
    }  # fmt: skip


@router.get("")
def rules(context: Context, asker: Annotated[Asker, Depends(permit("rule.view"))]) -> list[dict[str, Any]]:
    """The rules in force: those that are shipped, and the city's own in their place or beside them."""
    with context.transaction(asker) as conn:
        return [as_json(rule) for rule in city.load(conn).rules.rules]


@router.get("/settings")
def settings(context: Context, asker: Annotated[Asker, Depends(permit("rule.view"))]) -> list[Setting]:
    """Limits of districts that are in force."""
    with context.transaction(asker) as conn:
        return city.settings_of(conn)


@router.post("/settings", status_code=201)
def set_limit(context: Context, limit: Limit, asker: Annotated[Asker, Depends(permit("rule.edit"))]) -> list[Setting]:
    with context.transaction(asker) as conn:
        now = context.clock.now()
        city.save_setting(conn, limit.jurisdiction_id, limit.name, limit.value, asker, limit.reason, now)
        return city.settings_of(conn)


@router.post("/preview")
def try_out(context: Context, draft: Draft, asker: Annotated[Asker, Depends(permit("rule.edit"))]) -> dict[str, Any]:
    """Check a rule and say what it would do now; nothing is changed."""
    rule = city.read_own(draft.definition, 1)
    with context.transaction(asker) as conn:
        return {"rule": as_json(rule), "preview": preview_of(conn, rule, context.clock.now())}


@router.post("", status_code=201)
def save(context: Context, edit: Edit, asker: Annotated[Asker, Depends(permit("rule.edit"))]) -> dict[str, Any]:
    """Put a new version in force; workers take it over within seconds, other rules keep their state."""
    with context.transaction(asker) as conn:
        now = context.clock.now()
        return as_json(city.save(conn, edit.definition, edit.next_version, asker, edit.reason, now))


@router.get("/{rule_id}")
def one(context: Context, rule_id: str, asker: Annotated[Asker, Depends(permit("rule.view"))]) -> dict[str, Any]:
    with context.transaction(asker) as conn:
        rule = known_rule(conn, rule_id)
        units = units_for_worker(conn)
        return {
            **as_json(rule), "definition": city.definition_of(conn, rule_id), "next_version": city.next_version(conn, rule_id),
            "applicable": {way.value: count for way, count in counted(rule, units).items()},
        }  # fmt: skip


@router.get("/{rule_id}/versions")
def versions(context: Context, rule_id: str, asker: Annotated[Asker, Depends(permit("rule.view"))]) -> list[Version]:
    with context.transaction(asker) as conn:
        return city.versions_of(conn, rule_id)


def known_rule(conn: Connection, rule_id: str) -> Rule:
    """The rule in force.

    Raises
    ------
    NotFoundError
    """
    rule = city.load(conn).rules.rule(rule_id)
    if rule is None:
        raise NotFoundError(f"没有规则 {rule_id} (no such rule)")
    return rule
