"""Exact statistics of rare counts (泊松计数), pure functions.

References
----------
SRC-STAT-01 Garwood 1936; SRC-STAT-02 Gelman et al. for the gamma-Poisson model; SRC-STAT-05 Spiegelhalter 2005
(docs/sources.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, gammainc, gammaincc, gammainccinv, gammaincinv, gammaln

from dashboards.indicators.errors import InvalidCountError, NoExposureError


@dataclass(frozen=True, slots=True)
class Interval:
    """Two limits in the unit of what they bound; both included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GammaPrior:
    """先验: what is believed of a rate before counting.

    ``shape`` counts, ``exposure`` is the exposure they weigh [万台·年]; exposure 0 is allowed (improper, Jeffreys).
    """

    shape: float
    exposure: float

    @classmethod
    def from_rate(cls, rate: float, strength: float) -> GammaPrior:
        """A prior with mean ``rate`` [per 万台·年] that weighs like ``strength`` 万台·年 of observation.

        >>> round(GammaPrior.from_rate(0.049691, 20.0).shape, 5)
        0.99382
        """
        if not (math.isfinite(rate) and math.isfinite(strength) and rate > 0 and strength > 0):
            raise InvalidCountError("先验的水平和权重须大于 0 (a prior needs a rate and a strength above 0)")
        return cls(rate * strength, strength)


JEFFREYS = GammaPrior(0.5, 0.0)
"""The prior when none is given: it says as little as possible about a Poisson rate."""


def check_count(count: int) -> None:
    """Refuse a count that cannot be.

    Raises
    ------
    InvalidCountError
        It is negative or not whole.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise InvalidCountError(f"件数（死亡人数）须为 0 或正整数 (a count is a whole number from 0 on), not {count!r}")


def check_exposure(exposure: float) -> None:
    """Refuse an exposure that gives no rate.

    Raises
    ------
    NoExposureError
        It is zero, negative or not finite.
    """
    if not math.isfinite(exposure):
        raise NoExposureError("台数或时间不是有限的数 (units or time are not a finite number)")
    if exposure <= 0:
        raise NoExposureError("没有台数或时间，无法计算比率 (no units or no time: there is no rate)")


def garwood(count: int, confidence: float = 0.95) -> Interval:
    """Exact (Garwood) interval of a Poisson mean.

    Parameters
    ----------
    count
        Observed events; 0 is a legal answer: the lower limit is 0, the upper is not.
    confidence
        Two-sided, between 0 and 1.

    >>> i = garwood(0)
    >>> i.low, round(i.high, 4)
    (0.0, 3.6889)
    """
    check_count(count)
    if not 0 < confidence < 1:
        raise InvalidCountError("置信度须在 0 与 1 之间，如 0.95 (the confidence lies between 0 and 1)")
    half = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(gammaincinv(count, half))
    return Interval(low, float(gammainccinv(count + 1, half)))


def upper_bound(count: int, confidence: float = 0.95) -> float:
    """One-sided exact upper bound of a Poisson mean (zero events at 95 %: 2.996)."""
    check_count(count)
    return float(gammainccinv(count + 1, 1 - confidence))


def posterior(count: int, exposure: float, prior: GammaPrior = JEFFREYS) -> GammaPrior:
    """The gamma distribution of the rate after counting.

    >>> after = posterior(1, 5.0, GammaPrior(0.99382, 20.0))
    >>> round(after.shape / after.exposure, 5)
    0.07975
    """
    check_count(count)
    check_exposure(exposure)
    return GammaPrior(prior.shape + count, prior.exposure + exposure)


def probability_at_or_below(rate: float, belief: GammaPrior) -> float:
    """P(true rate ≤ ``rate``) under ``belief``; ``belief.exposure`` is above 0."""
    check_exposure(belief.exposure)
    return float(gammainc(belief.shape, max(rate, 0.0) * belief.exposure))


def poisson_at_most(count: int, mean: float) -> float:
    """P(X ≤ count) for a Poisson count; a negative ``count`` gives 0."""
    return 0.0 if count < 0 else float(gammaincc(count + 1, mean))


def predictive_above(count: int, exposure: float, belief: GammaPrior) -> float:
    """P(more than ``count`` further events in ``exposure``) when the rate is only known as ``belief``.

    The count is negative binomial. ``exposure`` 0 (the period is over) gives 0 for count ≥ 0.
    """
    if count < 0:
        return 1.0
    if exposure <= 0:
        return 0.0
    chance = belief.exposure / (belief.exposure + exposure)
    # P(NB ≤ n) = I_p(shape, n + 1)
    return float(1.0 - betainc(belief.shape, count + 1, chance))


def clustering(deaths_per_accident: Sequence[int]) -> float:
    """Index of clustering: E[d²]/E[d] of deaths per fatal accident.

    1 means one death per accident; above it the Poisson interval of deaths is too narrow by about its square root.
    No fatal accident gives 1 (nothing speaks against Poisson, nothing for it).
    """
    fatal = [d for d in deaths_per_accident if d > 0]
    return 1.0 if not fatal else sum(d * d for d in fatal) / sum(fatal)


@dataclass(frozen=True, slots=True)
class Dispersion:
    """离散度检验: Fisher's index of counts against what Poisson expects of their exposures."""

    chi_square: float
    degrees: int
    p_value: float

    @property
    def index(self) -> float:
        """Variance relative to Poisson; 1 is Poisson."""
        return self.chi_square / self.degrees


def dispersion(counts: Sequence[int], exposures: Sequence[float]) -> Dispersion | None:
    """Whether counts scatter more than Poisson: Σ (x - e)² / e against χ² with n - 1 degrees of freedom.

    None when there is nothing to test: fewer than two periods, or no event at all.

    Raises
    ------
    InvalidCountError
        The two differ in length: a missing period is left out of both, never counted as zero.
    """
    if len(counts) != len(exposures):
        raise InvalidCountError("每期都要有件数和暴露量 (every period needs its count and its exposure)")
    for count, exposure in zip(counts, exposures, strict=True):
        check_count(count)
        check_exposure(exposure)
    if len(counts) < 2 or sum(counts) == 0:
        return None
    rate = sum(counts) / sum(exposures)
    chi = sum((x - rate * e) ** 2 / (rate * e) for x, e in zip(counts, exposures, strict=True))
    degrees = len(counts) - 1
    return Dispersion(chi, degrees, float(gammaincc(degrees / 2, chi / 2)))


def compare(count: int, exposure: float, other: int, other_exposure: float) -> float:
    """Two-sided exact p-value that two rates are the same (R ``poisson.test`` of two samples); no event at all gives 1.

    >>> round(compare(11, 800, 21, 3011), 5)
    0.07967
    """
    for c, e in ((count, exposure), (other, other_exposure)):
        check_count(c)
        check_exposure(e)
    total, share = count + other, exposure / (exposure + other_exposure)
    if total == 0:
        return 1.0
    ks = np.arange(total + 1)
    logs = gammaln(total + 1) - gammaln(ks + 1) - gammaln(total - ks + 1) + ks * math.log(share)
    logs = logs + (total - ks) * math.log1p(-share)
    # what R calls "as likely or less", with its tolerance
    at_most = np.exp(logs)[logs <= logs[count] + math.log1p(1e-7)]
    return min(1.0, float(at_most.sum()))
