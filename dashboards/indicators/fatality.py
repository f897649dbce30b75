"""万台死亡率: the rate with what it can and cannot tell. Pure.

References
----------
SRC-STAT-01, SRC-STAT-02 (docs/sources.md)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from dashboards.indicators import poisson
from dashboards.indicators.errors import InvalidCountError
from dashboards.indicators.poisson import JEFFREYS, GammaPrior, Interval

PER = 10_000
"""The rate is per 10,000 units (万台) and year."""
PLAN_TARGET = 0.06
"""Default target [deaths per 万台·年] of the plan; a setting of every call."""


@dataclass(frozen=True, slots=True)
class Fatality:
    """One period of one area.

    Rates are deaths per 10,000 units and year. ``allowed_*`` are whole deaths for the whole period given to
    :func:`fatality`; Chinese pages call ``allowed_remaining`` 距目标余量.
    """

    deaths: int
    units: float
    years: float
    target: float
    exposure: float
    rate_per_10k: float
    ci95_low: float
    ci95_high: float
    p_at_or_below_target: float
    allowed_deaths: int
    allowed_remaining: int
    exceeded_by: int
    rate_of_one_death: float
    expected_at_target: float
    p_zero_at_target: float

    @property
    def interval(self) -> Interval:
        """The exact 95 % interval of the rate."""
        return Interval(self.ci95_low, self.ci95_high)


def whole_deaths(target: float, units: float, years: float) -> int:
    """floor(target x units x years / 10,000), in decimal: 0.29 x 1,000,000 is 29, not 28.999….

    >>> whole_deaths(0.29, 1_000_000, 1)
    29
    """
    product = Decimal(repr(target)) * Decimal(repr(units)) * Decimal(repr(years)) / PER
    return int(product.to_integral_value(rounding=ROUND_FLOOR))


def fatality(
    deaths: int,
    units: float,
    *,
    years: float = 1.0,
    target: float = PLAN_TARGET,
    prior: GammaPrior = JEFFREYS,
) -> Fatality:
    """Rate, exact interval and the probability that the true rate meets the target.

    Parameters
    ----------
    deaths
        Counted deaths of the period, ≥ 0.
    units
        Units of the denominator, may be fractional (a mean over the period), > 0.
    years
        Length of the period [years], > 0; a running year counts its elapsed part.
    target
        Rate not to be exceeded [deaths per 10,000 units and year], ≥ 0.

    Raises
    ------
    NoExposureError
        Units or years are not above 0: there is no rate.
    InvalidCountError
        Deaths are negative or not whole, or the target is negative or not finite.
    """
    poisson.check_count(deaths)
    if not math.isfinite(target) or target < 0:
        raise InvalidCountError("目标须为 0 或正数，如 0.06 (the target is a rate from 0 on)")
    poisson.check_exposure(units)
    poisson.check_exposure(years)
    exposure = units * years / PER
    poisson.check_exposure(exposure)
    interval = poisson.garwood(deaths)
    allowed = whole_deaths(target, units, years)
    expected = target * exposure
    return Fatality(
        deaths=deaths,
        units=units,
        years=years,
        target=target,
        exposure=exposure,
        rate_per_10k=deaths / exposure,
        ci95_low=interval.low / exposure,
        ci95_high=interval.high / exposure,
        p_at_or_below_target=poisson.probability_at_or_below(target, poisson.posterior(deaths, exposure, prior)),
        allowed_deaths=allowed,
        allowed_remaining=max(0, allowed - deaths),
        exceeded_by=max(0, deaths - allowed),
        rate_of_one_death=1 / exposure,
        expected_at_target=expected,
        p_zero_at_target=math.exp(-expected),
    )


def probability_year_above_target(
    deaths: int, units: float, elapsed: float, *, target: float = PLAN_TARGET, prior: GammaPrior = JEFFREYS
) -> float:
    """P(the calendar year ends above the target) from what happened in its elapsed part.

    Parameters
    ----------
    elapsed
        Elapsed part of the year, 0 < elapsed ≤ 1; 1 gives 0 or 1.
    """
    poisson.check_exposure(elapsed)
    if elapsed > 1:
        raise InvalidCountError("一年已过的部分最多为 1 (the elapsed part of a year is at most 1)")
    left = whole_deaths(target, units, 1.0) - deaths
    belief = poisson.posterior(deaths, units * elapsed / PER, prior)
    return poisson.predictive_above(left, units * (1 - elapsed) / PER, belief)
