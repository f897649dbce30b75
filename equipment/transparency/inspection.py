"""Checks a whole log against itself, its checkpoints and what it commits to; names the first thing that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from equipment.foundation.database import Connection
from equipment.transparency import checkpoint as checkpoints
from equipment.transparency import log, merkle, tiles
from equipment.transparency.entry import Entry, commitment_of
from equipment.transparency.errors import LogDamagedError
from equipment.transparency.log import QUERIES, Placed
from equipment.transparency.merkle import Hash, inner_hash

PAGE = 5_000
"""Entries read together, with their contents."""

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


@dataclass(frozen=True, slots=True)
class Opened:
    """An entry with what opens it; ``salt`` None: erased by law, unless nothing is ``kept`` of it at all."""

    placed: Placed
    kept: bool
    salt: bytes | None


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


def inspect(conn: Connection, lookups: Mapping[str, Lookup]) -> Findings:
    """Walk the log from its beginning.

    Raises
    ------
    LogDamagedError
        Names the first entry or checkpoint that does not hold, and why.
    """
    findings, frontier = Findings(), Frontier()
    signed = _signed(conn)
    upcoming = next(signed, None)
    while upcoming is not None and upcoming[0] == 0:
        upcoming = _compare(upcoming, frontier, findings, signed)
    for page in _pages(conn):
        for opened in page:
            if opened.placed.seq != frontier.size:
                raise LogDamagedError(f"日志位置 {frontier.size} 缺失 (entry {frontier.size} is missing)")
            frontier.add(opened.placed.entry.leaf())
            while upcoming is not None and upcoming[0] == frontier.size:
                upcoming = _compare(upcoming, frontier, findings, signed)
        _contents(conn, page, lookups, findings)
        findings.entries = frontier.size
    if upcoming is not None:
        raise LogDamagedError(
            f"检查点记有 {upcoming[0]} 条，日志只有 {frontier.size} 条 (a checkpoint has seen {upcoming[0]} entries,"
            f" the log holds {frontier.size}: entries were removed)"
        )
    _tiles(conn, frontier)
    return findings


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


def _compare(
    expected: tuple[int, Hash], frontier: Frontier, findings: Findings, signed: Iterator[tuple[int, Hash]]
) -> tuple[int, Hash] | None:
    if frontier.root() != expected[1]:
        raise LogDamagedError(
            f"前 {expected[0]} 条与检查点不符 (the first {expected[0]} entries are not those of the signed checkpoint:"
            " one of them, or a time or name in it, was changed)"
        )
    findings.checkpoints += 1
    return next(signed, None)


def _pages(conn: Connection) -> Iterator[list[Opened]]:
    start = 0
    # not prepared: the plan must know how few rows are wanted
    while rows := conn.execute(QUERIES.opened_entries, (start, PAGE), prepare=False).fetchall():
        yield [Opened(Placed(r[0], Entry(r[1], r[2], r[3], r[4])), r[5], r[6]) for r in rows]
        start = rows[-1][0] + 1


def _contents(conn: Connection, page: Iterable[Opened], lookups: Mapping[str, Lookup], findings: Findings) -> None:
    by_kind: dict[str, list[Opened]] = {}
    for opened in page:
        by_kind.setdefault(opened.placed.entry.kind, []).append(opened)
    for kind, entries in by_kind.items():
        lookup = lookups.get(kind)
        if lookup is None:
            findings.unchecked += len(entries)
            continue
        found = lookup(conn, [opened.placed.entry.subject for opened in entries if opened.salt is not None])
        for opened in entries:
            _content(opened, found, findings)


def _content(opened: Opened, found: Mapping[str, bytes], findings: Findings) -> None:
    placed, salt = opened.placed, opened.salt
    if not opened.kept:
        raise _broken(placed, "的盐已丢失 (its salt is gone without a lawful erasure)")
    if salt is None:
        findings.erased += 1
        return
    digest = found.get(placed.entry.subject)
    if digest is None:
        raise _broken(placed, "的内容已丢失 (its content is gone without a lawful erasure)")
    if commitment_of(salt, digest) != placed.entry.commitment:
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
