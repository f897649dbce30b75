"""摆渡遥测: device messages of the internet side, kept until the link has carried them, and published again inside.

Outside, a message is acknowledged when it is committed to the link's ledger; inside, a bundle counts as applied when the
inner broker has acknowledged each of its messages. What is published twice after a crash is a duplicate to the store.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from equipment.foundation.database import Connection
from equipment.foundation.errors import BrokerUnavailableError
from equipment.link import store
from equipment.link.model import Entry, Messages, read
from ingest.broker import BrokerAddress, Delivery, ShardSessions
from ingest.topics import ROOT

KIND = "message"
AT_ONCE = 500
"""Messages of one entry."""
IN_FLIGHT = 200
ACKNOWLEDGE_SECONDS = 30.0


def take(conn: Connection, sessions: ShardSessions, timeout_seconds: float, now: datetime) -> int:
    """Commit what the broker delivers to the link's ledger, then acknowledge it; returns how many messages."""
    arrived = sessions.poll(timeout_seconds)
    fresh = [delivery for delivery in arrived if not delivery.message.repeat]
    if fresh:
        with conn.transaction():
            for start in range(0, len(fresh), AT_ONCE):
                store.spool(conn, KIND, {"m": [_said(d) for d in fresh[start : start + AT_ONCE]]}, now)
    if arrived:
        sessions.acknowledge(arrived)
    return len(fresh)


def _said(delivery: Delivery) -> list[str]:
    message = delivery.message
    return [message.topic, base64.b64encode(message.payload).decode("ascii"), message.received_at.isoformat()]


def messages_of(entries: Sequence[Entry]) -> list[tuple[str, bytes]]:
    """Topic and payload of every device message of a bundle, in order; nothing outside of the devices' topics."""
    found: list[tuple[str, bytes]] = []
    for entry in entries:
        if entry.kind == KIND:
            listed = read(entry, Messages).m
            found += [(topic, payload) for topic, payload, _ in listed if topic.startswith(f"{ROOT}/")]
    return found


class InnerBroker:
    """Publishes at QoS 1 into the government side's own broker."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._client: mqtt.Client | None = None

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish in order and wait until the broker has every one.

        Raises
        ------
        BrokerUnavailableError
            It does not answer, or did not acknowledge all in time; the same again is harmless.
        """
        if not messages:
            return
        client = self._connected()
        sent = [client.publish(topic, payload, qos=1) for topic, payload in messages]
        for one in sent:
            one.wait_for_publish(ACKNOWLEDGE_SECONDS)
            if not one.is_published():
                self.close()
                raise BrokerUnavailableError("the inner broker did not acknowledge in time; the bundle is tried again")

    def close(self) -> None:
        """Leave."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def _connected(self) -> mqtt.Client:
        if self._client is None:
            client = mqtt.Client(CallbackAPIVersion.VERSION2, clean_session=True)
            client.max_inflight_messages_set(IN_FLIGHT)
            self._address.introduce(client)
            try:
                client.connect(self._address.host, self._address.port)
            except OSError as error:
                raise BrokerUnavailableError(
                    f"no broker answers at {self._address.host}:{self._address.port}: {error}"
                ) from error
            client.loop_start()
            self._client = client
        return self._client
