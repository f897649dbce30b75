"""The worker as a process on a real broker: what was refused can be sent again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from equipment.foundation.embedded_nats import EmbeddedNats
from ingest.model import Channel
from ingest.quarantine import replay
from ingest.topics import topic_of
from tests.conftest import Database
from tests.ingest.faults.plant import Plant, eventually, planted


@pytest.fixture
def plant(database: Database, nats: EmbeddedNats, tmp_path: Path) -> Iterator[Plant]:
    with planted(database.url, nats.mqtt_port, tmp_path) as made:
        yield made


def test_what_is_refused_can_be_replayed_once_its_unit_is_registered(plant: Plant) -> None:
    worker = plant.worker()
    unit = "L000777"
    body = json.dumps({"ts": time.time_ns() // 1_000_000, "seq": 1, "values": {"speed_m_s": 1.0}})

    def publish(topic: str, payload: bytes) -> None:
        plant.device.publish(topic, payload, qos=1).wait_for_publish(10)

    publish(topic_of(unit, Channel.TELEMETRY), body.encode())
    eventually(lambda: plant.value("select count(*) from ingest.quarantine") == 1)
    with plant.connect() as conn:
        row = conn.execute("select id, reason from ingest.quarantine").fetchone()
        assert row is not None
        assert row[1] == "unknown_unit"
        conn.execute("update equipment.unit set id = %s where id = 'L000001'", (unit,))
        time.sleep(1.1)  # the worker looks at the registry for an unknown unit, at most once a second
        replay(conn, row[0], publish, datetime.now(UTC))
    eventually(lambda: plant.stored() == 1)
    worker.terminate()
    assert worker.wait(40) == 0
