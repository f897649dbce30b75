"""The worker as a process on a real broker: killed in the middle, nothing acknowledged is lost, nothing is stored twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from dashboards.composition import process_environment
from equipment.city.build import build_city
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import Connection
from equipment.foundation.embedded_nats import EmbeddedNats
from ingest.account import judge
from ingest.broker import BrokerAddress, ensure_sessions
from ingest.lease import make_shards
from ingest.model import Channel
from ingest.quarantine import replay
from ingest.simulator.keylog import Published
from ingest.simulator.messages import Key
from ingest.topics import topic_of
from tests.conftest import Database
from tests.pipeline import PASSWORD
from tests.services.trixie import ChrootMosquitto


@dataclass
class Plant:
    """A database with a city, a broker with its shard sessions, a publisher."""

    url: str
    port: int
    conn: Connection
    device: mqtt.Client
    published: Published
    logs: Path

    def worker(self) -> subprocess.Popen[bytes]:
        """Start the worker's process."""
        env = process_environment(
            {
                "TESHE_DATABASE_URL": self.url, "TESHE_BROKER_HOST": "127.0.0.1", "TESHE_BROKER_PORT": str(self.port),
                "TESHE_LEASE_SECONDS": "2", "TESHE_BROKER_ACK_WAIT_SECONDS": "2",
            }
        )  # fmt: skip
        with (self.logs / "worker.log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "dashboards", "worker"], env=env, stdout=log, stderr=log)

    def publish(self, first: int, count: int) -> None:
        """So many samples over the lifts, QoS 1; returns when the broker has them."""
        units = [row[0] for row in self.conn.execute("select id from equipment.unit where kind = 'lift'")]
        at = time.time_ns() // 1_000_000
        sent = []
        for n in range(first, first + count):
            unit = units[n % len(units)]
            body = {"ts": at + n, "seq": n, "values": {"speed_m_s": 1.0, "car_moving": True}}
            sent.append(self.device.publish(topic_of(unit, Channel.TELEMETRY), json.dumps(body), qos=1))
            self.published.keys[Key(unit, Channel.TELEMETRY, (at + n) * 1_000, n)] += 1
        for info in sent:
            info.wait_for_publish(30)

    def stored(self) -> int:
        """Rows of lifts."""
        row = self.conn.execute("select count(*) from ingest.reading_lift").fetchone()
        return int(row[0]) if row else 0


def eventually(what: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for a real process to get there."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"not reached within {seconds} s"
        time.sleep(0.05)


def make_plant(database: Database, port: int, conn: Connection, logs: Path) -> Iterator[Plant]:
    build_city(conn, units=40, seed=7, now=datetime.now(UTC), password=PASSWORD)
    ensure_sessions(BrokerAddress("127.0.0.1", port), make_shards(conn), SystemClock())
    device = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="test-device")
    device.max_inflight_messages_set(1_000)
    device.connect("127.0.0.1", port)
    device.loop_start()
    yield Plant(database.url, port, conn, device, Published(), logs)
    device.disconnect()
    device.loop_stop()


@pytest.fixture
def plant(database: Database, nats: EmbeddedNats, tmp_path: Path) -> Iterator[Plant]:
    with database.connect(autocommit=True) as conn:
        yield from make_plant(database, nats.mqtt_port, conn, tmp_path)


@pytest.fixture
def mosquitto_plant(database: Database, mosquitto: ChrootMosquitto, tmp_path: Path) -> Iterator[Plant]:
    with database.connect(autocommit=True) as conn:
        yield from make_plant(database, mosquitto.port, conn, tmp_path)


def killed_in_the_middle(plant: Plant) -> None:
    worker = plant.worker()
    try:
        eventually(
            lambda: plant.conn.execute("select count(*) from ingest.shard where owner is not null").fetchone() == (16,)
        )
        plant.publish(0, 3_000)
        eventually(lambda: plant.stored() > 200)
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        plant.publish(3_000, 1_000)
        worker = plant.worker()
        eventually(lambda: judge(plant.conn, plant.published).balanced, 60)
    finally:
        worker.terminate()
        worker.wait(20)
    account = judge(plant.conn, plant.published)
    assert (account.published, account.stored, account.duplicates, account.lost) == (4_000, 4_000, 0, 0)
    assert plant.stored() == 4_000
    delivered = plant.conn.execute(
        "select sum(received) = sum(stored + duplicates + quarantined + redelivered), sum(stored) from ingest.batch"
    ).fetchone()
    assert delivered == (True, 4_000)


def test_a_killed_worker_loses_nothing_and_repeats_nothing(plant: Plant) -> None:
    killed_in_the_middle(plant)


@pytest.mark.requires("mosquitto")
def test_the_same_on_mosquitto(mosquitto_plant: Plant) -> None:
    killed_in_the_middle(mosquitto_plant)


def test_what_is_refused_can_be_replayed_once_its_unit_is_registered(plant: Plant) -> None:
    worker = plant.worker()
    try:
        unit = "L000777"
        body = json.dumps({"ts": time.time_ns() // 1_000_000, "seq": 1, "values": {"speed_m_s": 1.0}})
        plant.device.publish(topic_of(unit, Channel.TELEMETRY), body, qos=1).wait_for_publish(10)
        eventually(lambda: plant.conn.execute("select count(*) from ingest.quarantine").fetchone() == (1,))
        row = plant.conn.execute("select id, reason from ingest.quarantine").fetchone()
        assert row is not None
        assert row[1] == "unknown_unit"
        plant.conn.execute("update equipment.unit set id = %s where id = 'L000001'", (unit,))

        time.sleep(1.1)  # the worker looks at the registry for an unknown unit, at most once a second

        def publish(topic: str, payload: bytes) -> None:
            plant.device.publish(topic, payload, qos=1).wait_for_publish(10)

        replay(plant.conn, row[0], publish, datetime.now(UTC))
        eventually(lambda: plant.stored() == 1)
    finally:
        worker.terminate()
        assert worker.wait(20) == 0
