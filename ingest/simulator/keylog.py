"""The durable log of a run: one line per published sample, written before it is published.

``K unit channel ts_us seq`` is a sample that must be in the store, ``Q hash samples`` a payload that must be in
quarantine (the hash is the store's own). The same ``K`` line again is a duplicate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TextIO

from ingest.errors import ImportFileError
from ingest.model import Channel
from ingest.simulator.messages import Key, Outgoing
from ingest.store import payload_hash


class KeyLog:
    """Writes the log of one run."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a", encoding="ascii")

    def __enter__(self) -> KeyLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, messages: Iterable[Outgoing]) -> None:
        """Note messages that are about to be published; they are in the file when this returns."""
        lines = []
        for message in messages:
            lines += [f"K {k.unit_id} {k.channel.value} {k.ts_us} {k.seq}\n" for k in message.stored]
            if message.refused:
                lines.append(f"Q {payload_hash(message.payload)} {message.refused}\n")
        self._file.write("".join(lines))
        self._file.flush()


@dataclass(slots=True)
class Published:
    """A log read back: how often each key was published, and how many samples of each refused payload."""

    keys: Counter[Key] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)

    @property
    def samples(self) -> int:
        """All of them."""
        return self.keys.total() + self.refused.total()


def read_log(path: Path) -> Published:
    """Read a log.

    Raises
    ------
    ImportFileError
        A whole line cannot be read; the last one may be cut off by a kill, before its message was published.
    """
    found = Published()
    text = path.read_text(encoding="ascii") if path.exists() else ""
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        parts = line.split()
        if not line.endswith("\n"):
            break
        if len(parts) == 5 and parts[0] == "K":
            found.keys[Key(parts[1], Channel(int(parts[2])), int(parts[3]), int(parts[4]))] += 1
        elif len(parts) == 3 and parts[0] == "Q":
            found.refused[int(parts[1])] += int(parts[2])
        else:
            raise ImportFileError(f"{path.name}:{number}: not a line of a key log")
    return found
