"""What is known of a visit, what was found, and what could not be looked at. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from equipment.registry.coordinates import Located, locate


@dataclass(frozen=True, slots=True)
class Fix:
    """A position as a phone gave it: of which datum, and how exact [m]; ``mock``: whether it says it was simulated."""

    lon: float
    lat: float
    datum: str
    accuracy_m: float | None
    mock: bool | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the register says a lift stands; ``accuracy_m`` None: nobody said how exactly."""

    lon: float
    lat: float
    datum: str
    accuracy_m: float | None

    def located(self) -> Located | None:
        """In WGS-84; None for an unknown datum, which must not be guessed."""
        return locate(self.lon, self.lat, self.datum, self.accuracy_m)


@dataclass(frozen=True, slots=True)
class Other:
    """Another visit of one of the same workers."""

    record: str
    unit: str
    workers: frozenset[str]
    began: datetime
    ended: datetime
    place: Place | None


@dataclass(frozen=True, slots=True)
class Twin:
    """A picture of another record that is the same (``bits`` 0 of the very bytes or pixels) or nearly so."""

    record: str
    unit: str
    on: str
    bits: int
    same: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo of the visit, or the drawn signature. ``detail``: how much there is to see (0: one plain colour)."""

    drawn: bool
    taken_at: datetime | None
    detail: float
    twins: tuple[Twin, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """What the lift's terminal said around the visit: (server time, value), oldest first, by signal.

    ``senses``: what the terminal's model is known to sense; a signal that is not in it weighs nothing.
    """

    senses: frozenset[str]
    signals: Mapping[str, tuple[tuple[datetime, Any], ...]]

    def of(self, name: str) -> tuple[tuple[datetime, Any], ...]:
        """The values of a signal, none where the model does not sense it."""
        return self.signals.get(name, ()) if name in self.senses else ()


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that is known when a record is looked at.

    ``same_position``: visits of other days with exactly its coordinates; ``same_values`` and ``same_notes``: other
    records with exactly its measured values and notes; devices: what each signer's phone calls itself.
    """

    level: str
    workers: frozenset[str]
    began: datetime
    ended: datetime
    fixes: Mapping[str, Fix] = field(default_factory=dict)
    place: Place | None = None
    others: tuple[Other, ...] = ()
    pictures: tuple[Picture, ...] = ()
    same_position: int = 0
    values: int = 0
    same_values: int = 0
    letters: int = 0
    same_notes: int = 0
    worker_devices: Mapping[str, str] = field(default_factory=dict)
    officer_devices: tuple[str, ...] = ()
    trace: Trace | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Evidence by value: which check, its weight then, and the numbers that explain it."""

    check: str
    weight: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Skipped:
    """What could not be looked at, and why: it weighs nothing, neither for nor against."""

    check: str
    reason: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """What came of looking at a record. ``looked``: the checks that could be made."""

    version: int
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    looked: tuple[str, ...]
