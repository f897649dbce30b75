"""越权: what terminals tried and the broker refused, read from the log of NATS.

NATS acknowledges a publish that it drops, so that the terminal learns nothing; its log is the only trace. The log names
the connection, and the server says who is logged in on it: the client id is the terminal's own claim.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)
LINE = re.compile(
    r"\[\d+\] (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}) \[ERR\] \S+ - mid:(\d+) - (\".*\") - "
    r"(Publish|Subscription) Violation - Subject \"(.*?)\"(?:, SID .*)?"
)
READ_BYTES = 1_000_000
MOST_PER_TURN = 200
"""A rogue terminal may try as often as it likes; so many different trials are kept of one look."""
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Violation:
    """One refused trial. ``connection`` is the broker's number of it, ``client`` what the terminal called itself."""

    at: datetime
    connection: int
    client: str
    topic: str
    line: str


def read_line(line: str) -> Violation | None:
    """Take a line of the log apart; None when it tells of something else."""
    found = LINE.fullmatch(line.strip())
    if found is None:
        return None
    at = datetime.strptime(found[1], "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=UTC)
    topic = found[5].replace(".", "/").replace("*", "+").replace(">", "#")
    shown = topic if found[4] == "Publish" else f"subscribe {topic}"
    return Violation(at, int(found[2]), found[3].strip('"')[:LONGEST], shown[:LONGEST], line.strip()[:LONGEST])


class LogTail:
    """New whole lines of a file that grows, and may be cut off or replaced."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._at = 0
        self._node = 0
        self._rest = b""

    def read(self) -> list[str]:
        """At most :data:`READ_BYTES` more; nothing when there is no file."""
        if not self._file.exists():
            return []
        with self._file.open("rb") as handle:
            handle.seek(0, 2)
            node = self._file.stat().st_ino
            if handle.tell() < self._at or node != self._node:
                self._at, self._rest, self._node = 0, b"", node
            handle.seek(self._at)
            piece = handle.read(READ_BYTES)
        self._at += len(piece)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return [line.decode("utf-8", "replace") for line in lines]


def distinct(found: Sequence[Violation]) -> list[Violation]:
    """The first trial of each connection and topic, at most :data:`MOST_PER_TURN`."""
    first: dict[tuple[int, str, str], Violation] = {}
    for one in found:
        first.setdefault((one.connection, one.client, one.topic), one)
    return list(first.values())[:MOST_PER_TURN]


def record(conn: Connection, found: Sequence[Violation], user_of: Callable[[int, str], str | None]) -> int:
    """Keep what was not kept before; returns how many.

    Parameters
    ----------
    user_of
        Who is logged in on a connection that calls itself so, if the broker still knows.
    """
    lines = [one.line for one in found]
    known = {row[0] for row in conn.execute(QUERIES.known_lines, ([one.at for one in found], lines))}
    fresh = [one for one in found if one.line not in known]
    if not fresh:
        return 0
    users = {(o.connection, o.client): user_of(o.connection, o.client) for o in fresh}
    names = [users[one.connection, one.client] for one in fresh]
    units = [name.rpartition(".")[0] or None if name else None for name in names]
    clients = [name or one.client for one, name in zip(fresh, names, strict=True)]
    columns = ([o.at for o in fresh], clients, units, [o.topic for o in fresh], [o.line for o in fresh])
    conn.execute(QUERIES.insert_violation, columns)
    return len(fresh)
