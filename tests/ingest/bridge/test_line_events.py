"""Events of the telephone line over MQTT: kept once, refused with a reason, and each centre under its own topic only."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from equipment.credentials.store import hash_for_mosquitto
from equipment.foundation.embedded_nats import EmbeddedNats
from ingest.bridge import rights, store
from ingest.bridge.gateway import GatewayKind, result_topic, topic_of
from ingest.bridge.model import Gateway
from ingest.credentials import authorisation
from ingest.credentials.runner import write_files
from ingest.errors import GatewayError
from tests.conftest import Database
from tests.ingest.bridge.test_process import running, start_bridge
from tests.ingest.bridge.test_translate import reasons, take
from tests.ingest.credentials.test_terminals import Client
from tests.ingest.faults.plant import Plant, eventually, planted
from tests.pipeline import Pipeline
from tests.services.shipped import PLATFORM_PASSWORD, ShippedMosquitto, ShippedNats
from tests.services.trixie import ChrootMosquitto

LINE, RESULT = topic_of("centre", GatewayKind.LINE), result_topic("centre", GatewayKind.LINE)


def event(call: str, kind: str, **more: Any) -> dict[str, Any]:
    at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).isoformat()
    return {"call": call, "event": kind, "called": "96366", "caller": "13800001234", "at": at, **more}


def test_only_a_call_centre_tells_of_calls() -> None:
    told = take(LINE, [event("c1", "ringing"), event("c2", "ringing")])
    assert [(c.gateway_id, c.kind, len(c.parts)) for c in told.centres] == [("centre", GatewayKind.LINE, 2)]
    assert reasons(take(topic_of("gw1", GatewayKind.LINE), event("c1", "ringing"))) == ["not_allowed"]
    assert reasons(take(topic_of("nobody", GatewayKind.LINE), event("c1", "ringing"))) == ["unknown_gateway"]
    # our own answers come back through the filter, and are nothing
    assert take(RESULT, [{"result": "kept"}]).centres == []


def through_a_broker(plant: Plant) -> None:
    store.add_gateway(plant.conn, "centre", "call_centre", "test", datetime.now(UTC))
    answers: list[dict[str, Any]] = []
    plant.device.on_message = lambda _c, _u, m: answers.extend(json.loads(m.payload))
    plant.device.subscribe(RESULT, qos=1)
    messages: list[Any] = [
        event("c1", "ringing"),
        event("c1", "ringing"),
        [event("c1", "claimed"), event("c2", "explodes"), event("c3", "ringing", source="other")],
        [],
    ]
    with running(start_bridge(plant)):
        eventually(lambda: plant.conn.execute("select owner is not null from ingest.bridge").fetchone() == (True,), 60)
        time.sleep(1.0)
        for body in (*map(json.dumps, messages), "not json"):
            plant.device.publish(LINE, body, qos=1).wait_for_publish(10)
        eventually(lambda: len(answers) == 6, 60)
    assert [a["result"] for a in answers] == ["kept", "duplicate", "kept", "refused", "refused", "refused"]
    kept = plant.conn.execute("select kind, payload ->> 'source', payload ->> 'event' from alarms.inbox order by id")
    assert kept.fetchall() == [("call", "centre", "ringing"), ("call", "centre", "claimed")]
    refused = plant.conn.execute("select reason, detail, payload from ingest.gateway_refusal order by id").fetchall()
    assert sorted(reason for reason, _, _ in refused) == ["bad_event", "bad_event", "bad_event", "empty_array"]
    assert any("本网关" in detail for _, detail, _ in refused)
    assert b"not json" in [bytes(payload) for _, _, payload in refused]
    account = plant.conn.execute("select messages, refused from ingest.gateway_account").fetchone()
    assert account == (5, 4)


def test_events_come_once_and_bad_ones_are_kept_with_their_reason(
    database: Database, nats: EmbeddedNats, tmp_path: Path
) -> None:
    with planted(database.url, nats.mqtt_port, tmp_path) as plant:
        through_a_broker(plant)


@pytest.mark.requires("mosquitto")
def test_the_same_on_mosquitto(database: Database, mosquitto: ChrootMosquitto, tmp_path: Path) -> None:
    with planted(database.url, mosquitto.port, tmp_path) as plant:
        through_a_broker(plant)


CENTRES = (Gateway("centre", "call_centre"), Gateway("other.2", "call_centre"))
SECRET = "line-secret-1"  # of a throw-away broker


@pytest.fixture(params=["nats", pytest.param("mosquitto", marks=pytest.mark.requires("mosquitto"))])
def shipped(
    request: pytest.FixtureRequest, pipeline: Pipeline, tmp_path: Path, logs: Path
) -> Iterator[ShippedNats | ShippedMosquitto]:
    broker: ShippedNats | ShippedMosquitto = (
        ShippedNats(tmp_path) if request.param == "nats" else ShippedMosquitto(logs)
    )
    broker.folder.mkdir(parents=True, exist_ok=True)
    form = rights.Broker(broker.kind)
    text = "\n".join(rights.lines(centre, form) for centre in CENTRES) + "\n"
    if broker.kind == "nats":
        (broker.folder / authorisation.OTHERS_FILE).write_text(text.replace("…", SECRET), encoding="utf-8")
    else:
        (broker.folder / authorisation.OTHERS_RIGHTS).write_text(text, encoding="utf-8")
        passwords = "".join(f"{c.id}:{hash_for_mosquitto(SECRET)}\n" for c in CENTRES)
        (broker.folder / authorisation.OTHERS_PASSWORDS).write_text(passwords, encoding="utf-8")
    write_files(pipeline.conn, broker.folder, broker.kind, PLATFORM_PASSWORD, pipeline.clock.now())
    broker.start()
    yield broker
    broker.stop()


def test_a_centre_publishes_and_hears_under_its_own_topic_alone(shipped: ShippedNats | ShippedMosquitto) -> None:
    platform = Client(shipped.platform_port, "platform", PLATFORM_PASSWORD, "listener")
    assert platform.connect() == "Success"
    assert platform.subscribe("teshe-gateway/#") == "Granted QoS 1"
    clients = [platform]
    try:
        # both brokers acknowledge and drop what the rights forbid
        for number, topic in enumerate((topic_of("other.2", GatewayKind.LINE), RESULT, "teshe/v1/0/L000001/telemetry")):
            rogue = Client(shipped.port, "centre", SECRET, f"rogue-{number}")
            clients.append(rogue)
            assert rogue.connect() == "Success"
            rogue.publish(topic, b"forbidden")
        other = Client(shipped.port, "other.2", SECRET, "second")
        centre = Client(shipped.port, "centre", SECRET, "centre")
        clients += [other, centre]
        assert (other.connect(), centre.connect()) == ("Success", "Success")
        other.subscribe(RESULT)
        assert centre.subscribe(RESULT) == "Granted QoS 1"
        other.publish(topic_of("other.2", GatewayKind.LINE), b"1")
        centre.publish(LINE, b"2")
        platform.until(lambda: len(platform.heard) >= 2)
        assert platform.heard == [(topic_of("other.2", GatewayKind.LINE), b"1"), (LINE, b"2")]
        platform.publish(RESULT, b"[]")
        centre.until(lambda: centre.heard == [(RESULT, b"[]")])
        assert other.heard == []
    finally:
        for client in clients:
            client.close()


def test_an_edge_node_is_not_authorised_by_us() -> None:
    with pytest.raises(GatewayError, match="Sparkplug"):
        rights.lines(Gateway("Suzhou/node1", "sparkplug"), rights.Broker.NATS)
    assert "frames/+" in rights.lines(Gateway("gw1", "gateway"), rights.Broker.MOSQUITTO)
