"""隔离区: what was refused, why, and sending it again once the reason is mended.

A replay publishes the raw bytes to the broker again, so that they take the path of every other message: what is still
wrong comes back with its reason, what was stored beside it is a duplicate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from equipment.foundation.database import Connection, load_queries
from equipment.registry.model import UNIT_ID
from ingest.errors import QuarantineError
from ingest.model import Reason
from ingest.topics import CHANNELS, PARTS, topic_of

QUERIES = load_queries(__file__, "quarantine.sql")
REPUBLISHED = "republished"


@dataclass(frozen=True, slots=True)
class Entry:
    """One refused message or sample, without its bytes."""

    id: int
    received_at: datetime
    topic: str
    unit_id: str | None
    reason: str
    detail: str
    samples: int
    size: int
    replayed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refused:
    """One entry with its raw bytes."""

    entry: Entry
    payload: bytes


def list_entries(
    conn: Connection,
    *,
    reason: str | None = None,
    unit_id: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Entry]:
    """Entries, newest first; ``before`` is the last id of the page before."""
    values = {"reason": reason, "unit_id": unit_id, "before": before, "limit": limit}
    return [Entry(*row) for row in conn.execute(QUERIES.entries, values)]


def reasons(conn: Connection) -> dict[str, int]:
    """Samples in quarantine that were not replayed, by reason."""
    return {reason: int(samples) for reason, samples in conn.execute(QUERIES.reasons)}


def require(conn: Connection, entry_id: int) -> Refused:
    """One entry with its bytes.

    Raises
    ------
    QuarantineError
        There is none.
    """
    row = conn.execute(QUERIES.entry, (entry_id,)).fetchone()
    if row is None:
        raise QuarantineError(f"there is no quarantine entry {entry_id}")
    return Refused(Entry(*row[:-1]), bytes(row[-1]))


def topic_for_replay(entry: Entry) -> str:
    """Where to send it: to its own topic, or to the unit's right one when the shard was wrong.

    Raises
    ------
    QuarantineError
        The topic is none of ours: no path leads from it to a unit.
    """
    parts = entry.topic.split("/")
    if entry.reason == Reason.WRONG_SHARD.value and len(parts) == PARTS and UNIT_ID.match(parts[3]):
        return topic_of(parts[3], CHANNELS[parts[4]])
    if entry.reason == Reason.BAD_TOPIC.value:
        raise QuarantineError(f"{entry.topic!r} is no topic of the platform: mend the device and let it send again")
    return entry.topic


def replay(conn: Connection, entry_id: int, publish: Callable[[str, bytes], None], now: datetime) -> str:
    """Send one entry again and note it; returns the topic it went to.

    ``publish`` returns when the broker has acknowledged. The note is written first and undone with the transaction if
    the broker did not take it.

    Raises
    ------
    QuarantineError
        There is none, it was replayed before, or it has no topic.
    """
    refused = require(conn, entry_id)
    topic = topic_for_replay(refused.entry)
    marked = conn.execute(QUERIES.mark_replayed, (now, REPUBLISHED, entry_id)).rowcount
    if not marked:
        raise QuarantineError(f"entry {entry_id} was replayed at {refused.entry.replayed_at}: look for its new entry")
    publish(topic, refused.payload)
    return topic


def request_replay(conn: Connection, entry_id: int, now: datetime) -> bool:
    """Ask the upkeep to replay an entry; False when there is none that waits, or the asker may not."""
    row = conn.execute(QUERIES.request_replay, (entry_id, now)).fetchone()
    return bool(row and row[0])
