"""内外网链路: two zones at a scripted time, with the link up, down for an hour, cut in the middle, and lied to."""

from __future__ import annotations

import base64
import multiprocessing
import os
import shutil
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
import pytest
from fastapi.testclient import TestClient
from paho.mqtt.enums import CallbackAPIVersion

from dashboards.app import create_app
from dashboards.commands.services import _require_inside
from dashboards.settings import WebSettings
from dashboards.surfaces import Surface
from dashboards.zone.run import Surroundings, run_link
from equipment.access.model import Role
from equipment.errors import LinkError
from equipment.foundation.clock import ManualClock, SystemClock
from equipment.foundation.database import DatabaseRole, connect
from equipment.foundation.embedded_nats import EmbeddedNats, NatsOptions
from equipment.foundation.process import StopSignal
from equipment.link import store
from equipment.link.model import Asked, Entry, Side, read, unpack
from equipment.link.settings import LinkSettings
from equipment.link.store import Apply
from equipment.link.tables import set_up, tables
from equipment.registry.model import shard_of
from equipment.transparency.keys import Signer
from ingest import devices
from ingest.broker import BrokerAddress, ShardSessions, ensure_sessions
from ingest.lease import client_ids, make_shards
from tests.conftest import PACKAGES, START, Database
from tests.dashboards.access.zones import Zones, count
from tests.dashboards.test_story import LIFT, record, step
from tests.pipeline import PASSWORD, RESTING, TRAPPED

HOUR = 3_600


def test_every_table_has_its_place_and_names_exist(database: Database) -> None:
    with database.connect(DatabaseRole.OWNER) as conn:
        found = {
            row[0]
            for row in conn.execute(
                "select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
                " where n.nspname = any(%s) and c.relkind in ('r', 'p') and not c.relispartition", (list(PACKAGES),),
            )
        }  # fmt: skip
        keyless = [
            name
            for name in tables().outward
            if conn.execute("select equipment.link_key(%s)", (name,)).fetchone() == (None,)
        ]
    assert {name for name in found if tables().place(name) is None} == set(), "add it to equipment/link/tables.yaml"
    named = set(tables().outward) | tables().own | {n for n in tables().inner if not n.endswith("*")}
    assert named - found == set()
    assert keyless == []


def test_the_copy_shows_a_firm_what_is_its_and_nothing_of_the_government_side(zones: Zones) -> None:
    zones.telemetry(LIFT, TRAPPED)
    zones.turn()
    zones.inner.turn(46)
    zones.turn()
    firm = zones.person(Role.FIRM_MANAGER)
    inside = zones.inner.person(Role.FIRM_MANAGER)
    assert firm.get("/units") == inside.get("/units") != []
    assert [i["number"] for i in firm.get("/incidents")] == [i["number"] for i in inside.get("/incidents")]
    assert count(zones.outer_conn, "select count(*) from equipment.account where role = 'desk'") == 0
    for table in ("ingest.call_record", "equipment.accident", "maintenance.lead", "maintenance.attachment"):
        assert count(zones.outer_conn, f"select count(*) from {table}") == 0
    desk = TestClient(zones.outer, base_url="https://outer.testserver")
    refused = desk.post("/api/v1/sessions", json={"login": "desk", "password": "x"})
    assert refused.status_code == 401


def test_the_internet_side_decides_nothing(zones: Zones, outer_database: Database) -> None:
    zones.turn()
    for name in sorted(set(tables().outward) - {"equipment.link_outcome", "equipment.account"}):
        row = zones.outer_conn.execute(f"select count(*) from {name}".encode()).fetchone()
        if row is not None and row[0]:
            # what is append-only says so first
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.IntegrityConstraintViolation)):
                zones.outer_conn.execute(f"delete from {name}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        zones.outer_conn.execute("update equipment.account set role = 'firm_manager' where role = 'firm_worker'")
    # nor does the way of the copy lead anywhere else
    with pytest.raises(psycopg.errors.InsufficientPrivilege), zones.outer_conn.transaction():
        store.take_rows(
            zones.outer_conn, [Entry("row", {"t": "equipment.audit_entry", "op": "D", "k": {"id": 1}}, START)]
        )
    with pytest.raises(psycopg.errors.InsufficientPrivilege), zones.inner.conn.transaction():
        store.take_rows(zones.inner.conn, [Entry("row", {"t": "equipment.unit", "op": "D", "k": {"no": 1}}, START)])
    with pytest.raises(LinkError):
        _require_inside(outer_database.url)
    with outer_database.connect(DatabaseRole.OWNER, autocommit=True) as owner, pytest.raises(LinkError):
        set_up(owner, Side.INNER, START)


def test_an_hour_without_the_link_loses_nothing_and_doubles_nothing(zones: Zones) -> None:
    """Second by second would say no more than minute by minute: device, field and desk go on, then everything is there."""
    zones.turn()
    worker, desk = zones.person(Role.FIRM_WORKER), zones.inner.person(Role.DESK)
    page = desk.client.get("/desk").text
    assert 'id="link-banner" role="alert" hidden' in page
    sent = [zones.telemetry(LIFT, RESTING)]
    zones.turn()
    assert zones.delivered == sent
    down_at = zones.clock.now()
    for minute in range(60):
        sent.append(zones.telemetry(LIFT, RESTING))
        if minute == 10:
            body = record(zones.inner, LIFT, "none", "")
            answer = worker.send("/records", body, Idempotency_Key="visit-in-the-dark")
            assert answer.status_code == 202, answer.text
            number = answer.json()["handed_over"]
            waits = worker.get(f"/link/requests/{number}")
            assert (waits["status"], waits["answer"]) == (None, None)
        if minute == 20:
            called = desk.post("/calls", {"category": "entrapment", "unit_id": LIFT, "trapped": 1})
            assert called["unit_id"] == LIFT
        zones.turn(up=False, seconds=60)
    assert zones.delivered == sent[:1]
    assert len(desk.get("/incidents")) == 1, "the desk worked"
    watch = desk.get("/desk/watch")
    assert 3_590 <= watch["link_age_seconds"] <= 3_610
    assert "60 分" in watch["link"]
    page = desk.client.get("/desk").text
    assert 'id="link-banner" role="alert">' in page
    metrics = desk.client.get("/metrics").text
    age = next(line for line in metrics.splitlines() if line.startswith("teshe_link_age_seconds"))
    assert float(age.split()[1]) > HOUR - 10
    backlog = store.backlog(zones.outer_conn)
    assert backlog.bundles >= 60
    silent = devices.watch(zones.inner.conn, devices.DeviceSettings(), zones.clock.now())
    assert silent == 0, "who cannot be heard is not silent"

    zones.turn()
    assert zones.delivered == sent, "all, once, in order"
    stored = count(
        zones.inner.conn,
        "select count(*) from ingest.reading_lift r join equipment.unit u on u.no = r.unit_no where u.id = %s",
        LIFT,
    )
    assert stored == len(sent)
    done = worker.get(f"/link/requests/{number}")
    assert done["status"] == 201
    received = count(zones.inner.conn, "select received_at from maintenance.record")
    assert received == down_at + timedelta(minutes=10), "the link made nobody late"
    assert count(zones.outer_conn, "select count(*) from maintenance.record") == 1
    assert [i["number"] for i in zones.person(Role.FIRM_MANAGER).get("/incidents")] == [
        i["number"] for i in desk.get("/incidents")
    ]
    assert desk.get("/desk/watch")["link"] is None
    zones.turn(seconds=11)
    zones.turn(seconds=11)
    for conn in (zones.outer_conn, zones.inner.conn):
        assert store.backlog(conn).bundles <= 1, "receipted, and let go"
        assert count(conn, "select count(*) from equipment.link_bundle where content is not null") <= 1


def test_a_firm_answers_an_order_from_outside_in_its_own_name_and_time(zones: Zones) -> None:
    zones.turn()
    desk = zones.inner.person(Role.DESK)
    desk.post("/calls", {"category": "entrapment", "unit_id": LIFT, "trapped": 1})
    zones.turn()
    incident = desk.get("/incidents")[0]
    incident = step(desk, incident, "dispatch")
    zones.turn()
    firm = zones.person(Role.FIRM_MANAGER)
    seen = firm.get("/incidents")[0]
    assert seen["state"] == "dispatched"
    asked_at = zones.clock.now()
    answer = firm.send(f"/incidents/{seen['id']}/answer", {"version": seen["version"]})
    assert answer.status_code == 202
    zones.turn(up=False, seconds=40)
    zones.turn()
    after = desk.get("/incidents")[0]
    assert after["state"] == "answered", firm.get(f"/link/requests/{answer.json()['handed_over']}")
    told = [e for e in desk.get(f"/incidents/{seen['id']}/history") if e["event"] == "answer"]
    assert told[0]["at"].startswith(asked_at.strftime("%Y-%m-%dT%H:%M:%S"))
    who = count(zones.inner.conn, "select a.login from alarms.incident_event e join equipment.account a on a.id = e.account_id"
                " where e.event = 'answer'")  # fmt: skip
    assert who == "firm"
    # what cannot be done comes back with the reason, and is not done
    again = firm.send(f"/incidents/{seen['id']}/answer", {"version": seen["version"]})
    zones.turn()
    outcome = firm.get(f"/link/requests/{again.json()['handed_over']}")
    assert outcome["status"] == 409
    other = zones.person(Role.USE_UNIT_DIRECTOR)
    assert other.client.get(f"/api/v1/link/requests/{again.json()['handed_over']}").status_code == 404


def test_who_may_not_is_refused_outside_already(zones: Zones) -> None:
    zones.turn()
    worker = zones.person(Role.FIRM_WORKER)
    assert worker.send("/plans", {}).status_code in (403, 404)
    forged = worker.client.post("/api/v1/records", json={}, headers={"Idempotency-Key": "x" * 8})
    assert forged.status_code == 403
    stranger = TestClient(zones.outer, base_url="https://outer.testserver")
    assert stranger.post("/api/v1/records", json={}).status_code == 401
    assert count(zones.outer_conn, "select count(*) from equipment.link_outcome") == 0


def test_what_a_passer_by_asks_is_handed_over_too_and_is_no_way_to_flood(zones: Zones) -> None:
    zones.turn()
    public = create_app(zones.pools[Side.OUTER], zones.outer_url, WebSettings(zone=Side.OUTER, surface=Surface.PUBLIC), zones.clock,
                        zones.inner.signer)  # fmt: skip
    passer_by = TestClient(public, base_url="https://public.testserver")
    asked = passer_by.post("/lift/130001/anything", data={"text": "门关不上"})
    assert asked.status_code == 202
    assert "Content-Security-Policy" in asked.headers
    assert passer_by.post("/lift/130001/anything", content=b"x" * 70_000).status_code == 413
    assert passer_by.post("/api/v1/records", json={}).status_code == 404
    zones.turn()
    row = zones.inner.conn.execute("select account_id, status from equipment.link_outcome").fetchall()
    assert [(account, status in (404, 405)) for account, status in row] == [(None, True)], (
        "asked inside once, as nobody"
    )


def test_a_password_set_outside_stays_outside_and_spends_the_code_inside(zones: Zones) -> None:
    zones.inner.conn.execute(
        "update equipment.account set must_change = true, one_time_until = '2026-03-05Z' where login = 'worker'"
    )
    zones.turn()
    worker = zones.person(Role.FIRM_WORKER)
    assert worker.send("/records", {}, Idempotency_Key="x" * 8).status_code == 403
    inside = count(zones.inner.conn, "select password_hash from equipment.account where login = 'worker'")
    set_ = worker.client.post("/account/password", data={"old": PASSWORD, "new": "neues-Passwort-77", "_csrf": worker.csrf},
                              follow_redirects=False)  # fmt: skip
    assert set_.status_code == 303, set_.text
    zones.turn()
    row = zones.inner.conn.execute(
        "select password_hash, must_change from equipment.account where login = 'worker'"
    ).fetchone()
    assert row == (inside, False)
    client = TestClient(zones.outer, base_url="https://outer.testserver")
    assert client.post("/api/v1/sessions", json={"login": "worker", "password": "neues-Passwort-77"}).status_code == 201


@pytest.mark.parametrize("login", ["regulator", "desk", "security", "nobody"])
def test_the_internet_side_cannot_speak_for_the_authority(zones: Zones, login: str) -> None:
    """Also when it was taken over and signs what it likes."""
    zones.turn()
    conn = zones.inner.conn
    row = conn.execute("select id from equipment.account where login = %s", (login,)).fetchone()
    account = row[0] if row is not None else 999_999
    asked = {
        "request": 1, "account": account, "method": "POST", "path": "/api/v1/calls", "query": "", "origin": "x",
        "headers": {"content-type": "application/json"}, "body": base64.b64encode(b'{"category": "fault"}').decode(),
    }  # fmt: skip
    with zones.outer_conn.transaction():
        store.spool(zones.outer_conn, "request", asked, zones.clock.now())
    zones.turn()
    assert count(conn, "select status from equipment.link_outcome where request = 1") == 401
    assert count(conn, "select count(*) from ingest.call_record") == 0


# ── a process killed in the middle ──


def _die_after_rows(url: str, content: bytes, key: bytes) -> None:
    conn = connect(url, DatabaseRole.SYSTEM, application_name="test-dying", autocommit=True)

    def inside(c: Any, entries: Any) -> None:
        store.take_rows(c, entries)
        os.kill(os.getpid(), signal.SIGKILL)

    store.apply(conn, unpack(content, Side.INNER, key), Apply(inside=inside), START)


def _die_after_first_request(url: str, content: bytes, key: bytes, log_key: bytes) -> None:
    from dashboards.zone.asked import AskedClock
    from dashboards.zone.replay import Replay
    from equipment.foundation.database import open_pool

    clock = ManualClock(START + timedelta(hours=1))
    pool = open_pool(url, DatabaseRole.SCOPED, max_size=2, application_name="test-dying")
    app = create_app(
        pool, url, WebSettings(zone=Side.INNER, record_position_seconds=0), AskedClock(clock), Signer.generate("x")
    )
    conn = connect(url, DatabaseRole.SYSTEM, application_name="test-dying", autocommit=True)

    def outside(c: Any, entries: Any) -> None:
        replay = Replay(app, app, clock)
        # done, but neither its outcome nor the bundle is noted
        replay.ask(read(entries[0], Asked), entries[0].at)
        os.kill(os.getpid(), signal.SIGKILL)

    store.apply(conn, unpack(content, Side.OUTER, key), Apply(outside=outside), START)


def _run(target: Any, *values: Any) -> None:
    child = multiprocessing.get_context("spawn").Process(target=target, args=values)
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL


def test_a_copy_that_was_killed_is_taken_again_whole(zones: Zones, outer_database: Database) -> None:
    zones.turn()
    before = count(zones.outer_conn, "select name from equipment.unit where id = %s", LIFT)
    zones.inner.conn.execute("update equipment.unit set name = '改名后' where id = %s", (LIFT,))
    link = zones.links[Side.INNER]
    link.turn(zones.inner.conn, zones.clock.now())
    bundles = store.waiting(zones.inner.conn)
    content = bundles[-1][1]
    assert unpack(content, Side.INNER, link.signer.public_key).entries
    _run(_die_after_rows, outer_database.url, content, link.signer.public_key)
    assert count(zones.outer_conn, "select name from equipment.unit where id = %s", LIFT) == before
    zones.turn()
    assert count(zones.outer_conn, "select name from equipment.unit where id = %s", LIFT) == "改名后"


def test_a_request_that_was_done_before_the_kill_is_not_done_again(zones: Zones, database: Database) -> None:
    zones.turn()
    manager = zones.person(Role.FIRM_MANAGER)
    organisation = count(zones.inner.conn, "select organisation_id from equipment.account where login = 'firm'")
    for name in ("甲师傅", "乙师傅"):
        asked = manager.send(f"/organisations/{organisation}/people", {"name": name, "duty": "维保作业人员"})
        assert asked.status_code == 202
    link = zones.links[Side.OUTER]
    link.turn(zones.outer_conn, zones.clock.now())
    content = next(
        c for _, c, _ in store.waiting(zones.outer_conn) if unpack(c, Side.OUTER, link.signer.public_key).entries
    )
    _run(_die_after_first_request, database.url, content, link.signer.public_key, b"")
    people = "select count(*) from equipment.person where name = %s"
    assert (count(zones.inner.conn, people, "甲师傅"), count(zones.inner.conn, people, "乙师傅")) == (1, 0)
    zones.turn()
    assert (count(zones.inner.conn, people, "甲师傅"), count(zones.inner.conn, people, "乙师傅")) == (1, 1)
    statuses = [r["status"] for r in manager.get("/link/requests")]
    assert statuses == [201, 200]


# ── the processes, with a broker on each side ──


def test_device_messages_cross_between_two_brokers_with_a_cut_in_the_middle(
    database: Database, outer_database: Database, nats: EmbeddedNats, tmp_path: Path
) -> None:
    inner_nats = EmbeddedNats(tmp_path / "inner-nats", options=NatsOptions(ack_wait_seconds=2.0))
    inner_nats.start()
    brokers = {
        side: BrokerAddress("127.0.0.1", n.mqtt_port) for side, n in ((Side.OUTER, nats), (Side.INNER, inner_nats))
    }
    databases, stop = {Side.OUTER: outer_database, Side.INNER: database}, StopSignal()
    keys = {side: tmp_path / f"{side.value}.key" for side in Side}
    public = {side: base64.b64encode(Signer.from_file(keys[side], "x").public_key).decode() for side in Side}
    threads = []
    for side in Side:
        with databases[side].connect(DatabaseRole.OWNER, autocommit=True) as owner:
            set_up(owner, side, SystemClock().now())
            clients = make_shards(owner)
            owner.commit()
            ensure_sessions(brokers[side], clients, SystemClock())
        settings = LinkSettings(
            send_dir=tmp_path / side.value / "send", receive_dir=tmp_path / side.value / "receive", key_file=keys[side],
            peer_key=public[side.other], every_seconds=0.1, heartbeat_seconds=1.0,
        )  # fmt: skip
        where = Surroundings(databases[side].url, databases[side].url, brokers[side], Signer.generate("log"))
        threads.append(threading.Thread(target=run_link, args=(where, settings, SystemClock(), stop)))
        threads[-1].start()

    def carry() -> None:
        for side in Side:
            target = tmp_path / side.other.value / "receive"
            target.mkdir(parents=True, exist_ok=True)
            for file in (tmp_path / side.value / "send").glob("*.bundle"):
                shutil.move(file, target / file.name)

    sessions = ShardSessions(brokers[Side.INNER], clients_of(database), SystemClock())
    for shard in clients_of(database):
        sessions.open(shard)
    device = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="device")
    device.connect("127.0.0.1", nats.mqtt_port)
    device.loop_start()
    sent = []
    try:
        for number in range(300):
            if number < 100 or number > 250:
                carry()
            sent.append(str(number).encode())
            device.publish(f"teshe/v1/{shard_of(LIFT):x}/{LIFT}/telemetry", sent[-1], qos=1).wait_for_publish(10)
        found: list[bytes] = []
        for _ in range(600):
            carry()
            arrived = sessions.poll(0.05)
            found += [d.message.payload for d in arrived]
            sessions.acknowledge(arrived)
            if len(found) >= len(sent):
                break
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
        device.loop_stop()
        sessions.close_all()
        inner_nats.stop()
    assert found == sent


def clients_of(database: Database) -> dict[int, str]:
    with database.connect() as conn:
        return client_ids(conn)
