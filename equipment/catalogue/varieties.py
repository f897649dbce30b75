"""特种设备目录 and the city's jurisdictions as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml


@dataclass(frozen=True, slots=True)
class Variety:
    """One 品种 of the catalogue. ``annex``: T5002 annex letter, ``manufacturer``, or None for other kinds."""

    code: str
    kind: str
    zh: str
    en: str
    annex: str | None


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


@cache
def varieties() -> dict[str, Variety]:
    """All varieties by code."""
    document = yaml.safe_load((files("equipment.catalogue") / "varieties.yaml").read_text(encoding="utf-8"))
    return {
        code: Variety(code, entry["kind"], entry["zh"], entry["en"], entry.get("annex"))
        for code, entry in document["varieties"].items()
    }


@cache
def jurisdictions() -> dict[str, Jurisdiction]:
    """All jurisdictions by id, parents before children."""
    document = yaml.safe_load((files("equipment.catalogue") / "jurisdictions.yaml").read_text(encoding="utf-8"))
    found: dict[str, Jurisdiction] = {}
    for entry in document["jurisdictions"]:
        parent = entry.get("parent")
        above = found[parent].path if parent else "/"
        found[entry["id"]] = Jurisdiction(
            entry["id"], parent, entry["kind"], entry["zh"], entry["en"], entry.get("gb2260"), f"{above}{entry['id']}/",
            entry.get("lon"), entry.get("lat"),
        )  # fmt: skip
    return found
