"""Exact statistics against published reference outputs.

R 4 outputs cited: ``survival::cipoisson(x)`` and ``epitools::pois.exact(x)`` (Garwood limits), ``pgamma``.
"""

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.indicators import poisson
from dashboards.indicators.errors import InvalidCountError, NoExposureError
from dashboards.indicators.fatality import fatality, probability_year_above_target, whole_deaths
from dashboards.indicators.poisson import GammaPrior


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (5, 1.6235, 11.6683), (99, 80.4623, 120.5289)],
)
def test_garwood_agrees_with_cipoisson(count: int, low: float, high: float) -> None:
    interval = poisson.garwood(count)
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(
    ("deaths", "units", "low", "high"),
    [(292, 8_216_700, 0.3158, 0.3986), (99, 18_162_300, 0.0443, 0.0664), (114, 22_941_800, 0.0410, 0.0597)],
)
def test_national_years_have_the_published_intervals(deaths: int, units: int, low: float, high: float) -> None:
    f = fatality(deaths, units)
    assert (round(f.ci95_low, 4), round(f.ci95_high, 4)) == (low, high)


def test_the_one_sided_bound_of_zero_is_the_rule_of_three() -> None:
    assert poisson.upper_bound(0) == pytest.approx(2.9957, abs=5e-5)


def test_jeffreys_probability_agrees_with_pgamma() -> None:
    # R: pgamma(0.06, 1.5, 5) = 0.1035676; pgamma(0.06, 0.5, 5) = 2 * pnorm(sqrt(0.6)) - 1 = 0.561422
    assert fatality(1, 50_000).p_at_or_below_target == pytest.approx(0.1035676, rel=1e-5)
    assert fatality(0, 50_000).p_at_or_below_target == pytest.approx(math.erf(math.sqrt(0.3)), rel=1e-9)


def test_shrinkage_towards_the_national_rate() -> None:
    prior = GammaPrior.from_rate(0.049691, 20)
    after = poisson.posterior(1, 5.0, prior)
    assert after.shape / after.exposure == pytest.approx(0.07975, abs=5e-6)


def test_one_death_in_a_city_of_fifty_thousand() -> None:
    f = fatality(1, 50_000)
    assert f.rate_per_10k == pytest.approx(0.2)
    assert (f.allowed_deaths, f.allowed_remaining, f.exceeded_by) == (0, 0, 1)
    assert fatality(0, 50_000, years=10).allowed_deaths == 3


def test_whole_deaths_do_not_fall_to_binary_fractions() -> None:
    assert whole_deaths(0.29, 1_000_000, 1) == 29
    assert whole_deaths(0.06, 50_000, 10) == 3


@pytest.mark.parametrize("bad", [{"units": 0}, {"units": -1}, {"years": 0.0}, {"units": math.nan}])
def test_without_exposure_there_is_no_rate(bad: dict[str, Any]) -> None:
    exposure: dict[str, Any] = {"units": 100.0, "years": 1.0, **bad}
    with pytest.raises(NoExposureError):
        fatality(0, **exposure)


@pytest.mark.parametrize("bad", [-1, 1.5, True])
def test_an_impossible_count_is_refused(bad: int) -> None:
    with pytest.raises(InvalidCountError):
        fatality(bad, 100)


def test_huge_counts_stay_finite() -> None:
    f = fatality(5_000_000, 1e9)
    assert f.ci95_low < f.rate_per_10k < f.ci95_high
    assert f.ci95_high - f.ci95_low == pytest.approx(2 * 1.959964 * math.sqrt(5e6) / 1e5, rel=1e-3)


@given(st.integers(0, 500), st.floats(10, 1e7), st.floats(0.1, 50))
def test_scale_and_order(deaths: int, units: float, years: float) -> None:
    one, twice = fatality(deaths, units, years=years), fatality(deaths, units * 2, years=years / 2)
    assert one.rate_per_10k == pytest.approx(twice.rate_per_10k)
    assert one.ci95_high == pytest.approx(twice.ci95_high)
    assert one.ci95_low <= one.rate_per_10k <= one.ci95_high
    more = fatality(deaths + 1, units, years=years)
    assert more.ci95_low > one.ci95_low
    assert more.p_at_or_below_target <= one.p_at_or_below_target


def test_the_interval_covers_at_least_as_often_as_it_says() -> None:
    rng = random.Random(20260302)
    for mean in (0.3, 2.0, 9.0):
        covered = 0
        for _ in range(2_000):
            count, product = 0, rng.random()
            while product > math.exp(-mean):
                count, product = count + 1, product * rng.random()
            interval = poisson.garwood(count)
            covered += interval.low <= mean <= interval.high
        assert covered / 2_000 >= 0.94


def test_the_rest_of_the_year() -> None:
    # NB(0.5, p = 2.5 / 5): P(0) = sqrt(0.5)
    assert probability_year_above_target(0, 50_000, 0.5) == pytest.approx(1 - math.sqrt(0.5), rel=1e-9)
    assert probability_year_above_target(1, 50_000, 0.5) == 1.0
    assert probability_year_above_target(0, 50_000, 1.0) == 0.0


def test_deaths_that_cluster_are_seen() -> None:
    assert poisson.clustering([1, 1, 0]) == 1.0
    assert poisson.clustering([3, 1]) == pytest.approx(2.5)
    assert poisson.clustering([]) == 1.0
