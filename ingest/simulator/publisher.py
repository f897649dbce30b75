"""Publishes a script over several real MQTT clients at QoS 1, and waits for every PUBACK at the end."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from equipment.foundation.clock import Clock
from equipment.foundation.errors import BrokerUnavailableError
from equipment.foundation.process import StopSignal
from ingest.broker import BrokerAddress
from ingest.model import Channel
from ingest.simulator.city import CityScript
from ingest.simulator.keylog import KeyLog
from ingest.simulator.messages import Outgoing
from ingest.topics import topic_of

TURN_SECONDS = 0.005
STATUS_EVERY_SECONDS = 0.25
CONNECT_SECONDS = 20.0
DRAIN_SECONDS = 10.0
INFLIGHT = 1_000


@dataclass(slots=True)
class Progress:
    """What has been done; written to the status file."""

    messages: int = 0
    samples: int = 0
    acknowledged: int = 0
    unacknowledged: int = 0
    behind_seconds: float = 0.0
    """How far the schedule was ahead of us at the last turn [s]: above 0 the machine is too slow for the rate."""


class Terminals:
    """Gateways, each a client of its own with a Last Will for its first unit."""

    def __init__(self, address: BrokerAddress, unit_ids: Sequence[str], clients: int, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._acknowledged = 0
        self._clients = [self._make(address, unit_ids[i::clients], i) for i in range(clients) if unit_ids[i::clients]]
        self._of = {unit: self._clients[i % len(self._clients)] for i, unit in enumerate(unit_ids)}

    def _make(self, address: BrokerAddress, unit_ids: Sequence[str], number: int) -> mqtt.Client:
        session = secrets.token_hex(8)
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"sim-{number}-{session}", clean_session=True)
        client.max_inflight_messages_set(INFLIGHT)
        client.max_queued_messages_set(0)
        address.introduce(client)
        offline = json.dumps({"online": False, "session": session})
        client.will_set(topic_of(unit_ids[0], Channel.STATUS), offline, qos=1, retain=True)
        client.on_publish = self._on_publish
        client.connect(address.host, address.port, keepalive=30)
        client.loop_start()
        deadline = self._clock.monotonic() + CONNECT_SECONDS
        pause = StopSignal()
        while not client.is_connected():
            if self._clock.monotonic() > deadline:
                raise BrokerUnavailableError(f"the broker at {address.host}:{address.port} did not accept a terminal")
            pause.wait(0.02)
        online = json.dumps({"online": True, "session": session})
        for unit_id in unit_ids:
            client.publish(topic_of(unit_id, Channel.STATUS), online, qos=1, retain=True)
        self._statuses = getattr(self, "_statuses", 0) + len(unit_ids)
        return client

    def _on_publish(self, *_: object) -> None:
        with self._lock:
            self._acknowledged += 1

    @property
    def acknowledged(self) -> int:
        """PUBACKs, apart from those of the status messages."""
        return max(0, self._acknowledged - self._statuses)

    def publish(self, message: Outgoing) -> None:
        """Hand a message to the unit's client; a topic of no known unit goes through the first."""
        client = self._of.get(message.topic.split("/")[3], self._clients[0])
        client.publish(message.topic, message.payload, qos=1)

    def close(self) -> None:
        """Say good-bye; without it the broker would publish the Wills."""
        for client in self._clients:
            client.disconnect()
            client.loop_stop()


def run(
    script: CityScript, terminals: Terminals, log: KeyLog, status: Path, clock: Clock, stop: StopSignal
) -> Progress:
    """Publish by the clock until asked to stop, then wait for the PUBACKs."""
    progress, began, told = Progress(), clock.monotonic(), 0.0
    while not stop.wait(TURN_SECONDS):
        t = clock.monotonic() - began
        batch = script.until(t)
        log.write(batch)
        for message in batch:
            terminals.publish(message)
        progress.messages += len(batch)
        progress.samples += sum(message.samples for message in batch)
        progress.acknowledged = terminals.acknowledged
        progress.behind_seconds = round(max(0.0, clock.monotonic() - began - t - TURN_SECONDS), 3)
        if t - told >= STATUS_EVERY_SECONDS:
            told = t
            tell(status, progress)
    deadline = clock.monotonic() + DRAIN_SECONDS
    pause = StopSignal()
    while terminals.acknowledged < progress.messages and clock.monotonic() < deadline:
        pause.wait(0.02)
    progress.acknowledged = terminals.acknowledged
    progress.unacknowledged = progress.messages - progress.acknowledged
    tell(status, progress)
    terminals.close()
    return progress


def tell(status: Path, progress: Progress) -> None:
    """Replace the status file as a whole."""
    fresh = status.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(progress)), encoding="ascii")
    fresh.replace(status)
