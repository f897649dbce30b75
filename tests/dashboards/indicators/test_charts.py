"""CUSUM run lengths and chart limits against published tables."""

import math

import pytest

from dashboards.indicators import charts, cusum
from dashboards.indicators.errors import InvalidCountError, NoExposureError


@pytest.mark.parametrize(
    ("k", "h", "mean", "start", "published"),
    [
        # Lucas 1985, tables 2 and 3, row h = 10, k = 0.25 (example of R spc::pois.cusum.arl)
        (0.25, 10, 0.25, 0, 438),
        (0.25, 10, 0.25, 5, 333),
    ],
)
def test_run_length_of_lucas(k: float, h: float, mean: float, start: float, published: float) -> None:
    assert round(cusum.run_length(k, h, mean, start)) == published


@pytest.mark.parametrize(
    ("shift", "start", "published"), [(0.0, 0, 37.2), (0.0, 3, 29.19), (0.9627, 0, 5.49), (0.9627, 3, 3.33)]
)
def test_run_length_of_lawson(shift: float, start: float, published: float) -> None:
    # R IAcsSPCR::arl(h = 6, k = 2, lambda = 1.88, shift)
    mean = 1.88 + shift * math.sqrt(1.88)
    assert cusum.run_length(2, 6, mean, start) == pytest.approx(published, abs=0.005)


def test_a_chart_of_one_state_is_geometric() -> None:
    # k = 1, h = 1: only two or more events in one period signal
    assert cusum.run_length(1, 1, 1) == pytest.approx(1 / (1 - 2 * math.exp(-1)), rel=1e-12)


def test_a_design_keeps_its_promise_and_wastes_nothing() -> None:
    found = cusum.design(0.0497, 0.12, 5.0, 200)
    assert found.k == pytest.approx((0.6 - 0.2485) / math.log(0.6 / 0.2485))
    assert found.arl0 >= 200 > cusum.run_length(found.k, found.h - 0.01, 0.2485)
    assert found.arl1 < found.arl0
    assert found.arl1 == cusum.run_length(found.k, found.h, 0.6)


def test_nothing_ever_happens() -> None:
    assert cusum.run_length(1, 5, 0) == math.inf


@pytest.mark.parametrize("bad", [(0, 5, 1, 0), (1, 0, 1, 0), (1, 5, -1, 0), (1, 5, 1, 5), (math.nan, 5, 1, 0)])
def test_impossible_charts_are_refused(bad: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidCountError):
        cusum.run_length(*bad)


def test_an_out_of_control_rate_below_the_in_control_rate_is_refused() -> None:
    with pytest.raises(InvalidCountError):
        cusum.design(0.2, 0.1, 5, 100)


def test_t_limits_are_those_of_the_exponential() -> None:
    limits = charts.t_limits([100.0, 300.0])
    assert limits.low == pytest.approx(0.00135 * 200, rel=1e-3)
    assert limits.high == pytest.approx(6.6077 * 200, rel=1e-4)


def test_g_limits() -> None:
    assert charts.g_limits([10, 20]).high == pytest.approx(15 + 3 * math.sqrt(15 * 16))
    with pytest.raises(NoExposureError):
        charts.g_limits([])


def test_u_limits_widen_with_less_exposure() -> None:
    wide, narrow = charts.u_limits([3, 12], [1.0, 4.0])
    assert wide.centre == narrow.centre == 3.0
    assert wide.high - 3 == pytest.approx(2 * (narrow.high - 3))
    assert wide.low == 0.0


def test_funnel_limits_are_exact_counts() -> None:
    # as R has it for the two tails of 5 expected deaths: 0 and 13
    limits = charts.funnel_limits(100.0, 0.05)
    assert (limits.low * 100, limits.high * 100) == (0, 13)
