"""Shards whose broker repeats what it had in flight: stored at once, judged when that is over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ingest.model import Fold


@dataclass(slots=True)
class Settling:
    """Until when each shard settles [s, monotonic]."""

    until: dict[int, float] = field(default_factory=dict)

    def begin(self, shards: Iterable[int], until: float) -> None:
        """These shards settle (again)."""
        self.until.update(dict.fromkeys(shards, until))

    def end(self, shards: Iterable[int]) -> None:
        """These shards are judged from now on, or are not ours any more."""
        for shard in shards:
            self.until.pop(shard, None)

    def fold_of(self, shard: int) -> Fold:
        """When a batch of the shard is judged."""
        return Fold.LATER if shard in self.until else Fold.NOW

    def over(self, now: float) -> list[int]:
        """Shards that have settled."""
        return sorted(shard for shard, until in self.until.items() if now >= until)
