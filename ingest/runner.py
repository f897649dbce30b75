"""The worker's loop: receive, store and judge in one transaction, then acknowledge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from equipment.registry.model import SHARDS
from equipment.registry.store import units_for_worker
from ingest import lease as leases
from ingest.broker import BrokerAddress, Delivery, ShardSessions
from ingest.clock_offset import ClockLimits, ClockOffsets
from ingest.decode import Decode
from ingest.errors import LeaseLostError
from ingest.model import Decoded, Message, Quarantined, Reason, Stage
from ingest.settings import IngestSettings
from ingest.store import QUERIES, Lease, Store

log = get_logger("ingest.runner")
MICROSECONDS = 1_000_000
LOOK_FOR_SHARDS_SECONDS = 0.5
SLICE_SECONDS = 0.5
"""While nothing can be stored, the connections to the broker are looked after so often [s]."""
APART_SECONDS = 60.0
"""A batch that is refused again within this time is taken apart [s]."""
UNWELCOME = (psycopg.DataError, psycopg.IntegrityError)
"""What the database says of rows that it will never take."""
FAULTS = (DatabaseUnavailableError, LeaseLostError, psycopg.Error)

samples_total = metrics.counter("teshe_ingest_samples_total", "Samples by what became of them", ("outcome",))
batch_seconds = metrics.histogram(
    "teshe_ingest_batch_seconds",
    "From the first message of a batch to its commit [s]",
    (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
lag_gauge = metrics.gauge("teshe_ingest_lag_seconds", "Age of the oldest message that is not stored yet [s]")


def batch_size(waiting: Sequence[Delivery], most_messages: int, most_bytes: int) -> int:
    """How many of those that wait make one batch: at least one, and none beyond either limit."""
    size = 0
    for number, delivery in enumerate(waiting[:most_messages]):
        size += len(delivery.message.payload)
        if size > most_bytes:
            return max(number, 1)
    return min(len(waiting), most_messages)


@dataclass(slots=True)
class _Timers:
    """When each periodic duty is due [s, monotonic]."""

    tick: float = 0.0
    renew: float = 0.0
    checkpoint: float = 0.0
    registry: float = 0.0


class Worker:
    """One worker process: owns what shards it can get, for as long as it can."""

    def __init__(self, foundation: FoundationSettings, settings: IngestSettings, stage: Stage, clock: Clock) -> None:
        if foundation.database_url is None:
            raise InputError("set TESHE_DATABASE_URL: the worker needs the database")
        self._url = foundation.database_url
        self._settings = settings
        self._stage = stage
        self._clock = clock
        self._address = BrokerAddress.of(foundation)
        self._repeats_for = timedelta(seconds=foundation.broker_ack_wait_seconds + 1.0)
        self._lifetime = timedelta(seconds=settings.lease_seconds)
        limits = ClockLimits(
            future_us=int(settings.clock_future_seconds * MICROSECONDS),
            past_us=int(settings.clock_past_seconds * MICROSECONDS),
            late_us=int(settings.late_after_seconds * MICROSECONDS),
        )
        self._decode = Decode([], ClockOffsets(limits), settings.payload_bytes)
        self._owner = leases.new_owner()
        self._lease = Lease(self._owner, {})
        self._timers = _Timers()
        self._lease_ends = 0.0
        self._registry: tuple[object, ...] = ()
        self._stored: set[int] = set()
        """Shards of which something was stored since they are ours."""
        self._unsaved: list[int] = []
        """Shards of the present checkpoint that are not saved yet."""
        self._waiting: list[Delivery] = []
        self._failures = 0
        self._apart_until = 0.0
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
                except FAULTS as error:
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
            self._look_at_registry(conn)
        room = (
            sessions.inflight_bytes < self._settings.inflight_bytes
            and len(self._waiting) < 4 * self._settings.batch_messages
        )
        self._waiting += sessions.poll(0.0 if self._waiting else self._pause(now), read=room)
        if sessions.connected_anew():
            self._expect_repeats()
        self._flush_if_due(conn, sessions)
        if self._clock.monotonic() >= self._timers.tick:
            self._tick(conn)
            if self._stage.crowded(self._clock.now()):
                self._timers.checkpoint = 0.0
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
        size = batch_size(self._waiting, self._settings.batch_messages, self._settings.batch_bytes)
        batch, self._waiting = self._waiting[:size], self._waiting[size:]
        try:
            self._flush_all(conn, [delivery.message for delivery in batch])
        except BaseException:
            # not stored, or not known to be: the broker sends them again and the store recognises them
            sessions.abandon(batch)
            raise
        sessions.acknowledge(batch)

    def _flush_all(self, conn: Connection, messages: list[Message]) -> None:
        """Store a batch; when the database refuses it again after a new connection, all but what it refuses."""
        try:
            self._flush(conn, messages)
        except UNWELCOME as error:
            now = self._clock.monotonic()
            if now > self._apart_until:
                self._apart_until = now + APART_SECONDS
                raise
            self._acquire(conn)  # the rules' state has seen what was undone
            if len(messages) == 1:
                log.error("message_not_storable", topic=messages[0].topic, error=str(error))
                detail = f"the database refuses it: {error}"
                self._write(conn, Decoded(quarantined=[Quarantined(messages[0], Reason.NOT_STORABLE, detail)]))
                return
            middle = len(messages) // 2
            self._flush_all(conn, messages[:middle])
            self._flush_all(conn, messages[middle:])

    def _flush(self, conn: Connection, messages: list[Message]) -> None:
        started = self._clock.monotonic()
        if any(self._decode.leads_nowhere(m.topic) for m in messages) and started >= self._timers.registry - 4:
            self._refresh_registry(conn)
        self._write(conn, self._decode.decode(messages))
        batch_seconds.observe(self._clock.monotonic() - started)

    def _write(self, conn: Connection, decoded: Decoded) -> None:
        """One transaction: stored and judged, or nothing of it."""
        store = self._store_of(conn)
        now = self._clock.now()
        with translated(), conn.transaction():
            stored = store.store(conn, decoded, self._decode.clocks, self._lease, self._stage.rule_set, now)
            if stored.batches:
                self._stage.judge(conn, stored.batches, stored.rows, now)
        committed = {ref.shard: ref.number for ref in stored.batches}
        store.states.confirm()
        self._stored.update(committed)
        self.on_commit(committed)
        for outcome in ("stored", "duplicates", "quarantined", "redelivered", "late"):
            samples_total.labels(outcome).inc(sum(getattr(t, outcome) for t in stored.tallies.values()))

    def _tick(self, conn: Connection) -> None:
        self._timers.tick = self._clock.monotonic() + self._settings.tick_seconds
        now, states = self._clock.now(), self._store_of(conn).states
        judge, write = self._stage.due(now), states.due(now)
        if self._lease.epochs and (judge or write):
            with translated(), conn.transaction():
                self._store_of(conn).hold_leases(conn, self._lease, sorted(self._lease.epochs))
                if judge:
                    self._stage.tick(conn, now)
                if write:
                    states.write(conn, self._decode.clocks, now)
            states.confirm()

    def _checkpoint(self, conn: Connection) -> None:
        """Save one shard after the other, a batch between two: a large city's state takes longer than an alarm may wait."""
        if self._clock.monotonic() >= self._timers.checkpoint:
            self._timers.checkpoint = self._clock.monotonic() + self._settings.checkpoint_seconds
            self._stage.rotate()
            self._unsaved = sorted(self._stored & self._lease.epochs.keys())
        self._save(conn, self._unsaved[:1])
        self._unsaved = self._unsaved[1:]

    def _save(self, conn: Connection, shards: Sequence[int]) -> None:
        if shards:
            with translated(), conn.transaction():
                self._store_of(conn).hold_leases(conn, self._lease, shards)
                self._stage.checkpoint(conn, shards, self._clock.now())

    def _end_when_asleep(self, conn: Connection) -> None:
        """A worker that stops in the middle of a transaction holds its lease rows: no longer than its lease lasts.

        In the middle of a COPY the server waits for the rest of the rows and heeds no limit: whoever lacks the shards
        ends that session (:meth:`_end_sleepers`).
        """
        milliseconds = int(self._settings.lease_seconds * 1_000)
        with translated(), conn.transaction():
            conn.execute("select set_config('idle_in_transaction_session_timeout', %s, false)", (str(milliseconds),))

    def _end_sleepers(self, conn: Connection) -> None:
        """End sessions of workers that have waited in the middle of a COPY for longer than a lease lasts."""
        with translated(), conn.transaction():
            row = conn.execute(QUERIES.end_sleepers, (self._lifetime,)).fetchone()
        if row is not None and row[0]:
            log.warning("sleeping_workers_ended", sessions=row[0])

    def _ready(self) -> tuple[Connection, ShardSessions]:
        if self._conn is None:
            self._conn = connect(self._url, DatabaseRole.SYSTEM, application_name="teshe-worker")
            self._end_when_asleep(self._conn)
            leases.say_alive(self._conn, self._owner)
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

    def _look_at_registry(self, conn: Connection) -> None:
        """Take the registry again if it changed: reading all of it takes longer the larger the city is."""
        with translated(), conn.transaction():
            state = conn.execute(QUERIES.registry_state).fetchone() or ()
        if state != self._registry:
            self._refresh_registry(conn)
            self._registry = state
        self._timers.registry = self._clock.monotonic() + self._settings.registry_refresh_seconds

    def _refresh_registry(self, conn: Connection) -> None:
        with translated(), conn.transaction():
            self._decode.register(units_for_worker(conn))
        self._timers.registry = self._clock.monotonic() + self._settings.registry_refresh_seconds

    def _renew(self, conn: Connection, sessions: ShardSessions, now: float) -> None:
        """Prolong leases, give up what was lost, take what is free."""
        if now < self._timers.renew:
            return
        # who has nothing to do looks more often whether there is something
        self._timers.renew = now + (self._settings.lease_seconds / 4 if self._lease.epochs else LOOK_FOR_SHARDS_SECONDS)
        moment: datetime = self._clock.now()
        with translated(), conn.transaction():
            kept = leases.renew(conn, self._lease, moment, self._lifetime)
            lost = frozenset(self._lease.epochs) - kept
            gained = (
                leases.take_free(conn, self._owner, moment, self._lifetime, leases.dead_neighbours(conn, self._owner))
                if len(kept) < len(leases.client_ids(conn))
                else None
            )
        self._lease_ends = now + self._settings.lease_seconds
        fresh = frozenset(gained.epochs) - kept if gained is not None else frozenset()
        self._give_up(sessions, lost)
        if gained is not None and gained.epochs:
            self._lease = leases.joined(self._lease, gained)
        if gained is not None and len(self._lease.epochs) < SHARDS:
            self._end_sleepers(conn)
        if fresh or lost:
            self._own(conn, sessions, fresh)

    def _give_up(self, sessions: ShardSessions, lost: frozenset[int]) -> None:
        if not lost:
            return
        log.error("leases_lost", shards=sorted(lost))
        self._lease = leases.without(self._lease, lost)
        for shard in lost:
            sessions.close(shard)
            self._stored.discard(shard)
        sessions.forget([d for d in self._waiting if d.message.shard in lost])
        self._waiting = [d for d in self._waiting if d.message.shard not in lost]

    def _expect_repeats(self) -> None:
        """What was in flight comes back behind newer messages: the rules must still find its place."""
        self._stage.expect_repeats(self._clock.now() + self._repeats_for)

    def _own(self, conn: Connection, sessions: ShardSessions, fresh: frozenset[int]) -> None:
        self._acquire(conn)
        self._expect_repeats()
        for shard in sorted(fresh):
            sessions.open(shard)
        log.info("shards_owned", shards=sorted(self._lease.epochs), fresh=sorted(fresh))

    def _acquire(self, conn: Connection) -> None:
        """Forget what a transaction may have undone; the stage recovers the state of exactly the shards we own."""
        self._store_of(conn).forget_connection()
        self._unsaved = []
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
        self._sit_out(pause, stop)
        if stop.is_set:
            return
        try:
            conn, _ = self._ready()
            self._acquire_after_failure(conn)
        except FAULTS as again:
            log.warning("recovery_failed", error=str(again))
            self._hang_up()

    def _sit_out(self, seconds: float, stop: StopSignal) -> None:
        """Wait without storing. The sessions are kept as long as the lease may still be ours, and then left.

        Without the database nobody can tell us that another worker has taken over, and two clients of one session
        would throw each other out for ever.
        """
        end = self._clock.monotonic() + seconds
        while not stop.is_set and self._clock.monotonic() < end:
            if self._sessions is not None:
                if self._clock.monotonic() > self._lease_ends:
                    self._give_up(self._sessions, frozenset(self._lease.epochs))
                self._sessions.keep_alive()
            stop.wait(min(SLICE_SECONDS, max(0.0, end - self._clock.monotonic())))

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
        self._lease_ends = self._clock.monotonic() + self._settings.lease_seconds
        if sessions is not None:
            self._give_up(sessions, frozenset(self._lease.epochs) - kept)
        self._acquire(conn)
        self._expect_repeats()

    def _drain(self) -> None:
        """Store what has arrived, save the rules' state, let the shards go."""
        conn, sessions = self._conn, self._sessions
        if conn is None or sessions is None:
            return
        try:
            self._waiting += sessions.poll(0.0)
            while self._waiting:
                self._flush_if_due(conn, sessions)
            self._timers.tick = 0.0
            self._tick(conn)
            self._stage.rotate()
            self._save(conn, sorted(self._stored & self._lease.epochs.keys()))
            with translated(), conn.transaction():
                leases.release(conn, self._lease)
        except FAULTS as error:
            log.warning("drain_incomplete", error=str(error))
