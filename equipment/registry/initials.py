"""拼音首字母: what somebody types who will not switch his keyboard to Chinese."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

SPOKEN = frozenset({"name", "place_name", "building", "entrance", "address"})
"""The fields that are read aloud, and so searched by their initials."""


class Spoken(Protocol):
    """The texts of a unit, registered or about to be."""

    @property
    def name(self) -> str:
        """名称."""
        ...

    @property
    def place_name(self) -> str:
        """小区 or other everyday name."""
        ...

    @property
    def building(self) -> str:
        """栋."""
        ...

    @property
    def entrance(self) -> str:
        """单元."""
        ...

    @property
    def address(self) -> str:
        """地址."""
        ...


def initials(text: str) -> str:
    """First letters of the syllables; everything that is not Chinese stays, in small letters.

    >>> initials("汴河花园3栋")
    'bhhy3d'
    """
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415  # its dictionaries take a third of a second

    return "".join(lazy_pinyin("".join(text.split()), style=Style.FIRST_LETTER)).lower()


def initials_of_texts(texts: Iterable[str]) -> str:
    """Initials of the name, of the place with building and entrance, and of the address: the texts in that order."""
    name, place_name, building, entrance, address = texts
    return " ".join(filter(None, map(initials, (name, place_name + building + entrance, address))))


def initials_of(unit: Spoken) -> str:
    """Initials of a unit's texts."""
    return initials_of_texts((unit.name, unit.place_name, unit.building, unit.entrance, unit.address))
