"""Agreement with published reference outputs to four significant digits; each row cites its reference call and where it is printed.

Printed numbers: the help pages of R ``survival::cipoisson``, ``epitools::pois.exact``, ``stats::poisson.test``,
``spc::pois.cusum.arl`` and ``spc::pois.cusum.crit.L0L1`` (which quote Lucas 1985 and Rossi et al. 1999). ``surveillance`` and
``qicharts2`` print none (help pages without output, vignettes with pictures): there the test holds our functions against the
formula in their published source, written out a second time.
"""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from dashboards.indicators import charts, cusum, poisson


def four_digits(found: float, wanted: float) -> bool:
    return found == pytest.approx(wanted, rel=5e-4, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "count", "exposure", "low", "high"),
    [
        # survival, help page of cipoisson: "cipoisson(4) # 95% confidence limit; lower 1.089865, upper 10.24153"
        ("cipoisson(4)", 4, 1, 1.089865, 10.24153),
        # epitools, help page of pois.exact: "When x = 0, for the upper confidence limit pois.exact returns 3.689"
        ("pois.exact(0)", 0, 1, 0.0, 3.689),
        # survival::cipoisson(20, 10): 1.2217 and 3.0888 in the tests of R package rads (adjust_direct: 20 events of 1,000, per 100)
        ("cipoisson(20, 10)", 20, 10, 1.2217, 3.0888),
        # qgamma(0.025, k) / time and qgamma(0.975, k + 1) / time, as both packages document
        ("pois.exact(10)", 10, 1, 4.795389, 18.39036),
        ("pois.exact(1)", 1, 1, 0.02531781, 5.571643),
        # stats::poisson.test(137, 24.19893): 95 percent confidence interval 4.753125 to 6.692709 is of the help page's data
        ("cipoisson(99, 1816.23)", 99, 1816.23, 0.04430177, 0.06636214),
    ],
)
def test_exact_interval(call: str, count: int, exposure: float, low: float, high: float) -> None:
    interval = poisson.garwood(count)
    assert four_digits(interval.low / exposure, low), call
    assert four_digits(interval.high / exposure, high), call


def test_poisson_test_of_two_samples() -> None:
    # stats::poisson.test(c(11, 6+8+7), c(800, 1083+1050+878)): p-value = 0.07967 (help page, eba1977)
    assert four_digits(poisson.compare(11, 800, 21, 3011), 0.07967)
    assert poisson.compare(21, 3011, 11, 800) == pytest.approx(poisson.compare(11, 800, 21, 3011))
    assert poisson.compare(0, 1, 0, 5) == 1.0


def test_poisson_test_of_one_sample_interval() -> None:
    # stats::poisson.test(137, 24.19893): estimate 5.661407
    interval = poisson.garwood(137)
    assert interval.low / 24.19893 < 5.661407 < interval.high / 24.19893
    assert four_digits(137 / 24.19893, 5.661407)


def test_reference_value_of_surveillance() -> None:
    # surveillance::findK(theta0 = 2, theta1 = 3, distr = "poisson"): (3 - 2) / log(3 / 2)
    assert four_digits(cusum.reference_value(2, 3), 2.466303)


@pytest.mark.parametrize(
    ("k", "h", "mean", "start", "arl"),
    [
        # spc, help page of pois.cusum.arl(mu = .25, km = 1, hm = 39, m = 4, i0 = 0 | 20): "Lucas reported 438 (in Table 2)" and
        # "333 (in Table 3)"; printed there to three digits
        (0.25, 10, 0.25, 0, 438),
        (0.25, 10, 0.25, 5, 333),
        # closed form: k = h = 1 signals at two or more events
        (1, 1, 1, 0, 1 / (1 - 2 * math.exp(-1))),
        # k = 1, h = 2, mean 1: solved by hand from the two states 0 and 1
        (1, 2, 1, 0, None),
    ],
)
def test_run_length(k: float, h: float, mean: float, start: float, arl: float | None) -> None:
    found = cusum.run_length(k, h, mean, start)
    if arl is None:
        e = math.exp(-1)
        # L0 = 1 + (p0 + p1) L0 + p2 L1, L1 = 1 + p0 L0 + p1 L1 with p0 = p1 = e, p2 = e / 2
        arl = (1 + (e / 2) / (1 - e)) / (1 - 2 * e - (e / 2) * e / (1 - e))
    if (k, h) == (0.25, 10):
        assert round(found) == arl
    else:
        assert four_digits(found, arl)


def test_design_of_rossi_as_spc_prints_it() -> None:
    # spc, help page of pois.cusum.crit.L0L1(mu0 = 0.52, L0 = 500, L1 = 7), the scheme of Rossi et al. 1999 table 1:
    # m 1000, km 948, mu1 1.563777, k 0.948, hm 3832, h 3.832, gamma 0.1201901
    assert four_digits(cusum.reference_value(0.52, 1.563777), 0.948)

    def mixed(mean: float) -> float:
        # it signals above h, and at h itself with probability gamma; ours signals from h on
        above, at = cusum.run_length(0.948, 3.833, mean), cusum.run_length(0.948, 3.832, mean)
        return above + 0.1201901 * (at - above)

    assert four_digits(mixed(0.52), 500)
    assert four_digits(mixed(1.563777), 7)


def test_run_length_agrees_with_simulation() -> None:
    import numpy as np

    rng = np.random.default_rng(7)
    lengths = []
    for _ in range(4_000):
        s, n = 0.0, 0
        while s < 3.0:
            s, n = max(0.0, s + rng.poisson(1.0) - 1.5), n + 1
        lengths.append(n)
    exact = cusum.run_length(1.5, 3.0, 1.0)
    assert abs(np.mean(lengths) - exact) < 4 * np.std(lengths) / math.sqrt(len(lengths))


def test_g_chart_of_qicharts2() -> None:
    # qicharts2::qic(y, chart = "g"): sd = sqrt(mean * (mean + 1)), ucl = mean + 3 sd, lcl = max(0, mean - 3 sd)
    y = [12, 20, 5, 33, 10]
    limits = charts.g_limits(y)
    assert four_digits(limits.high, 16 + 3 * math.sqrt(16 * 17))
    assert limits.low == 0.0


def test_t_chart_of_qicharts2() -> None:
    # qicharts2 (helper.functions.R, qic.t): an I chart of y^(1 / 3.6), limits mean ± 3 mean moving range / 1.128, raised to 3.6
    y = [4.0, 9.0, 16.0, 2.0]
    limits = charts.t_limits_power(y)
    z = [v ** (1 / 3.6) for v in y]
    moving = [abs(b - a) for a, b in pairwise(z)]
    half = 3 * sum(moving) / 3 / 1.128
    assert four_digits(limits.high, (sum(z) / 4 + half) ** 3.6)
    assert four_digits(limits.centre, (sum(z) / 4) ** 3.6)


def test_u_chart_of_qicharts2() -> None:
    # qicharts2::qic(y, n, chart = "u"): cl = sum(y) / sum(n), limits cl ± 3 sqrt(cl / n), lower at least 0
    limits = charts.u_limits([8, 12, 4], [50.0, 60.0, 40.0])
    assert four_digits(limits[0].centre, 0.16)
    assert four_digits(limits[1].high, 0.16 + 3 * math.sqrt(0.16 / 60))
    assert limits[2].low == 0.0


def test_dispersion_is_fishers_index() -> None:
    # R: chisq.test(c(3, 5, 10)) gives X-squared = 4.3333, df = 2, p-value = 0.1146
    found = poisson.dispersion([3, 5, 10], [1.0, 1.0, 1.0])
    assert found is not None
    assert four_digits(found.chi_square, 4.333333)
    assert four_digits(found.p_value, 0.1145588)
    assert poisson.dispersion([0, 0], [1.0, 1.0]) is None
    assert poisson.dispersion([3], [1.0]) is None


def test_funnel_limits_are_the_exact_quantiles() -> None:
    # R: qpois(c(0.025, 0.975), 5) = 1, 10 and qpois(c(0.001, 0.999), 5) = 0, 13
    inner, outer = charts.funnel_limits(100.0, 0.05, charts.TAIL_95), charts.funnel_limits(100.0, 0.05, charts.TAIL_998)
    assert (inner.low * 100, inner.high * 100) == (1, 10)
    assert (outer.low * 100, outer.high * 100) == (0, 13)


@pytest.mark.parametrize(
    ("useful", "longest", "crossings"),
    # qicharts2, vignette "Quality Improvement Charts", appendix 2: critical values for longest run and number of crossings
    [
        (10, 6, 2),
        (12, 7, 3),
        (16, 7, 4),
        (22, 7, 7),
        (23, 8, 7),
        (24, 8, 8),
        (46, 9, 17),
        (90, 9, 37),
        (91, 10, 37),
        (100, 10, 41),
    ],
)
def test_run_rules_of_qicharts2(useful: int, longest: int, crossings: int) -> None:
    # values that are the median itself are not useful
    found = charts.runs_about_median([-1.0] * ((useful + 1) // 2) + [0.0] * (2 * (useful % 2)) + [1.0] * (useful // 2))
    assert found is not None
    assert (found.useful, found.longest_allowed, found.crossings_needed) == (useful, longest, crossings)


def test_a_shift_signals_and_a_few_intervals_do_not() -> None:
    # the same vignette: 24 values with a longest run of 13 (at most 8) and 4 crossings (at least 8) signal
    found = charts.runs_about_median([1.0, 2, 1, 2, *[1.0] * 10, *[2.0] * 10])
    assert found is not None
    assert (found.longest, found.crossings, found.signals) == (10, 5, True)
    assert charts.runs_about_median([1.0, 2.0] * 4) is None
    assert charts.runs_about_median([]) is None
    assert charts.runs_about_median([5.0] * 40) is None
