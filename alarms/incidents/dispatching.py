"""派单 in three levels: the contracted firm, the nearest rescue station on duty, the fire brigade and the police."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from alarms.incidents.model import Incident
from alarms.incidents.settings import DeskSettings
from alarms.incidents.store import QUERIES
from alarms.paging import outbox
from equipment.foundation import stream
from equipment.foundation.database import Connection

FIRM, STATION, FIRE_BRIGADE = 1, 2, 3
EARTH_RADIUS_KM = 6_371.0


@dataclass(frozen=True, slots=True)
class Order:
    """One order (派单): to whom, by when."""

    id: int
    level: int
    organisation_id: int | None
    answer_by: datetime
    arrive_by: datetime


@dataclass(frozen=True, slots=True)
class Station:
    """A rescue station as one order looks at it. ``on_duty`` None: it keeps no roster; ``busy``: people wait for it."""

    id: int
    lon: float | None
    lat: float | None
    on_duty: bool | None
    busy: int
    asked: bool


def distance_km(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Great-circle distance [km].

    >>> round(distance_km(116.96, 33.64, 116.96, 34.64))
    111
    """
    a, b = math.radians(lat), math.radians(other_lat)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(half))


def rank(stations: list[Station], lon: float | None, lat: float | None) -> list[tuple[Station, float | None]]:
    """Stations that may be asked with their distance [km], the best first.

    Free before busy, a roster that says so before no roster at all, then the nearest; one whose place is unknown comes
    last of its kind. Off duty, or asked before for the same people: not at all.
    """

    def distance(station: Station) -> float | None:
        if lon is None or lat is None or station.lon is None or station.lat is None:
            return None
        return distance_km(lon, lat, station.lon, station.lat)

    able = [(s, distance(s)) for s in stations if s.on_duty is not False and not s.asked]
    return sorted(
        able,
        key=lambda found: (
            found[0].busy > 0, found[0].on_duty is None, math.inf if found[1] is None else found[1], found[0].id,
        ),
    )  # fmt: skip


def choose(conn: Connection, incident: Incident, wanted: int, now: datetime) -> tuple[int, int | None, dict[str, Any]]:
    """Level, organisation and grounds of an order of level ``wanted``; a level that has nobody passes to the next."""
    why: dict[str, Any] = {}
    row = None if incident.unit_no is None else conn.execute(QUERIES.unit_of, (incident.unit_no,)).fetchone()
    if wanted <= FIRM:
        if row is not None and row[2] is not None:
            return FIRM, int(row[2]), why
        why["level_1"] = "no_firm" if row is not None else "no_lift"
    if wanted <= STATION:
        values = {"now": now, "incident": incident.id}
        stations = [Station(*found) for found in conn.execute(QUERIES.stations, values)]
        lon, lat = (row[3], row[4]) if row is not None else (None, None)
        ranked = rank(stations, lon, lat)
        why |= {
            "off_duty": sum(s.on_duty is False for s in stations), "busy": sum(s.busy > 0 for s in stations),
            "asked_before": sum(s.asked for s in stations),
        }  # fmt: skip
        if ranked:
            best, km = ranked[0]
            why |= {"distance_km": None if km is None else round(km, 1), "on_duty": best.on_duty}
            return STATION, best.id, why
        why["level_2"] = "no_station" if not stations else "none_able"
    return FIRE_BRIGADE, None, why


def order(
    conn: Connection, incident: Incident, wanted: int, by: int | None, settings: DeskSettings, now: datetime
) -> Order:
    """Write an order of at least level ``wanted``, page whoever it goes to, and tell the desk.

    Every level has its own clocks from its own order; the 30 minutes of the law run from the first one, beside them.
    """
    level, organisation, why = choose(conn, incident, wanted, now)
    answer_by, arrive_by = now + settings.answer_within(level), now + settings.arrive_within(level)
    row = conn.execute(
        QUERIES.insert_dispatch,
        (incident.id, incident.unit_no, level, organisation, now, by, answer_by, arrive_by, Jsonb(why)),
    ).fetchone()
    made = Order(int(row[0]) if row else 0, level, organisation, answer_by, arrive_by)
    if organisation is not None:
        outbox.page_order(conn, incident.id, made.id, organisation, incident.unit_no, now)
    message = {
        "incident_id": incident.id, "number": incident.number, "dispatch_id": made.id, "level": level,
        "organisation_id": organisation, "answer_by": answer_by.isoformat(),
    }  # fmt: skip
    stream.publish(conn, "desk", "dispatch", message, unit_no=incident.unit_no, now=now)
    return made


def stop_paging(conn: Connection, incident_id: int, dispatch_id: int | None, now: datetime) -> None:
    """Nobody is rung any more for an order, or with None for any order of the incident."""
    conn.execute(QUERIES.stop_paging, (incident_id, dispatch_id, now))


def metres_from_lift(conn: Connection, incident_id: int, lon: object, lat: object) -> float | None:
    """How far a reported position is from the incident's lift [m]; None when either place is unknown."""
    if not isinstance(lon, int | float) or not isinstance(lat, int | float):
        return None
    row = conn.execute(QUERIES.place_of, (incident_id,)).fetchone()
    if row is None or row[0] is None or row[1] is None:
        return None
    return distance_km(float(lon), float(lat), row[0], row[1]) * 1_000


def next_level(conn: Connection, incident_id: int) -> int:
    """The level above the highest that was ordered, at most the fire brigade."""
    row = conn.execute(QUERIES.highest_level, (incident_id,)).fetchone()
    return min((int(row[0]) if row else 0) + 1, FIRE_BRIGADE)
