"""A Sparkplug edge node as a device maker would write it: session, births with aliases, numbered data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.bridge.sparkplug.codec import DataType, Metric, encode
from ingest.bridge.sparkplug.node import BD_SEQ, REBIRTH
from ingest.bridge.sparkplug.topics import NAMESPACE

TYPES: Mapping[type, DataType] = {
    bool: DataType.BOOLEAN, int: DataType.INT32, float: DataType.DOUBLE, str: DataType.STRING,
}  # fmt: skip
Message = tuple[str, bytes]


@dataclass
class EdgeNode:
    """Builds the messages of one node; who publishes them is another matter."""

    group: str = "Suzhou"
    name: str = "node1"
    bd_seq: int = 0
    seq: int = -1

    def topic(self, kind: str, device: str = "") -> str:
        return f"{NAMESPACE}/{self.group}/{kind}/{self.name}" + (f"/{device}" if device else "")

    def _next(self) -> int:
        self.seq = (self.seq + 1) % 256
        return self.seq

    def birth(self, at_ms: int) -> Message:
        """NBIRTH: starts the numbers again."""
        self.seq = -1
        metrics = [
            Metric(name=BD_SEQ, datatype=DataType.INT64, raw=self.bd_seq),
            Metric(name=REBIRTH, datatype=DataType.BOOLEAN, raw=False),
        ]
        return self.topic("NBIRTH"), encode(at_ms, self._next(), metrics)

    def death(self) -> Message:
        """NDEATH, as it was registered for the Will of this session."""
        metric = Metric(name=BD_SEQ, datatype=DataType.INT64, raw=self.bd_seq)
        return self.topic("NDEATH"), encode(0, None, [metric])

    def device_birth(self, device: str, at_ms: int, values: Mapping[str, Any], first_alias: int = 1) -> Message:
        """DBIRTH with a name, an alias and a type for each value."""
        metrics = [
            Metric(name=name, alias=alias, timestamp_ms=at_ms, datatype=TYPES[type(value)], raw=value)
            for alias, (name, value) in enumerate(values.items(), start=first_alias)
        ]
        return self.topic("DBIRTH", device), encode(at_ms, self._next(), metrics)

    def device_death(self, device: str, at_ms: int) -> Message:
        return self.topic("DDEATH", device), encode(at_ms, self._next(), [])

    def data(self, device: str, at_ms: int, metrics: Sequence[Metric]) -> Message:
        """DDATA."""
        return self.topic("DDATA", device), encode(at_ms, self._next(), metrics)


def by_alias(
    alias: int, value: Any, at_ms: int | None = None, *, historical: bool = False, null: bool = False
) -> Metric:
    """A metric as data carries it: its alias and its value."""
    return Metric(
        alias=alias, timestamp_ms=at_ms, datatype=TYPES[type(value)], raw=value, historical=historical, null=null
    )
