"""损失账: what was published against what was stored, by key.

Two accounts. The *delivery* account is kept by the worker per shard and batch: received = stored + duplicates +
quarantined + redelivered. The *end-to-end* account compares a publisher's own log with the store, sample by sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from equipment.catalogue.load import load_catalogue
from equipment.foundation.database import Connection, load_queries
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
