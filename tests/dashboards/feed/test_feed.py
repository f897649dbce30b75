"""The live feed over real sockets: nothing lost, nothing twice, nobody slowed, and silence never taken for peace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from dashboards import feed as feed_module
from equipment.foundation import stream
from equipment.foundation.clock import Clock, SystemClock
from equipment.foundation.database import Connection, DatabaseRole
from equipment.foundation.database import connect as connect_database
from equipment.foundation.embedded_postgres import EmbeddedPostgres
from equipment.foundation.migrations import migrate
from tests.conftest import PACKAGES, START, THROW_AWAY, Database
from tests.dashboards import page_city
from tests.dashboards.feed.site import Listener, cookie, free_port, tell, web
from tests.ingest.faults.proxy import proxy


@dataclass
class City:
    """A database with a city in it, and who makes messages."""

    url: str
    conn: Connection
    clock: Clock
    port: int
    unit: int

    def tell(self, *numbers: int, unit: int | None = -1, filler: str = "") -> None:
        tell(self.conn, self.clock, self.unit if unit == -1 else unit, *numbers, filler=filler)


@pytest.fixture
def city(database: Database) -> Iterator[City]:
    with database.connect(DatabaseRole.OWNER) as owner:
        page_city.build(owner, START)
        unit = owner.execute("select no from equipment.unit where id = 'SZ00000'").fetchone()
        assert unit is not None
        # these tests live in the present: nothing of the city's past waits for an escalator
        owner.execute("update alarms.incident set verify_by = 'infinity' where verify_by is not null")
        owner.execute("update alarms.dispatch set answer_by = 'infinity', arrive_by = 'infinity'")
    with database.connect(autocommit=True) as conn:
        yield City(database.url, conn, SystemClock(), free_port(), unit[0])


def test_a_listener_hears_everything_in_order_and_its_heartbeat_names_what_it_has_heard(city: City) -> None:
    with web(city.url, city.clock, city.port):
        seat = Listener(city.port, cookie(city.port, "desk"))
        seat.until(lambda s: s.beats)
        city.tell(1, 2, 3)
        seat.until(lambda s: len(s.heard) == 3)
        before = len(seat.beats)
        seat.until(lambda s: len(s.beats) > before)
        assert seat.heard == [1, 2, 3]
        assert (seat.beats[-1]["seq"], seat.beats[-1]["trouble"]) == (3, None)
        seat.close()


def test_a_connection_cut_again_and_again_loses_and_repeats_nothing(city: City) -> None:
    with web(city.url, city.clock, city.port), proxy(city.port, cut_after=2_501, cuts=12) as way:
        who = cookie(city.port, "desk")  # not through the proxy
        seat = Listener(way.port, who, after=0)
        for first in range(0, 200, 20):
            city.tell(*range(first, first + 20))
            seat.until(lambda s, n=first + 20: len(s.heard) >= n)
        assert seat.heard == list(range(200))
        assert way.done >= 8
        assert seat.resyncs == []
        seat.close()


def test_a_restart_of_the_web_process_loses_and_repeats_nothing(city: City) -> None:
    with web(city.url, city.clock, city.port):
        seat = Listener(city.port, cookie(city.port, "desk"), after=0)
        city.tell(1, 2)
        seat.until(lambda s: len(s.heard) == 2)
    city.tell(3, 4)  # while nobody serves
    with web(city.url, city.clock, city.port):
        city.tell(5)
        seat.until(lambda s: len(s.heard) == 5)
        assert seat.heard == [1, 2, 3, 4, 5]
        seat.close()


def test_a_restart_of_the_database_is_said_and_loses_nothing(tmp_path: Path) -> None:
    server, clock, port = EmbeddedPostgres(tmp_path / "postgres", settings=THROW_AWAY), SystemClock(), free_port()
    url = server.start()
    try:
        migrate(url, PACKAGES)
        with connect_database(url, DatabaseRole.OWNER, application_name="test") as owner:
            page_city.build(owner, START)
        with web(url, clock, port):
            seat = Listener(port, cookie(port, "desk"), after=0)
            with connect_database(url, DatabaseRole.SYSTEM, application_name="test", autocommit=True) as conn:
                tell(conn, clock, 1, 1)
            seat.until(lambda s: s.heard == [1])
            server.stop()
            seat.until(lambda s: s.beats and s.beats[-1]["trouble"] == "database")
            server.start()
            with connect_database(url, DatabaseRole.SYSTEM, application_name="test", autocommit=True) as conn:
                tell(conn, clock, 1, 2, 3)
            seat.until(lambda s: len(s.heard) == 3 and s.beats[-1]["trouble"] != "database", 30)
            assert seat.heard == [1, 2, 3]
            seat.close()
    finally:
        server.stop()


def test_a_slow_listener_is_told_to_resynchronise_and_slows_nobody(city: City) -> None:
    with web(city.url, city.clock, city.port, feed_client_queue=50, feed_cut_seconds=60):
        who = cookie(city.port, "desk")
        slow, quick = Listener(city.port, who), Listener(city.port, who, after=0)
        slow.open(max_queue=1)
        quick.open()
        count = 0
        for _ in range(40):
            city.tell(*range(count, count + 40), filler="楼" * 3_000)
            count += 40
            quick.until(lambda s, n=count: len(s.heard) >= n)
        assert quick.heard == list(range(count))
        assert quick.resyncs == []
        slow.until(lambda s: s.resyncs, 30)
        assert 0 < len(slow.heard) < count
        assert slow.heard == list(range(len(slow.heard)))
        assert slow.after == slow.resyncs[0]
        city.tell(count)
        slow.until(lambda s: s.heard[-1] == count)
        slow.close()
        quick.close()


def test_who_does_not_read_at_all_is_cut_off(city: City) -> None:
    with web(city.url, city.clock, city.port, feed_client_queue=100, feed_cut_seconds=0.5):
        slow = Listener(city.port, cookie(city.port, "desk"))
        slow.open(max_queue=1)
        before = feed_module.cut._value.get()
        for first in range(0, 1_600, 40):
            city.tell(*range(first, first + 40), filler="楼" * 3_000)
        city.conn.execute("select pg_sleep(3)")
        assert feed_module.cut._value.get() == before + 1
        assert httpx.get(f"http://127.0.0.1:{city.port}/healthz").status_code in (200, 503)
        slow.close()


def test_who_was_away_too_long_is_told_so_and_goes_on_from_there(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "RESUME_AT_MOST", 10)
    city.tell(*range(30))
    with web(city.url, city.clock, city.port):
        who = cookie(city.port, "desk")
        near, far = Listener(city.port, who, after=25), Listener(city.port, who, after=5)
        near.until(lambda s: s.beats)
        far.until(lambda s: s.beats)
        assert (near.heard, near.resyncs) == ([25, 26, 27, 28, 29], [])
        assert (far.heard, far.resyncs) == ([], [30])
        city.tell(30)
        far.until(lambda s: s.heard == [30])
        near.close()
        far.close()


def test_a_number_that_this_stream_never_had_is_answered_with_resync(city: City) -> None:
    city.tell(1)
    with web(city.url, city.clock, city.port):
        seat = Listener(city.port, cookie(city.port, "desk"), after=999)
        seat.until(lambda s: s.resyncs == [1])
        city.tell(2)
        seat.until(lambda s: s.heard == [2])
        seat.close()


def test_numbers_that_go_back_after_a_restored_backup_resynchronise_everyone(city: City) -> None:
    city.tell(1, 2, 3)
    with web(city.url, city.clock, city.port):
        seat = Listener(city.port, cookie(city.port, "desk"), after=3)
        seat.until(lambda s: s.beats)
        city.conn.execute("update equipment.stream_head set seq = 1 where stream = 'desk'")
        seat.until(lambda s: s.resyncs == [1])
        seat.close()


def test_everyone_hears_his_own_scope(city: City) -> None:
    other = city.conn.execute(
        "insert into equipment.organisation (kind, name, jurisdiction_id, created_at)"
        " values ('maintenance_firm', '他司', '341300', now()) returning id"
    ).fetchone()
    assert other is not None
    units = city.conn.execute("select no from equipment.unit order by no limit 3").fetchall()
    foreign, far = units[1][0], units[2][0]
    city.conn.execute("update equipment.unit set firm_org_id = %s where no = %s", (other[0], foreign))
    city.conn.execute("update equipment.unit set jurisdiction_id = '341321', use_org_id = null where no = %s", (far,))
    with web(city.url, city.clock, city.port):
        logins = ("desk", "firm_manager", "use_unit_officer", "auditor")
        heard = {login: Listener(city.port, cookie(city.port, login), after=0) for login in logins}
        for listener in heard.values():
            listener.until(lambda s: s.beats)
        city.tell(1)
        city.tell(2, unit=foreign)
        city.tell(3, unit=far)
        city.tell(4, unit=None)
        for listener in heard.values():
            listener.until(lambda s: s.beats[-1]["seq"] == 4)
            listener.close()
        assert {login: listener.heard for login, listener in heard.items()} == {
            "desk": [1, 2, 3, 4], "auditor": [1, 2, 3, 4], "firm_manager": [1, 3], "use_unit_officer": [1, 2],
        }  # fmt: skip


def test_who_was_ordered_hears_of_a_lift_that_is_not_his(city: City) -> None:
    own = city.conn.execute("select firm_org_id from equipment.unit where no = %s", (city.unit,)).fetchone()
    incident = city.conn.execute("select id from alarms.incident where number = '20260302-0001'").fetchone()
    assert own is not None
    assert incident is not None
    city.conn.execute("update equipment.unit set firm_org_id = null where no = %s", (city.unit,))
    with web(city.url, city.clock, city.port):
        firm = Listener(city.port, cookie(city.port, "firm_manager"), after=0)
        firm.until(lambda s: s.beats)
        for number, ordered in ((1, incident[0]), (2, 999), (3, incident[0])):
            with city.conn.transaction():
                body = {"n": number, "incident_id": ordered}
                stream.publish(city.conn, "desk", "incident", body, unit_no=city.unit, now=city.clock.now())
        city.tell(4)
        firm.until(lambda s: s.beats[-1]["seq"] == 4)
        assert firm.heard == [1, 3]
        firm.close()


def test_what_waits_for_its_number_makes_the_feed_stale(city: City) -> None:
    with web(city.url, city.clock, city.port, feed_stale_seconds=0.5):
        seat = Listener(city.port, cookie(city.port, "desk"))
        seat.until(lambda s: s.beats)
        with city.conn.transaction():  # the jobs process is away: nobody numbers
            stream.publish(city.conn, "alarms", "raised", {}, unit_no=city.unit, now=city.clock.now())
        seat.until(lambda s: s.beats[-1]["trouble"] == "sequencer")
        with city.conn.transaction():
            stream.sequence(city.conn, "alarms", city.clock.now())
        seat.until(lambda s: s.beats[-1]["trouble"] is None)
        with city.conn.transaction():  # numbered, and nobody makes an incident of it
            stream.consume(city.conn, "incidents", "alarms")
        seat.until(lambda s: s.beats[-1]["trouble"] == "incidents")
        seat.close()


def test_an_escalator_that_does_not_act_is_recorded_by_the_web_process_and_the_feed_goes_on(city: City) -> None:
    late = "update alarms.incident set verify_by = %s where state = 'verifying'"
    alarms = "select overdue, late_seconds >= 60, ended_at is null from alarms.watchdog_alarm"
    with web(city.url, city.clock, city.port):
        seat = Listener(city.port, cookie(city.port, "desk"))
        seat.until(lambda s: s.beats)
        city.conn.execute(late, (city.clock.now() - timedelta(minutes=1),))  # and no jobs process runs
        seat.until(lambda _: city.conn.execute(alarms).fetchall() == [(1, True, True)])
        city.conn.execute(late, (city.clock.now() + timedelta(hours=1),))
        seat.until(lambda _: [open_ for _, _, open_ in city.conn.execute(alarms)] == [False])
        # what is late is not the feed: the desk's page says it in its own place
        assert {beat["trouble"] for beat in seat.beats} == {None}
        seat.close()


def test_who_may_not_listen_is_told_which_way(city: City) -> None:
    with web(city.url, city.clock, city.port):
        address = f"ws://127.0.0.1:{city.port}/ws/desk"
        own = f"http://127.0.0.1:{city.port}"
        cases: tuple[tuple[dict[str, str], int | None], ...] = (
            ({}, 4401),
            ({"Cookie": cookie(city.port, "security_admin")}, 4403),
            ({"Cookie": cookie(city.port, "desk"), "Origin": "https://elsewhere.example"}, 4403),
            ({"Cookie": cookie(city.port, "desk"), "Origin": own}, None),
        )
        for headers, code in cases:
            with connect(address, additional_headers=headers) as socket:
                if code is None:
                    assert json.loads(socket.recv(timeout=5))["type"] == "heartbeat"
                    continue
                with pytest.raises(ConnectionClosed) as closed:
                    socket.recv(timeout=5)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == code
        with pytest.raises(InvalidStatus):
            connect(f"{address}?after=many", additional_headers={"Cookie": cookie(city.port, "desk")})


def test_a_session_that_ends_stops_hearing(city: City) -> None:
    with web(city.url, city.clock, city.port):
        seat = Listener(city.port, cookie(city.port, "desk"))
        seat.until(lambda s: s.beats)
        city.conn.execute("delete from equipment.login_session")
        assert seat.socket is not None
        with pytest.raises(ConnectionClosed) as closed:
            list(seat.socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
