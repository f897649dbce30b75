"""Datum conversions against the published reference points of the public formula, and against themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.registry import coordinates as c

PLACE = (116.404, 39.915)
lons, lats = st.floats(73.7, 134.7), st.floats(18.2, 53.5)


def test_reference_points_of_the_public_formula() -> None:
    assert c.wgs84_to_gcj02(*PLACE) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-9)
    assert c.gcj02_to_bd09(*PLACE) == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-9)


def test_the_inverses_are_closer_than_the_published_one_step_ones() -> None:
    assert c.gcj02_to_wgs84(*PLACE) == pytest.approx((116.39775550083061, 39.91359571849836), abs=5e-5)
    assert c.bd09_to_gcj02(*PLACE) == pytest.approx((116.39762729119315, 39.90865673957631), abs=5e-6)


@given(lons, lats)
def test_there_and_back_is_the_same_place(lon: float, lat: float) -> None:
    start = c.Position(lon, lat)
    assert c.distance_m(start, c.gcj02_to_wgs84(*c.wgs84_to_gcj02(lon, lat))) < 0.01
    assert c.distance_m(start, c.bd09_to_gcj02(*c.gcj02_to_bd09(lon, lat))) < 0.01


@given(lons, lats)
def test_the_datums_differ_by_hundreds_of_metres_and_not_by_kilometres(lon: float, lat: float) -> None:
    here = c.Position(lon, lat)
    assert 20 < c.distance_m(here, c.wgs84_to_gcj02(lon, lat)) < 1_000
    assert 300 < c.distance_m(here, c.gcj02_to_bd09(lon, lat)) < 1_500


def test_outside_china_nothing_is_shifted() -> None:
    assert c.wgs84_to_gcj02(2.35, 48.86) == (2.35, 48.86)
    assert c.gcj02_to_wgs84(2.35, 48.86) == (2.35, 48.86)


@pytest.mark.parametrize(
    ("datum", "expected"),
    [
        ("wgs84", PLACE),
        ("cgcs2000", PLACE),
        ("gcj02", c.gcj02_to_wgs84(*PLACE)),
        ("bd09", c.gcj02_to_wgs84(*c.bd09_to_gcj02(*PLACE))),
    ],
)
def test_every_known_datum_becomes_wgs84(datum: str, expected: tuple[float, float]) -> None:
    assert c.to_wgs84(*PLACE, datum) == expected


def test_an_unknown_datum_is_not_guessed() -> None:
    assert c.to_wgs84(*PLACE, "unknown") is None


def test_distances_are_metres() -> None:
    degree = c.distance_m(c.Position(117.0, 33.0), c.Position(117.0, 34.0))
    assert degree == pytest.approx(111_195, rel=1e-3)
    assert c.distance_m(c.Position(*PLACE), c.Position(*PLACE)) == 0


@given(lons, lats, st.sampled_from(["wgs84", "cgcs2000", "gcj02", "bd09"]))
def test_to_any_map_and_back_is_closer_than_a_centimetre(lon: float, lat: float, datum: str) -> None:
    there = c.from_wgs84(lon, lat, datum)
    assert there is not None
    back = c.to_wgs84(*there, datum)
    assert back is not None
    assert c.distance_m(c.Position(lon, lat), back) < 0.01


@given(st.sampled_from(["wgs84", "cgcs2000", "gcj02", "bd09"]), st.floats(0.5, 500))
def test_conversion_never_makes_a_position_better_known(datum: str, accuracy_m: float) -> None:
    found = c.locate(*PLACE, datum, accuracy_m)
    assert found is not None
    assert found.accuracy_m is not None
    assert accuracy_m <= found.accuracy_m <= accuracy_m + c.CONVERSION_ERROR_M[datum]


def test_what_nobody_knows_stays_unknown() -> None:
    assert c.locate(*PLACE, "unknown", 5.0) is None
    assert c.from_wgs84(*PLACE, "unknown") is None
    found = c.locate(*PLACE, "gcj02", None)
    assert found is not None
    assert found.accuracy_m is None
