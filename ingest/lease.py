"""Shards and who works on them (租约).

``teshe migrate`` makes the sixteen shards and, before any device can connect, their sessions on the broker. A worker
takes free shards, renews, and lets go on a clean stop; one that stops renewing loses them after the lease time.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from equipment.foundation.database import Connection, load_queries
from equipment.registry.model import SHARDS
from ingest.store import Lease

QUERIES = load_queries(__file__)


def make_shards(conn: Connection) -> dict[int, str]:
    """Create missing shards; returns the broker client id of each.

    A client id carries 128 random bits: whoever knows it could take over or delete the shard's session.
    """
    for shard in range(SHARDS):
        conn.execute(QUERIES.ensure_shard, (shard, f"teshe-shard-{shard:x}-{secrets.token_hex(16)}"))
    return client_ids(conn)


def client_ids(conn: Connection) -> dict[int, str]:
    """Broker client id by shard."""
    return dict(conn.execute(QUERIES.shard_clients).fetchall())


def take_free(conn: Connection, owner: str, now: datetime, lifetime: timedelta) -> Lease:
    """Take every shard that nobody holds, or whose holder stopped renewing; raises their epochs."""
    free = [row[0] for row in conn.execute(QUERIES.free_shards, (now,))]
    epochs: dict[int, int] = {}
    for shard in free:
        row = conn.execute(QUERIES.take_lease, (owner, now + lifetime, shard)).fetchone()
        if row is not None:
            epochs[shard] = int(row[0])
    return Lease(owner, epochs)


def renew(conn: Connection, lease: Lease, now: datetime, lifetime: timedelta) -> frozenset[int]:
    """Prolong the lease; returns the shards that are still ours."""
    shards, epochs = list(lease.epochs), list(lease.epochs.values())
    return frozenset(
        row[0] for row in conn.execute(QUERIES.renew_leases, (now + lifetime, shards, epochs, lease.owner))
    )


def release(conn: Connection, lease: Lease) -> None:
    """Let go of everything, so that another worker need not wait."""
    conn.execute(QUERIES.release_leases, (lease.owner,))


def without(lease: Lease, lost: frozenset[int]) -> Lease:
    """The lease without some shards."""
    kept: Mapping[int, int] = {shard: epoch for shard, epoch in lease.epochs.items() if shard not in lost}
    return Lease(lease.owner, kept)


def joined(lease: Lease, more: Lease) -> Lease:
    """Both leases of one owner."""
    return Lease(lease.owner, {**lease.epochs, **more.epochs})
