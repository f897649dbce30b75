"""Coordinates and their datum: Chinese maps differ from GPS by hundreds of metres.

GPS and registers speak WGS-84 (CGCS2000 is the same to some centimetres), most Chinese maps and phones GCJ-02, Baidu
BD-09. The GCJ-02 formulas are the publicly known approximation, good to about a metre inside China.
"""

from __future__ import annotations

import math
from typing import NamedTuple

SEMI_MAJOR_M = 6378245.0
ECCENTRICITY_SQUARED = 0.00669342162296594323
EARTH_RADIUS_M = 6_371_008.8
BAIDU_PI = math.pi * 3000.0 / 180.0


class Position(NamedTuple):
    """Longitude and latitude [degrees], in whatever datum the name of the function says."""

    lon: float
    lat: float


def _offset(lon: float, lat: float) -> Position:
    x, y = lon - 105.0, lat - 35.0
    waves = 20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + waves * 2.0 / 3.0
    d_lat += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    d_lat += (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + waves * 2.0 / 3.0
    d_lon += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    d_lon += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    angle = lat / 180.0 * math.pi
    magic = 1.0 - ECCENTRICITY_SQUARED * math.sin(angle) ** 2
    root = math.sqrt(magic)
    lat_m = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_SQUARED) / (magic * root)
    return Position(math.degrees(d_lon / (SEMI_MAJOR_M / root * math.cos(angle))), math.degrees(d_lat / lat_m))


def in_china(lon: float, lat: float) -> bool:
    """Whether GCJ-02 is shifted here (the rectangle the public formula uses)."""
    return 72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271


def wgs84_to_gcj02(lon: float, lat: float) -> Position:
    """From GPS to most Chinese maps; unchanged outside China."""
    if not in_china(lon, lat):
        return Position(lon, lat)
    d = _offset(lon, lat)
    return Position(lon + d.lon, lat + d.lat)


def gcj02_to_wgs84(lon: float, lat: float) -> Position:
    """Inverse by iteration, to under a millimetre of the forward formula."""
    guess = Position(lon, lat)
    for _ in range(8):
        forward = wgs84_to_gcj02(guess.lon, guess.lat)
        guess = Position(guess.lon + lon - forward.lon, guess.lat + lat - forward.lat)
    return guess


def gcj02_to_bd09(lon: float, lat: float) -> Position:
    """From most Chinese maps to Baidu's."""
    radius = math.hypot(lon, lat) + 0.00002 * math.sin(lat * BAIDU_PI)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * BAIDU_PI)
    return Position(radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006)


def bd09_to_gcj02(lon: float, lat: float) -> Position:
    """Inverse by iteration."""
    guess = Position(lon - 0.0065, lat - 0.006)
    for _ in range(8):
        forward = gcj02_to_bd09(guess.lon, guess.lat)
        guess = Position(guess.lon + lon - forward.lon, guess.lat + lat - forward.lat)
    return guess


def to_wgs84(lon: float, lat: float, datum: str) -> Position | None:
    """Any known datum to WGS-84; None for ``unknown``, which must not be guessed."""
    match datum:
        case "wgs84" | "cgcs2000":
            return Position(lon, lat)
        case "gcj02":
            return gcj02_to_wgs84(lon, lat)
        case "bd09":
            return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))
        case _:
            return None


def from_wgs84(lon: float, lat: float, datum: str) -> Position | None:
    """WGS-84 to any known datum, such as that of the map it is to be shown on; None for ``unknown``."""
    match datum:
        case "wgs84" | "cgcs2000":
            return Position(lon, lat)
        case "gcj02":
            return wgs84_to_gcj02(lon, lat)
        case "bd09":
            return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))
        case _:
            return None


class Located(NamedTuple):
    """A WGS-84 position and within how many metres of it the place lies; None: nobody said."""

    lon: float
    lat: float
    accuracy_m: float | None


CONVERSION_ERROR_M = {"wgs84": 0.0, "cgcs2000": 0.1, "gcj02": 1.5, "bd09": 3.0}
"""How far the public formulas may be from the true shift [m]; the inverse itself is closer than 1 cm."""


def locate(lon: float, lat: float, datum: str, accuracy_m: float | None) -> Located | None:
    """A position of any datum with the accuracy that is left after conversion; None for ``unknown``.

    >>> locate(116.404, 39.915, "wgs84", 10.0)
    Located(lon=116.404, lat=39.915, accuracy_m=10.0)
    """
    found = to_wgs84(lon, lat, datum)
    if found is None:
        return None
    left = None if accuracy_m is None else math.hypot(accuracy_m, CONVERSION_ERROR_M[datum])
    return Located(found.lon, found.lat, left)


def distance_m(a: Position, b: Position) -> float:
    """Great-circle distance of two WGS-84 positions [m]."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, half)))
