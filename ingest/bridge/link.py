"""The bridge's two persistent sessions on the broker, one filter each, driven by one thread.

A source's message is acknowledged only when the bridge says so. Any trouble ends the link as a whole: the bridge makes a
new one, and the broker sends again what was not acknowledged.
"""

from __future__ import annotations

import select
from collections.abc import Sequence
from dataclasses import dataclass, field

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from equipment.foundation.clock import Clock
from ingest.bridge import gateway
from ingest.bridge.canonical import Outgoing
from ingest.bridge.model import Arrived
from ingest.bridge.sparkplug import topics
from ingest.bridge.translate import state_message
from ingest.broker import FAILURE_CODE, KEEPALIVE_SECONDS, BrokerAddress, make_client
from ingest.errors import BridgeLinkError, SubscriptionRefusedError

FILTERS = {"sparkplug": topics.FILTER, "gateway": gateway.FILTER}
MOST_IN_FLIGHT = 20_000
OPEN_SECONDS = 10.0
TURN_SECONDS = 0.05
READS_AT_ONCE = 256


@dataclass(eq=False, slots=True)
class _Session:
    name: str
    client: mqtt.Client
    ready: bool = False
    lost: str | None = None
    refused: str | None = None
    pending: set[int] = field(default_factory=set)
    """Ids of messages that are not acknowledged: the broker repeats them while we are connected."""


class Link:
    """Receives from the sources and publishes for them."""

    def __init__(self, address: BrokerAddress, client_id: str, host_id: str, clock: Clock) -> None:
        self._address = address
        self._host_id = host_id
        self._clock = clock
        self._inbox: list[Arrived] = []
        self._tokens: dict[int, tuple[_Session, int]] = {}
        self._next_token = 1
        self._unconfirmed: set[int] = set()
        self._sessions = [self._session(name, client_id) for name in FILTERS]

    def _session(self, name: str, client_id: str) -> _Session:
        client = make_client(f"{client_id}-{name}", self._address)
        client.max_inflight_messages_set(MOST_IN_FLIGHT)
        session = _Session(name, client)
        client.on_connect = lambda _c, _u, flags, reason, _p: self._on_connect(session, flags, reason)
        client.on_subscribe = lambda _c, _u, _mid, reasons, _p: self._on_subscribe(session, reasons)
        client.on_message = lambda _c, _u, message: self._on_message(session, message)
        client.on_disconnect = lambda _c, _u, _f, reason, _p: self._on_disconnect(session, reason)
        client.on_publish = lambda _c, _u, mid, _r, _p: self._unconfirmed.discard(mid)
        return session

    def open(self) -> None:
        """Connect, subscribe, and say that this host is there; its Will says the contrary.

        Raises
        ------
        BridgeLinkError
        SubscriptionRefusedError
        """
        now = self._clock.now()
        will = state_message(self._host_id, now, online=False)
        self._publisher.will_set(will.topic, will.payload, qos=1, retain=True)
        self.connect()
        self.publish([state_message(self._host_id, now, online=True)])

    def connect(self) -> None:
        """Connect and subscribe only.

        Raises
        ------
        BridgeLinkError
        SubscriptionRefusedError
        """
        for session in self._sessions:
            try:
                session.client.connect(self._address.host, self._address.port, keepalive=KEEPALIVE_SECONDS)
            except OSError as error:
                raise BridgeLinkError(f"no broker answers at {self._address.host}: {error}") from error
        deadline = self._clock.monotonic() + OPEN_SECONDS
        while not all(session.ready for session in self._sessions):
            self._turn(TURN_SECONDS)
            if self._clock.monotonic() > deadline:
                raise BridgeLinkError("the broker did not set up the bridge's sessions in time")

    @property
    def _publisher(self) -> mqtt.Client:
        return self._sessions[0].client

    def poll(self, timeout_seconds: float, most: int) -> list[Arrived]:
        """What arrived, in order, at most so many.

        Raises
        ------
        BridgeLinkError
        SubscriptionRefusedError
        """
        if len(self._inbox) < most:
            self._turn(0.0 if self._inbox else timeout_seconds)
        arrived, self._inbox = self._inbox[:most], self._inbox[most:]
        return arrived

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Hand messages to the broker; :meth:`confirm` waits for its word."""
        for message in messages:
            sent = self._publisher.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)
            if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise BridgeLinkError(f"publishing failed: {mqtt.error_string(sent.rc)}")
            if message.qos > 0:
                self._unconfirmed.add(sent.mid)

    def confirm(self, timeout_seconds: float) -> None:
        """Wait until the broker has acknowledged everything that was published.

        Raises
        ------
        BridgeLinkError
            It has not in time.
        """
        deadline = self._clock.monotonic() + timeout_seconds
        while self._unconfirmed:
            self._turn(TURN_SECONDS)
            if self._unconfirmed and self._clock.monotonic() > deadline:
                raise BridgeLinkError(f"the broker has not acknowledged {len(self._unconfirmed)} messages")

    def acknowledge(self, settled: Sequence[Arrived]) -> None:
        """Acknowledge messages of sources."""
        for arrived in settled:
            found = self._tokens.pop(arrived.token, None)
            if found is not None:
                session, mid = found
                session.pending.discard(mid)
                session.client.ack(mid, 1)
        for session in self._sessions:
            if session.client.want_write():
                session.client.loop_write()

    def close(self, *, clean: bool) -> None:
        """Leave. Not ``clean``: without a farewell, so that the broker sends the Will and repeats what is open."""
        for session in self._sessions:
            if clean:
                session.client.disconnect()
            open_socket = session.client.socket()
            if open_socket is not None:
                open_socket.close()

    def farewell(self, timeout_seconds: float) -> None:
        """Say that this host goes."""
        self.publish([state_message(self._host_id, self._clock.now(), online=False)])
        self.confirm(timeout_seconds)

    def _turn(self, timeout_seconds: float) -> None:
        """Move bytes once."""
        by_socket = {socket: s for s in self._sessions if (socket := s.client.socket()) is not None}
        writing = [socket for socket, s in by_socket.items() if s.client.want_write()]
        readable, writable, _ = select.select(list(by_socket), writing, [], timeout_seconds)
        for socket in writable:
            by_socket[socket].client.loop_write()
        for socket in readable:
            self._read(by_socket[socket])
        for session in self._sessions:
            session.client.loop_misc()
            if session.refused is not None:
                raise SubscriptionRefusedError(f"the broker refused {FILTERS[session.name]}: {session.refused}")
            if session.lost is not None:
                raise BridgeLinkError(f"the connection {session.name} was lost: {session.lost}")

    def _read(self, session: _Session) -> None:
        for _ in range(READS_AT_ONCE):
            before = len(self._inbox)
            code = session.client.loop_read()
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS or len(self._inbox) == before:
                return

    def _on_connect(self, session: _Session, flags: mqtt.ConnectFlags, reason: ReasonCode) -> None:
        if reason.is_failure:
            session.lost = str(reason)
        elif flags.session_present:
            session.ready = True
        else:
            session.client.subscribe(FILTERS[session.name], qos=1)

    def _on_subscribe(self, session: _Session, reasons: Sequence[ReasonCode]) -> None:
        if any(reason.value >= FAILURE_CODE for reason in reasons):
            session.refused = ", ".join(str(reason) for reason in reasons)
        session.ready = True

    def _on_disconnect(self, session: _Session, reason: ReasonCode) -> None:
        session.lost = str(reason)

    def _on_message(self, session: _Session, message: mqtt.MQTTMessage) -> None:
        token = 0
        if message.qos > 0:
            if message.mid in session.pending:
                return
            session.pending.add(message.mid)
            token, self._next_token = self._next_token, self._next_token + 1
            self._tokens[token] = (session, message.mid)
        # the raw bytes: paho's own property raises on a topic that is not UTF-8
        topic = message._topic.decode("utf-8", "replace")
        self._inbox.append(
            Arrived(topic, bytes(message.payload), self._clock.now(), message.qos, bool(message.dup),
                    bool(message.retain), token)
        )  # fmt: skip


def make_sessions(address: BrokerAddress, client_id: str, clock: Clock) -> None:
    """Make the bridge's sessions, so that what gateways publish from now on is kept until a bridge runs.

    Raises
    ------
    BridgeLinkError
    SubscriptionRefusedError
    """
    link = Link(address, client_id, "", clock)
    link.connect()
    # nothing was acknowledged: what arrived meanwhile comes again
    link.close(clean=True)
