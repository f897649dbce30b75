"""The link's ledger in the database: what waits, what was made, what was applied. All state of the link is here.

Making a bundle, taking a receipt and applying a bundle are each one transaction, so a process may be killed anywhere:
files are only copies of what the database holds until the other side's receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from equipment.errors import BundleError, LinkError
from equipment.foundation.database import Connection, load_queries
from equipment.link.model import GENESIS, Bundle, Entry, Head, LoginSet, Side, digest, pack, read
from equipment.transparency.keys import Signer

QUERIES = load_queries(__file__)
MOST_ENTRIES = 2_000
CUT_SECONDS = 60.0
"""News of the other side that is older means that the link is cut [s]."""
KEPT = timedelta(days=30)
"""How long the digests of receipted bundles are kept, for those who look for one."""


@dataclass(frozen=True, slots=True)
class Apply:
    """What a side does with a bundle's entries.

    ``outside`` reaches beyond the database (a broker, the interface) before the bundle counts as applied, so it may see
    an entry twice and must not do it twice. ``inside`` runs in the transaction that notes the bundle as applied.
    """

    outside: Callable[[Connection, Sequence[Entry]], None] = lambda conn, entries: None
    inside: Callable[[Connection, Sequence[Entry]], None] = lambda conn, entries: None


@dataclass(frozen=True, slots=True)
class Standing:
    """How the link stands on this side.

    ``heard_at``: when the newest applied bundle was made over there; that of the set-up while there is none (number 0).
    """

    side: Side
    number: int
    heard_at: datetime
    applied_at: datetime
    problem: str | None

    def age_seconds(self, now: datetime) -> float:
        """How old the other side's news is [s]."""
        return max(0.0, (now - self.heard_at).total_seconds())


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the other side has not confirmed."""

    pending: int
    bundles: int
    oldest_at: datetime | None
    made: int


def side_of(conn: Connection) -> Side | None:
    """Which side this database is; None when there is one installation."""
    row = conn.execute(QUERIES.side).fetchone()
    return None if row is None else Side(row[0])


def require_side(conn: Connection) -> Side:
    """Which side this database is.

    Raises
    ------
    LinkError
        None: it was not set up.
    """
    side = side_of(conn)
    if side is None:
        raise LinkError("尚未设为内网或外网侧：teshe link init inner|outer (set this side up first)")
    return side


def spool(conn: Connection, kind: str, content: dict[str, Any], now: datetime) -> None:
    """Let something cross; it does when the caller's transaction commits."""
    conn.execute(QUERIES.spool, (kind, Jsonb(content), now))


def make(conn: Connection, signer: Signer, heartbeat: timedelta, now: datetime) -> bool:
    """Make the next bundle of what waits, or an empty one when the last is a heartbeat ago; whether one was made."""
    with conn.transaction():
        side = require_side(conn)
        conn.execute(QUERIES.lock_making)
        entries = [Entry(*row) for row in conn.execute(QUERIES.take_pending, (MOST_ENTRIES,))]
        last = conn.execute(QUERIES.last_made).fetchone()
        if not entries and last is not None and now < last[2] + heartbeat:
            return False
        number, previous = (1, GENESIS) if last is None else (int(last[0]) + 1, bytes(last[1]))
        head = Head(side.value, number, previous.hex(), now, _applied(conn)[0], len(entries), "")
        content = pack(head, entries, signer)
        conn.execute(QUERIES.keep_bundle, (number, content, digest(content), len(entries), now))
    return True


def waiting(conn: Connection, most: int = 500) -> list[tuple[int, bytes, datetime]]:
    """Bundles without receipt, oldest first, as (number, bytes, made at)."""
    return [(int(n), bytes(content), at) for n, content, at in conn.execute(QUERIES.waiting, (most,))]


def next_number(conn: Connection) -> int:
    """The number of the other side's bundle that is applied next."""
    with conn.transaction():
        return _applied(conn)[0] + 1


def _applied(conn: Connection) -> tuple[int, bytes]:
    row = conn.execute(QUERIES.applied).fetchone()
    return (0, GENESIS) if row is None else (int(row[0]), bytes(row[1]))


def _is_next(conn: Connection, head: Head) -> bool:
    number, previous = _applied(conn)
    if head.number <= number:
        return False
    if head.number > number + 1:
        raise BundleError(f"缺第 {number + 1} 号摆渡包 (bundle {number + 1} is missing)")
    if head.previous != previous.hex():
        raise BundleError(
            f"第 {head.number} 号摆渡包与前一包不衔接 (does not follow the one before: it was replaced, or the other side"
            " was set back to an older state)"
        )
    return True


def apply(conn: Connection, bundle: Bundle, do: Apply, now: datetime) -> list[int]:
    """Apply the next bundle of the other side; the numbers of our own that it confirms. ``conn`` commits by itself.

    One applied before is passed over, so it may come as often as it likes.

    Raises
    ------
    BundleError
        One before it is missing, or it does not follow the one that was applied.
    """
    with conn.transaction():
        if not _is_next(conn, bundle.head):
            return []
    do.outside(conn, bundle.entries)
    with conn.transaction():
        if not _is_next(conn, bundle.head):
            return []
        do.inside(conn, bundle.entries)
        conn.execute(QUERIES.applied_now, (bundle.head.number, bundle.sha256, bundle.head.made_at, now))
        confirmed = [int(r[0]) for r in conn.execute(QUERIES.receipt, (now, bundle.head.receipt))]
        conn.execute(QUERIES.forget_receipted, (now - KEPT,))
    return confirmed


def note_problem(conn: Connection, problem: str, now: datetime) -> None:
    """Why the next bundle is not applied, for whoever looks."""
    with conn.transaction():
        conn.execute(QUERIES.problem, (problem, now, problem))


def take_rows(conn: Connection, entries: Sequence[Entry]) -> None:
    """Apply rows of the government side on the internet side."""
    conn.execute(QUERIES.take_rows, (Jsonb([entry.content for entry in entries]),))


def spend_codes(conn: Connection, entries: Sequence[Entry]) -> None:
    """Accounts that set a password of their own on the internet side have spent their one-time codes here too."""
    accounts = [read(entry, LoginSet).account for entry in entries if entry.kind == "login"]
    if accounts:
        conn.execute(QUERIES.login_set, (accounts,))


def standing(conn: Connection) -> Standing | None:
    """How the link stands; None when there is one installation. Any scope may ask."""
    row = conn.execute(QUERIES.standing).fetchone()
    return None if row is None else Standing(Side(row[0]), int(row[1]), row[2], row[3], row[4])


def is_cut(conn: Connection, now: datetime) -> bool:
    """Whether the government side hears nothing from the internet side; never so in one installation."""
    found = standing(conn)
    return found is not None and found.side is Side.INNER and found.age_seconds(now) > CUT_SECONDS


def backlog(conn: Connection) -> Backlog:
    """What the other side has not confirmed. Under the system role."""
    row = conn.execute(QUERIES.backlog).fetchone()
    return Backlog(0, 0, None, 0) if row is None else Backlog(int(row[0]), int(row[1]), row[2], int(row[3] or 0))
