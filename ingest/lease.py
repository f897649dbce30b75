"""Shards and who works on them (租约).

``teshe migrate`` makes the sixteen shards and, before any device can connect, their sessions on the broker. A worker
takes free shards, renews, and lets go on a clean stop; one that stops renewing loses them after the lease time.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path

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


def new_owner() -> str:
    """Name of this process as an owner of shards: its host, its number there, and what nobody else has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def say_alive(conn: Connection, owner: str) -> None:
    """Hold a lock under the owner's name for as long as this session lives: the server lets go of it when it ends."""
    conn.execute(QUERIES.say_alive, (owner,))
    conn.commit()


def dead_neighbours(conn: Connection, owner: str) -> list[str]:
    """Owners on this host whose process is gone: killed and started again, as a rule."""
    owners = [name for (name,) in conn.execute(QUERIES.shard_owners) if name != owner]
    return [name for name in owners if _is_gone(name)]


def _is_gone(owner: str) -> bool:
    host, _, rest = owner.rpartition("-")[0].rpartition("-")
    if host != socket.gethostname() or not rest.isdecimal():
        return False
    if int(rest) == os.getpid():
        return True  # a container begins its numbers anew
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _is_zombie(int(rest))


def _is_zombie(process: int) -> bool:
    """Whether it has ended and only its parent has not looked yet."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] == "Z"


def take_free(conn: Connection, owner: str, now: datetime, lifetime: timedelta, dead: Collection[str] = ()) -> Lease:
    """Take every shard that nobody holds, or whose holder stopped renewing; raises their epochs.

    Parameters
    ----------
    dead
        Owners whose process is known to be gone; when their session at the database has ended too, nobody waits for the
        end of their lease.
    """
    free = [row[0] for row in conn.execute(QUERIES.free_shards, (now, list(dead)))]
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
