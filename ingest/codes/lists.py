"""Code lists (故障代码表) and the concepts their codes mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from ingest.errors import CodeListError

MOST_CONCEPTS = 62
"""They are bits of a signed 64-bit number."""


@dataclass(frozen=True, slots=True)
class Concept:
    """What a code means, whatever the list."""

    bit: int
    name: str
    family: str
    zh: str
    en: str


@cache
def concepts() -> dict[str, Concept]:
    """All concepts by name, in the order of their bits."""
    document = yaml.safe_load((files("ingest.codes") / "concepts.yaml").read_text(encoding="utf-8"))
    found = {
        entry["name"]: Concept(bit, entry["name"], entry["class"], entry["zh"], entry["en"])
        for bit, entry in enumerate(document["concepts"])
    }
    if len(found) > MOST_CONCEPTS:
        raise CodeListError(f"concepts.yaml has {len(found)} concepts; {MOST_CONCEPTS} fit")
    return found


@cache
def code_lists() -> dict[str, dict[str, str | None]]:
    """Concept names by code, by list. None means that the code says "no fault".

    Raises
    ------
    CodeListError
        A list names an unknown concept.
    """
    document = yaml.safe_load((files("ingest.codes") / "lists.yaml").read_text(encoding="utf-8"))
    known = concepts()
    lists: dict[str, dict[str, str | None]] = {}
    for name, entry in document["lists"].items():
        for code, concept in entry["codes"].items():
            if concept is not None and concept not in known:
                raise CodeListError(f"lists.yaml: {name} maps {code!r} to the unknown concept {concept!r}")
        lists[name] = {str(code): concept for code, concept in entry["codes"].items()}
    return lists


def canonical(code_list: str, code: str) -> str | None:
    """The concept of a code; None when it means nothing or is not mapped (it is kept all the same)."""
    return code_lists()[code_list].get(code)


def bits_of(code_list: str, codes: Sequence[str]) -> int:
    """One bit for each concept that the codes say is active."""
    mapping, known = code_lists()[code_list], concepts()
    bits = 0
    for code in codes:
        concept = mapping.get(code)
        if concept is not None:
            bits |= 1 << known[concept].bit
    return bits
