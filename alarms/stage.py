"""The alarm stage of the worker: judges inserted rows inside the transaction that stores them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from psycopg.types.json import Jsonb

from alarms.engine import checkpoint as checkpoints
from alarms.engine import fold
from alarms.engine.fold import Transition
from alarms.engine.state import KindState, empty_state
from alarms.errors import StateFormatError
from alarms.recovery import rows_since
from alarms.rules.load import load_pack
from alarms.rules.model import RuleSet
from alarms.store import write_transitions
from equipment.catalogue.load import load_catalogue
from equipment.foundation import metrics
from equipment.foundation.database import Connection, load_queries
from equipment.foundation.logs import get_logger
from equipment.foundation.process import isolated
from equipment.registry.model import UnitSummary, shard_of
from equipment.registry.store import units_for_worker
from ingest.decode import to_us
from ingest.model import BatchRef, Columns, Fold, Rows

QUERIES = load_queries(__file__)
log = get_logger("alarms.stage")
raised_total = metrics.counter("teshe_alarms_raised_total", "Alarms raised")
failed_rules = metrics.counter("teshe_rule_failures_total", "Judgements of a rule that failed", ("rule",))


def guard(rule_id: str, work: Callable[[], None]) -> None:
    """Run one rule's work; a failure is counted under its name, and the other rules and the readings go on."""
    isolated(f"rule {rule_id}", work, lambda _: failed_rules.labels(rule_id).inc())


class AlarmStage:
    """Holds the rules' state of the shards that this worker owns."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self._states: dict[str, KindState] = {}
        self._shards: tuple[int, ...] = ()
        self._shard_of_unit: dict[int, int] = {}
        self._backlog: dict[int, list[Columns]] = defaultdict(list)
        self._next_us: int | None = None

    @classmethod
    def shipped(cls) -> AlarmStage:
        """With the rules that are shipped."""
        return cls(load_pack())

    @property
    def rule_set(self) -> str:
        """Digest of the rules in force."""
        return self._rules.id

    def acquire(self, conn: Connection, shards: Sequence[int], now: datetime) -> None:
        """Discard what is in memory and recover exactly these shards: checkpoint, then batches in order."""
        contents = Jsonb([{"id": r.id, "version": r.version, "mode": r.mode.value} for r in self._rules.rules])
        conn.execute(QUERIES.note_rule_set, (self._rules.id, contents, now))
        self._shards = tuple(shards)
        self._backlog = defaultdict(list)
        self._set_units([u for u in units_for_worker(conn) if shard_of(u.id) in set(shards)])
        for shard in shards:
            self._recover(conn, shard)
        self._plan()

    def judge(self, conn: Connection, batches: Sequence[BatchRef], rows: Rows, now: datetime) -> None:
        """Judge the rows of shards that are judged now, keep those of settling shards, judge a backlog that is due."""
        self._adopt_new_units(conn, rows)
        later = {ref.shard for ref in batches if ref.fold is Fold.LATER}
        transitions: list[Transition] = []
        for ref in batches:
            if ref.fold is Fold.BACKLOG:
                transitions += self._fold_backlog(ref.shard)
        for columns in rows.values():
            waits = np.isin(columns.shard, list(later))
            for shard in later:
                chosen = np.flatnonzero(columns.shard == shard)
                if len(chosen):
                    self._backlog[shard].append(columns.take(chosen))
            transitions += self._fold(columns.take(np.flatnonzero(~waits)) if waits.any() else columns)
        self._write(conn, transitions, now)
        self._plan()

    def due(self, now: datetime) -> bool:
        """Whether a timer has run out."""
        return self._next_us is not None and self._next_us <= to_us(now)

    def tick(self, conn: Connection, now: datetime) -> bool:
        """Let timers run out; writes what follows."""
        transitions: list[Transition] = []
        for state in self._states.values():
            transitions += fold.tick(state, to_us(now), guard)
        self._write(conn, transitions, now)
        self._plan()
        return bool(transitions)

    def checkpoint(self, conn: Connection, batches: dict[int, int], now: datetime) -> None:
        """Save the state of each shard as it is after its batch."""
        for shard, batch in batches.items():
            saved = checkpoints.encode(self._states, shard)
            conn.execute(QUERIES.save_checkpoint, (shard, batch, self._rules.id, now, checkpoints.FORMAT, saved))
            conn.execute(QUERIES.drop_old_checkpoints, (shard, shard))

    def _set_units(self, units: Sequence[UnitSummary]) -> None:
        self._shard_of_unit = {unit.no: shard_of(unit.id) for unit in units}
        by_kind: dict[str, list[UnitSummary]] = defaultdict(list)
        for unit in units:
            by_kind[unit.kind].append(unit)
        self._states = {
            kind.name: empty_state(kind, self._rules.by_kind.get(kind.name, ()), by_kind[kind.name])
            for kind in load_catalogue().measured
        }

    def _adopt_new_units(self, conn: Connection, rows: Rows) -> None:
        """A unit that was registered meanwhile: take the registry again and keep every state."""
        if all(int(no) in self._shard_of_unit for columns in rows.values() for no in columns.unit_no):
            return
        saved = {shard: checkpoints.encode(self._states, shard) for shard in self._shards}
        self._set_units([u for u in units_for_worker(conn) if shard_of(u.id) in set(self._shards)])
        for state in saved.values():
            checkpoints.restore(self._states, state, checkpoints.FORMAT)

    def _recover(self, conn: Connection, shard: int) -> None:
        row = conn.execute(QUERIES.newest_checkpoint, (shard,)).fetchone()
        start = 0
        if row is not None:
            try:
                checkpoints.restore(self._states, bytes(row[2]), int(row[1]))
                start = int(row[0])
            except StateFormatError as error:
                log.warning("checkpoint_not_readable", shard=shard, error=str(error))
        stored = {name: rows_since(conn, state, shard, start) for name, state in self._states.items()}
        for number, way, _ in conn.execute(QUERIES.batches_since, (shard, start)).fetchall():
            parts = [batches[number] for batches in stored.values() if number in batches]
            if way == Fold.LATER.value:
                self._backlog[shard] += parts
            elif way == Fold.BACKLOG.value:
                self._fold_backlog(shard)
            else:
                for part in parts:
                    self._fold(part)

    def _fold(self, columns: Columns) -> list[Transition]:
        """Judge in the order that the store can give back: arrival, then device time, then seq."""
        state = self._states.get(columns.kind)
        if state is None or not len(columns):
            return []
        order = np.lexsort((columns.seq, columns.ts_us, columns.received_us))
        return fold.fold_columns(state, columns.take(order), guard)

    def _fold_backlog(self, shard: int) -> list[Transition]:
        """Judge what a shard stored while it settled, per unit in order of device time."""
        transitions: list[Transition] = []
        for columns in self._backlog.pop(shard, []):
            state = self._states.get(columns.kind)
            if state is not None:
                order = np.lexsort((columns.seq, columns.server_us))
                transitions += fold.fold_columns(state, columns.take(order), guard)
        return transitions

    def _write(self, conn: Connection, transitions: Sequence[Transition], now: datetime) -> None:
        count = write_transitions(conn, transitions, self._shard_of_unit, now)
        if count:
            raised_total.inc(count)

    def _plan(self) -> None:
        deadlines = [d for d in map(fold.next_deadline_us, self._states.values()) if d is not None]
        self._next_us = min(deadlines, default=None)
