"""找电梯: from one line of a call (six digits, or an estate, building and entrance as people say them) to the lifts it may mean.

The register's own search finds every word; what callers say differently from the register (栋 幢 号楼, 三 for 3) is tried in
its ways of writing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dashboards.pages.reads import QUERIES, rows
from equipment.foundation.database import Connection
from equipment.registry.store import find_numbers

BUILDING = ("号楼", "栋", "幢", "座", "号", "#")
ENTRANCE = ("单元", "门")
NUMERALS = {c: str(n) for n, c in enumerate("一二三四五六七八九十", 1)}
PARTS = re.compile(
    rf"(?P<number>[0-9]+|[A-Za-z]|[{''.join(NUMERALS)}])\s*(?P<of>{'|'.join((*BUILDING, *ENTRANCE))})", re.ASCII
)
LOOKED_AT = 60
"""Matches that are ranked; more than these nobody can choose among."""


def spoken(text: str) -> list[str]:
    """The words of a line, as the register may have them: a number keeps what it counts.

    >>> spoken("银河花园三栋2单元")
    ['银河花园', '3栋', '2单元']
    >>> spoken("341000")
    ['341000']
    """
    found: list[str] = []
    for piece in re.split(r"[\s,，、+/]+", text.strip()):
        at = 0
        for part in PARTS.finditer(piece):
            found += [piece[at : part.start()], NUMERALS.get(part["number"], part["number"]) + part["of"]]
            at = part.end()
        found.append(piece[at:])
    return [word for word in found if word]


def ways(words: Sequence[str]) -> list[str]:
    """The line as it was said, then with the building's other names.

    >>> ways(["银河花园", "3栋"])[:2]
    ['银河花园 3栋', '银河花园 3号楼']
    """
    said = " ".join(words)
    of = next((b for word in words for b in BUILDING if word.endswith(b) and word[:-1]), None)
    if of is None:
        return [said]
    others = [
        " ".join(w.removesuffix(of) + other if w.endswith(of) else w for w in words)
        for other in BUILDING
        if other != of
    ]
    return [said, *others]


def cards(conn: Connection, text: str, limit: int) -> list[Any]:
    """The lifts that a line may mean, with everything a seat wants to see; the likeliest first."""
    words = spoken(text)
    if not words:
        return []
    numbers = {number for way in ways(words) for number in find_numbers(conn, way, LOOKED_AT)}
    if not numbers:
        return []
    places = sorted(rows(conn, QUERIES.lift_places, (sorted(numbers),)), key=lambda u: _unlike(u, words, text))
    likeliest = [u.no for u in places[:limit]]
    return sorted(rows(conn, QUERIES.lift_cards, {"units": likeliest}), key=lambda u: likeliest.index(u.no))


def _unlike(unit: Any, words: Sequence[str], text: str) -> tuple[bool, int, str]:
    """How far a lift is from what was said: its plate, then whether building and entrance are these very numbers."""
    said = {m["number"] for word in words for m in PARTS.finditer(word)}
    own = set(re.findall(r"[0-9]+|[A-Za-z]", f"{unit.building} {unit.entrance}"))
    return unit.rescue_code != text.strip(), len(said - own), unit.rescue_code
