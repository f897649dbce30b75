"""Sends raw bytes to the broker again, for replays out of the quarantine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from equipment.foundation.errors import BrokerUnavailableError
from ingest.broker import BrokerAddress

ACKNOWLEDGE_SECONDS = 10.0
Publish = Callable[[str, bytes], None]


@contextmanager
def republisher(address: BrokerAddress) -> Iterator[Publish]:
    """A function that publishes at QoS 1 and returns when the broker has acknowledged.

    Raises
    ------
    BrokerUnavailableError
        No broker answers, or it does not acknowledge in time.
    """
    client = mqtt.Client(CallbackAPIVersion.VERSION2, clean_session=True)
    address.introduce(client)
    try:
        client.connect(address.host, address.port)
    except OSError as error:
        raise BrokerUnavailableError(f"no broker answers at {address.host}:{address.port}: {error}") from error

    def publish(topic: str, payload: bytes) -> None:
        sent = client.publish(topic, payload, qos=1)
        sent.wait_for_publish(ACKNOWLEDGE_SECONDS)
        if not sent.is_published():
            raise BrokerUnavailableError("the broker did not acknowledge; nothing was changed, try again")

    client.loop_start()
    try:
        yield publish
    finally:
        client.disconnect()
        client.loop_stop()
