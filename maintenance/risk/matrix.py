"""The matrix as data: factors and their values, bands and their colours. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise, product
from math import isfinite, prod
from typing import Any

import yaml

from maintenance.errors import StepError

COLOURS = ("red", "orange", "yellow", "blue")
"""红 重大, 橙 较大, 黄 一般, 蓝 低."""


@dataclass(frozen=True, slots=True)
class Band:
    """One colour from a number on; ``inclusive``: the number itself belongs to it."""

    colour: str
    number: float
    inclusive: bool

    def holds(self, value: float) -> bool:
        """Whether a value reaches the band."""
        return value >= self.number if self.inclusive else value > self.number


@dataclass(frozen=True, slots=True)
class Method:
    """LEC or LS: its factors with the values each may take, and its bands from the highest down."""

    name: str
    factors: Mapping[str, tuple[float, ...]]
    bands: tuple[Band, ...]

    def value(self, given: Mapping[str, Any]) -> float:
        """The product of the factors.

        Raises
        ------
        StepError
            A factor is missing, or has a value that the matrix does not know.
        """
        found = []
        for factor, allowed in self.factors.items():
            try:
                number = float(given[factor])
            except (KeyError, TypeError, ValueError):
                raise StepError(f"请给出 {self.name} 的 {factor} (a factor is missing)") from None
            if number not in allowed:
                raise StepError(
                    f"{self.name} 的 {factor} 须为 {', '.join(f'{a:g}' for a in allowed)} 之一 (one of these)"
                )
            found.append(number)
        return prod(found)

    def colour(self, value: float) -> str:
        """The colour of a value.

        >>> [shipped()["LEC"].colour(d) for d in (320, 160, 70, 69.9)]
        ['orange', 'orange', 'yellow', 'blue']
        """
        return next(band.colour for band in self.bands if band.holds(value))

    def combinations(self) -> dict[str, int]:
        """How many combinations of the factors' values each colour gets.

        >>> shipped()["LS"].combinations()
        {'red': 3, 'orange': 3, 'yellow': 6, 'blue': 13}
        """
        found = dict.fromkeys(COLOURS, 0)
        for values in product(*self.factors.values()):
            found[self.colour(prod(values))] += 1
        return found


def read_matrix(content: Mapping[str, Any]) -> dict[str, Method]:
    """The methods of a matrix.

    Raises
    ------
    StepError
        It cannot be right: a colour is missing, bands do not descend to 0, or a factor has no values.
    """
    try:
        made = {name: _method(name, entry) for name, entry in content["methods"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StepError(f"风险矩阵格式不正确：{error!r} (the matrix cannot be read)") from None
    if not made:
        raise StepError("风险矩阵至少须有一种方法 (at least one method)")
    return made


def _method(name: str, entry: Mapping[str, Any]) -> Method:
    factors = {str(f): tuple(float(v) for v in values) for f, values in entry["factors"].items()}
    bands = tuple(
        Band(b["colour"], float(b["from"] if "from" in b else b["above"]), "from" in b) for b in entry["bands"]
    )
    numbers = [b.number for b in bands] + [v for values in factors.values() for v in values]
    if not all(isfinite(n) for n in numbers):
        raise StepError(f"{name}：界限和取值须为数 (bounds and values are numbers)")
    if any(not values or min(values) <= 0 for values in factors.values()) or not factors:
        raise StepError(f"{name}：每个因子至少一个正数取值 (each factor needs positive values)")
    descending = all(one.number > other.number for one, other in pairwise(bands))
    if [b.colour for b in bands] != list(COLOURS) or not descending or bands[-1].number != 0 or not bands[-1].inclusive:
        raise StepError(f"{name}：须依次为红橙黄蓝，界限递减到 0 (four colours, descending to 0)")
    return Method(name, factors, bands)


@cache
def shipped_content() -> dict[str, Any]:
    """Version 0 as it is shipped."""
    found: dict[str, Any] = yaml.safe_load((files("maintenance.risk") / "matrix.yaml").read_text(encoding="utf-8"))
    return found


@cache
def shipped() -> dict[str, Method]:
    """Version 0."""
    return read_matrix(shipped_content())
