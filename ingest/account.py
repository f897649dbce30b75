"""损失账: what was published against what was stored, by key.

Two accounts. The *delivery* account is kept by the worker in the transaction of each batch: received = stored +
duplicates + quarantined + redelivered, per shard at once, and per hour and unit as soon as the upkeep has folded the
batches' notes. The *end-to-end* account compares a publisher's own log with the store, sample by sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from equipment.catalogue.load import load_catalogue
from equipment.foundation.database import Connection, load_queries
from equipment.foundation.errors import NotMigratedError
from ingest.sequence import TOLERANCE
from ingest.simulator.keylog import Published, read_log
from ingest.simulator.messages import Key
from ingest.store import moment

QUERIES = load_queries(__file__, "account.sql")
NAMED_MISSING = 100
"""So many missing samples are named; all are counted."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery account since a moment, in samples."""

    received: int
    stored: int
    duplicates: int
    quarantined: int
    redelivered: int
    late: int

    @property
    def balanced(self) -> bool:
        """Whether every received sample went somewhere."""
        return self.received == self.stored + self.duplicates + self.quarantined + self.redelivered


@dataclass(frozen=True, slots=True)
class RunAccount:
    """The end-to-end account of one run, in samples; ``missing`` names published keys that are nowhere."""

    published: int
    stored: int
    duplicates: int
    quarantined: int
    lost: int
    missing: tuple[str, ...]

    @property
    def balanced(self) -> bool:
        """Whether every published sample is stored, a duplicate of a stored one, or in quarantine."""
        return self.lost == 0 and self.published == self.stored + self.duplicates + self.quarantined


def delivery(conn: Connection, since: datetime) -> Delivery:
    """The delivery account of all shards since a moment."""
    row = conn.execute(QUERIES.delivery, (since,)).fetchone()
    return Delivery(*(int(value) for value in row or (0,) * 6))


def delivery_by_shard(conn: Connection, since: datetime) -> dict[int, Delivery]:
    """The delivery account of each shard since a moment."""
    return {int(row[0]): Delivery(*map(int, row[1:])) for row in conn.execute(QUERIES.delivery_by_shard, (since,))}


@dataclass(frozen=True, slots=True)
class Hour:
    """The account of one hour of receipt."""

    hour: datetime
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Device:
    """The account of one terminal since a moment; ``unit_id`` None: what no unit could be told of.

    ``missing``: sequence numbers that have not come, in ``gaps`` gaps. ``restarts`` and ``filled``: since it was first
    heard, how often it counted anew, and how many numbers came after their successors; None without any number.
    """

    unit_id: str | None
    delivery: Delivery
    unusable_clock: int
    missing: int
    gaps: int
    restarts: int | None
    filled: int | None


@dataclass(frozen=True, slots=True)
class SeqGap:
    """Numbers of a terminal that have not come, between two samples that have."""

    unit_id: str
    first: int
    last: int
    noticed_at: datetime
    before_at: datetime
    after_at: datetime


@dataclass(frozen=True, slots=True)
class GapTotals:
    """All gaps since a moment."""

    units: int
    gaps: int
    missing: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The installation as monitoring sees it; ``last_batch_at`` None: nothing has ever been received."""

    last_batch_at: datetime | None
    dirty_markers: int
    account_notes: int
    stream_pending: int
    shards_owned: int
    devices_online: int
    devices_offline: int
    replays_waiting: int
    quarantine_waiting: int
    upkeep_ran_at: datetime | None
    accept_from: datetime
    complete_from: datetime


@dataclass(frozen=True, slots=True)
class Duty:
    """When a duty of the upkeep last ran, and whether it fails."""

    name: str
    ran_at: datetime
    seconds: float
    done: int
    failed_at: datetime | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the account: since when, of which unit (None: all), at most so many rows, and the present moment."""

    since: datetime
    now: datetime
    unit_id: str | None = None
    most: int = 50

    def values(self) -> dict[str, object]:
        """As parameters of a query."""
        return {"since": self.since, "settled": self.now - TOLERANCE, "unit": self.unit_id, "most": self.most}


def total(conn: Connection) -> Delivery:
    """The delivery account since the beginning, up to the notes that are not folded yet."""
    row = conn.execute(QUERIES.total).fetchone()
    return Delivery(*(int(value) for value in row or (0,) * 6))


def by_hour(conn: Connection, asked: Asked) -> list[Hour]:
    """The account per hour of receipt, oldest first; hours without a sample have no row."""
    return [Hour(row[0], Delivery(*map(int, row[1:]))) for row in conn.execute(QUERIES.by_hour, asked.values())]


def by_device(conn: Connection, asked: Asked) -> list[Device]:
    """The account per terminal, those with the most missing first."""
    return [
        Device(row[0], Delivery(*map(int, row[1:7])), int(row[7]), int(row[8]), int(row[9]), row[10], row[11])
        for row in conn.execute(QUERIES.by_device, asked.values())
    ]


def gaps(conn: Connection, asked: Asked) -> list[SeqGap]:
    """Gaps that have stood longer than samples need to overtake each other, newest first."""
    return [SeqGap(*row) for row in conn.execute(QUERIES.gaps, asked.values())]


def gap_totals(conn: Connection, asked: Asked) -> GapTotals:
    """How many gaps there are in all."""
    row = conn.execute(QUERIES.gap_totals, asked.values()).fetchone()
    return GapTotals(*(int(value) for value in row or (0, 0, 0)))


def figures(conn: Connection, now: datetime) -> Figures:
    """What monitoring sees; needs no scope.

    Raises
    ------
    NotMigratedError
        The database is not one of this version.
    """
    row = conn.execute(QUERIES.figures, (now,)).fetchone()
    if row is None:
        raise NotMigratedError("the horizon has no row: run teshe migrate")
    return Figures(*row)


def duties(conn: Connection) -> list[Duty]:
    """The heartbeats of the upkeep."""
    return [Duty(*row) for row in conn.execute(QUERIES.duties)]


def judge_run(conn: Connection, key_log: Path) -> RunAccount:
    """Compare a publisher's log with the store.

    Raises
    ------
    ImportFileError
        The log cannot be read.
    """
    return judge(conn, read_log(key_log))


def judge(conn: Connection, log: Published) -> RunAccount:
    """Compare what was published with the store, by key and by hash of refused payloads."""
    numbers: dict[str, int] = dict(
        conn.execute(QUERIES.unit_numbers, (sorted({key.unit_id for key in log.keys}),)).fetchall()
    )
    there = _stored(conn, log.keys, numbers)
    kept: dict[int, int] = dict(conn.execute(QUERIES.quarantined, (list(log.refused),)).fetchall())
    refused = Counter({h: min(count, int(kept.get(h, 0))) for h, count in log.refused.items()})
    missing = [f"{k.unit_id} {k.channel.name.lower()} {moment(k.ts_us).isoformat()} seq {k.seq}"
               for k in log.keys if _row(k, numbers) not in there]  # fmt: skip
    missing += [f"payload {h:016x}" for h, count in log.refused.items() if refused[h] < count]
    found = sum(1 for key in log.keys if _row(key, numbers) in there)
    repeated = sum(count - 1 for key, count in log.keys.items() if _row(key, numbers) in there)
    quarantined = refused.total()
    lost = log.samples - found - repeated - quarantined
    return RunAccount(log.samples, found, repeated, quarantined, lost, tuple(missing[:NAMED_MISSING]))


Row = tuple[int, int, int, int]


def _row(key: Key, numbers: dict[str, int]) -> Row:
    return numbers.get(key.unit_id, 0), key.ts_us, key.channel.value, key.seq


def _stored(conn: Connection, keys: Iterable[Key], numbers: dict[str, int]) -> set[Row]:
    """Those keys that some table of readings has."""
    wanted = [_row(key, numbers) for key in keys]
    if not wanted:
        return set()
    with conn.transaction():
        conn.execute(QUERIES.make_wanted)
        with conn.cursor() as cursor, cursor.copy(QUERIES.copy_wanted) as copy:
            for unit_no, ts_us, channel, seq in wanted:
                copy.write_row((unit_no, moment(ts_us), channel, seq))
        conn.execute("analyze pg_temp.wanted_key")
        found: set[Row] = set()
        for kind in load_catalogue().measured:
            query = QUERIES.present.replace("ingest.reading_kind", f"ingest.reading_{kind.name}")
            found.update(conn.execute(query.encode()).fetchall())
        conn.execute("drop table pg_temp.wanted_key")
    return found
