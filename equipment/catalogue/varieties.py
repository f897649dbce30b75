"""特种设备目录 and the city's jurisdictions as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from equipment.errors import CatalogueError


@dataclass(frozen=True, slots=True)
class Variety:
    """One 品种 of the catalogue. ``annex``: T5002 annex letter, ``manufacturer``, or None for other kinds."""

    code: str
    kind: str
    zh: str
    en: str
    annex: str | None
    mark: str = "V"

    @property
    def category_code(self) -> str:
        """Code of its 类别: 3110 belongs to 3100."""
        return self.code[:2] + "00"

    @property
    def class_code(self) -> str:
        """Code of its 种类: 3110 belongs to 3000."""
        return self.code[0] + "000"


@dataclass(frozen=True, slots=True)
class Heading:
    """A 种类 or 类别, under which varieties are grouped."""

    code: str
    zh: str
    en: str
    mark: str


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """辖区. ``path`` is ``/city/district/``: a subtree is a prefix."""

    id: str
    parent: str | None
    kind: str
    zh: str
    en: str
    gb2260: str | None
    path: str
    lon: float | None
    lat: float | None
    mark: str = "V"


def _document(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((files("equipment.catalogue") / name).read_text(encoding="utf-8"))
    return document


@cache
def varieties() -> dict[str, Variety]:
    """All varieties by code."""
    return {
        code: Variety(code, entry["kind"], entry["zh"], entry["en"], entry.get("annex"), entry["mark"])
        for code, entry in _document("varieties.yaml")["varieties"].items()
    }


@cache
def headings() -> dict[str, Heading]:
    """All 种类 and 类别 by code; no code is both."""
    document = _document("varieties.yaml")
    entries = {**document["classes"], **document["categories"]}
    return {code: Heading(code, entry["zh"], entry["en"], entry["mark"]) for code, entry in entries.items()}


def read_jurisdictions(document: dict[str, Any]) -> dict[str, Jurisdiction]:
    """Jurisdictions by id, parents before children.

    Raises
    ------
    CatalogueError
        A parent does not stand before its child, or an id stands twice.
    """
    found: dict[str, Jurisdiction] = {}
    for entry in document["jurisdictions"]:
        key, parent = entry["id"], entry.get("parent")
        if key in found or "/" in key:
            raise CatalogueError(f"jurisdictions.yaml: the id {key!r} stands twice or carries a slash")
        if parent is not None and parent not in found:
            raise CatalogueError(f"jurisdictions.yaml: the parent {parent!r} of {key!r} must stand before it")
        above = "/" if parent is None else found[parent].path
        found[key] = Jurisdiction(
            id=key,
            parent=parent,
            kind=entry["kind"],
            zh=entry["zh"],
            en=entry["en"],
            gb2260=entry.get("gb2260"),
            path=f"{above}{key}/",
            lon=entry.get("lon"),
            lat=entry.get("lat"),
            mark=entry["mark"],
        )
    return found


@cache
def jurisdictions() -> dict[str, Jurisdiction]:
    """All jurisdictions of the city by id, parents before children."""
    return read_jurisdictions(_document("jurisdictions.yaml"))
