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
from psycopg import sql

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind, Signal, SignalType
from equipment.foundation.database import Connection, load_queries
from equipment.foundation.migrations import time_partitions
from equipment.foundation.timescale import Partitions, TimescaleLevel
from ingest import account_notes
from ingest import copy_binary as binary
from ingest.clock_offset import ClockOffsets
from ingest.codes.lists import canonical
from ingest.devices import take_reports
from ingest.errors import LeaseLostError
from ingest.model import BatchRef, Channel, Columns, Decoded, Flag, Fold, IntArray, Quarantined, Reason, Rows, Tally
from ingest.retention import accept_from_us, too_old
from ingest.rollups.refresh import mark_dirty

QUERIES = load_queries(__file__)
DAY_US = 86_400_000_000
CODES_BIT = 62
KEY_COLUMNS = ("unit_no", "ts", "channel", "seq", "content", "server_time", "received_at", "shard", "batch", "flags")


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
        tables = time_partitions(packages)
        self._partitions = {name: Partitions(level, partition) for name, partition in tables.items()}
        self._staged: set[str] = set()

    def forget_connection(self) -> None:
        """The connection was replaced: its temporary tables are gone."""
        self._staged.clear()

    def store(
        self, conn: Connection, decoded: Decoded, clocks: ClockOffsets, lease: Lease, folds: Mapping[int, Fold],
        rule_set: str, now: datetime,
    ) -> Stored:  # fmt: skip
        """Write a decoded batch.

        Parameters
        ----------
        folds
            When each owned shard is judged.

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
            if kind is not None and len(arrived):
                columns = _without_too_old(arrived, accept_from, conflicts)
                if len(columns):
                    rows[name] = self._insert_kind(conn, kind, columns, numbers, tallies, conflicts)
        self._insert_codes(conn, rows, numbers)
        refused = [*decoded.quarantined, *conflicts]
        kept = self._insert_quarantine(conn, refused, numbers, tallies)
        for shard, samples in decoded.repeats.items():
            tallies[shard].redelivered += samples
        self._update_states(conn, rows, clocks)
        begun = take_reports(conn, decoded.statuses)
        mark_dirty(conn, {name: (columns.unit_no, columns.ts_us) for name, columns in rows.items()})
        account_notes.leave(conn, account_notes.Outcome(decoded, rows, kept, tallies, begun), now)
        refs = tuple(BatchRef(shard, numbers[shard], folds.get(shard, Fold.NOW)) for shard in shards)
        self.insert_batches(conn, refs, tallies, lease, rule_set, now)
        return Stored(rows, refs, tallies)

    def hold_leases(self, conn: Connection, lease: Lease, shards: Sequence[int]) -> None:
        """Lock the lease rows for this transaction.

        Raises
        ------
        LeaseLostError
        """
        held = conn.execute(
            QUERIES.hold_leases, (list(shards), lease.owner, [lease.epochs[s] for s in shards])
        ).fetchall()
        if len(held) != len(shards):
            lost = sorted(set(shards) - {shard for shard, _ in held})
            raise LeaseLostError(f"shards {lost} belong to another worker now")

    def next_batches(self, conn: Connection, lease: Lease, shards: Sequence[int]) -> dict[int, int]:
        """Hold the leases and number one batch per shard."""
        return self._batch_numbers(conn, lease, shards)

    def insert_batches(
        self, conn: Connection, refs: Sequence[BatchRef], tallies: Mapping[int, Tally], lease: Lease, rule_set: str,
        now: datetime,
    ) -> None:  # fmt: skip
        """Write the batch log rows."""
        with conn.cursor() as cursor:
            cursor.executemany(
                QUERIES.insert_batch,
                [
                    (r.shard, r.number, lease.epochs[r.shard], now, rule_set, r.fold.value, t.received, t.stored,
                     t.duplicates, t.quarantined, t.redelivered, t.late)
                    for r in refs
                    for t in [tallies.get(r.shard, Tally())]
                ],
            )  # fmt: skip

    def _batch_numbers(self, conn: Connection, lease: Lease, shards: Sequence[int]) -> dict[int, int]:
        if not shards:
            return {}
        missing = [shard for shard in shards if shard not in lease.epochs]
        if missing:
            raise LeaseLostError(f"messages of shards {missing} arrived that this worker does not own")
        self.hold_leases(conn, lease, shards)
        return dict(conn.execute(QUERIES.take_batches, (list(shards),)).fetchall())

    def _insert_kind(
        self, conn: Connection, kind: Kind, columns: Columns, numbers: Mapping[int, int], tallies: dict[int, Tally],
        conflicts: list[Quarantined],
    ) -> Columns:  # fmt: skip
        table = f"ingest.reading_{kind.name}"
        first, repeated = _split_repeats(columns)
        unique = columns.take(first) if len(repeated) else columns
        for index, original in repeated:
            _account_repeat(
                columns, index, bool(columns.content[index] == columns.content[original]), tallies, conflicts
            )
        self._partitions[table].ensure(conn, days_of(unique.ts_us))
        batches = np.array([numbers[int(s)] for s in unique.shard], dtype=np.int64)
        stage = self._stage(conn, kind)
        with conn.cursor() as cursor:
            names = sql.SQL(", ").join(map(sql.Identifier, (*KEY_COLUMNS, *(s.name for s in kind.signals), "unknown")))
            copied = sql.SQL("copy {} (position, {}) from stdin (format binary)").format(sql.Identifier(stage), names)
            with cursor.copy(copied) as copy:
                copy.write(binary.copy_buffer(_fields(kind, unique, batches)))
            cursor.execute(
                sql.SQL("insert into {} ({}) select {} from {} on conflict do nothing").format(
                    sql.Identifier("ingest", f"reading_{kind.name}"), names, names, sql.Identifier(stage)
                )
            )
            inserted = cursor.rowcount
        if inserted < len(unique):
            unique = self._without_known(conn, kind, stage, unique, tallies, conflicts)
        conn.execute(sql.SQL("truncate {}").format(sql.Identifier(stage)))
        for shard, count in zip(*np.unique(unique.shard, return_counts=True), strict=True):
            tallies[int(shard)].stored += int(count)
            late = (unique.flags[unique.shard == shard] & Flag.LATE.value) != 0
            tallies[int(shard)].late += int(late.sum())
        return unique

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

    def _without_known(
        self, conn: Connection, kind: Kind, stage: str, unique: Columns, tallies: dict[int, Tally],
        conflicts: list[Quarantined],
    ) -> Columns:  # fmt: skip
        """Of rows whose key was there already: same content is a duplicate, other content a conflict."""
        known = conn.execute(
            sql.SQL(
                "select s.position, r.content = s.content from {} s join {} r using (unit_no, ts, channel, seq)"
                " where (r.shard, r.batch) <> (s.shard, s.batch)"
            ).format(sql.Identifier(stage), sql.Identifier("ingest", f"reading_{kind.name}"))
        ).fetchall()
        fresh = np.ones(len(unique), dtype=np.bool_)
        for position, same in known:
            fresh[position] = False
            _account_repeat(unique, position, same, tallies, conflicts)
        return unique.take(np.flatnonzero(fresh))

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
        for q in refused:
            key = (payload_hash(q.message.payload), _printable(q.message.topic), q.position)
            if q.message.dup and conn.execute(QUERIES.quarantined_already, key).fetchone() is not None:
                tallies[q.message.shard].redelivered += q.samples
            else:
                tallies[q.message.shard].quarantined += q.samples
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

    def _update_states(self, conn: Connection, rows: Rows, clocks: ClockOffsets) -> None:
        for columns in rows.values():
            if not len(columns):
                continue
            units, position = np.unique(columns.unit_no[::-1], return_index=True)
            last = len(columns) - 1 - position
            offsets = clocks.offset_us(units.astype(np.int64)) / 1000.0
            conn.execute(
                QUERIES.upsert_state,
                (
                    units.tolist(), _moments(columns.ts_us[last]), _moments(columns.server_us[last]),
                    _moments(columns.received_us[last]), columns.seq[last].tolist(), offsets.tolist(),
                    clocks.steady(units.astype(np.int64)).tolist(),
                ),
            )  # fmt: skip


def payload_hash(payload: bytes) -> int:
    """64-bit hash of raw bytes, by which a publisher finds his message in the quarantine."""
    return int.from_bytes(hashlib.blake2b(payload, digest_size=8).digest(), "big", signed=True)


def days_of(ts_us: IntArray) -> list[datetime]:
    """The days on which samples lie; a clock that stands in 1970 beside one of today makes two, not twenty thousand."""
    return [moment(int(day) * DAY_US) for day in np.unique(ts_us // DAY_US)]


def _printable(text: str) -> str:
    """PostgreSQL's text knows no NUL."""
    return text.replace("\x00", "\\0")


def _moments(us: Any) -> list[datetime]:
    return [moment(int(value)) for value in us]


def _shards_of(decoded: Decoded) -> set[int]:
    shards = {q.message.shard for q in decoded.quarantined} | set(decoded.repeats)
    for columns in decoded.rows.values():
        shards.update(int(shard) for shard in np.unique(columns.shard))
    return shards


def _split_repeats(columns: Columns) -> tuple[Any, list[tuple[int, int]]]:
    """Index of the first sample of each key, and of every further one with its first."""
    seen: dict[tuple[int, int, int, int], int] = {}
    first: list[int] = []
    repeated: list[tuple[int, int]] = []
    keys = zip(
        columns.unit_no.tolist(), columns.ts_us.tolist(), columns.channel.tolist(), columns.seq.tolist(), strict=True
    )
    for index, key in enumerate(keys):
        original = seen.setdefault(key, index)
        if original == index:
            first.append(index)
        else:
            repeated.append((index, original))
    return np.array(first, dtype=np.intp), repeated


def _account_repeat(
    columns: Columns, index: int, same: bool, tallies: dict[int, Tally], conflicts: list[Quarantined]
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


def _signal_field(signal: Signal, columns: Columns) -> binary.Field:
    values, valid = columns.values[signal.name], columns.valid[signal.name]
    match signal.type:
        case SignalType.BOOL:
            return binary.boolean(values, valid)
        case SignalType.INT:
            return binary.int4(values, valid)
        case SignalType.ENUM:
            return binary.int2(values, valid)
        case SignalType.FLOAT:
            return binary.float4(values, valid)
        case SignalType.TEXT:
            return binary.text(list(values))


def _fields(kind: Kind, c: Columns, batches: Any) -> list[binary.Field]:
    """Columns in the order of the staging table: position, keys, signals."""
    keys = [
        binary.int4(np.arange(len(c))), binary.int4(c.unit_no), binary.timestamptz(c.ts_us), binary.int2(c.channel),
        binary.int8(c.seq), binary.int8(c.content), binary.timestamptz(c.server_us), binary.timestamptz(c.received_us),
        binary.int2(c.shard), binary.int8(batches), binary.int2(c.flags),
    ]  # fmt: skip
    return [*keys, *(_signal_field(signal, c) for signal in kind.signals), binary.int8(unknown_bits(kind, c))]


def unknown_bits(kind: Kind, c: Columns) -> IntArray:
    """Per sample one bit for each signal of which the device said null, and one for a list of codes, also an empty one."""
    bits = c.codes_valid.astype(np.int64) << CODES_BIT
    for place, signal in enumerate(kind.signals):
        if signal.name in c.unknown:
            bits |= c.unknown[signal.name].astype(np.int64) << place
    return bits
