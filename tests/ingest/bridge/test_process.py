"""The bridge as a process on a real broker, with a worker behind it; killed in the middle it loses nothing of QoS 1."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from dashboards.composition import process_environment
from equipment.foundation.embedded_nats import EmbeddedNats
from ingest.bridge import read, store
from ingest.bridge.sparkplug.codec import decode
from ingest.bridge.sparkplug.node import REBIRTH
from ingest.bridge.sparkplug.topics import command_topic, state_topic
from tests.conftest import Database
from tests.ingest.bridge.edge_node import EdgeNode, Message, by_alias
from tests.ingest.test_worker import Plant, eventually, make_plant
from tests.services.trixie import ChrootMosquitto

LIFT = {"car_moving": True, "speed_m_s": 1.0}


@pytest.fixture
def plant(database: Database, nats: EmbeddedNats, tmp_path: Path) -> Iterator[Plant]:
    with database.connect(autocommit=True) as conn:
        yield from make_plant(database, nats.mqtt_port, conn, tmp_path)


@pytest.fixture
def mosquitto_plant(database: Database, mosquitto: ChrootMosquitto, tmp_path: Path) -> Iterator[Plant]:
    with database.connect(autocommit=True) as conn:
        yield from make_plant(database, mosquitto.port, conn, tmp_path)


@dataclass
class LiveNode:
    """An edge node on the broker that answers the host's wish for its birth."""

    plant: Plant
    devices: list[str]
    edge: EdgeNode = field(default_factory=EdgeNode)
    births: int = 0
    states: list[bool] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="edge-node")
        self.client.max_inflight_messages_set(1_000)
        self.client.on_message = self._told
        self.client.connect("127.0.0.1", self.plant.port)
        self.client.loop_start()
        self.client.subscribe([(command_topic(self.edge.group, self.edge.name), 1), (state_topic("teshe"), 1)])

    def _told(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if "STATE" in message.topic:
            self.states.append(json.loads(message.payload)["online"])
        elif any(m.name == REBIRTH and m.raw for m in decode(bytes(message.payload)).metrics):
            self.say_births()

    def publish(self, *messages: Message) -> None:
        """At QoS 1, as a node that wants its data to arrive does."""
        for topic, payload in messages:
            self.client.publish(topic, payload, qos=1)

    def say_births(self) -> None:
        with self.lock:
            at = time.time_ns() // 1_000_000
            self.publish(self.edge.birth(at))
            for n, device in enumerate(self.devices):
                self.publish(self.edge.device_birth(device, at, LIFT, first_alias=10 * n + 1))
            self.births += 1

    def say_data(self, first: int, count: int) -> None:
        sent = []
        for n in range(first, first + count):
            with self.lock:
                at = time.time_ns() // 1_000_000
                topic, payload = self.edge.data(
                    self.devices[n % len(self.devices)], at,
                    [by_alias(10 * (n % len(self.devices)) + 2, n / 1_000)],
                )  # fmt: skip
                sent.append(self.client.publish(topic, payload, qos=1))
        for info in sent:
            info.wait_for_publish(30)

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def start_bridge(plant: Plant) -> subprocess.Popen[bytes]:
    env = process_environment(
        {
            "TESHE_DATABASE_URL": plant.url, "TESHE_BROKER_HOST": "127.0.0.1", "TESHE_BROKER_PORT": str(plant.port),
            "TESHE_BRIDGE_LEASE_SECONDS": "2", "TESHE_BRIDGE_REGISTRY_SECONDS": "0.5",
        }
    )  # fmt: skip
    with (plant.logs / "bridge.log").open("ab") as log:
        return subprocess.Popen([sys.executable, "-m", "dashboards", "bridge"], env=env, stdout=log, stderr=log)


@contextmanager
def running(*processes: subprocess.Popen[bytes]) -> Iterator[list[subprocess.Popen[bytes]]]:
    alive = list(processes)
    try:
        yield alive
    finally:
        for process in alive:
            process.terminate()
        for process in alive:
            process.wait(20)


def lifts(plant: Plant, count: int) -> list[str]:
    rows = plant.conn.execute("select id from equipment.unit where kind = 'lift' order by no limit %s", (count,))
    return [row[0] for row in rows]


def speeds(plant: Plant) -> list[float]:
    rows = plant.conn.execute("select round(speed_m_s::numeric, 3) from ingest.reading_lift where speed_m_s < 1")
    return sorted(float(row[0]) for row in rows)


def killed_in_the_middle(plant: Plant) -> None:
    units = lifts(plant, 3)
    store.add_gateway(plant.conn, "Suzhou/node1", "sparkplug", "test", datetime.now(UTC))
    for unit in units:
        store.list_unit(plant.conn, "Suzhou/node1", unit, unit, "canonical")
    node = LiveNode(plant, units)
    node.start()
    with running(plant.worker(), start_bridge(plant)) as processes:
        try:
            eventually(lambda: node.births > 0, 60)
            eventually(lambda: plant.stored() >= 3, 60)
            assert node.states[-1] is True
            node.say_data(0, 300)
            processes[1].send_signal(signal.SIGKILL)
            processes[1].wait(10)
            node.say_data(300, 300)
            eventually(lambda: node.states[-1] is False, 60)
            processes[1] = start_bridge(plant)
            eventually(lambda: node.births > 1, 60)
            node.say_data(600, 100)
            wanted = [n / 1_000 for n in range(700)]
            eventually(lambda: speeds(plant) == wanted, 90)
        finally:
            node.stop()
        for process in processes:
            process.terminate()
        assert [process.wait(20) for process in processes] == [0, 0]
    (source,) = read.sources(plant.conn)
    assert (source.guaranteed, source.missing, source.refused) == (True, 0, 0)
    online = plant.conn.execute("select count(*) from ingest.unit_state where online").fetchone()
    assert online == (3,)


def test_an_edge_node_reaches_the_store_and_a_killed_bridge_loses_nothing(plant: Plant) -> None:
    killed_in_the_middle(plant)


@pytest.mark.requires("mosquitto")
def test_the_same_on_mosquitto(mosquitto_plant: Plant) -> None:
    killed_in_the_middle(mosquitto_plant)


def test_a_call_centre_is_answered_after_the_commit_and_a_second_bridge_waits(plant: Plant) -> None:
    store.add_gateway(plant.conn, "centre", "call_centre", "test", datetime.now(UTC))
    plate = plant.conn.execute(
        "select rescue_code from equipment.unit where rescue_code is not null limit 1"
    ).fetchone()
    assert plate is not None
    answers: list[list[dict[str, object]]] = []
    plant.device.on_message = lambda _c, _u, m: answers.append(json.loads(m.payload))
    plant.device.subscribe("teshe-gateway/v1/centre/calls/result", qos=1)
    now = datetime.now(UTC).isoformat()
    body = [
        {"external_id": "W1", "category": "entrapment", "reported_at": now, "rescue_code": plate[0], "trapped": 2},
        {"external_id": "W2", "category": "explosion", "reported_at": now},
        {"external_id": "W3", "category": "fault"},
    ]
    with running(start_bridge(plant), start_bridge(plant)) as processes:
        eventually(lambda: plant.conn.execute("select owner is not null from ingest.bridge").fetchone() == (True,), 60)
        time.sleep(1.0)
        plant.device.publish("teshe-gateway/v1/centre/calls", json.dumps(body), qos=1).wait_for_publish(10)
        eventually(lambda: len(answers) == 1, 60)
        assert [(a["external_id"], a["result"]) for a in answers[0]] == [
            ("W1", "new"),
            ("W2", "refused"),
            ("W3", "refused"),
        ]
        assert "category" in str(answers[0][1]["problem"])
        assert all(process.poll() is None for process in processes)
    stored = plant.conn.execute("select source, external_id, link from ingest.call_record").fetchall()
    assert stored == [("mqtt:centre", "W1", "rescue_code")]
    assert plant.conn.execute("select owner, epoch > 0 from ingest.bridge").fetchone() == (None, True)
