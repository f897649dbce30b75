"""Checks a whole log against itself, its checkpoints and what it commits to; names the first thing that is wrong."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue

from psycopg import sql

from equipment.foundation.database import Connection
from equipment.transparency import checkpoint as checkpoints
from equipment.transparency import log, merkle, tiles
from equipment.transparency.entry import commitment_of
from equipment.transparency.errors import LogDamagedError
from equipment.transparency.log import QUERIES, Placed
from equipment.transparency.merkle import Hash, inner_hash

PAGE = 2_000
"""Entries read together; with helpers so many more per helper are in the memory."""

Lookup = Callable[[Connection, list[str]], Mapping[str, bytes]]
"""For subjects of one kind: the digest of what lies there now."""


@dataclass(slots=True)
class Findings:
    """What was checked."""

    entries: int = 0
    checkpoints: int = 0
    erased: int = 0
    """已依法删除: content erased by law; the log holds."""
    unchecked: int = 0
    """Entries of kinds that nobody here can look up."""


class Frontier:
    """Grows a tree leaf by leaf and knows its root at any time: complete subtrees from left to right."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[Hash] = []

    def add(self, leaf: Hash) -> None:
        """Append one leaf."""
        self._subtrees.append(leaf)
        size = self.size
        while size & 1:
            right, left = self._subtrees.pop(), self._subtrees.pop()
            self._subtrees.append(inner_hash(left, right))
            size >>= 1
        self.size += 1

    def root(self) -> Hash:
        """Root of what was added so far."""
        if not self._subtrees:
            return merkle.EMPTY_ROOT
        current = self._subtrees[-1]
        for left in reversed(self._subtrees[:-1]):
            current = inner_hash(left, current)
        return current


class Contents:
    """Looks up and compares what entries commit to, page by page; with helpers while the next pages are being read.

    While a helper waits for the database the others hash, so that both have work all the time.
    """

    def __init__(self, conn: Connection, lookups: Mapping[str, Lookup], helpers: Sequence[Connection]) -> None:
        self._conn, self._lookups, self._findings = conn, lookups, Findings()
        self._free: SimpleQueue[Connection] = SimpleQueue()
        for helper in helpers:
            self._free.put(helper)
        self._most = len(helpers) + 1
        self._pool = ThreadPoolExecutor(len(helpers)) if helpers else None
        self._pending: deque[Future[Findings]] = deque()

    def take(self, page: list[Placed]) -> None:
        """Check a page, now or soon.

        Raises
        ------
        LogDamagedError
            This page, or one before it, does not hold.
        """
        if self._pool is None:
            self._add(_contents(self._conn, page, self._lookups))
            return
        self._pending.append(self._pool.submit(self._help, page))
        while len(self._pending) > self._most:
            self._add(self._pending.popleft().result())

    def settle(self) -> Findings:
        """Wait for all pages; raises what the first bad one said."""
        while self._pending:
            self._add(self._pending.popleft().result())
        return self._findings

    def close(self) -> None:
        """Let no helper go on."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _help(self, page: list[Placed]) -> Findings:
        helper = self._free.get()
        try:
            return _contents(helper, page, self._lookups)
        finally:
            self._free.put(helper)

    def _add(self, found: Findings) -> None:
        self._findings.erased += found.erased
        self._findings.unchecked += found.unchecked


def share_snapshot(conn: Connection, helpers: Sequence[Connection]) -> None:
    """Let helpers see the database exactly as ``conn`` does, whose transaction is REPEATABLE READ and has just begun."""
    row = conn.execute(QUERIES.export_snapshot).fetchone()
    for helper in helpers:
        helper.execute("set transaction isolation level repeatable read, read only")
        helper.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(row[0] if row else "")))


def inspect(conn: Connection, lookups: Mapping[str, Lookup], helpers: Sequence[Connection] = ()) -> Findings:
    """Walk the log from its beginning.

    Parameters
    ----------
    helpers
        More connections that see the same (:func:`share_snapshot`), to look up contents at the same time.

    Raises
    ------
    LogDamagedError
        Names the first entry or checkpoint that does not hold, and why.
    """
    contents = Contents(conn, lookups, helpers)
    with ExitStack() as stack:
        stack.callback(contents.close)
        try:
            frontier, signed = _walk(conn, contents)
        except LogDamagedError:
            contents.settle()  # an entry before this place may be bad too: then it is the first
            raise
        found = contents.settle()
    _tiles(conn, frontier)
    return Findings(frontier.size, signed, found.erased, found.unchecked)


def _walk(conn: Connection, contents: Contents) -> tuple[Frontier, int]:
    """Entry by entry against the checkpoints; returns the tree and how many checkpoints agree."""
    frontier, agreed = Frontier(), 0
    signed = _signed(conn)
    upcoming = next(signed, None)
    while upcoming is not None and upcoming[0] == 0:
        _compare(upcoming, frontier)
        agreed, upcoming = agreed + 1, next(signed, None)
    for page in _pages(conn):
        for placed in page:
            if placed.seq != frontier.size:
                raise LogDamagedError(f"日志位置 {frontier.size} 缺失 (entry {frontier.size} is missing)")
            frontier.add(placed.entry.leaf())
            while upcoming is not None and upcoming[0] == frontier.size:
                _compare(upcoming, frontier)
                agreed, upcoming = agreed + 1, next(signed, None)
        contents.take(page)
    if upcoming is not None:
        raise LogDamagedError(
            f"检查点记有 {upcoming[0]} 条，日志只有 {frontier.size} 条 (a checkpoint has seen {upcoming[0]} entries,"
            f" the log holds {frontier.size}: entries were removed)"
        )
    return frontier, agreed


def _signed(conn: Connection) -> Iterator[tuple[int, Hash]]:
    """(size, root) of every checkpoint, its signature verified."""
    known = {key.id: key for key in log.keys_of(conn, None)}
    for size, at, root, key_id, note in conn.execute(QUERIES.checkpoints).fetchall():
        key = known.get(key_id)
        if key is None:
            raise LogDamagedError(f"检查点 {size} 的签名密钥 {key_id} 未登记 (signed by an unknown key)")
        found = checkpoints.verified(note, key)
        if (found.size, found.root) != (size, bytes(root)) or not key.valid_at(at):
            raise LogDamagedError(f"检查点 {size} 与其签名不符 (checkpoint {size} is not what was signed)")
        yield found.size, found.root


def _compare(expected: tuple[int, Hash], frontier: Frontier) -> None:
    if frontier.root() != expected[1]:
        raise LogDamagedError(
            f"前 {expected[0]} 条与检查点不符 (the first {expected[0]} entries are not those of the signed checkpoint:"
            " one of them, or a time or name in it, was changed)"
        )


def _pages(conn: Connection) -> Iterator[list[Placed]]:
    start = 0
    while page := log.read_entries(conn, start, PAGE):
        yield page
        start = page[-1].seq + 1


def _contents(conn: Connection, page: Iterable[Placed], lookups: Mapping[str, Lookup]) -> Findings:
    findings = Findings()
    by_kind: dict[str, list[Placed]] = {}
    for placed in page:
        by_kind.setdefault(placed.entry.kind, []).append(placed)
    for kind, entries in by_kind.items():
        lookup = lookups.get(kind)
        if lookup is None:
            findings.unchecked += len(entries)
            continue
        subjects = [placed.entry.subject for placed in entries]
        salts: dict[str, bytes | None] = dict(conn.execute(QUERIES.openings, (kind, subjects)).fetchall())
        found = lookup(conn, [subject for subject in subjects if salts.get(subject) is not None])
        for placed in entries:
            _content(placed, salts, found, findings)
    return findings


def _content(placed: Placed, salts: Mapping[str, bytes | None], found: Mapping[str, bytes], findings: Findings) -> None:
    subject = placed.entry.subject
    if subject not in salts:
        raise _broken(placed, "的盐已丢失 (its salt is gone without a lawful erasure)")
    salt, digest = salts[subject], found.get(subject)
    if salt is None:
        findings.erased += 1
    elif digest is None:
        raise _broken(placed, "的内容已丢失 (its content is gone without a lawful erasure)")
    elif commitment_of(salt, digest) != placed.entry.commitment:
        raise _broken(placed, "的内容已被改动 (its content was changed after it was logged)")


def _broken(placed: Placed, why: str) -> LogDamagedError:
    return LogDamagedError(f"日志位置 {placed.seq}: {placed.entry.kind} {placed.entry.subject} {why}")


def _tiles(conn: Connection, frontier: Frontier) -> None:
    """The tiles, from which proofs are made, lead to the same root."""
    node = tiles.node_of(log.read_tile(conn))
    try:
        root = merkle.root_hash(node, frontier.size)
    except LookupError as error:
        raise LogDamagedError(f"日志的散列块缺失 (a tile is missing): {error}") from None
    if root != frontier.root():
        raise LogDamagedError("日志的散列块与条目不符 (the tiles do not belong to the entries)")
