"""The log in the database: append, number, prove, sign.

A writer commits to what it writes in its own transaction (:func:`seal`); one sequencer numbers what has committed
(:func:`sequence`) and signs how the log stands (:func:`sign_if_due`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from equipment.foundation.database import Connection, load_queries, try_advisory_lock
from equipment.transparency import checkpoint as checkpoints
from equipment.transparency import merkle, tiles
from equipment.transparency.checkpoint import Checkpoint
from equipment.transparency.entry import Entry, digest_of, new_salt
from equipment.transparency.errors import NotInLogError
from equipment.transparency.keys import PublicKey, Signer
from equipment.transparency.merkle import Hash

QUERIES = load_queries(__file__)
BATCH = 1_000
SIGN_ENTRIES = 1_000
SIGN_EVERY = timedelta(hours=1)
SIGN_SOON = timedelta(seconds=5)
"""New entries wait at most so long for a signed checkpoint; without any there is still one an hour."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry with its position (leaf index)."""

    seq: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That an entry stands in the log as a signed checkpoint saw it."""

    placed: Placed
    path: tuple[Hash, ...]
    checkpoint: Checkpoint
    note: str

    def holds(self) -> bool:
        """Whether the path leads from the entry to the checkpoint's root."""
        return merkle.verify_inclusion(
            self.placed.entry.leaf(), self.placed.seq, self.checkpoint.size, self.path, self.checkpoint.root
        )


def seal(conn: Connection, kind: str, subject: str, digest: bytes, at: datetime) -> None:
    """Commit to something, once; it gets its position after the caller's transaction has committed.

    Parameters
    ----------
    subject
        Names the thing within its kind without saying anything about it: the log is for ever.
    digest
        SHA-256 of the canonical content (:func:`equipment.transparency.entry.digest_of`).
    """
    conn.execute(QUERIES.seal, (kind, subject, new_salt(), digest, at))


def seal_many(conn: Connection, kind: str, things: Sequence[tuple[str, bytes]], at: datetime) -> None:
    """:func:`seal` for many things, as (subject, digest)."""
    subjects, digests = [subject for subject, _ in things], [digest for _, digest in things]
    conn.execute(QUERIES.seal_many, (kind, subjects, [new_salt() for _ in things], digests, at))


def salt_of(conn: Connection, kind: str, subject: str) -> bytes | None:
    """What opens the commitment; None when it was erased by law or never made. The caller may read the thing itself."""
    row = conn.execute(QUERIES.opening, (kind, subject)).fetchone()
    return None if row is None or row[0] is None else bytes(row[0])


def erase(conn: Connection, kind: str, subject: str, reason: str, now: datetime) -> bool:
    """依法删除: forget what opens a commitment; the caller erases the content in the same transaction.

    The log stays whole and says so itself. False when there is nothing (left) to erase.
    """
    if conn.execute(QUERIES.erase, (now, reason, kind, subject)).fetchone() is None:
        return False
    seal(conn, "erasure", f"{kind}:{subject}", digest_of({"kind": kind, "reason": reason, "subject": subject}), now)
    return True


def size(conn: Connection) -> int:
    """Number of entries."""
    row = conn.execute(QUERIES.size).fetchone()
    return int(row[0]) if row else 0


def read_tile(conn: Connection) -> tiles.ReadTile:
    """Reads tiles through this connection."""

    def read(level: int, index: int) -> bytes:
        row = conn.execute(QUERIES.tile, (level, index)).fetchone()
        return b"" if row is None else bytes(row[0])

    return read


def sequence(conn: Connection, now: datetime) -> int:
    """Number what has been committed since the last call; returns how many. Another sequencer at work: 0.

    Runs in the caller's transaction, which should hold nothing else.
    """
    if not try_advisory_lock(conn, "sequencer:transparency"):
        return 0
    pending = sorted(conn.execute(QUERIES.take_pending, (BATCH,)).fetchall())
    if not pending:
        return 0
    start = size(conn)
    entries = [Entry(kind, subject, bytes(commitment), at) for _, kind, subject, commitment, at in pending]
    conn.execute(
        QUERIES.insert_entries,
        {
            "seq": list(range(start, start + len(entries))),
            "kind": [entry.kind for entry in entries],
            "subject": [entry.subject for entry in entries],
            "commitment": [entry.commitment for entry in entries],
            "at": [entry.at for entry in entries],
            "now": now,
        },
    )
    grown = tiles.grown(start, [entry.leaf() for entry in entries], read_tile(conn))
    with conn.cursor() as cursor:
        cursor.executemany(QUERIES.upsert_tile, [(level, index, tile) for (level, index), tile in grown.items()])
    return len(entries)


def sign_if_due(conn: Connection, signer: Signer, origin: str, now: datetime) -> Checkpoint | None:
    """Sign how the log stands, when enough is new or the last signature is old enough."""
    if not try_advisory_lock(conn, "sequencer:transparency"):
        return None
    row = conn.execute(QUERIES.newest_checkpoint).fetchone()
    entries = size(conn)
    if row is not None:
        new, age = entries - int(row[0]), now - row[1]
        if not (new >= SIGN_ENTRIES or (new > 0 and age >= SIGN_SOON) or age >= SIGN_EVERY):
            return None
    root = merkle.root_hash(tiles.node_of(read_tile(conn)), entries)
    made = Checkpoint(origin, entries, root, now)
    conn.execute(QUERIES.insert_checkpoint, (entries, now, root, signer.id, checkpoints.sign(made, signer)))
    return made


def positions_of(conn: Connection, kind: str, subject: str) -> list[Placed]:
    """Where the entries about a thing stand, oldest first."""
    return [_placed(row) for row in conn.execute(QUERIES.positions, (subject, kind))]


def read_entries(conn: Connection, start: int, limit: int) -> list[Placed]:
    """Entries from a position on."""
    return [_placed(row) for row in conn.execute(QUERIES.entries, (start, limit))]


def prove(conn: Connection, seq: int) -> Inclusion:
    """The proof that an entry stands in the oldest signed checkpoint that covers it.

    Raises
    ------
    NotInLogError
        There is no such entry, or no checkpoint covers it yet (one does within seconds).
    """
    signed = conn.execute(QUERIES.checkpoint_covering, (seq,)).fetchone()
    if signed is None:
        raise _not_signed_yet(seq)
    return prove_all(conn, [seq], signed[2])[0]


def prove_all(conn: Connection, seqs: Sequence[int], note: str) -> list[Inclusion]:
    """Proofs of several entries against one signed checkpoint of this log.

    Raises
    ------
    NotInLogError
        The checkpoint does not cover one of them.
    """
    signed, node = checkpoints.read(note), tiles.node_of(read_tile(conn))
    found = []
    for seq in seqs:
        row = conn.execute(QUERIES.entry, (seq,)).fetchone()
        if row is None or seq >= signed.size:
            raise _not_signed_yet(seq)
        path = merkle.inclusion_proof(node, seq, signed.size)
        found.append(Inclusion(_placed(row), tuple(path), signed, note))
    return found


def _not_signed_yet(seq: int) -> NotInLogError:
    return NotInLogError(f"日志位置 {seq} 尚未进入签名检查点，请稍后再试 (not in a signed checkpoint yet: try again)")


def prove_growth(conn: Connection, old: int, new: int) -> tuple[Hash, ...]:
    """The proof that the log of ``new`` entries only added to that of ``old``.

    Raises
    ------
    NotInLogError
        The log is not that big, or ``old`` is no size it can grow from.
    """
    if not 0 < old <= new <= size(conn):
        raise NotInLogError(f"日志没有从 {old} 到 {new} 的增长 (no growth from {old} to {new})")
    return tuple(merkle.consistency_proof(tiles.node_of(read_tile(conn)), old, new))


def newest_note(conn: Connection) -> str | None:
    """The newest signed checkpoint, for anchoring elsewhere."""
    row = conn.execute(QUERIES.newest_checkpoint).fetchone()
    return None if row is None else str(row[2])


def register_key(conn: Connection, key: PublicKey, organisation_id: int | None, account_id: int | None = None) -> bool:
    """Make a public key known: the server's, or that of a firm; False when it was known already."""
    owner = "server" if organisation_id is None else "firm"
    values = (key.id, owner, organisation_id, key.name, key.algorithm, key.public_key, key.valid_from, account_id)
    return conn.execute(QUERIES.register_key, values).fetchone() is not None


def revoke_key(conn: Connection, key: str, at: datetime, reason: str) -> bool:
    """Let signatures of a key count for nothing from a time on; False when there is no such key, or it is revoked."""
    return conn.execute(QUERIES.revoke_key, (at, reason, key)).fetchone() is not None


def find_key(conn: Connection, key: str) -> PublicKey | None:
    """The key of that id, if the caller may see it."""
    row = conn.execute(QUERIES.key, (key,)).fetchone()
    return None if row is None else _key(row)


def keys_of(conn: Connection, organisation_id: int | None) -> list[PublicKey]:
    """Keys of a firm, or of the server (None), oldest first."""
    owner = "server" if organisation_id is None else "firm"
    return [_key(row) for row in conn.execute(QUERIES.keys, (owner, organisation_id))]


def _key(row: tuple[str, str, str, bytes, datetime, datetime | None]) -> PublicKey:
    return PublicKey(row[0], row[1], row[2], bytes(row[3]), row[4], row[5])


def _placed(row: tuple[int, str, str, bytes, datetime]) -> Placed:
    return Placed(int(row[0]), Entry(row[1], row[2], bytes(row[3]), row[4]))
