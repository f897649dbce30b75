"""Stores a batch in one transaction: leases, readings, quarantine, account.

Whoever calls judges the inserted rows in the same transaction and commits; only then are messages acknowledged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind
from equipment.foundation.database import Connection, load_queries
from equipment.foundation.migrations import time_partitions
from equipment.foundation.timescale import Partitions, TimescaleLevel
from ingest import account_notes
from ingest import copy_binary as binary
from ingest.clock_offset import ClockOffsets
from ingest.codes.lists import canonical
from ingest.devices import take_reports
from ingest.errors import LeaseLostError
from ingest.model import (
    BatchRef,
    BoolArray,
    Channel,
    Columns,
    Decoded,
    Flag,
    IntArray,
    Quarantined,
    Reason,
    Rows,
    Tally,
)
from ingest.reading_rows import column_fields, column_names
from ingest.repeats import split_repeats
from ingest.retention import accept_from_us, too_old
from ingest.rollups.refresh import mark_dirty
from ingest.unit_states import UnitStates

QUERIES = load_queries(__file__)
DAY_US = 86_400_000_000


def moment(us: int) -> datetime:
    """An aware time from microseconds since 1970 [µs]."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).replace(microsecond=us % 1_000_000)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for some shards: who, and in which epoch of each."""

    owner: str
    epochs: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch: the rows that are new, and the batch numbers they carry."""

    rows: Rows
    batches: tuple[BatchRef, ...]
    tallies: Mapping[int, Tally]


class Store:
    """Writes batches through one connection; remembers its staging tables and partitions."""

    def __init__(self, level: TimescaleLevel, packages: Sequence[str] = ("ingest",)) -> None:
        self._level = level
        self._tables = time_partitions(packages)
        self._partitions: dict[str, Partitions] = {}
        self._staged: set[str] = set()
        self.states = UnitStates()
        self.forget_connection()

    def forget_connection(self) -> None:
        """A connection or a transaction was lost, and with it perhaps temporary tables and partitions it had made."""
        self._partitions = {name: Partitions(self._level, partition) for name, partition in self._tables.items()}
        self._staged.clear()
        self.states.reload()

    def store(
        self, conn: Connection, decoded: Decoded, clocks: ClockOffsets, lease: Lease, rule_set: str, now: datetime,
    ) -> Stored:  # fmt: skip
        """Write a decoded batch.

        Raises
        ------
        LeaseLostError
            A shard was taken over; the caller must roll back.
        """
        shards = sorted(_shards_of(decoded))
        numbers = self._batch_numbers(conn, lease, shards)
        tallies = {shard: Tally() for shard in shards}
        conflicts: list[Quarantined] = []
        rows: Rows = {}
        accept_from = accept_from_us(conn)
        for name, arrived in decoded.rows.items():
            kind = load_catalogue().kind(name)
            columns = _without_too_old(arrived, accept_from, conflicts)
            if kind is not None and len(columns):
                rows[name] = self._insert_kind(conn, kind, columns, numbers, tallies, conflicts)
        self._insert_codes(conn, rows, numbers)
        refused = [*decoded.quarantined, *conflicts]
        kept = self._insert_quarantine(conn, refused, numbers, tallies)
        for shard, samples in decoded.repeats.items():
            tallies[shard].redelivered += samples
        if self.states.due(now):
            self.states.write(conn, clocks, now)
        begun = take_reports(conn, decoded.statuses)
        mark_dirty(conn, {name: (columns.unit_no, columns.ts_us) for name, columns in rows.items()})
        account_notes.leave(conn, account_notes.Outcome(decoded, rows, kept, tallies, begun), now)
        refs = tuple(BatchRef(shard, numbers[shard]) for shard in shards)
        self._insert_batches(conn, refs, tallies, lease, rule_set, now)
        return Stored(rows, refs, tallies)

    def hold_leases(self, conn: Connection, lease: Lease, shards: Sequence[int]) -> None:
        """Lock the lease rows for this transaction.

        Raises
        ------
        LeaseLostError
        """
        held = conn.execute(QUERIES.hold_leases, (list(shards), [lease.epochs[s] for s in shards], lease.owner))
        _require_all(shards, [shard for (shard,) in held])

    def _insert_batches(
        self, conn: Connection, refs: Sequence[BatchRef], tallies: Mapping[int, Tally], lease: Lease, rule_set: str,
        now: datetime,
    ) -> None:  # fmt: skip
        """Write the batch log rows."""
        if refs:
            accounts = [tallies.get(ref.shard, Tally()) for ref in refs]
            columns = zip(
                *((r.shard, r.number, lease.epochs[r.shard], t.received, t.stored, t.duplicates, t.quarantined,
                   t.redelivered, t.late) for r, t in zip(refs, accounts, strict=True)),
                strict=True,
            )  # fmt: skip
            conn.execute(QUERIES.insert_batches, (now, rule_set, *map(list, columns)))

    def _batch_numbers(self, conn: Connection, lease: Lease, shards: Sequence[int]) -> dict[int, int]:
        if not shards:
            return {}
        missing = [shard for shard in shards if shard not in lease.epochs]
        if missing:
            raise LeaseLostError(f"messages of shards {missing} arrived that this worker does not own")
        # the update locks the rows against a take-over, as hold_leases does
        numbers: dict[int, int] = dict(
            conn.execute(
                QUERIES.take_batches, (list(shards), [lease.epochs[s] for s in shards], lease.owner)
            ).fetchall()
        )
        _require_all(shards, list(numbers))
        return numbers

    def _insert_kind(
        self, conn: Connection, kind: Kind, columns: Columns, numbers: Mapping[int, int], tallies: dict[int, Tally],
        conflicts: list[Quarantined],
    ) -> Columns:  # fmt: skip
        table = f"ingest.reading_{kind.name}"
        unique = columns
        split = split_repeats(columns)
        if split is not None:
            first, repeated = split
            unique = columns.take(first)
            for index, original in repeated:
                same = bool(columns.content[index] == columns.content[original])
                _account_repeat(columns, index, tallies, conflicts, same=same)
        self._partitions[table].ensure(conn, days_of(unique.ts_us))
        number_of = np.zeros(max(numbers) + 1, dtype=np.int64)
        number_of[list(numbers)] = list(numbers.values())
        newer = self.states.newer(conn, unique)
        if not newer.any() or not self._copy(conn, kind, unique.take(np.flatnonzero(newer)), number_of):
            newer = np.zeros(len(unique), dtype=np.bool_)
        if not newer.all():
            known = self._merge(conn, kind, unique, np.flatnonzero(~newer), number_of, tallies, conflicts)
            unique = unique.take(np.flatnonzero(~known))
        self.states.take(unique)
        shards, counts = np.unique(unique.shard, return_counts=True)
        late = (unique.flags & Flag.LATE.value) != 0
        for shard, count in zip(shards.tolist(), counts.tolist(), strict=True):
            tallies[shard].stored += count
            tallies[shard].late += int(late[unique.shard == shard].sum()) if late.any() else 0
        return unique

    def _copy(self, conn: Connection, kind: Kind, rows: Columns, number_of: IntArray) -> bool:
        """Straight into the table; False, and nothing written, when one of them is there already."""
        names = column_names(kind)
        table = sql.Identifier("ingest", f"reading_{kind.name}")
        statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(table, names)
        try:
            with conn.transaction(), conn.cursor() as cursor, cursor.copy(statement) as copy:
                copy.write(binary.copy_buffer(column_fields(kind, rows, number_of)))
        except psycopg.errors.UniqueViolation:
            return False
        return True

    def _merge(
        self, conn: Connection, kind: Kind, unique: Columns, index: Any, number_of: IntArray, tallies: dict[int, Tally],
        conflicts: list[Quarantined],
    ) -> BoolArray:  # fmt: skip
        """Through a staging table, for samples of ``index`` that may be there already; which of ``unique`` were."""
        stage, rows = self._stage(conn, kind), unique.take(index)
        known = np.zeros(len(unique), dtype=np.bool_)
        names = column_names(kind)
        with conn.cursor() as cursor:
            with cursor.copy(
                sql.SQL("copy {} (position, {}) from stdin (format binary)").format(sql.Identifier(stage), names)
            ) as copy:
                copy.write(binary.copy_buffer([binary.int4(index), *column_fields(kind, rows, number_of)]))
            cursor.execute(
                sql.SQL("insert into {} ({}) select {} from {} on conflict do nothing").format(
                    sql.Identifier("ingest", f"reading_{kind.name}"), names, names, sql.Identifier(stage)
                )
            )
            inserted = cursor.rowcount
        if inserted < len(rows):
            for position, same in self._known(conn, kind, stage):
                known[position] = True
                _account_repeat(unique, position, tallies, conflicts, same=same)
        conn.execute(sql.SQL("truncate {}").format(sql.Identifier(stage)))
        return known

    def _stage(self, conn: Connection, kind: Kind) -> str:
        name = f"stage_{kind.name}"
        if name not in self._staged:
            conn.execute(
                sql.SQL(
                    "create temporary table if not exists {} (position integer, like {}) on commit preserve rows"
                ).format(sql.Identifier(name), sql.Identifier("ingest", f"reading_{kind.name}"))
            )
            conn.execute(sql.SQL("truncate {}").format(sql.Identifier(name)))
            self._staged.add(name)
        return name

    def _known(self, conn: Connection, kind: Kind, stage: str) -> list[tuple[int, bool]]:
        """Staged rows whose key was there before this batch, and whether the content is the same."""
        return conn.execute(
            sql.SQL(
                "select s.position, r.content = s.content from {} s join {} r using (unit_no, ts, channel, seq)"
                " where (r.shard, r.batch) <> (s.shard, s.batch) order by s.position"
            ).format(sql.Identifier(stage), sql.Identifier("ingest", f"reading_{kind.name}"))
        ).fetchall()

    def _insert_codes(self, conn: Connection, rows: Rows, numbers: Mapping[int, int]) -> None:
        entries = [
            (int(c.unit_no[i]), moment(int(c.ts_us[i])), int(c.channel[i]), int(c.seq[i]), position, sent[0], code,
             canonical(sent[0], code), moment(int(c.server_us[i])), moment(int(c.received_us[i])), int(c.shard[i]),
             numbers[int(c.shard[i])], int(c.flags[i]))
            for c in rows.values()
            for i, sent in enumerate(c.codes)
            if sent is not None
            for position, code in enumerate(sent[1])
        ]  # fmt: skip
        if not entries:
            return
        self._partitions["ingest.code_event"].ensure(conn, (entry[1] for entry in entries))
        with conn.cursor() as cursor:
            cursor.executemany(QUERIES.insert_code, entries)

    def _insert_quarantine(
        self, conn: Connection, refused: Sequence[Quarantined], numbers: Mapping[int, int], tallies: dict[int, Tally]
    ) -> list[Quarantined]:
        """Keep what was refused; returns it without what the broker repeated and the quarantine has already."""
        kept: list[Quarantined] = []
        keys: set[tuple[int, str, int]] = set()
        for q in refused:
            key = (payload_hash(q.message.payload), _printable(q.message.topic), q.position)
            # the first copy may lie in the quarantine, or in this very batch
            there = q.message.dup and (key in keys or conn.execute(QUERIES.quarantined_already, key).fetchone())
            if there:
                tallies[q.message.shard].redelivered += q.samples
            else:
                tallies[q.message.shard].quarantined += q.samples
                keys.add(key)
                kept.append(q)
        if not kept:
            return kept
        with conn.cursor() as cursor:
            cursor.executemany(
                QUERIES.insert_quarantine,
                [
                    (q.message.shard, numbers[q.message.shard], q.message.received_at, _printable(q.message.topic), q.unit_id,
                     q.unit_no, q.channel, None if q.ts_us is None else moment(q.ts_us), q.seq, q.reason.value,
                     _printable(q.detail[:1_000]), q.samples, q.message.payload, payload_hash(q.message.payload), q.position)
                    for q in kept
                ],
            )  # fmt: skip
        return kept


def payload_hash(payload: bytes) -> int:
    """64-bit hash of raw bytes, by which a publisher finds his message in the quarantine."""
    return int.from_bytes(hashlib.blake2b(payload, digest_size=8).digest(), "big", signed=True)


def days_of(ts_us: IntArray) -> list[datetime]:
    """The days on which samples lie; a clock that stands in 1970 beside one of today makes two, not twenty thousand."""
    return [moment(int(day) * DAY_US) for day in np.unique(ts_us // DAY_US)]


def _printable(text: str) -> str:
    """PostgreSQL's text knows no NUL."""
    return text.replace("\x00", "\\0")


def _require_all(shards: Sequence[int], held: Sequence[int]) -> None:
    lost = sorted(set(shards) - set(held))
    if lost:
        raise LeaseLostError(f"shards {lost} belong to another worker now")


def _shards_of(decoded: Decoded) -> set[int]:
    shards = {q.message.shard for q in decoded.quarantined} | set(decoded.repeats)
    for columns in decoded.rows.values():
        shards.update(int(shard) for shard in np.unique(columns.shard))
    return shards


def _account_repeat(
    columns: Columns, index: int, tallies: dict[int, Tally], conflicts: list[Quarantined], *, same: bool
) -> None:
    tally = tallies[int(columns.shard[index])]
    if not same:
        conflicts.append(_conflict(columns, index))
    elif columns.redelivery[index]:
        tally.redelivered += 1
    else:
        tally.duplicates += 1


def _without_too_old(columns: Columns, accept_from: int, refused: list[Quarantined]) -> Columns:
    old = too_old(columns, accept_from)
    if not old.any():
        return columns
    why = f"before {moment(accept_from).isoformat()}, from where on samples are kept (TESHE_RETENTION_RAW_DAYS)"
    refused += [_refused(columns, int(index), Reason.TOO_OLD, why) for index in np.flatnonzero(old)]
    return columns.take(np.flatnonzero(~old))


def _conflict(columns: Columns, index: int) -> Quarantined:
    why = "another sample with the same unit, time, channel and seq is stored already"
    return _refused(columns, index, Reason.CONFLICTING, why)


def _refused(columns: Columns, index: int, reason: Reason, detail: str) -> Quarantined:
    message = columns.messages[index]
    return Quarantined(
        message, reason, detail,
        unit_no=int(columns.unit_no[index]), channel=Channel(int(columns.channel[index])).name.lower(),
        ts_us=int(columns.ts_us[index]), seq=int(columns.seq[index]), position=columns.positions[index],
    )  # fmt: skip
