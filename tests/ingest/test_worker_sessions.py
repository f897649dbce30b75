"""The shards' sessions against a broker whose every packet is scripted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.foundation.clock import ManualClock
from ingest.broker import BrokerAddress, Delivery, ShardSessions
from ingest.errors import SubscriptionRefusedError
from ingest.paho_client import Publish, ShardClient
from tests.conftest import START
from tests.ingest.scripted_broker import CONNACK_NEW, CONNACK_PRESENT, PINGRESP, ScriptedBroker, puback, publish

TOPIC = "teshe/v1/0/L000001/telemetry"
SHARD = 0


@pytest.fixture
def broker() -> Iterator[ScriptedBroker]:
    made = ScriptedBroker()
    yield made
    made.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def sessions(broker: ScriptedBroker, clock: ManualClock) -> Iterator[ShardSessions]:
    made = ShardSessions(BrokerAddress("127.0.0.1", broker.port), {SHARD: "shard-0-secret"}, clock)
    made.open(SHARD)
    made.poll(0.0)
    broker.accept()
    assert b"shard-0-secret" in broker.packet()
    broker.send(CONNACK_PRESENT)
    assert arrived(made, 0) == []
    yield made
    made.close_all()


def arrived(sessions: ShardSessions, count: int) -> list[Delivery]:
    """Poll until so many messages have come; 0: until the session is ready."""
    found: list[Delivery] = []
    for _ in range(200):
        found += sessions.poll(0.05)
        if len(found) >= count and sessions.all_ready:
            return found
    raise AssertionError(f"{len(found)} of {count} messages came")


def reconnect(sessions: ShardSessions, broker: ScriptedBroker, clock: ManualClock) -> None:
    clock.advance(20)
    sessions.poll(0.0)
    broker.accept()
    broker.packet()
    broker.send(CONNACK_PRESENT)
    arrived(sessions, 0)


def test_acknowledgements_leave_in_receive_order_and_only_when_asked_for(
    sessions: ShardSessions, broker: ScriptedBroker
) -> None:
    broker.send(*(publish(TOPIC, b"%d" % mid, mid) for mid in (7, 3, 9)))
    found = arrived(sessions, 3)
    assert [d.message.mid for d in found] == [7, 3, 9]
    broker.line.settimeout(0.2)
    with pytest.raises(TimeoutError):
        broker.line.recv(1)
    sessions.acknowledge(found)
    assert b"".join(broker.packet() for _ in range(3)) == puback(7, 3, 9)
    assert sessions.inflight_bytes == 0


def test_acknowledgements_never_cross_a_reconnect(
    sessions: ShardSessions, broker: ScriptedBroker, clock: ManualClock
) -> None:
    broker.send(publish(TOPIC, b"first", 5))
    old = arrived(sessions, 1)
    broker.line.close()
    for _ in range(100):
        sessions.poll(0.05)
        if not sessions.all_ready:
            break
    reconnect(sessions, broker, clock)
    broker.send(publish(TOPIC, b"another", 5))
    new = arrived(sessions, 1)
    sessions.acknowledge(old)
    broker.line.settimeout(0.2)
    with pytest.raises(TimeoutError):
        broker.line.recv(1)
    sessions.acknowledge(new)
    broker.line.settimeout(10)
    assert broker.packet() == puback(5)


def test_a_repetition_while_connected_is_marked_and_acknowledged_once(
    sessions: ShardSessions, broker: ScriptedBroker
) -> None:
    broker.send(publish(TOPIC, b"same", 5), publish(TOPIC, b"same", 5, dup=True), publish(TOPIC, b"next", 6))
    found = arrived(sessions, 3)
    assert [d.message.repeat for d in found] == [False, True, False]
    sessions.acknowledge(found)
    assert broker.packet() + broker.packet() == puback(5, 6)
    broker.line.settimeout(0.2)
    with pytest.raises(TimeoutError):
        broker.line.recv(1)


def test_a_pending_id_with_another_message_drops_the_connection_and_acknowledges_nothing(
    sessions: ShardSessions, broker: ScriptedBroker
) -> None:
    broker.send(publish(TOPIC, b"one", 5), publish(TOPIC, b"two", 5))
    found: list[Delivery] = []
    for _ in range(100):
        found += sessions.poll(0.05)
        if not sessions.all_ready:
            break
    assert [d.message.payload for d in found] == [b"one"]
    sessions.acknowledge(found)
    assert broker.packet() == b""


def test_abandoned_messages_come_again_because_their_connection_is_dropped(
    sessions: ShardSessions, broker: ScriptedBroker, clock: ManualClock
) -> None:
    broker.send(publish(TOPIC, b"one", 5))
    found = arrived(sessions, 1)
    sessions.abandon(found)
    assert sessions.inflight_bytes == 0
    assert broker.packet() == b""  # no DISCONNECT and no PUBACK: the broker keeps the message
    sessions.connected_anew()
    reconnect(sessions, broker, clock)
    assert (sessions.connected_anew(), sessions.connected_anew()) == (True, False)
    broker.send(publish(TOPIC, b"one", 5, dup=True))
    again = arrived(sessions, 1)
    assert (again[0].message.dup, again[0].message.repeat) == (True, False)


def test_without_reading_the_bytes_stay_in_the_socket_and_the_connection_stays(
    sessions: ShardSessions, broker: ScriptedBroker, clock: ManualClock
) -> None:
    broker.send(publish(TOPIC, b"waits", 5))
    for _ in range(10):
        assert sessions.poll(0.02, read=False) == []
        clock.advance(10)
        sessions.keep_alive()
    assert sessions.all_ready
    assert sessions.inflight_bytes == 0
    assert [d.message.payload for d in arrived(sessions, 1)] == [b"waits"]


def test_a_shard_that_is_left_says_goodbye_and_forgets_its_messages(
    sessions: ShardSessions, broker: ScriptedBroker
) -> None:
    broker.send(publish(TOPIC, b"x" * 100, 5))
    found = arrived(sessions, 1)
    sessions.close(SHARD)
    sessions.forget(found)
    assert sessions.inflight_bytes == 0
    assert broker.packet() == b"\xe0\x00"
    sessions.acknowledge([])
    assert broker.packet() == b""


def test_a_refused_subscription_is_fatal_and_named(broker: ScriptedBroker, clock: ManualClock) -> None:
    sessions = ShardSessions(BrokerAddress("127.0.0.1", broker.port), {SHARD: "shard-0"}, clock)
    sessions.open(SHARD)
    sessions.poll(0.0)
    broker.accept()
    broker.packet()
    broker.send(CONNACK_NEW)
    for _ in range(3):  # the answer, and then the SUBSCRIBE
        sessions.poll(0.5)
    subscribe = broker.packet()
    assert b"teshe/v1/0/+/+" in subscribe
    assert subscribe.endswith(b"\x01")  # QoS 1
    broker.send(b"\x90\x03" + subscribe[2:4] + b"\x80")
    with pytest.raises(SubscriptionRefusedError, match=r"teshe/v1/0/\+/\+.*max_ack_pending"):
        arrived(sessions, 1)
    sessions.close_all()


PACKETS = st.lists(
    st.tuples(st.text("ab/", min_size=1, max_size=5), st.binary(max_size=300), st.integers(0, 65_535), st.booleans()),
    max_size=8,
)


@given(PACKETS, st.lists(st.integers(1, 40), max_size=60))
def test_packets_come_out_whole_however_they_are_cut(
    packets: list[tuple[str, bytes, int, bool]], cuts: list[int]
) -> None:
    data = b"".join(publish(topic, payload, mid, dup=dup) for topic, payload, mid, dup in packets)
    client = ShardClient("x")
    found: list[Publish] = []
    pieces, at = [], 0
    for size in cuts:
        pieces.append(data[at : at + size])
        at += size
    for piece in [*pieces, data[at:]]:
        assert client._cut(client._unread + piece, found)
    assert found == [Publish(t.encode(), p, mid, dup, retained=False) for t, p, mid, dup in packets]
    assert client._unread == b""


def test_bytes_that_are_no_mqtt_end_the_connection() -> None:
    for data in (b"\x30\xff\xff\xff\xff\x01", b"\x32\x03\x00\x09a"):
        assert not ShardClient("x")._cut(data, [])
    assert ShardClient("x")._cut(PINGRESP[:1], [])
