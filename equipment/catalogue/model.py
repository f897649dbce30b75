"""Kinds of special equipment and their signals (信号)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt


class SignalType(Enum):
    """How a signal is written, stored and judged."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    ENUM = "enum"
    TEXT = "text"

    @property
    def dtype(self) -> npt.DTypeLike:
        """Element type of the signal's array."""
        return _DTYPES[self]

    @property
    def column(self) -> str:
        """SQL type of the signal's column."""
        return _COLUMNS[self]


_DTYPES: dict[SignalType, npt.DTypeLike] = {
    SignalType.BOOL: np.bool_,
    SignalType.INT: np.int32,
    SignalType.FLOAT: np.float32,
    SignalType.ENUM: np.int16,
    SignalType.TEXT: np.object_,
}
_COLUMNS = {
    SignalType.BOOL: "boolean",
    SignalType.INT: "integer",
    SignalType.FLOAT: "real",
    SignalType.ENUM: "smallint",
    SignalType.TEXT: "text",
}


@dataclass(frozen=True, slots=True)
class Signal:
    """One measured quantity of a kind.

    ``minimum`` and ``maximum`` [``unit``] are physical limits, both included; outside is an error of the sensor.
    ``stale_after_seconds`` [s]: how long the last value is held. ``values``: meaning of each code of an enum.
    """

    name: str
    type: SignalType
    zh: str
    en: str
    stale_after_seconds: float
    mark: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    values: Mapping[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of equipment (种类) and what its terminals may report."""

    name: str
    zh: str
    en: str
    signals: tuple[Signal, ...]

    def signal(self, name: str) -> Signal | None:
        """The signal of that name, if the kind has it."""
        return next((s for s in self.signals if s.name == name), None)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All kinds."""

    kinds: tuple[Kind, ...]

    def kind(self, name: str) -> Kind | None:
        """The kind of that name, if there is one."""
        return next((k for k in self.kinds if k.name == name), None)

    @property
    def measured(self) -> tuple[Kind, ...]:
        """Kinds that have signals, and so a table of readings."""
        return tuple(k for k in self.kinds if k.signals)
