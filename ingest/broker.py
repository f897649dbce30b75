"""The shards' sessions on the broker: paho clients, all driven by one thread with a selector.

A message is acknowledged only when the runner says that it is stored, in receive order, and never after a reconnect:
the broker then sends it again, and the store recognises it.
"""

from __future__ import annotations

import selectors
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from equipment.foundation import metrics
from equipment.foundation.clock import Clock
from equipment.foundation.errors import BrokerUnavailableError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import backoff_seconds
from equipment.foundation.settings import FoundationSettings
from ingest.errors import SubscriptionRefusedError
from ingest.model import Message
from ingest.paho_client import Publish, ShardClient
from ingest.topics import shard_filter

log = get_logger("ingest.broker")
KEEPALIVE_SECONDS = 30
CONNECT_SECONDS = 5.0
FAILURE_CODE = 0x80
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
    ca_file: Path | None = None
    """Certificate of the authority that signed the broker's; None: clear text."""

    @classmethod
    def of(cls, settings: FoundationSettings) -> BrokerAddress:
        """The configured broker."""
        return cls(
            settings.broker_host, settings.broker_port, settings.broker_username, settings.broker_password,
            settings.broker_ca_file,
        )  # fmt: skip

    def introduce(self, client: mqtt.Client) -> None:
        """Tell a client that is not connected yet who we are, and whom to trust."""
        if self.username is not None:
            client.username_pw_set(self.username, self.password)
        if self.ca_file is not None:
            client.tls_set(str(self.ca_file))


@dataclass(eq=False, slots=True)
class Session:
    """The persistent session of one shard. ``generation`` counts connections; pending ids belong to one of them."""

    shard: int
    client: ShardClient
    generation: int = 0
    ready: bool = False
    pending: dict[int, Message] = field(default_factory=dict)
    """Messages that are not acknowledged yet, by packet id."""
    registered: Any = None
    """The socket that the selector watches."""
    writing: bool = False
    attempts: int = 0
    next_attempt: float = 0.0
    refused: str | None = None


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """A message and what is needed to acknowledge it."""

    message: Message
    session: Session
    generation: int


def make_client(client_id: str, address: BrokerAddress) -> ShardClient:
    """A client that is not connected yet."""
    client = ShardClient(client_id)
    client.connect_timeout = CONNECT_SECONDS
    address.introduce(client)
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
        self._connected = False
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
        client.on_disconnect = lambda _c, _u, _f, reason, _p: self._on_disconnect(session, reason)

    def close(self, shard: int) -> None:
        """Leave a shard's session to another worker: disconnect, acknowledge nothing more."""
        session = self._sessions.pop(shard, None)
        if session is None:
            return
        self._forget_pending(session)
        session.client.disconnect()
        self._unregister(session)
        self.forget([delivery for delivery in self._inbox if delivery.session is session])
        self._inbox = [delivery for delivery in self._inbox if delivery.session is not session]
        self._count_ready()

    def close_all(self) -> None:
        """Leave all sessions; they and their messages stay on the broker."""
        for shard in list(self._sessions):
            self.close(shard)

    def connected_anew(self) -> bool:
        """Whether a session was connected since the last call: the broker now repeats what it had in flight."""
        found, self._connected = self._connected, False
        return found

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

    def keep_alive(self) -> None:
        """Answer for the connections without reading messages: for the time in which nothing can be stored."""
        self._inbox = self.poll(0.0, read=False) + self._inbox

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge stored messages in receive order; those of a connection that is gone are left to be repeated."""
        self.forget(deliveries)
        mids: dict[Session, list[int]] = {}
        for delivery in deliveries:
            session, message = delivery.session, delivery.message
            current = delivery.generation == session.generation and not message.repeat
            if current and session.pending.pop(message.mid, None) is not None:
                mids.setdefault(session, []).append(message.mid)
        for session, acknowledged in mids.items():
            session.client.acknowledge(acknowledged)

    def abandon(self, deliveries: Sequence[Delivery]) -> None:
        """Give up on messages that were not stored: drop their connections, so that the broker sends them again."""
        self.forget(deliveries)
        for session in {d.session for d in deliveries if d.generation == d.session.generation}:
            self._drop(session)

    def forget(self, deliveries: Sequence[Delivery]) -> None:
        """These messages are not in our hands any more."""
        self.inflight_bytes -= sum(len(delivery.message.payload) for delivery in deliveries)

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
        self._connected = True
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

    def _take(self, session: Session, publishes: Sequence[Publish], now: datetime) -> None:
        """Messages to the inbox.

        A pending id that comes again with the same content is the broker's repetition. With other content, the broker
        and we disagree about ids: only a new connection makes that right, and loses nothing.
        """
        pending, shard, generation, inbox = session.pending, session.shard, session.generation, self._inbox
        for topic, payload, mid, dup, retained in publishes:
            text, repeat = topic.decode("utf-8", "replace"), False
            if mid:
                known = pending.get(mid)
                if known is not None:
                    if known.payload != payload or known.topic != text:
                        log.error("packet_id_of_another_message", shard=shard, mid=mid)
                        self._drop(session)
                        return
                    repeat = True
            message = Message(text, payload, now, dup, retained, mid, shard, repeat)
            if mid and not repeat:
                pending[mid] = message
            self.inflight_bytes += len(payload)
            inbox.append(Delivery(message, session, generation))

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
        if not events & selectors.EVENT_READ or session.registered is None:
            return
        if not read and session.ready:
            session.client.spare()
            return
        more = True
        while more:
            client = session.client
            publishes, alive = client.receive()
            if publishes:
                self._take(session, publishes, self._clock.now())
            more = alive and session.client is client and client.decrypted_waits()


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
