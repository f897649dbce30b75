"""The alarm stage of the worker: judges inserted rows inside the transaction that stores them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
from psycopg.types.json import Jsonb

from alarms.engine import checkpoint as checkpoints
from alarms.engine import fold
from alarms.engine.reorder import recollect
from alarms.engine.state import KindState, empty_state
from alarms.engine.telling import Guard, Transition
from alarms.errors import StateFormatError
from alarms.recovery import rows_since
from alarms.rules import city
from alarms.rules.load import load_pack
from alarms.rules.model import Rule, RuleSet
from alarms.store import QUERIES, write_transitions
from alarms.suppression.design import release_over
from equipment.catalogue.load import load_catalogue
from equipment.foundation import metrics, stream
from equipment.foundation.database import Connection
from equipment.foundation.logs import get_logger
from equipment.foundation.process import isolated
from equipment.registry.model import UnitSummary, shard_of
from equipment.registry.store import units_for_worker
from ingest.decode import to_us
from ingest.model import BatchRef, Columns, Rows

log = get_logger("alarms.stage")
raised_total = metrics.counter("teshe_alarms_raised_total", "Alarms raised")
failed_rules = metrics.counter("teshe_rule_failures_total", "Judgements of a rule that failed", ("rule",))
LOOK_AT_RULES_EVERY = timedelta(seconds=5)
RELEASE_EVERY = timedelta(seconds=1)
REPORT_FAILURE_EVERY = timedelta(minutes=1)
LONGEST_ERROR = 500
MOST_KEPT = 300_000
"""Samples of the short history's newer part, about 140 bytes each; a city of 5,000 lifts sends a tenth of it in 30 s."""


class Failures:
    """Rules that failed since the last report: one row and one message a minute for each, however often it happens."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, int, str], int] = defaultdict(int)
        self._told: dict[tuple[str, int, str], datetime] = {}

    def add(self, rule: str, version: int, error: str) -> None:
        """One more."""
        failed_rules.labels(rule).inc()
        self._times[rule, version, error[:LONGEST_ERROR]] += 1

    def write(self, conn: Connection, now: datetime) -> None:
        """A row and a message for what is new or has not been told for a while."""
        for key, times in list(self._times.items()):
            told = self._told.get(key)
            if told is not None and now - told < REPORT_FAILURE_EVERY:
                continue
            rule, version, error = key
            conn.execute(QUERIES.insert_failure, (rule, version, error, times, now))
            message = {"rule": rule, "version": version, "error": error, "times": times, "at": now.isoformat()}
            stream.publish(conn, "desk", "rule_failed", message, unit_no=None, now=now)
            self._told[key] = now
            del self._times[key]


class AlarmStage:
    """Holds the rules' state of the shards that this worker owns."""

    def __init__(self, pack: RuleSet) -> None:
        self._pack = pack
        self._loaded = city.Loaded(pack, {}, (0, 0), ())
        self._states: dict[str, KindState] = {}
        self._shards: tuple[int, ...] = ()
        self._units: dict[int, UnitSummary] = {}
        self._shard_of_unit: dict[int, int] = {}
        self._newest: dict[int, int] = {}
        self._rotated: dict[int, int] = {}
        """Batch of the newer end of the short history, by shard."""
        self._history_batch: dict[int, int] = {}
        """Batch of its older end."""
        self._failures = Failures()
        self._looked_at: datetime | None = None
        self._repeats_until: datetime | None = None
        self._released_at: datetime | None = None
        self._guard = Guard(_isolated, self._report)

    @classmethod
    def shipped(cls) -> AlarmStage:
        """With the rules that are shipped, and the city's own above them."""
        return cls(load_pack())

    @property
    def rule_set(self) -> str:
        """Digest of the rules and limits in force."""
        return city.identity_of(self._loaded)

    def acquire(self, conn: Connection, shards: Sequence[int], now: datetime) -> None:
        """Discard what is in memory and recover exactly these shards: checkpoints, then batches in order, then timers."""
        self._load_rules(conn, now)
        self._shards = tuple(shards)
        self._newest = dict.fromkeys(shards, 0)
        self._rotated, self._history_batch = dict.fromkeys(shards, 0), dict.fromkeys(shards, 0)
        self._set_units(conn)
        self._states = self._empty()
        for state in self._states.values():
            state.remember()
        for shard in shards:
            self._recover(conn, shard, now)
        if shards:
            self.tick(conn, now)

    def judge(self, conn: Connection, batches: Sequence[BatchRef], rows: Rows, now: datetime) -> None:
        """Judge rows as they arrive; one that belongs before others finds its place in the short history."""
        self._adopt_new_units(conn, rows)
        for ref in batches:
            self._newest[ref.shard] = ref.number
        transitions = [t for columns in rows.values() for t in self._fold(columns, now)]
        self._write(conn, transitions, now)
        self._release(conn, now)
        self._look_at_rules(conn, now)

    def due(self, now: datetime) -> bool:
        """Whether a timer has run out."""
        return any(fold.is_due(state, to_us(now)) for state in self._states.values())

    def tick(self, conn: Connection, now: datetime) -> bool:
        """Let timers run out; writes what follows."""
        transitions: list[Transition] = []
        for state in self._states.values():
            transitions += fold.tick(state, to_us(now), self._guard)[1]
        self._write(conn, transitions, now)
        self._release(conn, now)
        return bool(transitions)

    def expect_repeats(self, until: datetime) -> None:
        """Until then both ends of the short history stay where they are, but for the regular checkpoint."""
        self._repeats_until = until

    def crowded(self, now: datetime) -> bool:
        """Whether the short history holds more samples than it may: it then begins anew before its time."""
        if self._repeats_may_come(now):
            return False
        kept = sum(state.history.newest_size for state in self._states.values() if state.history is not None)
        return kept >= MOST_KEPT

    def _repeats_may_come(self, now: datetime) -> bool:
        return self._repeats_until is not None and now < self._repeats_until

    def rotate(self) -> None:
        """Let the short history go on: its newer end is now, its older end what was the newer."""
        for state in self._states.values():
            state.rotate()
        for shard in self._shards:
            self._history_batch[shard], self._rotated[shard] = self._rotated[shard], self._newest[shard]

    def checkpoint(self, conn: Connection, shards: Sequence[int], now: datetime) -> None:
        """Save the state of these shards as it is after their newest batch, and the older end of their history."""
        for shard in shards:
            self._save_shard(conn, shard, now)

    def _save_shard(self, conn: Connection, shard: int, now: datetime) -> None:
        """The state and, from the older end of its history, what a restart judges again."""
        olders = {name: state.history.older for name, state in self._states.items() if state.history is not None}
        conn.execute(
            QUERIES.save_checkpoint,
            (
                shard, self._newest[shard], self.rule_set, now, checkpoints.FORMAT,
                checkpoints.encode(self._states, shard), self._history_batch[shard], checkpoints.encode(olders, shard),
            ),
        )  # fmt: skip
        conn.execute(QUERIES.drop_old_checkpoints, (shard, shard))

    # ── rules and units ──

    def _load_rules(self, conn: Connection, now: datetime) -> None:
        self._loaded = city.load(conn, self._pack)
        self._looked_at = now
        conn.execute(QUERIES.note_rule_set, (self.rule_set, Jsonb(city.contents_of(self._loaded)), now))
        for rule, version, error in self._loaded.broken:
            log.error("city_rule_not_readable", rule=rule, version=version, error=error)
            self._failures.add(rule, version, error)

    def _look_at_rules(self, conn: Connection, now: datetime) -> None:
        """Take over an edit of the rules: the state of those that were not touched goes on."""
        if self._looked_at is not None and now - self._looked_at < LOOK_AT_RULES_EVERY:
            return
        self._looked_at = now
        if city.mark_of(conn) == self._loaded.mark or self._repeats_may_come(now):
            return
        self._load_rules(conn, now)
        states = self._empty()
        for name, state in states.items():
            checkpoints.carry(self._states[name], state)
            state.remember()
        self._states = states
        # both ends of the history lie here: a restart never replays what other rules have judged
        for shard in self._shards:
            self._history_batch[shard] = self._rotated[shard] = self._newest[shard]
            self._save_shard(conn, shard, now)
        log.info("rules_changed", rule_set=self.rule_set)

    def _set_units(self, conn: Connection) -> None:
        mine = set(self._shards)
        units = [unit for unit in units_for_worker(conn) if shard_of(unit.id) in mine]
        self._units = {unit.no: unit for unit in units}
        self._shard_of_unit = {unit.no: shard_of(unit.id) for unit in units}

    def _empty(self) -> dict[str, KindState]:
        by_kind: dict[str, list[UnitSummary]] = defaultdict(list)
        for unit in self._units.values():
            by_kind[unit.kind].append(unit)
        rules = self._loaded.rules.by_kind
        return {
            kind.name: empty_state(kind, rules.get(kind.name, ()), by_kind[kind.name], self._loaded.settings)
            for kind in load_catalogue().measured
        }

    def _adopt_new_units(self, conn: Connection, rows: Rows) -> None:
        """A unit that was registered meanwhile: take the registry again and keep every state."""
        if all(self._known(columns) for columns in rows.values()):
            return
        self._set_units(conn)
        states = self._empty()
        for name, state in states.items():
            checkpoints.carry_history(self._states[name], state)
        self._states = states

    def _known(self, columns: Columns) -> bool:
        slot_of = self._states[columns.kind].fixed.slot_of if columns.kind in self._states else np.empty(0)
        numbers = columns.unit_no
        return bool((numbers < len(slot_of)).all() and (slot_of[numbers] >= 0).all())

    # ── recovery ──

    def _recover(self, conn: Connection, shard: int, now: datetime) -> None:
        """State and short history as they were at the checkpoint, then the batches since, each under its own ``now``."""
        row = conn.execute(QUERIES.newest_checkpoint, (shard,)).fetchone()
        if row is None:
            self._save_shard(conn, shard, now)
            row = (0, now, checkpoints.FORMAT, checkpoints.encode(self._states, shard), 0, None)
        batch, taken_at, version, saved, history_batch, history = row
        slots = {name: np.flatnonzero(state.fixed.shard == shard) for name, state in self._states.items()}
        try:
            checkpoints.restore(self._states, bytes(history or saved), int(version))
            older = {name: state.at(slots[name]) for name, state in self._states.items()}
            checkpoints.restore(self._states, bytes(saved), int(version))
        except StateFormatError as error:
            # every timer that runs now is found again in the batches, as far as they are still stored
            log.warning("checkpoint_not_readable", shard=shard, error=str(error))
            batch, history_batch = 0, 0
            older = {name: state.at(slots[name]) for name, state in self._states.items()}
        stored = {name: rows_since(conn, state.kind, shard, history_batch) for name, state in self._states.items()}
        for name, state in self._states.items():
            state.restart(slots[name], older[name])
            before = [columns for number, columns in stored[name].items() if number <= batch]
            recollect(state, slots[name], before, to_us(taken_at), self._guard)
        self._newest[shard], self._history_batch[shard] = int(batch), int(history_batch)
        for number, judged_at in conn.execute(QUERIES.batches_since, (shard, batch)).fetchall():
            self._newest[shard] = int(number)
            for batches in stored.values():
                if number in batches:
                    self._fold(batches[number], judged_at)
        self._rotated[shard] = int(batch)

    # ── judging ──

    def _fold(self, columns: Columns, now: datetime) -> list[Transition]:
        state = self._states.get(columns.kind)
        if state is None or not len(columns):
            return []
        return fold.fold(state, columns, to_us(now), self._guard)[1]

    def _write(self, conn: Connection, transitions: Sequence[Transition], now: datetime) -> None:
        count = write_transitions(conn, transitions, self._shard_of_unit, now)
        if count:
            raised_total.inc(count)
        self._failures.write(conn, now)

    def _release(self, conn: Connection, now: datetime) -> None:
        """Page what an inspection or a test has hidden and is still there after it."""
        if self._released_at is not None and now - self._released_at < RELEASE_EVERY:
            return
        self._released_at = now
        release_over(conn, self._states, self._units, self._shards, now)

    def _report(self, rule: Rule, error: Exception) -> None:
        self._failures.add(rule.id, rule.version, f"{type(error).__name__}: {error}")


def _isolated(work: Callable[[], None]) -> Exception | None:
    """An exception of a rule is handed back; it is logged and counted on the way."""
    failed: list[Exception] = []
    isolated("rule", work, failed.append)
    return failed[0] if failed else None
