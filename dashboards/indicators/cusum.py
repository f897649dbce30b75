"""Poisson CUSUM (累积和): its exact run length and its design. Pure.

``S_t = max(0, S_{t-1} + X_t - k)`` with ``X_t`` Poisson, a signal at ``S_t >= h``.

References
----------
SRC-STAT-03 Lucas 1985; SRC-STAT-04 Rossi et al. 1999 (docs/sources.md)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix, identity
from scipy.sparse.linalg import splu
from scipy.special import gammaln

from dashboards.indicators.errors import InvalidCountError, UnreachableDesignError

LARGEST_DENOMINATOR = 1_000
"""k, h and the head start lie on a lattice of at most this fineness; decimals of three digits are exact."""
MOST_STATES = 40_000
LIMIT_STEP = Fraction(1, 100)
"""Designs give h to two decimals."""
LARGEST_LIMIT = 4_096


@dataclass(frozen=True, slots=True)
class Design:
    """A chosen chart: its reference value, its limit and the run lengths that follow [periods]."""

    k: float
    h: float
    arl0: float
    arl1: float


def reference_value(mean_in_control: float, mean_out_of_control: float) -> float:
    """The k that detects the second mean soonest: (μ1 - μ0) / (ln μ1 - ln μ0).

    >>> round(reference_value(1.0, 2.0), 4)
    1.4427
    """
    if not 0 < mean_in_control < mean_out_of_control or not math.isfinite(mean_out_of_control):
        raise InvalidCountError(
            "失控水平须高于受控水平，且都大于 0 (the out-of-control rate must lie above the in-control rate, both above 0)"
        )
    return (mean_out_of_control - mean_in_control) / math.log(mean_out_of_control / mean_in_control)


def _fraction(value: float, most: int) -> Fraction:
    return Fraction(repr(value)).limit_denominator(most)


def _steps(mean: float, most: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Counts below ``most`` that occur, and their Poisson probabilities; what is rarer than 1e-30 is left out."""
    reach = 12 * math.sqrt(mean) + 60
    counts = np.arange(max(0, math.floor(mean - reach)), max(1, min(most, math.ceil(mean + reach))))
    return counts, np.exp(counts * math.log(mean) - mean - gammaln(counts + 1))


def run_length(k: float, h: float, mean: float, head_start: float = 0.0) -> float:
    """Exact average run length [periods] by the Markov chain of the chart's states.

    Parameters
    ----------
    k, h
        Reference value and limit, in counts, both > 0.
    mean
        True mean count per period, ≥ 0; 0 never signals: infinite.
    head_start
        S_0, 0 ≤ head_start < h (fast initial response: h / 2).

    Notes
    -----
    k is taken to the nearest fraction with a denominator of at most 1,000 (less for a very high h), which is exact for
    every decimal of up to three digits.
    """
    if not all(math.isfinite(v) for v in (k, h, mean, head_start)) or k <= 0 or h <= 0 or mean < 0:
        raise InvalidCountError("k 和 h 须大于 0，均值不小于 0 (k and h are above 0, the mean is 0 or more)")
    if h > LARGEST_LIMIT:
        raise InvalidCountError(f"h 不大于 {LARGEST_LIMIT}，请合并统计期或换算单位 (h is at most {LARGEST_LIMIT})")
    if not 0 <= head_start < h:
        raise InvalidCountError("起始值须从 0 起且小于 h (the head start lies from 0 to below h)")
    if mean == 0:
        return math.inf
    finest = max(1, min(LARGEST_DENOMINATOR, int(MOST_STATES / h)))
    k_exact, start_exact = _fraction(k, finest), _fraction(head_start, finest)
    m = math.lcm(k_exact.denominator, start_exact.denominator)
    if m > finest:
        m = k_exact.denominator
        start_exact = Fraction(round(head_start * m), m)
    return _solve(int(k_exact * m), math.ceil(Fraction(repr(h)) * m), m, mean, int(start_exact * m))


def path(counts: Sequence[int], reference_values: Sequence[float], h: float, head_start: float = 0.0) -> list[float]:
    """The chart itself: S_t of each period; after a signal it starts again at the head start.

    ``reference_values`` is k of each period: k scales with a period's exposure (Rossi et al. 1999).
    """
    if len(counts) != len(reference_values):
        raise InvalidCountError("每期都要有件数和参考值 (every period needs its count and its reference value)")
    found, s = [], head_start
    for count, k in zip(counts, reference_values, strict=True):
        s = max(0.0, s + count - k)
        found.append(s)
        if s >= h:
            s = head_start
    return found


def _solve(k_steps: int, states: int, m: int, mean: float, start: int) -> float:
    """Run length of the chain on 0, 1/m, …, (states - 1)/m, absorbed from states/m on."""
    counts, chances = _steps(mean, (states + k_steps) // m + 1)
    if not counts.size:  # every count that occurs signals
        return 1.0
    here = np.repeat(np.arange(states), counts.size)
    there = np.maximum(0, here + np.tile(counts * m, states) - k_steps)
    weight = np.tile(chances, states)
    inside = there < states
    moves = csc_matrix((weight[inside], (here[inside], there[inside])), shape=(states, states))
    lengths = splu((identity(states, format="csc") - moves).tocsc()).solve(np.ones(states))
    found = float(lengths[min(start, states - 1)])
    # a chain that all but never signals loses its last digits; what cannot be computed is not printed as a number
    return found if 0 < found < 1e14 else math.inf


@lru_cache(maxsize=64)
def design(in_control: float, out_of_control: float, exposure: float, arl0: float) -> Design:
    """The smallest limit (two decimals) whose in-control run length is at least ``arl0``.

    Parameters
    ----------
    in_control, out_of_control
        Rates [events per unit of exposure and period], 0 < in < out.
    exposure
        Exposure per period, e.g. 万台·年 of one month, > 0.
    arl0
        Wanted periods between false signals, ≥ 1.

    Raises
    ------
    UnreachableDesignError
        No limit that can be computed gives it.
    """
    if not exposure > 0 or not math.isfinite(exposure) or not arl0 >= 1 or not math.isfinite(arl0):
        raise InvalidCountError(
            "暴露量须大于 0，平均运行长度至少为 1 (the exposure is above 0 and the run length at least 1)"
        )
    mean0, mean1 = in_control * exposure, out_of_control * exposure
    k = reference_value(mean0, mean1)

    def arl(position: int) -> float:
        return run_length(k, float(position * LIMIT_STEP), mean0)

    high = 1
    while arl(high) < arl0:
        high *= 2
        if high * LIMIT_STEP > LARGEST_LIMIT:
            raise UnreachableDesignError(
                "没有控制限能达到这样长的平均运行长度，请减小或合并统计期 (no control limit gives so long a run length; ask for less or merge periods)"
            )
    low = high // 2
    while high - low > 1:
        middle = (high + low) // 2
        low, high = (middle, high) if arl(middle) < arl0 else (low, middle)
    h = float(high * LIMIT_STEP)
    return Design(k, h, arl(high), run_length(k, h, mean1))
