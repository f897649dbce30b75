"""The shards' sessions on the broker: paho clients, all driven by one thread with a selector.

A message is acknowledged only when the runner says that it is stored, in receive order, and never after a reconnect:
the broker then sends it again, and the store recognises it.
"""

from __future__ import annotations

import selectors
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from equipment.foundation import metrics
from equipment.foundation.clock import Clock
from equipment.foundation.errors import BrokerUnavailableError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import backoff_seconds
from ingest.errors import SubscriptionRefusedError
from ingest.model import Message
from ingest.topics import shard_filter

log = get_logger("ingest.broker")
KEEPALIVE_SECONDS = 30
CONNECT_SECONDS = 5.0
FAILURE_CODE = 0x80
READS_AT_ONCE = 256
MISC_SECONDS = 1.0

reconnects = metrics.counter("teshe_broker_reconnects_total", "Connections to the broker that were lost", ("shard",))
connected_gauge = metrics.gauge("teshe_broker_sessions_connected", "Shard sessions that are connected and subscribed")


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and who we are there."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None


@dataclass(eq=False, slots=True)
class Session:
    """The persistent session of one shard. ``generation`` counts connections; pending ids belong to one of them."""

    shard: int
    client: mqtt.Client
    generation: int = 0
    ready: bool = False
    pending: set[int] = field(default_factory=set)
    registered: Any = None
    """The socket that the selector watches."""
    writing: bool = False
    attempts: int = 0
    next_attempt: float = 0.0
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message and what is needed to acknowledge it."""

    message: Message
    session: Session
    generation: int


def make_client(client_id: str, address: BrokerAddress) -> mqtt.Client:
    """A client with a persistent session whose acknowledgements are ours to give."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False, protocol=mqtt.MQTTv311, manual_ack=True
    )
    client.connect_timeout = CONNECT_SECONDS
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    return client


class ShardSessions:
    """Receives for the shards of one worker."""

    def __init__(self, address: BrokerAddress, client_ids: Mapping[int, str], clock: Clock) -> None:
        self._address = address
        self._client_ids = client_ids
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._sessions: dict[int, Session] = {}
        self._inbox: list[Delivery] = []
        self._next_misc = 0.0
        self.inflight_bytes = 0

    @property
    def shards(self) -> frozenset[int]:
        """Shards that have a session here."""
        return frozenset(self._sessions)

    @property
    def all_ready(self) -> bool:
        """Whether every session is connected and subscribed."""
        return all(session.ready for session in self._sessions.values())

    def open(self, shard: int) -> None:
        """Take up the session of a shard; it connects at the next :meth:`poll`."""
        session = Session(shard, make_client(self._client_ids[shard], self._address))
        self._listen(session)
        self._sessions[shard] = session

    def _listen(self, session: Session) -> None:
        client = session.client
        client.on_connect = lambda _c, _u, flags, reason, _p: self._on_connect(session, flags, reason)
        client.on_subscribe = lambda _c, _u, _mid, reasons, _p: self._on_subscribe(session, reasons)
        client.on_message = lambda _c, _u, message: self._on_message(session, message)
        client.on_disconnect = lambda _c, _u, _f, reason, _p: self._on_disconnect(session, reason)

    def close(self, shard: int) -> None:
        """Leave a shard's session to another worker: disconnect, acknowledge nothing more."""
        session = self._sessions.pop(shard, None)
        if session is None:
            return
        self._forget_pending(session)
        session.client.disconnect()
        self._unregister(session)

    def close_all(self) -> None:
        """Leave all sessions; they and their messages stay on the broker."""
        for shard in list(self._sessions):
            self.close(shard)

    def poll(self, timeout_seconds: float, *, read: bool = True) -> list[Delivery]:
        """Move bytes for at most ``timeout_seconds`` and return what arrived, in receive order.

        ``read`` False leaves messages in the sockets (back-pressure) but keeps the connections alive.

        Raises
        ------
        SubscriptionRefusedError
        """
        now = self._clock.monotonic()
        for session in self._sessions.values():
            if session.registered is None and now >= session.next_attempt:
                self._connect(session, now)
        self._watch()
        for key, events in self._selector.select(timeout_seconds):
            self._move(key.data, events, read)
        if now >= self._next_misc:
            self._next_misc = now + MISC_SECONDS
            for session in list(self._sessions.values()):
                session.client.loop_misc()
        self._raise_refused()
        arrived, self._inbox = self._inbox, []
        return arrived

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge stored messages in receive order; those of a connection that is gone are left to be repeated."""
        for delivery in deliveries:
            message, session = delivery.message, delivery.session
            self.inflight_bytes -= len(message.payload)
            if delivery.generation != session.generation or message.repeat:
                continue
            if message.mid in session.pending:
                session.pending.discard(message.mid)
                session.client.ack(message.mid, 1)
        for session in self._sessions.values():
            if session.client.want_write():
                session.client.loop_write()

    def abandon(self, deliveries: Sequence[Delivery]) -> None:
        """Give up on messages that were not stored: drop their connections, so that the broker sends them again."""
        for delivery in deliveries:
            self.inflight_bytes -= len(delivery.message.payload)
        for session in {d.session for d in deliveries if d.generation == d.session.generation}:
            self._drop(session)

    def _connect(self, session: Session, now: float) -> None:
        try:
            session.client.connect(self._address.host, self._address.port, keepalive=KEEPALIVE_SECONDS)
        except OSError as error:
            session.attempts += 1
            session.next_attempt = now + backoff_seconds(session.attempts)
            log.warning("broker_unreachable", shard=session.shard, attempt=session.attempts, error=str(error))
            return
        self._watch_session(session)

    def _on_connect(self, session: Session, flags: mqtt.ConnectFlags, reason: ReasonCode) -> None:
        if reason.is_failure:
            log.error("broker_refused_connection", shard=session.shard, reason=str(reason))
            return
        session.generation += 1
        session.attempts = 0
        self._forget_pending(session)
        if flags.session_present:
            session.ready = True
            self._count_ready()
        else:
            session.client.subscribe(shard_filter(session.shard), qos=1)

    def _on_subscribe(self, session: Session, reasons: Sequence[ReasonCode]) -> None:
        if any(reason.value >= FAILURE_CODE for reason in reasons):
            session.refused = ", ".join(str(reason) for reason in reasons)
            return
        session.ready = True
        self._count_ready()

    def _on_message(self, session: Session, message: mqtt.MQTTMessage) -> None:
        payload = bytes(message.payload)
        # the raw bytes: paho's own property raises on a topic that is not UTF-8
        topic = message._topic.decode("utf-8", "replace")
        repeat = message.qos > 0 and message.mid in session.pending
        if message.qos > 0:
            session.pending.add(message.mid)
        self.inflight_bytes += len(payload)
        delivered = Message(
            topic,
            payload,
            self._clock.now(),
            bool(message.dup),
            bool(message.retain),
            message.mid,
            session.shard,
            repeat,
        )
        self._inbox.append(Delivery(delivered, session, session.generation))

    def _on_disconnect(self, session: Session, reason: ReasonCode) -> None:
        if session.shard in self._sessions:
            log.warning("broker_connection_lost", shard=session.shard, reason=str(reason))
            reconnects.labels(f"{session.shard:x}").inc()
        self._drop(session)

    def _drop(self, session: Session) -> None:
        """Forget a connection; a new one is tried after a pause."""
        self._unregister(session)
        session.generation += 1
        session.attempts += 1
        session.next_attempt = self._clock.monotonic() + backoff_seconds(session.attempts)
        self._forget_pending(session)
        open_socket = session.client.socket()
        if open_socket is not None:
            # not a DISCONNECT: the session's unacknowledged messages must come back
            open_socket.close()
        session.client = make_client(self._client_ids[session.shard], self._address)
        self._listen(session)
        self._count_ready()

    def _forget_pending(self, session: Session) -> None:
        """After a reconnect a stale id may be another message."""
        session.pending.clear()
        session.ready = False

    def _raise_refused(self) -> None:
        refused = [s for s in self._sessions.values() if s.refused is not None]
        if refused:
            names = ", ".join(f"{shard_filter(s.shard)} ({s.refused})" for s in refused)
            raise SubscriptionRefusedError(
                f"the broker refused to subscribe {names}: check its permissions and max_ack_pending"
            )

    def _count_ready(self) -> None:
        connected_gauge.set(sum(session.ready for session in self._sessions.values()))

    def _watch(self) -> None:
        for session in self._sessions.values():
            if session.registered is not None:
                self._watch_session(session)

    def _watch_session(self, session: Session) -> None:
        """Keep the selector in step with the client's socket and its wish to write."""
        current = session.client.socket()
        if current is None:
            self._unregister(session)
            return
        wants = bool(session.client.want_write())
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wants else 0)
        if session.registered is not current:
            self._unregister(session)
            self._selector.register(current, events, session)
            session.registered, session.writing = current, wants
        elif session.writing != wants:
            self._selector.modify(current, events, session)
            session.writing = wants

    def _unregister(self, session: Session) -> None:
        if session.registered is not None:
            self._selector.unregister(session.registered)
            session.registered = None

    def _move(self, session: Session, events: int, read: bool) -> None:
        if events & selectors.EVENT_WRITE:
            session.client.loop_write()
        if not events & selectors.EVENT_READ or (not read and session.ready):
            return
        for _ in range(READS_AT_ONCE):
            before = len(self._inbox)
            code: Any = session.client.loop_read()
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS or len(self._inbox) == before:
                break


def ensure_sessions(
    address: BrokerAddress, client_ids: Mapping[int, str], clock: Clock, timeout_seconds: float = 30.0
) -> None:
    """Make the persistent session of every shard, so that nothing published from now on is lost.

    Raises
    ------
    BrokerUnavailableError
        The broker does not answer in time.
    SubscriptionRefusedError
    """
    sessions = ShardSessions(address, client_ids, clock)
    for shard in client_ids:
        sessions.open(shard)
    deadline = clock.monotonic() + timeout_seconds
    # nothing is acknowledged here: what arrives meanwhile is delivered again to the worker
    while not sessions.all_ready:
        sessions.poll(0.05)
        if clock.monotonic() > deadline:
            raise BrokerUnavailableError(
                f"the broker at {address.host}:{address.port} did not set up all sessions in time"
            )
    sessions.close_all()
