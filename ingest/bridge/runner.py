"""The bridge's loop: receive, republish at QoS 1, wait for the broker, write state and account, then acknowledge."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime, timedelta

import msgspec
import psycopg

from equipment.foundation import metrics
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, DatabaseRole, connect, translated
from equipment.foundation.errors import DatabaseUnavailableError, InputError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import StopSignal, backoff_seconds
from equipment.foundation.settings import FoundationSettings
from ingest import call_messages
from ingest.bridge import store
from ingest.bridge.canonical import Outgoing
from ingest.bridge.gateway import GatewayKind, result_topic
from ingest.bridge.link import Link
from ingest.bridge.model import LineTaker
from ingest.bridge.settings import BridgeSettings
from ingest.bridge.translate import CentreTold, Translator, Work
from ingest.broker import BrokerAddress
from ingest.errors import BridgeLinkError, LeaseLostError
from ingest.settings import IngestSettings

log = get_logger("ingest.bridge")
POLL_SECONDS = 0.1
WAIT_FOR_LEASE_SECONDS = 1.0
BAD_EVENT = "bad_event"
"""Why an event of the line was refused; the detail says what is wrong with it."""

messages_total = metrics.counter("teshe_bridge_messages_total", "Messages of gateways that were dealt with")
republished_total = metrics.counter("teshe_bridge_republished_total", "Messages that the bridge published for them")
refused_total = metrics.counter("teshe_bridge_refused_total", "Refusals of what gateways sent")
leading_gauge = metrics.gauge("teshe_bridge_leading", "1 while this process holds the bridge's lease")


class Bridge:
    """One process; of several only the one that holds the lease is connected."""

    def __init__(
        self, foundation: FoundationSettings, settings: BridgeSettings, ingest: IngestSettings, clock: Clock,
        line: LineTaker,
    ) -> None:  # fmt: skip
        if foundation.database_url is None:
            raise InputError("set TESHE_DATABASE_URL to the database")
        self._url = foundation.database_url
        self._address = BrokerAddress.of(foundation)
        self._settings = settings
        self._most_bytes = ingest.payload_bytes
        self._clock = clock
        self._line = line
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._lifetime = timedelta(seconds=settings.lease_seconds)
        self._conn: Connection | None = None
        self._epoch: int | None = None
        self._link: Link | None = None
        self._translator: Translator | None = None
        self._next_renewal = 0.0
        self._next_registry = 0.0

    def run(self, stop: StopSignal) -> None:
        """Work until asked to stop."""
        failures = 0
        try:
            while not stop.is_set:
                try:
                    if not self._step():
                        stop.wait(WAIT_FOR_LEASE_SECONDS)
                    failures = 0
                except (DatabaseUnavailableError, LeaseLostError, BridgeLinkError, psycopg.Error) as error:
                    failures += 1
                    pause = backoff_seconds(failures)
                    log.error("bridge_interrupted", error=str(error), kind=type(error).__name__,
                              retry_in_seconds=round(pause, 2))  # fmt: skip
                    self._hang_up()
                    stop.wait(pause)
            self._leave()
        finally:
            self._hang_up()

    def _step(self) -> bool:
        """One turn; False when another bridge holds the lease."""
        if not self._lead():
            return False
        link, translator = self._ready()
        work = Work()
        for arrived in link.poll(POLL_SECONDS, self._settings.batch_messages):
            translator.take(arrived, work)
        translator.tick(self._clock.now(), work)
        self._finish(link, translator, work)
        return True

    def _finish(self, link: Link, translator: Translator, work: Work) -> None:
        """Publish, wait for the broker, commit, acknowledge: in this order, or not at all."""
        if not (work.outgoing or work.settled or work.changed):
            return
        link.publish(work.outgoing)
        link.confirm(self._settings.puback_seconds)
        results: list[Outgoing] = []
        conn, now = self._connection(), self._clock.now()
        with translated(), conn.transaction():
            store.hold_lease(conn, self._owner, self._epoch or 0)
            for told in work.centres:
                body = self._take_told(conn, told, work, now)
                results.append(Outgoing(result_topic(told.gateway_id, told.kind), body))
            changed = {name: translator.states[name] for name in work.changed}
            store.save(conn, changed, work.deltas, work.refused, now)
        link.publish(results)
        link.acknowledge(work.settled)
        messages_total.inc(len(work.settled))
        republished_total.inc(len(work.outgoing))
        refused_total.inc(len(work.refused))

    def _take_told(self, conn: Connection, told: CentreTold, work: Work, now: datetime) -> bytes:
        """What a call centre says, taken in; returns the answer as JSON, one entry per call or event."""
        if told.kind is GatewayKind.CALLS:
            return call_messages.take(conn, told.gateway_id, told.parts, now)
        taken = [(part, self._line(conn, told.gateway_id, part, now)) for part in told.parts]
        for part, one in taken:
            if one.problem is not None:
                entry = (told.gateway_id, told.at, told.topic, "", BAD_EVENT, one.problem, part)
                work.refuse(store.RefusedEntry(*entry))
        return msgspec.json.encode([one.answer for _, one in taken])

    def _lead(self) -> bool:
        """Hold or take the lease."""
        moment = self._clock.monotonic()
        if self._epoch is not None and moment < self._next_renewal:
            return True
        self._next_renewal = moment + self._settings.lease_seconds / 4
        conn, now = self._connection(), self._clock.now()
        with translated(), conn.transaction():
            if self._epoch is not None:
                store.renew_lease(conn, self._owner, self._epoch, now + self._lifetime)
                return True
            store.client_id(conn)
            epoch = store.take_lease(conn, self._owner, now, self._lifetime)
        leading_gauge.set(epoch is not None)
        if epoch is None:
            return False
        log.info("bridge_leads", epoch=epoch)
        self._epoch = epoch
        return True

    def _ready(self) -> tuple[Link, Translator]:
        if self._link is None or self._translator is None:
            conn = self._connection()
            with translated(), conn.transaction():
                client_id = store.client_id(conn)
                gateways, states = store.load_gateways(conn), store.load_states(conn)
            self._translator = Translator(
                gateways, states, self._settings.host_id, self._most_bytes,
                timedelta(seconds=self._settings.reorder_seconds),
            )  # fmt: skip
            self._link = Link(self._address, client_id, self._settings.host_id, self._clock)
            self._link.open()
            self._next_registry = self._clock.monotonic() + self._settings.registry_seconds
            self._finish(self._link, self._translator, self._translator.start(self._clock.now()))
        elif self._clock.monotonic() >= self._next_registry:
            self._next_registry = self._clock.monotonic() + self._settings.registry_seconds
            self._refresh_registry(self._link, self._translator)
        return self._link, self._translator

    def _refresh_registry(self, link: Link, translator: Translator) -> None:
        """Take in gateways and units registered meanwhile; a new edge node is asked for its birth."""
        conn = self._connection()
        with translated(), conn.transaction():
            fresh = store.load_gateways(conn)
        changed = {name: found for name, found in fresh.items() if translator.gateways.get(name) != found}
        translator.gateways = changed
        work = translator.start(self._clock.now())
        translator.gateways = fresh
        self._finish(link, translator, work)

    def _connection(self) -> Connection:
        if self._conn is None:
            self._conn = connect(self._url, DatabaseRole.SYSTEM, application_name="teshe-bridge", autocommit=True)
        return self._conn

    def _hang_up(self) -> None:
        """Let everything go without a farewell: what was not acknowledged comes again."""
        leading_gauge.set(0)
        if self._link is not None:
            self._link.close(clean=False)
        if self._conn is not None:
            self._conn.close()
        self._link, self._conn, self._translator = None, None, None
        # the lease may be ours still; it is taken anew, with a new epoch, when it has run out or was released
        self._epoch = None

    def _leave(self) -> None:
        """Say farewell and release the lease."""
        if self._link is None or self._conn is None or self._epoch is None:
            return
        try:
            self._link.farewell(self._settings.puback_seconds)
            with translated(), self._conn.transaction():
                store.release_lease(self._conn, self._owner)
            self._link.close(clean=True)
        except (DatabaseUnavailableError, BridgeLinkError, psycopg.Error) as error:
            log.warning("farewell_incomplete", error=str(error))
