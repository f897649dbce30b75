"""Reads the signal catalogue and checks every field of it."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from equipment.catalogue.model import Catalogue, Kind, Signal, SignalType
from equipment.errors import CatalogueError

NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
MARKS = frozenset({"V", "V-code", "D", "M"})
FIELDS = {
    SignalType.BOOL: frozenset[str](),
    SignalType.INT: frozenset({"unit", "min", "max"}),
    SignalType.FLOAT: frozenset({"unit", "min", "max"}),
    SignalType.ENUM: frozenset({"values"}),
    SignalType.TEXT: frozenset({"max_length"}),
}
REQUIRED = {
    SignalType.BOOL: frozenset[str](),
    SignalType.INT: frozenset({"min", "max"}),
    SignalType.FLOAT: frozenset({"unit", "min", "max"}),
    SignalType.ENUM: frozenset({"values"}),
    SignalType.TEXT: frozenset({"max_length"}),
}
COMMON = frozenset({"type", "zh", "en", "stale_after_seconds", "mark"})


def read_signal(place: str, name: str, entry: dict[str, Any]) -> Signal:
    """One signal from its mapping.

    Raises
    ------
    CatalogueError
        A field is missing, unknown or impossible; the message names ``place``.
    """
    if not NAME.match(name):
        raise CatalogueError(f"{place}: a signal name is lower-case letters, digits and underscores")
    try:
        kind = SignalType(entry.get("type"))
    except ValueError:
        raise CatalogueError(f"{place}: type must be one of {', '.join(t.value for t in SignalType)}") from None
    missing = (COMMON | REQUIRED[kind]) - entry.keys()
    unknown = entry.keys() - COMMON - FIELDS[kind]
    if missing or unknown:
        raise CatalogueError(f"{place}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    if entry["mark"] not in MARKS:
        raise CatalogueError(f"{place}: mark must be one of {sorted(MARKS)}")
    low, high = entry.get("min"), entry.get("max")
    if low is not None and not low < high:
        raise CatalogueError(f"{place}: min must be below max")
    if not entry["stale_after_seconds"] > 0:
        raise CatalogueError(f"{place}: stale_after_seconds must be above 0")
    return Signal(
        name=name,
        type=kind,
        zh=entry["zh"],
        en=entry["en"],
        stale_after_seconds=float(entry["stale_after_seconds"]),
        mark=entry["mark"],
        unit=entry.get("unit", ""),
        minimum=low,
        maximum=high,
        max_length=entry.get("max_length"),
        values=entry.get("values"),
    )


def read_catalogue(text: str) -> Catalogue:
    """A catalogue from its YAML text.

    Raises
    ------
    CatalogueError
    """
    document = yaml.safe_load(text)
    kinds = []
    for name, entry in document["kinds"].items():
        signals = tuple(read_signal(f"kinds.{name}.signals.{s}", s, e) for s, e in entry["signals"].items())
        kinds.append(Kind(name, entry["zh"], entry["en"], signals))
    return Catalogue(tuple(kinds))


@cache
def load_catalogue() -> Catalogue:
    """The catalogue of this version of the product."""
    return read_catalogue((files("equipment.catalogue") / "signals.yaml").read_text(encoding="utf-8"))
