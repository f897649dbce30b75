"""指标, the board: where do we stand, and is it signal or noise?

Every number opens its definition and its rows. The wall shows no fatality figure unless the setting asks for it; no page
says 允许死亡人数 but 距目标余量.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from alarms.desk import two_hours
from dashboards import words
from dashboards.context import Context, permit
from dashboards.errors import BadRequestError
from dashboards.indicators import drawing, publish, wording
from dashboards.indicators.board import Board, read_board
from dashboards.indicators.counting import judge
from dashboards.indicators.definitions import (
    coverage_definition,
    coverage_definitions,
    fatality_definitions,
    leading_definitions,
    monitor_settings,
    prior_definition,
)
from dashboards.indicators.drill import ONLY, stage_units
from dashboards.indicators.facts import QUERIES, Focus, read_facts
from dashboards.indicators.fatality import PLAN_TARGET
from dashboards.indicators.publish import INDICATOR
from dashboards.indicators.standing import coverages
from dashboards.pages.frame import page
from dashboards.pages.reads import filters, rows, window
from dashboards.rendering import local
from equipment.access.model import Asker
from equipment.accidents import store
from equipment.accidents.clock import reporting_clock
from equipment.accidents.register import register
from equipment.foundation.database import Connection
from equipment.registry.store import find_by_no

router = APIRouter(include_in_schema=False)
STALE_AFTER = timedelta(hours=1)
"""A data cut older than this is shown as out of date: the upkeep process makes one every ten minutes."""
KINDS = tuple(words.WORDS["unit_kind"])

Viewer = Annotated[Asker, Depends(permit("board.view"))]


def city_minute(moment: datetime) -> str:
    """A moment as an input of type datetime-local wants it, in the city's time."""
    return local(moment).strftime("%Y-%m-%dT%H:%M")


def _asked_moment(request: Request, now: datetime) -> datetime:
    """``at`` of the address as a moment that is not in the future; without it now.

    Raises
    ------
    BadRequestError
    """
    text = request.query_params.get("at", "")
    if not text:
        return now
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequestError("Give 'at' as a moment, such as 2026-11-01T08:00:00+08:00.") from None
    if at.tzinfo is None or at > now:
        raise BadRequestError("'at' needs a time zone and lies in the past.")
    return at


def _read(request: Request, conn: Connection, now: datetime) -> Board:
    asked = filters(request, "place", "kind")
    kind = asked["kind"] if asked["kind"] in KINDS else ""
    return read_board(conn, _asked_moment(request, now), place=asked["place"], kind=kind)


def _common(found: Board, now: datetime) -> dict[str, Any]:
    return {
        "board": found,
        "m": found.monitor,
        "stale": now - found.facts.cut.cut_at > STALE_AFTER,
        "places": found.facts.places,
        "kinds": KINDS,
        "wording": wording,
        "drawing": drawing,
        "target": PLAN_TARGET,
    }


@router.get("/board")
def board(request: Request, context: Context, asker: Viewer) -> Response:
    now = context.clock.now()
    with context.transaction(asker) as conn:
        found = _read(request, conn, now)
    return page(request, "pages/board.html", **_common(found, now))


@router.get("/board/wall")
def wall(request: Request, context: Context, asker: Viewer) -> Response:
    """For the wall of a meeting room: targets, leading figures, what changed."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        found = _read(request, conn, now)
    shown = context.settings.wall_fatality
    return page(request, "pages/board_wall.html", fatality=shown, **_common(found, now))


@router.get("/board/fatality")
def fatality(request: Request, context: Context, asker: Viewer) -> Response:
    """The fatality monitor."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        found = _read(request, conn, now)
    return page(request, "pages/board_fatality.html", settings=monitor_settings(), **_common(found, now))


@router.get("/board/coverage/{target}")
def coverage(request: Request, context: Context, target: str, asker: Viewer) -> Response:
    """One coverage target and its units: first those that are not covered."""
    now, shown = context.clock.now(), window(request)
    definition = coverage_definition(target)
    asked = filters(request, "place", "kind", "only")
    only = asked["only"] if asked["only"] in ONLY else "uncovered"
    with context.transaction(asker) as conn:
        facts = read_facts(conn, now)
        focus = Focus(facts.place(asked["place"]), asked["kind"])
        found, after, before = shown.cut(stage_units(conn, facts, focus, target, only, shown.parameters()))
    item = next(c for c in coverages(facts, focus) if c.definition.id == target)
    by_place = [
        (p, next(c for c in coverages(facts, Focus(p, focus.kind)) if c.definition.id == target))
        for p in facts.districts
    ]
    return page(
        request, "pages/board_coverage.html", definition=definition, item=item, by_place=by_place, units=found, next=after,
        previous=before, facts=facts, focus=focus, only=only, places=facts.places, kinds=KINDS,
        stale=now - facts.cut.cut_at > STALE_AFTER,
    )  # fmt: skip


@router.get("/board/accidents")
def accidents(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("accident.view"))]
) -> Response:
    """The register: what happened, what counts, and which report upward is running."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        found = _read(request, conn, now)
        told = rows(conn, store.QUERIES.reports)
    reports: dict[str, dict[str, datetime]] = {}
    for entry in told:
        reports.setdefault(entry.number, {})[entry.step] = entry.at
    ordered = sorted(found.facts.accidents_of(found.focus), key=lambda a: a.occurred_at, reverse=True)
    judged = [(a, found.verdict_of(a), reporting_clock(a, reports.get(a.number, {}))) for a in ordered]
    return page(request, "pages/board_accidents.html", judged=judged, rules=register(), **_common(found, now))


@router.get("/board/accidents/{number}")
def accident(
    request: Request, context: Context, number: str, asker: Annotated[Asker, Depends(permit("accident.view"))]
) -> Response:
    """One accident: the entry that stands, those before it, the clock of its reports, what followed."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        entries = store.entries(conn, number)
        current = store.require_current(conn, number)
        additions = store.follow_ups(conn, number)
        unit = find_by_no(conn, current.unit_no) if current.unit_no is not None else None
        facts = read_facts(conn, now)
        official = publish.official_of(conn, facts)
    told = {a.step: a.at for a in additions if a.step}
    return page(
        request, "pages/board_accident.html", a=current, entries=entries, additions=additions, unit=unit, rules=register(), city_minute=city_minute,
        clock=reporting_clock(current, told), place=facts.place(current.jurisdiction_id), official=official,
        verdicts=[(d, judge(d, current)) for d in fatality_definitions()],
    )  # fmt: skip


@router.get("/board/reference")
def reference(request: Request, context: Context, asker: Viewer) -> Response:
    """What the nation and provinces published, with how far it is verified."""
    with context.transaction(asker) as conn:
        facts = read_facts(conn, context.clock.now())
    areas = sorted({f.area for f in facts.reference}, key=lambda a: (a != prior_definition().area, a))
    tables = {area: sorted(facts.reference_of(area).items(), reverse=True) for area in areas}
    return page(request, "pages/board_reference.html", facts=facts, tables=tables, drawing=drawing)


@router.get("/board/definitions")
def definitions(request: Request, context: Context, asker: Viewer) -> Response:
    """口径: how each number is made, which definition is official and by which document."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        official = publish.official(conn, local(now).date(), now)
        history = rows(conn, QUERIES.official_history, (INDICATOR,))
        values = publish.values(conn, 50)
    return page(
        request, "pages/definitions.html", target=PLAN_TARGET, candidates=fatality_definitions(), official=official,
        history=history, values=values, coverages=coverage_definitions(), leading=leading_definitions(),
        prior=prior_definition(), settings=monitor_settings(), rules=register(), city_wide=(asker.scope_path or "").count("/") == 2,
    )  # fmt: skip


@router.get("/board/accident")
def report_form(
    request: Request, context: Context, asker: Annotated[Asker, Depends(permit("accident.report"))]
) -> Response:
    """The form of a new accident; an incident that may be one (``?incident=ID``) fills in everything that the desk knows."""
    wanted, now = filters(request, "incident")["incident"], context.clock.now()
    found = None
    if wanted.isdigit():
        with context.transaction(asker) as conn:
            found = two_hours.draft(conn, int(wanted), now)
    given = two_hours.prefilled(found, now) if found else None
    return page(
        request, "pages/board_accident_new.html", given=given, given_unit=found.unit_id if found else None,
        rules=register(), kinds=KINDS, city_minute=city_minute,
    )  # fmt: skip
