"""Level 2: the nearest rescue station that is on duty and free is ordered, hears of it live, and nobody else's people do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from alarms.incidents.dispatching import distance_km
from dashboards.context import SESSION_COOKIE
from equipment.access.model import Role
from equipment.access.store import NewAccount, create_account
from equipment.foundation.clock import ManualClock
from tests.conftest import Database
from tests.dashboards import page_city
from tests.dashboards.feed.site import free_port, web
from tests.platform import Person, Platform, platform_over

LIFT = "L000001"
WORD = "station-word-7"
KM = 1 / 111.19
"""Degrees of latitude in a kilometre."""


@dataclass
class Area:
    """A lift and the stations around it, with a person at each."""

    platform: Platform
    stations: dict[str, int]
    people: dict[str, Person]

    def ordered(self) -> list[tuple[int, str | None]]:
        """Level and station of each order."""
        names = {number: name for name, number in self.stations.items()}
        rows = self.platform.conn.execute("select level, organisation_id from alarms.dispatch order by id")
        return [(level, names.get(organisation)) for level, organisation in rows]


def station(platform: Platform, name: str, lon: float, lat: float, on_duty: bool | None) -> int:
    """A station; ``on_duty`` by its shift calendar, None: it keeps none."""
    conn, now = platform.conn, platform.clock.now()
    number = page_city.add_organisation(conn, "rescue_station", name, now, lon=lon, lat=lat)
    if on_duty is not None:
        phone = f"139{number:08d}"
        person = page_city.insert(
            conn, "equipment.person", organisation_id=number, name=f"{name} 值班", phone=phone, duty="维保作业人员"
        )
        start = now - timedelta(hours=1) if on_duty else now - timedelta(hours=9)
        conn.execute(
            "insert into equipment.duty_shift (organisation_id, area_id, person_id, phone, span, recorded_at)"
            " values (%s, '341300', %s, %s, tstzrange(%s, %s), %s)",
            (number, person, phone, start, start + timedelta(hours=8), now),
        )
    login = f"station_{number}"
    create_account(conn, NewAccount(login, name, WORD, Role.FIRM_WORKER, organisation_id=number), now)
    return number


@pytest.fixture
def area(database: Database, clock: ManualClock) -> Iterator[Area]:
    with platform_over(database, clock) as platform:
        conn = platform.conn
        conn.execute("update equipment.organisation set kind = 'insurer' where kind = 'rescue_station'")
        lon, lat = conn.execute("select lon, lat from equipment.unit where id = %s", (LIFT,)).fetchone() or (0, 0)
        # 3 km east is nearer than 4 km north, though it is more degrees away
        wanted = {
            "off": (lon, lat + 1 * KM, False), "east": (lon + 3 * KM / 0.832, lat, True), "north": (lon, lat + 4 * KM, True),
            "no-roster": (lon, lat + 2 * KM, None),
        }  # fmt: skip
        stations = {name: station(platform, name, *place) for name, place in wanted.items()}
        people = {name: platform.log_in(f"station_{number}", WORD) for name, number in stations.items()}
        yield Area(platform, stations, people)


def report(area: Area, unit: str = LIFT) -> dict[str, Any]:
    desk = area.platform.person(Role.DESK)
    desk.post("/calls", {"category": "entrapment", "unit_id": unit, "trapped": 1})
    area.platform.turn()
    found: dict[str, Any] = desk.get("/incidents")[0]
    return found


def to_stations(area: Area, incident: dict[str, Any]) -> dict[str, Any]:
    done: dict[str, Any] = area.platform.person(Role.DESK).post(
        f"/incidents/{incident['id']}/dispatch", {"version": incident["version"], "detail": {"level": 2}}
    )
    return done


def test_the_nearest_on_duty_by_the_great_circle_then_the_next_when_it_is_busy(area: Area) -> None:
    first = to_stations(area, report(area))
    assert area.ordered() == [(2, "east")]
    choice = area.platform.conn.execute("select choice from alarms.dispatch").fetchone()
    assert choice is not None
    assert choice[0]["off_duty"] == 1
    assert choice[0]["distance_km"] == pytest.approx(3, abs=0.1)
    # people wait for that station: the next one goes to the next nearest that keeps a roster
    second = to_stations(area, report(area, "L000002"))
    assert area.ordered()[1] == (2, "north")
    assert second["id"] != first["id"]
    # it is free again once its people are out, and its shift may be over
    east = area.people["east"]
    for name in ("answer", "arrive", "free"):
        first = east.post(f"/incidents/{first['id']}/{name}", {"version": first["version"]})
    area.platform.clock.advance(7.5 * 3600)
    to_stations(area, report(area, "L000003"))
    assert area.ordered()[-1] == (2, "no-roster")


def test_a_firm_that_never_answers_is_followed_by_the_stations_and_no_station_is_asked_twice(area: Area) -> None:
    incident = report(area)
    area.platform.person(Role.DESK).post(f"/incidents/{incident['id']}/dispatch", {"version": incident["version"]})
    area.platform.turn(61)
    assert area.ordered()[1] == (2, "east")
    now = area.platform.person(Role.DESK).get(f"/incidents/{incident['id']}")
    refused = area.people["east"].post(
        f"/incidents/{incident['id']}/refuse", {"version": now["version"], "reason": "车辆故障"}
    )
    assert refused["state"] == "dispatched"
    area.platform.turn()
    assert area.ordered()[2][0] == 3  # the level above


def socket(port: int, login: str) -> ClientConnection:
    answer = httpx.post(f"http://127.0.0.1:{port}/api/v1/sessions", json={"login": login, "password": WORD})
    assert answer.status_code == 201, answer.text
    cookie = f"{SESSION_COOKIE}={answer.cookies[SESSION_COOKIE]}"
    return connect(f"ws://127.0.0.1:{port}/ws/desk", additional_headers={"Cookie": cookie}, compression=None)


def heard(link: ClientConnection, wanted: str | None, messages: int = 60) -> list[dict[str, Any]]:
    """Entries up to one of that kind, or up to some heartbeats without it."""
    found: list[dict[str, Any]] = []
    beats = 0
    for _ in range(messages):
        try:
            message = json.loads(link.recv(timeout=5))
        except (TimeoutError, ConnectionClosed):
            break
        if message["type"] == "entry":
            found.append(message)
            if message["kind"] == wanted:
                return found
        else:
            beats += 1
            if wanted is None and beats >= 5:
                return found
    return found


def test_the_stations_people_hear_of_the_order_live_and_answer_it(area: Area, database: Database) -> None:
    port = free_port()
    with ExitStack() as stack:
        stack.enter_context(web(database.url, area.platform.clock, port))
        links = {
            name: stack.enter_context(socket(port, f"station_{area.stations[name]}"))
            for name in ("east", "north", "off")
        }
        incident = to_stations(area, report(area))
        area.platform.turn()  # its number
        entries = heard(links["east"], "dispatch")
        order = entries[-1]["data"]
        assert (order["level"], order["organisation_id"]) == (2, area.stations["east"])
        assert order["incident_id"] == incident["id"]
        for name in ("north", "off"):
            assert heard(links[name], None) == []
    east = area.people["east"]
    page = east.client.get("/firm", headers={"Accept-Language": "zh-CN"})
    assert "接单" in page.text
    assert f'data-api="/api/v1/incidents/{incident["id"]}/answer"' in page.text
    assert area.people["north"].send(f"/incidents/{incident['id']}/answer", {"version": incident["version"]}).status_code in (403, 404)  # fmt: skip
    done = east.post(f"/incidents/{incident['id']}/answer", {"version": incident["version"]})
    assert done["state"] == "answered"


def test_distances_are_those_of_the_sphere() -> None:
    # Suzhou to Hefei, and across the date line
    assert distance_km(116.96, 33.64, 117.27, 31.86) == pytest.approx(200, abs=1)
    assert distance_km(179.9, 0.0, -179.9, 0.0) == pytest.approx(22.2, abs=0.1)
    assert distance_km(0, 90, 123, 90) == pytest.approx(0, abs=1e-6)
