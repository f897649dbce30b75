"""The worker's loop: receive, store and judge in one transaction, then acknowledge."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg

from equipment.foundation import metrics
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, DatabaseRole, connect, translated
from equipment.foundation.errors import DatabaseUnavailableError, InputError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import StopSignal, backoff_seconds
from equipment.foundation.settings import FoundationSettings
from equipment.foundation.timescale import probe
from equipment.registry.store import units_for_worker
from ingest import lease as leases
from ingest.broker import BrokerAddress, Delivery, ShardSessions
from ingest.clock_offset import ClockLimits, ClockOffsets
from ingest.decode import Decode
from ingest.errors import LeaseLostError
from ingest.model import BatchRef, Fold, Stage
from ingest.settings import IngestSettings
from ingest.store import QUERIES, Lease, Store

log = get_logger("ingest.runner")
MICROSECONDS = 1_000_000

samples_total = metrics.counter("teshe_ingest_samples_total", "Samples by what became of them", ("outcome",))
batch_seconds = metrics.histogram(
    "teshe_ingest_batch_seconds",
    "From the first message of a batch to its commit [s]",
    (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
lag_gauge = metrics.gauge("teshe_ingest_lag_seconds", "Age of the oldest message that is not stored yet [s]")


@dataclass(slots=True)
class _Timers:
    """When each periodic duty is due [s, monotonic]."""

    tick: float = 0.0
    renew: float = 0.0
    checkpoint: float = 0.0
    registry: float = 0.0


@dataclass(slots=True)
class _Settling:
    """Shards that were just taken over: stored at once, judged when the broker has repeated what was pending."""

    until: dict[int, float] = field(default_factory=dict)

    def fold_of(self, shard: int) -> Fold:
        return Fold.LATER if shard in self.until else Fold.NOW

    def ended(self, now: float) -> list[int]:
        return [shard for shard, until in self.until.items() if now >= until]


class Worker:
    """One worker process: owns what shards it can get, for as long as it can."""

    def __init__(self, foundation: FoundationSettings, settings: IngestSettings, stage: Stage, clock: Clock) -> None:
        if foundation.database_url is None:
            raise InputError("set TESHE_DATABASE_URL: the worker needs the database")
        self._url = foundation.database_url
        self._settings = settings
        self._stage = stage
        self._clock = clock
        self._address = BrokerAddress(
            foundation.broker_host, foundation.broker_port, foundation.broker_username, foundation.broker_password
        )
        self._settle_seconds = foundation.broker_ack_wait_seconds + 1.0
        self._lifetime = timedelta(seconds=settings.lease_seconds)
        limits = ClockLimits(
            future_us=int(settings.clock_future_seconds * MICROSECONDS),
            past_us=int(settings.clock_past_seconds * MICROSECONDS),
            late_us=int(settings.late_after_seconds * MICROSECONDS),
        )
        self._decode = Decode([], ClockOffsets(limits), settings.payload_bytes)
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._lease = Lease(self._owner, {})
        self._settling = _Settling()
        self._timers = _Timers()
        self._last_batch: dict[int, int] = {}
        self._waiting: list[Delivery] = []
        self._failures = 0
        self._conn: Connection | None = None
        self._store: Store | None = None
        self._sessions: ShardSessions | None = None
        self.on_commit: Callable[[dict[int, int]], None] = lambda _: None
        """Told the number of each shard's batch right after its commit: for measurements."""

    def run(self, stop: StopSignal) -> None:
        """Work until asked to stop; what was received but not stored is left to be repeated by the broker."""
        try:
            while not stop.is_set:
                try:
                    self._step()
                    self._failures = 0
                except (DatabaseUnavailableError, LeaseLostError, psycopg.Error) as error:
                    self._recover(error, stop)
            self._drain()
        finally:
            if self._sessions is not None:
                self._sessions.close_all()
            if self._conn is not None:
                self._conn.close()

    def _step(self) -> None:
        conn, sessions = self._ready()
        now = self._clock.monotonic()
        self._renew(conn, sessions, now)
        if now >= self._timers.registry:
            self._refresh_registry(conn)
        self._end_settling(conn, now)
        room = (
            sessions.inflight_bytes < self._settings.inflight_bytes
            and len(self._waiting) < 4 * self._settings.batch_messages
        )
        self._waiting += sessions.poll(0.0 if self._waiting else self._pause(now), read=room)
        self._flush_if_due(conn, sessions)
        if self._clock.monotonic() >= self._timers.tick:
            self._tick(conn)
        if self._clock.monotonic() >= self._timers.checkpoint:
            self._checkpoint(conn)

    def _pause(self, now: float) -> float:
        """How long the loop may sleep when nothing waits [s]."""
        return max(0.0, min(self._timers.tick - now, self._settings.tick_seconds))

    def _flush_if_due(self, conn: Connection, sessions: ShardSessions) -> None:
        if not self._waiting:
            lag_gauge.set(0)
            return
        age = (self._clock.now() - self._waiting[0].message.received_at).total_seconds()
        lag_gauge.set(age)
        if age < self._settings.batch_age_seconds and len(self._waiting) < self._settings.batch_messages:
            self._waiting += sessions.poll(self._settings.batch_age_seconds - age)
        batch, self._waiting = (
            self._waiting[: self._settings.batch_messages],
            self._waiting[self._settings.batch_messages :],
        )
        try:
            self._flush(conn, batch)
        except BaseException:
            # not stored, or not known to be: the broker sends them again and the store recognises them
            sessions.abandon(batch)
            raise
        sessions.acknowledge(batch)

    def _flush(self, conn: Connection, batch: list[Delivery]) -> None:
        started = self._clock.monotonic()
        store = self._store_of(conn)
        messages = [delivery.message for delivery in batch]
        if any(self._decode.leads_nowhere(m.topic) for m in messages) and started >= self._timers.registry - 4:
            self._refresh_registry(conn)
        decoded = self._decode.decode(messages)
        folds = {shard: self._settling.fold_of(shard) for shard in self._lease.epochs}
        now = self._clock.now()
        with translated(), conn.transaction():
            stored = store.store(conn, decoded, self._decode.clocks, self._lease, folds, self._stage.rule_set, now)
            if stored.batches:
                self._stage.judge(conn, stored.batches, stored.rows, now)
        committed = {ref.shard: ref.number for ref in stored.batches}
        store.states.confirm()
        self._last_batch.update(committed)
        self.on_commit(committed)
        for outcome in ("stored", "duplicates", "quarantined", "redelivered", "late"):
            samples_total.labels(outcome).inc(sum(getattr(t, outcome) for t in stored.tallies.values()))
        batch_seconds.observe(self._clock.monotonic() - started)

    def _tick(self, conn: Connection) -> None:
        self._timers.tick = self._clock.monotonic() + self._settings.tick_seconds
        now = self._clock.now()
        if self._lease.epochs and self._stage.due(now):
            with translated(), conn.transaction():
                self._store_of(conn).hold_leases(conn, self._lease, sorted(self._lease.epochs))
                self._stage.tick(conn, now)

    def _end_settling(self, conn: Connection, now: float) -> None:
        shards = sorted(self._settling.ended(now))
        if not shards:
            return
        store, moment = self._store_of(conn), self._clock.now()
        with translated(), conn.transaction():
            numbers = store.next_batches(conn, self._lease, shards)
            refs = tuple(BatchRef(shard, numbers[shard], Fold.BACKLOG) for shard in shards)
            store.insert_batches(conn, refs, {}, self._lease, self._stage.rule_set, moment)
            self._stage.judge(conn, refs, {}, moment)
        self._last_batch.update(numbers)
        for shard in shards:
            del self._settling.until[shard]
        log.info("shards_settled", shards=shards)

    def _checkpoint(self, conn: Connection) -> None:
        self._timers.checkpoint = self._clock.monotonic() + self._settings.checkpoint_seconds
        settled = {
            s: n for s, n in self._last_batch.items() if s in self._lease.epochs and s not in self._settling.until
        }
        if settled:
            with translated(), conn.transaction():
                self._store_of(conn).hold_leases(conn, self._lease, sorted(settled))
                self._stage.checkpoint(conn, settled, self._clock.now())

    def _ready(self) -> tuple[Connection, ShardSessions]:
        if self._conn is None:
            self._conn = connect(self._url, DatabaseRole.SYSTEM, application_name="teshe-worker")
            self._timers = _Timers()
            if self._store is None:
                with translated(), self._conn.transaction():
                    self._store = Store(probe(self._conn))
                    self._load_clocks(self._conn)
            self._store.forget_connection()
        if self._sessions is None:
            with translated(), self._conn.transaction():
                self._sessions = ShardSessions(self._address, leases.client_ids(self._conn), self._clock)
        return self._conn, self._sessions

    def _store_of(self, conn: Connection) -> Store:
        if self._store is None:
            self._store = Store(probe(conn))
        return self._store

    def _load_clocks(self, conn: Connection) -> None:
        for unit_no, offset_ms in conn.execute(QUERIES.steady_clocks):
            self._decode.clocks.seed(unit_no, offset_ms * 1000.0)

    def _refresh_registry(self, conn: Connection) -> None:
        with translated(), conn.transaction():
            self._decode.register(units_for_worker(conn))
        self._timers.registry = self._clock.monotonic() + self._settings.registry_refresh_seconds

    def _renew(self, conn: Connection, sessions: ShardSessions, now: float) -> None:
        """Prolong leases, give up what was lost, take what is free."""
        if now < self._timers.renew:
            return
        self._timers.renew = now + self._settings.lease_seconds / 4
        moment: datetime = self._clock.now()
        with translated(), conn.transaction():
            kept = leases.renew(conn, self._lease, moment, self._lifetime)
            lost = frozenset(self._lease.epochs) - kept
            gained = (
                leases.take_free(conn, self._owner, moment, self._lifetime)
                if len(kept) < len(leases.client_ids(conn))
                else None
            )
        fresh = frozenset(gained.epochs) - kept if gained is not None else frozenset()
        self._give_up(sessions, lost)
        if gained is not None and gained.epochs:
            self._lease = leases.joined(self._lease, gained)
        if fresh or lost:
            self._own(conn, sessions, fresh)

    def _give_up(self, sessions: ShardSessions, lost: frozenset[int]) -> None:
        if not lost:
            return
        log.error("leases_lost", shards=sorted(lost))
        self._lease = leases.without(self._lease, lost)
        for shard in lost:
            sessions.close(shard)
            self._settling.until.pop(shard, None)
            self._last_batch.pop(shard, None)
        self._waiting = [d for d in self._waiting if d.message.shard not in lost]

    def _own(self, conn: Connection, sessions: ShardSessions, fresh: frozenset[int]) -> None:
        self._acquire(conn)
        for shard in sorted(fresh):
            self._settling.until[shard] = self._clock.monotonic() + self._settle_seconds
            sessions.open(shard)
        log.info("shards_owned", shards=sorted(self._lease.epochs), fresh=sorted(fresh))

    def _acquire(self, conn: Connection) -> None:
        """Let the stage recover the state of exactly the shards we own."""
        with translated(), conn.transaction():
            if self._lease.epochs:
                self._store_of(conn).hold_leases(conn, self._lease, sorted(self._lease.epochs))
            self._stage.acquire(conn, sorted(self._lease.epochs), self._clock.now())

    def _recover(self, error: Exception, stop: StopSignal) -> None:
        """After a failed or uncertain transaction: new connection, state from the database."""
        self._failures += 1
        pause = backoff_seconds(self._failures)
        log.error(
            "batch_failed",
            error=str(error),
            kind=type(error).__name__,
            attempt=self._failures,
            retry_in_seconds=round(pause, 2),
        )
        self._hang_up()
        if stop.wait(pause):
            return
        try:
            conn, _ = self._ready()
            self._acquire_after_failure(conn)
        except (DatabaseUnavailableError, LeaseLostError, psycopg.Error) as again:
            log.warning("recovery_failed", error=str(again))
            self._hang_up()

    def _hang_up(self) -> None:
        """Let the database connection go; the next batch opens another."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _acquire_after_failure(self, conn: Connection) -> None:
        sessions = self._sessions
        moment = self._clock.now()
        with translated(), conn.transaction():
            kept = leases.renew(conn, self._lease, moment, self._lifetime)
        if sessions is not None:
            self._give_up(sessions, frozenset(self._lease.epochs) - kept)
        self._acquire(conn)

    def _drain(self) -> None:
        """Store what has arrived, save the rules' state, let the shards go."""
        conn, sessions = self._conn, self._sessions
        if conn is None or sessions is None:
            return
        try:
            self._waiting += sessions.poll(0.0)
            while self._waiting:
                self._flush_if_due(conn, sessions)
            self._checkpoint(conn)
            with translated(), conn.transaction():
                leases.release(conn, self._lease)
        except (DatabaseUnavailableError, LeaseLostError, psycopg.Error) as error:
            log.warning("drain_incomplete", error=str(error))
