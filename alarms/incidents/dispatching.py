"""派单 in three levels: the contracted firm, the nearest rescue station, the fire brigade."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from alarms.incidents.model import Incident
from alarms.incidents.settings import DeskSettings
from alarms.incidents.store import QUERIES
from equipment.foundation.database import Connection

FIRM, STATION, FIRE_BRIGADE = 1, 2, 3
EARTH_RADIUS_KM = 6_371.0


@dataclass(frozen=True, slots=True)
class Order:
    """One order (派单): to whom, by when."""

    level: int
    organisation_id: int | None
    answer_by: datetime
    arrive_by: datetime


def distance_km(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Great-circle distance [km].

    >>> round(distance_km(116.96, 33.64, 116.96, 34.64))
    111
    """
    a, b = math.radians(lat), math.radians(other_lat)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(half))


def choose(conn: Connection, unit_no: int | None, wanted: int) -> tuple[int, int | None]:
    """Level and organisation for an order of level ``wanted``; a level that has nobody passes to the next."""
    unit = None if unit_no is None else conn.execute(QUERIES.unit_of, (unit_no,)).fetchone()
    if wanted <= FIRM and unit is not None and unit[2] is not None:
        return FIRM, int(unit[2])
    if wanted <= STATION:
        station = _nearest(conn, unit[3], unit[4]) if unit is not None else None
        if station is not None:
            return STATION, station
    return FIRE_BRIGADE, None


def _nearest(conn: Connection, lon: float | None, lat: float | None) -> int | None:
    stations = conn.execute(QUERIES.stations).fetchall()
    if not stations:
        return None
    if lon is None or lat is None:
        return int(stations[0][0])
    placed = [s for s in stations if s[1] is not None and s[2] is not None]
    best = min(placed, key=lambda s: distance_km(lon, lat, s[1], s[2]), default=stations[0])
    return int(best[0])


def order(
    conn: Connection, incident: Incident, wanted: int, by: int | None, settings: DeskSettings, now: datetime
) -> Order:
    """Write an order of at least level ``wanted``.

    The 30 minutes run from the first order, not anew from each escalation: passengers wait from the beginning.
    """
    level, organisation = choose(conn, incident.unit_no, wanted)
    first = incident.dispatched_at or now
    arrive_by = max(first + settings.arrive_within, now + settings.answer_within)
    made = Order(level, organisation, now + settings.answer_within, arrive_by)
    conn.execute(
        QUERIES.insert_dispatch,
        (incident.id, incident.unit_no, made.level, organisation, now, by, made.answer_by, made.arrive_by),
    )
    return made


def next_level(conn: Connection, incident_id: int) -> int:
    """The level above the highest that was ordered, at most the fire brigade."""
    row = conn.execute(QUERIES.highest_level, (incident_id,)).fetchone()
    return min((int(row[0]) if row else 0) + 1, FIRE_BRIGADE)
