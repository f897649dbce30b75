"""报警: every open alarm, also those that ring no desk; one alarm with all that can be done; the load on the seats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from alarms import store
from alarms.lifecycle import TABLE, AlarmState
from alarms.rules import city
from alarms.storms.load import PRIORITIES, TEN_MINUTES, Load, load
from alarms.storms.runner import CONSOLES
from alarms.storms.settings import StormSettings
from alarms.suppression import service
from alarms.suppression.settings import settings
from dashboards import words
from dashboards.context import Context, permit
from dashboards.pages.frame import language_of, page
from dashboards.pages.reads import QUERIES, filters, known, row, rows, value, window
from dashboards.rendering import local
from equipment.access.model import Asker
from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Signal
from equipment.foundation.database import Connection

router = APIRouter(include_in_schema=False)
STEP = int(TEN_MINUTES.total_seconds())
PERIODS = ("1", "7", "30", "90")


@dataclass(frozen=True, slots=True)
class Said:
    """One value of the evidence; ``signal`` None: the rule's own words for it."""

    name: str
    signal: Signal | None
    value: float | bool | str | None


def spoken(kind: str, values: Mapping[str, Any] | None) -> list[Said]:
    """The evidence of an alarm with the catalogue's names."""
    found = load_catalogue().kind(kind)
    return [Said(name, found.signal(name) if found else None, value) for name, value in (values or {}).items()]


@router.get("/alarms")
def alarms(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("alarm.view"))]) -> Response:
    wanted, page_of = filters(request, "severity", "state", "group"), window(request)
    with context.transaction(asker) as conn:
        head = value(conn, QUERIES.feed_head)
        found, following, previous = page_of.cut(rows(conn, QUERIES.open_alarms, {**wanted, **page_of.parameters()}))
    return page(
        request,
        "pages/alarms.html",
        feed_after=head,
        alarms=found,
        next=following,
        previous=previous,
        severities=tuple(words.WORDS["severity"]),
    )


@router.get("/alarms/load")
def alarm_load(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("alarm.load"))]) -> Response:
    wanted = filters(request, "console", "days")
    console = wanted["console"] if wanted["console"] in CONSOLES else "desk"
    days = int(wanted["days"]) if wanted["days"] in PERIODS else 30
    with context.transaction(asker) as conn:
        found = load(conn, console, timedelta(days=days), StormSettings().seats, context.clock.now())
    return page(
        request,
        "pages/alarm_load.html",
        load=found,
        course=course_of(found),
        days=days,
        consoles=CONSOLES,
        period_choices=[(p, p) for p in PERIODS],
        priorities=PRIORITIES,
    )


def course_of(found: Load) -> list[tuple[str, float]]:
    """The chart's points, one each ten minutes; an interval in which nothing came is 0."""
    if not found.course:
        return []
    counted = {int(at.timestamp() // STEP): n for at, n in found.course}
    first = int(max(found.since, found.until - timedelta(days=1)).timestamp() // STEP)
    last = int(found.until.timestamp() // STEP)
    return [
        (datetime.fromtimestamp(i * STEP, UTC).isoformat(), round(counted.get(i, 0.0), 2))
        for i in range(first, last + 1)
    ]


@router.get("/alarms/{alarm_id}")
def alarm(
    request: Request, context: Context, alarm_id: str, asker: Annotated[Asker, Depends(permit("alarm.view"))]
) -> Response:
    language = language_of(request)
    with context.transaction(asker) as conn:
        place = known(row(conn, QUERIES.alarm_place, (alarm_id,)), "No such alarm, or it lies outside your area.")
        shown = store.require_alarm(conn, alarm_id)
        told: dict[str, Any] = {
            "feed_after": value(conn, QUERIES.feed_head),
            "history": store.history_of(conn, alarm_id),
            "mutings": service.suppressions_of(conn, alarm_id),
            "assignees": store.assignable(conn, shown.unit_no),
            "guidance": guidance(conn, shown.rule, language),
        }
    longest = settings().longest(protected=shown.protected)
    speak: Callable[[Mapping[str, Any] | None], list[Said]] = partial(spoken, place.kind)
    return page(
        request,
        "pages/alarm.html",
        alarm=shown,
        place=place,
        spoken=speak,
        possible={event.value for state, event in TABLE if state is AlarmState(shown.state)},
        soonest=wall_time(context.clock.now() + timedelta(minutes=1)),
        latest=wall_time(context.clock.now() + longest),
        longest_minutes=round(longest.total_seconds() / 60),
        **told,
    )


def wall_time(moment: datetime) -> str:
    """As a form's field for a time wants it."""
    return local(moment).strftime("%Y-%m-%dT%H:%M")


def guidance(conn: Connection, rule: str, language: str) -> str | None:
    """What the rule tells to do, as it stands now; None when the rule is gone."""
    found = city.load(conn).rules.rule(rule)
    if found is None:
        return None
    return found.guidance_zh if language == "zh-CN" else found.guidance_en
