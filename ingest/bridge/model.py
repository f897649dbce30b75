"""What the bridge receives, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from equipment.foundation.database import Connection


@dataclass(frozen=True, slots=True)
class Arrived:
    """One delivery of a source. ``token`` is what the link needs to acknowledge it; 0 at QoS 0."""

    topic: str
    payload: bytes
    at: datetime
    qos: int = 1
    dup: bool = False
    retained: bool = False
    token: int = 0


@dataclass(frozen=True, slots=True)
class Listed:
    """A unit that a gateway may speak for, by the address it has there."""

    unit_id: str
    kind: str
    profile: str


@dataclass(frozen=True, slots=True)
class Gateway:
    """网关: who may speak for which units. ``id`` of a Sparkplug edge node is ``group/node``."""

    id: str
    kind: str
    units: Mapping[str, Listed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawSample:
    """Fields of one moment as a source calls them, before its coding is applied."""

    address: str
    ts_ms: int
    fields: Mapping[str, Any]
    historical: bool = False


@dataclass(frozen=True, slots=True)
class Presence:
    """A terminal came or went; ``session`` tells a late farewell from a new greeting."""

    address: str
    online: bool
    session: str


@dataclass(frozen=True, slots=True)
class Rebirth:
    """The edge node must be asked for its birth."""

    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages of a source that never came: numbers ``expected`` to before ``got``."""

    expected: int
    got: int
    missing: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Something of a source that cannot be taken; it is recorded with its bytes."""

    reason: str
    detail: str
    topic: str
    payload: bytes


Effect = RawSample | Presence | Rebirth | Gap | Refused


@dataclass(frozen=True, slots=True)
class EventTaken:
    """What became of one event of a call centre's line: the answer to it, and what is wrong with it; None: nothing."""

    answer: Mapping[str, Any]
    problem: str | None = None


LineTaker = Callable[[Connection, str, bytes, datetime], EventTaken]
"""Keeps one event (its JSON) of a gateway in the caller's transaction. The desk, which knows what a call is, brings it."""
