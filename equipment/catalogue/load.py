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
MARKS = frozenset({"V", "V-code", "P", "D", "M"})
"""How far an item is verified: source read, seen in field data, partial, our own definition, to be confirmed."""
INT4 = range(-(2**31), 2**31)
INT2 = range(2**15)
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
KEY_NAMES = frozenset(
    {"unit_no", "ts", "channel", "seq", "content", "server_time", "received_at", "shard", "batch", "flags"}
)
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
    check_limits(place, kind, entry)
    return Signal(
        name=name,
        type=kind,
        zh=entry["zh"],
        en=entry["en"],
        stale_after_seconds=float(entry["stale_after_seconds"]),
        mark=entry["mark"],
        unit=entry.get("unit", ""),
        minimum=entry.get("min"),
        maximum=entry.get("max"),
        max_length=entry.get("max_length"),
        values=entry.get("values"),
    )


def check_limits(place: str, kind: SignalType, entry: dict[str, Any]) -> None:
    """Refuse limits and values that the signal's column cannot hold.

    Raises
    ------
    CatalogueError
    """
    low, high = entry.get("min"), entry.get("max")
    if low is not None and not low < high:
        raise CatalogueError(f"{place}: min must be below max")
    if kind is SignalType.INT and not (low in INT4 and high in INT4):
        raise CatalogueError(f"{place}: an int lies between {INT4.start} and {INT4.stop - 1}")
    if not entry["stale_after_seconds"] > 0:
        raise CatalogueError(f"{place}: stale_after_seconds must be above 0")
    if kind is SignalType.TEXT and not entry["max_length"] > 0:
        raise CatalogueError(f"{place}: max_length must be above 0")
    values = entry.get("values", {})
    if kind is SignalType.ENUM and not (values and all(code in INT2 for code in values)):
        raise CatalogueError(f"{place}: values must have codes between 0 and {INT2.stop - 1}")
    if len(set(values.values())) != len(values):
        raise CatalogueError(f"{place}: two values have the same name")


def read_catalogue(text: str) -> Catalogue:
    """A catalogue from its YAML text.

    Raises
    ------
    CatalogueError
    """
    document = yaml.safe_load(text)
    kinds = []
    for name, entry in document["kinds"].items():
        if not NAME.match(name):
            raise CatalogueError(f"kinds.{name}: a kind is named in lower-case letters, digits and underscores")
        taken = KEY_NAMES & entry["signals"].keys()
        if taken:
            raise CatalogueError(f"kinds.{name}: {sorted(taken)} are columns of every reading already")
        signals = tuple(read_signal(f"kinds.{name}.signals.{s}", s, e) for s, e in entry["signals"].items())
        kinds.append(Kind(name, entry["zh"], entry["en"], signals))
    return Catalogue(tuple(kinds))


@cache
def load_catalogue() -> Catalogue:
    """The catalogue of this version of the product."""
    return read_catalogue((files("equipment.catalogue") / "signals.yaml").read_text(encoding="utf-8"))
