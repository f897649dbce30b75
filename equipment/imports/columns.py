"""The columns of equipment files, the sources, and whose word stands: catalogues as data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import yaml

from equipment.errors import ImportFileError

KNOWN_TO_BE_HEADER = 2
"""A row with so many known names is the header."""
ORGANISATIONS = {"use_org_id": ("use_org", "use_unit"), "firm_org_id": ("firm_org", "maintenance_firm")}
"""Values of a unit that files name by an organisation: its column, and the kind of organisation."""
PARAMETERS = ("rated_speed_m_s", "rated_load_kg", "floors")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how its cells are read and what it is called."""

    field: str
    kind: str
    zh: str
    en: str
    needed: bool
    longest: int


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of source, see ``sources.yaml``."""

    name: str
    zh: str
    en: str
    creates: bool
    per_organisation: bool
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """Whose word stands for one value of a unit."""

    source: str
    fill: bool


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which column of a file is which of ours."""

    fields: tuple[str | None, ...]
    titles: tuple[str, ...]
    ignored: tuple[str, ...]

    def title(self, field: str) -> str:
        """What the file calls a column; our own name where it has none."""
        return self.titles[self.fields.index(field)] if field in self.fields else columns()[field].zh


@lru_cache(maxsize=10_000)
def plain(text: str) -> str:
    """A header or a word without spaces, case, marks and what stands in brackets.

    >>> plain(" *额定速度（m/s） ")
    '额定速度'
    """
    return re.sub(r"[（(].*?[)）]|[\s*：:]", "", text).lower()


def _document(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((files("equipment.imports") / name).read_text(encoding="utf-8"))
    return document


@cache
def _columns_document() -> dict[str, Any]:
    return _document("columns.yaml")


@cache
def columns() -> dict[str, Column]:
    """All columns by field, in the order of the template."""
    return {
        field: Column(
            field,
            entry["kind"],
            entry["names"][0],
            entry["title_en"],
            entry.get("needed", False),
            entry.get("longest", 0),
        )
        for field, entry in _columns_document()["columns"].items()
    }


@cache
def _fields_by_name() -> dict[str, str]:
    return {plain(name): field for field, entry in _columns_document()["columns"].items() for name in entry["names"]}


@cache
def meanings(table: str) -> dict[str, str]:
    """Code by word, of ``statuses`` or ``datums``."""
    return {plain(word): code for code, words in _columns_document()[table].items() for word in words}


@cache
def word_of(table: str, code: str) -> str:
    """The word by which a code is written in our own files."""
    return str(_columns_document()[table][code][0])


@cache
def empty_words() -> frozenset[str]:
    """What stands in a cell that says nothing."""
    return frozenset(("", *_columns_document()["empty"]))


@cache
def clear_words() -> frozenset[str]:
    """What stands in a cell whose value is to be emptied."""
    return frozenset(_columns_document()["clear"])


@cache
def measured_in(field: str) -> str:
    """Unit of measure of a parameter's column; empty where it is a count."""
    return str(_columns_document()["units"].get(field, ""))


@cache
def sources() -> dict[str, Source]:
    """All kinds of sources by name."""
    return {
        name: Source(name, e["zh"], e["en"], e["creates"], e["per_organisation"], tuple(e["key"]))
        for name, e in _document("sources.yaml")["sources"].items()
    }


@cache
def truths() -> dict[str, Truth]:
    """Whose word stands, by value of a unit."""
    return {field: Truth(e["source"], e["fill"]) for field, e in _document("sources.yaml")["truth"].items()}


def is_header(cells: Sequence[str]) -> bool:
    """Whether a row is the header of an equipment file."""
    return sum(plain(cell) in _fields_by_name() for cell in cells) >= KNOWN_TO_BE_HEADER


def map_header(cells: Sequence[str]) -> Mapping:
    """Which column is which.

    Raises
    ------
    ImportFileError
        Two columns mean the same; the message names them.
    """
    fields = tuple(_fields_by_name().get(plain(cell)) for cell in cells)
    known = [field for field in fields if field is not None]
    twice = sorted({field for field in known if known.count(field) > 1})
    if twice:
        pairs = "; ".join(
            "、".join(cell.strip() for cell, field in zip(cells, fields, strict=True) if field == name)
            for name in twice
        )
        raise ImportFileError(f"这些列含义相同，请只保留一列: {pairs} (these columns mean the same: keep one of them)")
    ignored = tuple(cell.strip() for cell, field in zip(cells, fields, strict=True) if field is None and cell.strip())
    return Mapping(fields, tuple(cell.strip().strip("*") for cell in cells), ignored)


def template_header() -> list[str]:
    """Headers of our own files: the Chinese name, the unit of measure in brackets, * where a new unit needs it."""
    return [
        f"{'*' if c.needed else ''}{c.zh}{f' ({measured_in(c.field)})' if measured_in(c.field) else ''}"
        for c in columns().values()
        if c.field != "source_key"
    ]
