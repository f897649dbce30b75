"""Samples at scripted times through the fold, without a database: what is told, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alarms.engine.fold import fold, tick
from alarms.engine.state import KindState, empty_state
from alarms.engine.telling import Guard, Transition
from alarms.rules.load import load_pack, read_rule
from alarms.rules.model import Rule
from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import SignalType
from equipment.registry.model import UnitSummary
from ingest.codes.lists import concepts
from ingest.model import Columns, Flag

ZERO_US = 1_772_413_200_000_000
"""2026-03-02 09:00 in Shanghai, a Monday; second 0 of every script."""
SECOND = 1_000_000


@dataclass(frozen=True)
class Sample:
    """One sample: unit, second of the script, values; a value None is the device's null. ``got``: receipt."""

    unit: int
    at: float
    values: dict[str, Any] = field(default_factory=dict)
    codes: tuple[str, ...] | None = None
    seq: int = 0
    got: float | None = None
    late: bool = False


def unit(number: int, kind: str, **more: Any) -> UnitSummary:
    """A unit with a terminal that senses everything."""
    given = {"device_model": "any", "parameters": {}} | more
    return UnitSummary(number, f"U{number}", kind, "3110", "in_use", **given)


def columns(kind: str, samples: Sequence[Sample]) -> Columns:
    """Samples as the decoder hands them over, in order of arrival."""
    found = load_catalogue().kind(kind)
    assert found is not None
    count = len(samples)
    names = [s.name for s in found.signals if s.type is not SignalType.TEXT]
    bit = {name: concept.bit for name, concept in concepts().items()}

    def of(name: str) -> list[Any]:
        return [s.values.get(name, ...) for s in samples]

    at = np.array([ZERO_US + round(s.at * SECOND) for s in samples], dtype=np.int64)
    got = np.array([ZERO_US + round((s.at if s.got is None else s.got) * SECOND) for s in samples], dtype=np.int64)
    return Columns(
        kind=kind, unit_no=np.array([s.unit for s in samples], dtype=np.int32), ts_us=at,
        channel=np.ones(count, dtype=np.int16), seq=np.array([s.seq for s in samples], dtype=np.int64),
        content=np.zeros(count, dtype=np.int64), server_us=at, received_us=got, shard=np.zeros(count, dtype=np.int16),
        flags=np.array([Flag.LATE.value if s.late else 0 for s in samples], dtype=np.int16),
        redelivery=np.zeros(count, dtype=np.bool_),
        values={n: np.array([0.0 if v in (None, ...) else float(v) for v in of(n)]) for n in names},
        valid={n: np.array([v not in (None, ...) for v in of(n)], dtype=np.bool_) for n in names},
        unknown={n: np.array([v is None for v in of(n)], dtype=np.bool_) for n in names},
        code_bits=np.array([sum(1 << bit[c] for c in s.codes or ()) for s in samples], dtype=np.int64),
        codes_valid=np.array([s.codes is not None for s in samples], dtype=np.bool_),
        codes=[None] * count, messages=[], positions=[],
    )  # fmt: skip


def raise_it(work: Callable[[], None]) -> None:
    """A test wants to see the exception."""
    work()


def failed(rule: Rule, error: Exception) -> None:
    """Not reached: nothing is isolated."""
    raise AssertionError(f"{rule.id}: {error}")


OPEN = Guard(raise_it, failed)


@dataclass
class Script:
    """Some rules over some units of a kind, and the time."""

    kind: str
    rules: Sequence[Rule]
    units: Sequence[UnitSummary] = ()
    told: list[Transition] = field(default_factory=list)
    guard: Guard = OPEN

    def __post_init__(self) -> None:
        found = load_catalogue().kind(self.kind)
        assert found is not None
        self.state: KindState = empty_state(found, self.rules, self.units or [unit(1, self.kind)])
        self.state.remember()

    def batch(self, samples: Iterable[Sample]) -> list[Transition]:
        """One batch, received at the latest of its times."""
        taken = list(samples)
        now = max((s.at if s.got is None else s.got for s in taken), default=0.0)
        self.state, found = fold(self.state, columns(self.kind, taken), ZERO_US + round(now * SECOND), self.guard)
        self.told += found
        return found

    def say(self, at: float, _unit: int = 1, _codes: tuple[str, ...] | None = None, **values: Any) -> list[Transition]:
        """One sample."""
        return self.batch([Sample(_unit, at, values, _codes)])

    def tick(self, at: float) -> list[Transition]:
        """Timers at a second of the script."""
        self.state, found = tick(self.state, ZERO_US + round(at * SECOND), self.guard)
        self.told += found
        return found

    def events(self, rule: str | None = None) -> list[tuple[str, float]]:
        """What was told, and of which second."""
        return [(t.event, (t.at_us - ZERO_US) / SECOND) for t in self.told if rule in (None, t.rule.id)]


def pack_rule(rule_id: str) -> Rule:
    """A shipped rule."""
    found = load_pack().rule(rule_id)
    assert found is not None, rule_id
    return found


def own_rule(**fields: Any) -> Rule:
    """A rule of a test; whatever is not said is plain."""
    entry: dict[str, Any] = {
        "id": "lift.test", "kind": "lift", "title": {"zh": "试验", "en": "Test"}, "severity": "high",
        "receivers": ["firm"], "latch": False, "guidance": {"zh": "看", "en": "look"}, "source": "test", "mark": "D",
    } | fields  # fmt: skip
    return read_rule(entry, {})
