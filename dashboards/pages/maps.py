"""Maps: schematic districts, units and stations by their place, and the map of all units. Tiles are not needed.

Units are counted per cell in the database, so that a city of 100,000 draws as fast as one of ten. A place whose datum is
unknown is not drawn (it may be hundreds of metres off): the page says how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from dashboards import i18n, words
from dashboards.context import Context, permit
from dashboards.pages.frame import language_of, page
from dashboards.pages.reads import QUERIES, filters, row, rows
from dashboards.settings import WebSettings
from equipment.access.model import Asker
from equipment.registry.coordinates import Position, to_wgs84, wgs84_to_gcj02

router = APIRouter(include_in_schema=False)
CELLS_ACROSS = 12
"""Into how many cells the width of what is shown is cut."""
WIDEST_SHIFT_DEGREES = 0.02
"""No datum lies further from another: what is shown is asked for with so much margin."""


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


def on_tiles(place: Position, settings: WebSettings) -> Position:
    """A WGS-84 place as the tiles draw it; without tiles it stays WGS-84, like the outlines."""
    if settings.tile_address and settings.tile_datum == "gcj02":
        return wgs84_to_gcj02(*place)
    return place


def cell_degrees(west: float, east: float) -> float:
    """Width of a cell [°]: a power of two, so that cells stay where they are while the map is moved."""
    return float(2.0 ** math.floor(math.log2(max(east - west, 1e-4) / CELLS_ACROSS)))


def tiles(settings: WebSettings) -> dict[str, str] | None:
    """The intranet's map server, where one is set."""
    if not settings.tile_address:
        return None
    return {"address": settings.tile_address, "attribution": settings.tile_attribution}


def drawn_districts(areas: Iterable[Any], language: str, settings: WebSettings) -> list[dict[str, Any]]:
    """The outlines, in the datum of the tiles."""
    found = districts(areas, language)
    for district in found:
        moved = [on_tiles(Position(lon, lat), settings) for lat, lon in district["outline"]]
        district["outline"] = [[p.lat, p.lon] for p in moved]
    return found


@router.get("/map")
def city_map(request: Request, context: Context, asker: Annotated[Asker, Depends(permit("unit.view"))]) -> Response:
    """The map of all units that the asker may see."""
    wanted = filters(request, "kind", "status", "district")
    with context.transaction(asker) as conn:
        areas = rows(conn, QUERIES.districts)
        unplaced = row(conn, QUERIES.map_unplaced, wanted)
    language = language_of(request)
    return page(
        request,
        "pages/map.html",
        map={
            "districts": drawn_districts(areas, language, context.settings),
            "tiles": tiles(context.settings),
            "cells": "/map/cells",
        },
        unplaced=unplaced,
        districts=[(a.id, name_of(a, language)) for a in areas],
        kinds=tuple(words.WORDS["unit_kind"]),
        statuses=tuple(words.WORDS["unit_status"]),
    )


@router.get("/map/cells")
def cells(
    request: Request,
    context: Context,
    asker: Annotated[Asker, Depends(permit("unit.view"))],
    west: Annotated[float, Query(ge=-180, le=180)] = 116.0,
    south: Annotated[float, Query(ge=-90, le=90)] = 33.0,
    east: Annotated[float, Query(ge=-180, le=180)] = 118.5,
    north: Annotated[float, Query(ge=-90, le=90)] = 34.8,
) -> dict[str, Any]:
    """Units of what is shown: counted per cell, one by one where a cell has one."""
    margin = WIDEST_SHIFT_DEGREES
    wanted: dict[str, Any] = {
        **filters(request, "kind", "status", "district"), "cell": cell_degrees(west, east),
        "west": west - margin, "east": east + margin, "south": south - margin, "north": north + margin,
    }  # fmt: skip
    with context.transaction(asker) as conn:
        found = rows(conn, QUERIES.map_cells, wanted)
    drawn = []
    for cell in found:
        place = to_wgs84(cell.lon, cell.lat, cell.datum)
        if place is not None:
            at = on_tiles(place, context.settings)
            one = {"id": cell.id, "name": cell.name, "status": cell.status} if cell.units == 1 else {}
            drawn.append({"lon": at.lon, "lat": at.lat, "units": cell.units, "idle": cell.idle, **one})
    return {"cells": drawn, "units": sum(cell["units"] for cell in drawn)}
