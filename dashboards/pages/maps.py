"""Data of the maps: schematic districts, units and stations by their place. Tiles are not needed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dashboards import i18n


@cache
def outlines() -> dict[str, list[list[float]]]:
    """Schematic outline of each district, [latitude, longitude] WGS-84."""
    text = (Path(__file__).parent / "districts.yaml").read_text(encoding="utf-8")
    loaded: dict[str, list[list[float]]] = yaml.safe_load(text)
    return loaded


def name_of(row: Any, language: str) -> str:
    """The district's name in the page's language."""
    return str(row.name_zh if language == i18n.DEFAULT_LANGUAGE else row.name_en)


def districts(
    rows: Iterable[Any], language: str, words: dict[str, str] | None = None, link: str = ""
) -> list[dict[str, Any]]:
    """Districts that have an outline, with the words to write below their names."""
    return [
        {
            "name": name_of(row, language),
            "outline": outlines()[row.id],
            "words": (words or {}).get(row.id, ""),
            **({"href": link + row.id} if link else {}),
        }
        for row in rows
        if row.id in outlines()
    ]


def point(lat: float | None, lon: float | None, name: str, **more: Any) -> dict[str, Any] | None:
    """One marked place, or None where the place is not known."""
    if lat is None or lon is None:
        return None
    return {"lat": lat, "lon": lon, "name": name, **{key: item for key, item in more.items() if item is not None}}


def placed(points: Iterable[dict[str, Any] | None]) -> list[dict[str, Any]]:
    """Only those whose place is known."""
    return [point for point in points if point is not None]
