"""Which lift a call is about: by plate, platform id, certificate, registration code, at last by its address.

Only a unique match links. Several are kept as a choice for a person; nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum

from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__, "calls.sql")
SHORTEST_ADDRESS = 4
MOST_CANDIDATES = 20
CITY = re.compile(r"^(?:[一-鿿]{2,3}省)?(?:[一-鿿]{2,4}市)?")
"""Province and city in front of an address say nothing within one city."""


class CallLink(Enum):
    """How the lift of a call was found. The values are stored."""

    NONE = "none"
    RESCUE_CODE = "rescue_code"
    UNIT_ID = "unit_id"
    CERTIFICATE = "certificate_no"
    REGISTRATION = "registration_code"
    ADDRESS = "address"
    AMBIGUOUS = "ambiguous"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """A unit by which a call may name its lift."""

    no: int
    id: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a call says of its lift; ``places`` are its addresses in the caller's or the source's words."""

    rescue_code: str | None
    unit_id: str | None
    certificate_no: str | None
    registration_code: str | None
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The lift, or the lifts among which a person must choose."""

    unit: KnownUnit | None
    link: CallLink
    candidates: tuple[KnownUnit, ...] = ()


NOTHING = Found(None, CallLink.NONE)


def plain(text: str) -> str:
    """An address without spaces, punctuation, letter case, province and city.

    >>> plain("安徽省宿州市埇桥区 汴河路 10 号")
    '埇桥区汴河路10号'
    """
    folded = "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())
    return CITY.sub("", folded)


@dataclass(frozen=True, slots=True)
class _Place:
    """What a unit's address may look like in other hands."""

    unit: KnownUnit
    forms: tuple[str, ...]
    own: str
    """Estate, building and entrance: in another's longer text they are enough."""


class UnitFinder:
    """Finds units as the caller of the transaction may see them; reads the register at most once."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._by: dict[tuple[CallLink, str], list[KnownUnit]] | None = None
        self._places: list[_Place] = []
        self._seen: dict[str, tuple[KnownUnit, ...]] = {}

    def find(self, told: Told) -> Found:
        """The lift that a call names. A name that several units carry is a choice, not a link."""
        if told.rescue_code:
            row = self._conn.execute(QUERIES.unit_by_plate, (told.rescue_code,)).fetchone()
            if row is not None:
                return Found(KnownUnit(*row), CallLink.RESCUE_CODE)
        names = (
            (CallLink.UNIT_ID, told.unit_id), (CallLink.CERTIFICATE, told.certificate_no),
            (CallLink.REGISTRATION, told.registration_code),
        )  # fmt: skip
        for link, name in names:
            if name:
                found = self._register().get((link, name.strip()), [])
                if found:
                    return _unique(link, found)
        for place in told.places:
            matches = self._at(plain(place))
            if matches:
                return _unique(CallLink.ADDRESS, matches)
        return NOTHING

    def _register(self) -> dict[tuple[CallLink, str], list[KnownUnit]]:
        if self._by is None:
            self._by = {}
            for no, unit_id, certificate, registration, *where in self._conn.execute(QUERIES.all_units):
                unit = KnownUnit(no, unit_id)
                for link, name in ((CallLink.UNIT_ID, unit_id), (CallLink.CERTIFICATE, certificate),
                                   (CallLink.REGISTRATION, registration)):  # fmt: skip
                    if name:
                        self._by.setdefault((link, name), []).append(unit)
                self._places.append(_place(unit, *where))
        return self._by

    def _at(self, wanted: str) -> tuple[KnownUnit, ...]:
        if len(wanted) < SHORTEST_ADDRESS:
            return ()
        if wanted not in self._seen:
            self._register()
            exact = [p.unit for p in self._places if wanted in (p.own, *p.forms)]
            self._seen[wanted] = tuple(exact) or tuple(
                p.unit
                for p in self._places
                if any(wanted in form for form in p.forms) or (len(p.own) >= SHORTEST_ADDRESS and p.own in wanted)
            )
        return self._seen[wanted]


def _place(unit: KnownUnit, name: str, place: str, building: str, entrance: str, address: str) -> _Place:
    whole = (address, place + building + entrance, address + building + entrance, address + place + building + entrance)
    return _Place(
        unit, tuple(plain(form) for form in (name, *whole)), plain(place + building + entrance) if building else ""
    )


def _unique(link: CallLink, found: list[KnownUnit] | tuple[KnownUnit, ...]) -> Found:
    if len(found) == 1:
        return Found(found[0], link)
    return Found(None, CallLink.AMBIGUOUS, tuple(found[:MOST_CANDIDATES]))
