"""Control charts of rare events (控制图): limits only, pure.

References
----------
SRC-STAT-05 Spiegelhalter 2005 (funnel), SRC-STAT-06 Benneyan 2001 (g), SRC-STAT-07 Montgomery (t, u), SRC-STAT-10 Anhøj (runs);
docs/sources.md
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median

from dashboards.indicators.errors import InvalidCountError, NoExposureError
from dashboards.indicators.poisson import Interval, check_exposure, poisson_at_most

LOWER_TAIL, UPPER_TAIL = 0.00135, 0.99865
"""The tails that three sigma leave on each side of a normal distribution."""
TAIL_95, TAIL_998 = 0.025, 0.001
"""The two pairs of limits of a funnel plot."""
NELSON = 3.6
FEWEST_FOR_RUNS = 10
MEAN_RANGE_OF_TWO = 1.128
"""Mean range of two normal values in standard deviations (d2)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """中心线 and the control limits of a chart."""

    centre: float
    low: float
    high: float


def g_limits(counts_between: Sequence[int]) -> Limits:
    """Units (or days) between events: UCL = ḡ + 3 √(ḡ(ḡ + 1)); the lower limit is 0.

    >>> g_limits([4, 6]).centre
    5.0
    """
    mean = _mean(counts_between)
    return Limits(mean, 0.0, mean + 3 * math.sqrt(mean * (mean + 1)))


def t_limits(times_between: Sequence[float]) -> Limits:
    """Time between events, exponential: 0.00135 t̄ and 6.6077 t̄; the centre line is the median."""
    mean = _mean(times_between)
    return Limits(mean * math.log(2), -mean * math.log(1 - LOWER_TAIL), -mean * math.log(1 - UPPER_TAIL))


def t_limits_power(times_between: Sequence[float]) -> Limits:
    """Time between events by the power transform of Nelson (y^(1/3.6), individuals chart), as R ``qicharts2`` draws it.

    Needs at least two intervals; a lower limit below zero is 0.
    """
    if len(times_between) < 2:
        raise NoExposureError("还没有两个间隔 (a chart of moving ranges needs at least two intervals)")
    _mean(times_between)
    y = [t ** (1 / NELSON) for t in times_between]
    centre = sum(y) / len(y)
    moving = [abs(b - a) for a, b in pairwise(y)]
    # ranges beyond their own limit are left out, as in the reference
    mean_range = sum(moving) / len(moving)
    kept = [r for r in moving if r < 3.267 * mean_range] or moving
    half = 3 * sum(kept) / len(kept) / MEAN_RANGE_OF_TWO
    return Limits(centre**NELSON, max(0.0, centre - half) ** NELSON, (centre + half) ** NELSON)


@dataclass(frozen=True, slots=True)
class Runs:
    """链检验 (run rules of Anhøj): how values lie about their median. They assume no distribution, so they hold for skewed intervals.

    ``useful`` counts the values that are not the median itself; ``longest`` is the longest run on one side of it.
    """

    useful: int
    longest: int
    longest_allowed: int
    crossings: int
    crossings_needed: int

    @property
    def signals(self) -> bool:
        """Whether the values shift more than chance does (in about one series of twenty it does as well)."""
        return self.longest > self.longest_allowed or self.crossings < self.crossings_needed


def runs_about_median(values: Sequence[float]) -> Runs | None:
    """The two run rules; None below ten useful values, where they can say nothing.

    >>> runs_about_median([1, 2] * 6)
    Runs(useful=12, longest=1, longest_allowed=7, crossings=11, crossings_needed=3)
    """
    middle = median(values) if values else 0.0
    above = [v > middle for v in values if v != middle]
    if len(above) < FEWEST_FOR_RUNS:
        return None
    longest = max(len(list(run)) for _, run in groupby(above))
    crossings = sum(a != b for a, b in pairwise(above))
    return Runs(len(above), longest, round(math.log2(len(above)) + 3), crossings, _fewest_crossings(len(above)))


def _fewest_crossings(useful: int) -> int:
    """The 5 % quantile of a binomial count of ``useful`` - 1 tosses of a coin."""
    tosses, below = useful - 1, 0
    for crossings in range(useful):
        below += math.comb(tosses, crossings)
        if 20 * below >= 2**tosses:
            return crossings
    return tosses


def u_limits(events: Sequence[int], exposures: Sequence[float]) -> list[Limits]:
    """One pair of limits per period: ū ± 3 √(ū / exposure), not below 0."""
    if len(events) != len(exposures):
        raise InvalidCountError("每期都要有件数和暴露量 (every period needs its count and its exposure)")
    total = sum(exposures)
    check_exposure(total)
    centre = sum(events) / total
    return [u_limit(centre, exposure) for exposure in exposures]


def u_limit(centre: float, exposure: float) -> Limits:
    """Limits of one period around a known centre."""
    check_exposure(exposure)
    half = 3 * math.sqrt(centre / exposure)
    return Limits(centre, max(0.0, centre - half), centre + half)


def funnel_limits(exposure: float, rate: float, tail: float = LOWER_TAIL) -> Interval:
    """Exact Poisson limits of a district's rate when its true rate is ``rate`` (漏斗图).

    The low limit is the largest rate such that a lower count has at most probability ``tail``, the high limit the
    smallest such that a higher count has at most ``tail``; both as rates, so a count on the limit is inside.
    """
    check_exposure(exposure)
    if rate < 0 or not 0 < tail < 0.5:
        raise InvalidCountError(
            "水平不小于 0，尾部概率在 0 与 0.5 之间 (the rate is 0 or more, the tail between 0 and 0.5)"
        )
    mean = rate * exposure
    return Interval(_quantile(mean, tail) / exposure, _quantile(mean, 1 - tail) / exposure)


def _quantile(mean: float, probability: float) -> int:
    """The smallest count whose distribution function reaches ``probability``."""
    low, high = -1, max(1, math.ceil(mean))
    while poisson_at_most(high, mean) < probability:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if poisson_at_most(middle, mean) < probability else (low, middle)
    return high


def _mean(values: Sequence[float]) -> float:
    if not values:
        raise NoExposureError("还没有两次事件之间的间隔 (a chart of intervals needs at least one interval)")
    if any(not math.isfinite(v) or v < 0 for v in values):
        raise InvalidCountError("间隔不小于 0 (an interval is 0 or more)")
    return sum(values) / len(values)
