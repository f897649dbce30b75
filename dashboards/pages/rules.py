"""报警规则: what watches the equipment, by what source, and how a city changes it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from alarms.errors import AlarmsInputError, RuleError
from alarms.rules import city
from alarms.rules.model import Rule
from alarms.rules.preview import counted
from alarms.rules.tree import spell
from dashboards.api.rules import LONGEST_RULE, known_rule, preview_of
from dashboards.context import Context, permit
from dashboards.pages import maps
from dashboards.pages.frame import language_of, page
from dashboards.pages.reads import QUERIES, filters, rows
from equipment.access.model import Asker
from equipment.foundation.database import Connection
from equipment.registry.store import units_for_worker

router = APIRouter(include_in_schema=False)
NEW = "new"
EXAMPLE = """\
id: lift.my_rule
kind: lift
title: {zh: 机房过热, en: Machine room hot}
condition: machine_room_temp_c > setting(machine_room_limit_c, 38)
on_delay_seconds: 300
deadband: 2
off_delay_seconds: 60
severity: low
receivers: [use_unit]
latch: false
mode: shadow
guidance: {zh: 检查通风。, en: Examine the ventilation.}
source: 本市规定
mark: D
"""


@router.get("/rules")
def rules(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("rule.view"))]) -> Response:
    wanted = filters(request, "kind", "q")
    with context.transaction(asker) as conn:
        loaded = city.load(conn)
    text = (wanted["q"] or "").casefold()
    found = [
        rule
        for rule in loaded.rules.rules
        if (wanted["kind"] or rule.kind) == rule.kind
        and text in f"{rule.id} {rule.title_zh} {rule.title_en} {rule.source}".casefold()
    ]
    kinds = tuple(dict.fromkeys(rule.kind for rule in loaded.rules.rules))
    return page(
        request, "pages/rules.html", rules=found, kinds=kinds, broken=loaded.broken, total=len(loaded.rules.rules)
    )


@router.get("/rules/limits")
def limits_page(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("rule.edit"))]) -> Response:
    with context.transaction(asker) as conn:
        return limits(request, conn)


@router.post("/rules/limits")
def set_limit(
    request: Request,
    context: Context,
    asker: Annotated[Asker, Depends(permit("rule.edit"))],
    district: Annotated[str, Form(max_length=20)] = "",
    name: Annotated[str, Form(max_length=100)] = "",
    limit: Annotated[str, Form(max_length=40)] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
    do: Annotated[str, Form()] = "preview",
) -> Response:
    """Say what a limit would change, or put it in force; an empty one falls back to what holds above."""
    now = context.clock.now()
    given = {"district": district, "name": name, "limit": limit, "reason": reason}
    try:
        amount = limit_of(limit)
        with context.transaction(asker) as conn:
            if do == "save":
                city.save_setting(conn, district, name, amount, asker, reason, now)
            else:
                seen = effect_of(conn, district, name, amount, now)
                return limits(request, conn, given=given, seen=seen)
    except AlarmsInputError as error:
        with context.transaction(asker) as conn:
            return limits(request, conn, status=422, given=given, problem=str(error))
    return RedirectResponse("/rules/limits", status_code=303)


def limit_of(text: str) -> float | None:
    """A number as typed; empty is none.

    Raises
    ------
    RuleError
    """
    if not text.strip():
        return None
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise RuleError(f"限值应为数字：{text} (the limit must be a number)")
    return found


def effect_of(conn: Connection, district: str, name: str, amount: float | None, now: datetime) -> list[dict[str, Any]]:
    """For each rule that asks for the setting: what it says of the district's units now, and what it would say.

    Raises
    ------
    RuleError
    """
    city.check_setting(conn, district, name)
    loaded = city.load(conn)
    other = {key: value for key, value in loaded.settings.items() if key != (district, name)}
    if amount is not None:
        other[district, name] = amount
    return [
        {
            "rule": rule,
            "now": preview_of(conn, rule, now, loaded.settings, district),
            "then": preview_of(conn, rule, now, other, district),
        }
        for rule in loaded.rules.rules
        if name in {asked for asked, _ in city.asked_settings([rule])}
    ]


def limits(request: Request, conn: Connection, *, status: int = 200, **more: Any) -> Response:
    """The limits of districts, the form, and who changed what."""
    loaded = city.load(conn)
    used = {
        name: [rule for rule in loaded.rules.rules if (name, default) in city.asked_settings([rule])]
        for name, default in city.asked_settings(loaded.rules.rules)
    }
    empty = {"district": "", "name": "", "limit": "", "reason": ""}
    shown: dict[str, Any] = {"given": empty, "problem": None, "seen": None} | more
    language = language_of(request)
    return page(
        request, "pages/rule_limits.html", status=status, asked=city.asked_settings(loaded.rules.rules), used=used,
        setting_choices=[(name, f"{name} ({default:g})") for name, default in city.asked_settings(loaded.rules.rules)],
        in_force=[s for s in city.settings_of(conn) if s.value is not None], edits=city.edits_of_settings(conn),
        districts=[(a.id, maps.name_of(a, language)) for a in rows(conn, QUERIES.districts)], **shown,
    )  # fmt: skip


@router.get("/rules/{rule_id}")
def rule_page(
    request: Request, context: Context, rule_id: str, asker: Annotated[Asker, Depends(permit("rule.view"))]
) -> Response:
    with context.transaction(asker) as conn:
        rule = known_rule(conn, rule_id)
        values: dict[str, Any] = {
            "versions": city.versions_of(conn, rule_id),
            "applicable": counted(rule, units_for_worker(conn)),
            "settings": [s for s in city.settings_of(conn) if s.name in {n for n, _ in city.asked_settings([rule])}],
        }
    return page(
        request, "pages/rule.html", rule=rule, asked=city.asked_settings([rule]), silent_of=silent_of(rule), **values
    )


def silent_of(rule: Rule) -> str | None:
    """Of what a rule of silence waits to hear."""
    return spell(rule.silence.of) if rule.silence is not None and rule.silence.of is not None else None


@router.get("/rules/{rule_id}/edit")
def edit_page(
    request: Request, context: Context, rule_id: str, asker: Annotated[Asker, Depends(permit("rule.edit"))]
) -> Response:
    with context.transaction(asker) as conn:
        if rule_id == NEW:
            return editor(request, rule_id, EXAMPLE, 1)
        rule = known_rule(conn, rule_id)
        text = city.definition_of(conn, rule.id) or ""
        return editor(request, rule_id, text, city.next_version(conn, rule.id))


def editor(request: Request, rule_id: str, text: str, version: int, *, status: int = 200, **more: Any) -> Response:
    """The form with what was typed, the error beside it, or what the rule would do."""
    given = {"problem": None, "reason": "", "preview": None, "draft": None} | more
    return page(
        request, "pages/rule_edit.html", status=status, rule_id=rule_id, definition=text, next_version=version,
        longest=LONGEST_RULE, **given,
    )  # fmt: skip


@router.post("/rules/{rule_id}/edit")
def edit(
    request: Request,
    context: Context,
    rule_id: str,
    asker: Annotated[Asker, Depends(permit("rule.edit"))],
    definition: Annotated[str, Form(max_length=LONGEST_RULE)] = "",
    next_version: Annotated[int, Form(ge=1)] = 1,
    reason: Annotated[str, Form(max_length=500)] = "",
    do: Annotated[str, Form()] = "preview",
) -> Response:
    """Check and preview, or put in force; what was typed stays on the form when something is wrong."""
    text, now = definition.replace("\r\n", "\n"), context.clock.now()
    try:
        draft = city.read_own(text, next_version)
        with context.transaction(asker) as conn:
            if do == "save":
                saved = city.save(conn, text, next_version, asker, reason, now)
            else:
                seen = preview_of(conn, draft, now)
    except AlarmsInputError as error:
        return editor(request, rule_id, text, next_version, status=422, problem=str(error), reason=reason)
    if do == "save":
        return RedirectResponse(f"/rules/{saved.id}", status_code=303)
    return editor(request, rule_id, text, next_version, preview=seen, draft=draft, reason=reason)
