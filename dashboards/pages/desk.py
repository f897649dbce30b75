"""应急台, the emergency desk: who needs me now? And 大屏, the wall: is the city normal?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from alarms.desk import calling
from alarms.incidents.dispatching import distance_km as great_circle_km
from alarms.storms import store as storms
from dashboards.context import Context, permit
from dashboards.pages import desk_queue, maps
from dashboards.pages.frame import language_of, page
from dashboards.pages.guidance import guidance_for
from dashboards.pages.names import learn_rules
from dashboards.pages.reads import QUERIES, known, row, rows, value
from dashboards.rendering import local
from dashboards.zone import standing
from equipment.access.model import Asker
from equipment.foundation.database import Connection

router = APIRouter(include_in_schema=False)
TAKEN_DOWN_WITHIN = timedelta(minutes=30)
"""How long a call that has ended waits on its seat's page to be taken down."""


def midnight(now: datetime) -> datetime:
    """The beginning of the city's day."""
    return local(now).replace(hour=0, minute=0, second=0, microsecond=0)


def distance_km(a_lat: float, a_lon: float, b_lat: float, b_lon: float) -> float:
    """Great-circle distance [km].

    >>> round(distance_km(33.64, 116.96, 34.44, 116.35))
    105
    """
    return great_circle_km(a_lon, a_lat, b_lon, b_lat)


def resources(conn: Connection, incident: Any, stations: list[Any]) -> list[dict[str, Any]]:
    """Whom to ring, in the order of the three levels: firm, use-unit, nearest rescue stations."""
    people: dict[int, list[Any]] = {}
    for person in rows(conn, QUERIES.persons_of, ([i for i in (incident.firm_org_id, incident.use_org_id) if i],)):
        people.setdefault(person.organisation_id, []).append(person)
    found: list[dict[str, Any]] = []
    if incident.firm_org_id:
        found.append(
            {
                "role": "firm",
                "name": incident.firm_name,
                "phone": incident.firm_phone,
                "people": people.get(incident.firm_org_id, [])[:3],
                "km": None,
            }
        )
    if incident.use_org_id:
        found.append(
            {
                "role": "use_unit",
                "name": incident.use_unit_name,
                "phone": incident.use_unit_phone,
                "people": people.get(incident.use_org_id, [])[:2],
                "km": None,
            }
        )
    if incident.lat is not None and incident.lon is not None:
        near = sorted(stations, key=lambda s: distance_km(incident.lat, incident.lon, s.lat, s.lon))[:3]
        found += [
            {
                "role": "station",
                "name": s.name,
                "phone": s.duty_phone,
                "people": [],
                "km": distance_km(incident.lat, incident.lon, s.lat, s.lon),
            }
            for s in near
        ]
    return found


def incident_view(conn: Connection, incident_id: int) -> dict[str, Any]:
    """Everything about one incident."""
    incident = known(row(conn, QUERIES.incident, (incident_id,)), "No such incident, or it is outside your area.")
    stations = rows(conn, QUERIES.stations)
    return {
        "incident": incident,
        "events": rows(conn, QUERIES.incident_events, (incident_id,)),
        "dispatches": rows(conn, QUERIES.incident_dispatches, (incident_id,)),
        "calls": rows(conn, QUERIES.incident_calls, (incident_id,)),
        "alarms": rows(conn, QUERIES.incident_alarms, (incident_id,)),
        "reports": rows(conn, QUERIES.incident_reports, (incident_id,)),
        "resources": resources(conn, incident, stations),
        "guidance": guidance_for(incident.kind, incident.state),
        "pages": rows(conn, QUERIES.incident_pages, (incident_id,)),
        "accident": row(conn, QUERIES.possible_accident, (incident_id,)),
        "stations": stations,
    }


def desk_map(view: dict[str, Any] | None, queue: list[Any], stations: list[Any]) -> dict[str, Any]:
    """All open incidents and stations; with one chosen, the map looks at it and at the two nearest stations."""
    chosen = view["incident"] if view else None
    marks = [
        maps.point(i.lat, i.lon, i.unit_name or i.place, severity=i.severity, href=f"/desk/{i.id}")
        for i in queue
        if chosen is None or i.id != chosen.id
    ]
    near: set[int] = set()
    if chosen is not None and chosen.lat is not None and chosen.lon is not None:
        title = chosen.unit_name or chosen.place
        marks.append(maps.point(chosen.lat, chosen.lon, title, severity=chosen.severity, chosen=True, focus=True))
        by_distance = sorted(stations, key=lambda s: distance_km(chosen.lat, chosen.lon, s.lat, s.lon))
        near = {s.id for s in by_distance[:2]}
    marks += [maps.point(s.lat, s.lon, s.name, kind="station", focus=s.id in near or None) for s in stations]
    return {"districts": [], "points": maps.placed(marks), "view": "points"}


def show(request: Request, context: Context, asker: Asker, incident_id: int | None) -> Response:
    """The desk with one incident chosen, or none."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        head = value(conn, QUERIES.feed_head)
        queue = rows(conn, QUERIES.open_incidents)
        learn_rules(conn)
        view = incident_view(conn, incident_id) if incident_id is not None else None
        callees = calling.call_list(conn, incident_id, now) if incident_id is not None else []
        if view is not None:
            view["others"] = desk_queue.to_merge_with(view["incident"], queue)
        line, tasks = (
            rows(conn, QUERIES.line_calls, {"account": asker.account_id, "since": now - TAKEN_DOWN_WITHIN}),
            rows(conn, QUERIES.desk_tasks),
        )
        stations = view["stations"] if view else rows(conn, QUERIES.stations)
        floods, groups = storms.open_floods(conn), storms.storms(conn, now)
        alarms = rows(conn, QUERIES.open_alarm_counts)
        devices = row(conn, QUERIES.devices_online)
        closed = rows(conn, QUERIES.closed_incidents, (8,)) if view is None else []
        outlines = rows(conn, QUERIES.districts)
        teams = desk_queue.teams(conn)
        zones = standing.look(conn, context.settings.link_stale_seconds, now)
    chart = desk_map(view, queue, stations)
    chart["points"] += teams
    chart["districts"] = maps.districts(outlines, language_of(request))
    return page(
        request,
        "pages/desk.html",
        feed_after=head,
        queue=queue,
        queue_groups=desk_queue.grouped(queue, groups),
        ring_back=desk_queue.to_ring_back(queue),
        chosen=incident_id,
        view=view,
        map=chart,
        flood=next((f for f in floods if f.console == "desk"), floods[0] if floods else None),
        groups=groups,
        alarms=alarms,
        devices=devices,
        closed=closed,
        account=asker.account_id,
        callees=callees,
        line=line,
        tasks=tasks,
        zones=zones,
    )


@router.get("/desk")
def desk(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("desk.view"))]) -> Response:
    return show(request, context, asker, None)


@router.get("/desk/{incident_id}")
def desk_incident(
    request: Request, context: Context, incident_id: int, asker: Annotated[Asker, Depends(permit("desk.view"))]
) -> Response:
    return show(request, context, asker, incident_id)


@router.get("/wall")
def wall(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("wall.view"))]) -> Response:
    """Legible at five metres; no fatality figure by default."""
    now = context.clock.now()
    with context.transaction(asker) as conn:
        head = value(conn, QUERIES.feed_head)
        queue = rows(conn, QUERIES.open_incidents)
        areas = rows(conn, QUERIES.wall_districts)
        today = row(conn, QUERIES.today, (midnight(now),))
        alarms = rows(conn, QUERIES.open_alarm_counts)
        devices = row(conn, QUERIES.devices_online)
    language = language_of(request)
    unmapped = [a for a in areas if a.id not in maps.outlines() and a.units]
    points = maps.placed(maps.point(i.lat, i.lon, i.unit_name or i.place, severity=i.severity) for i in queue)
    chart = {
        "districts": maps.districts(areas, language, {a.id: f"{a.online}/{a.fitted}" for a in areas}),
        "points": points,
    }
    return page(
        request,
        "pages/wall.html",
        feed_after=head,
        queue=queue,
        areas=areas,
        today=today,
        alarms=alarms,
        devices=devices,
        map=chart,
        unmapped=unmapped,
    )
