"""Code lists (故障代码表) and the concepts their codes mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from ingest.errors import CodeListError

MOST_CONCEPTS = 62
"""They are bits of a signed 64-bit number."""
NORMAL = "normal"
"""Instead of a concept: the list says that nothing is wrong."""
FAMILIES = frozenset({"alarm", "fault", "event", "device"})
MARKS = frozenset({"V", "V-code", "P", "M"})


@dataclass(frozen=True, slots=True)
class Concept:
    """What a code means, whatever the list. ``family``: alarm, fault, event, or device (of the terminal itself)."""

    bit: int
    name: str
    family: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a list. ``concept`` None: it says "no fault" (``normal``), or it means something no rule knows."""

    zh: str
    mark: str
    concept: str | None = None
    normal: bool = False

    @property
    def mapped(self) -> bool:
        """Whether we know what it means to the rules."""
        return self.normal or self.concept is not None


@dataclass(frozen=True, slots=True)
class CodeList:
    """A list of codes; ``width``: digits that a number is padded to."""

    name: str
    zh: str
    en: str
    mark: str
    width: int
    codes: Mapping[str, Code]

    def __contains__(self, code: object) -> bool:
        return code in self.codes

    def text_of(self, code: str | int) -> str:
        """The code as the list writes it; a number has lost its leading zeros.

        >>> code_lists()["gbt24476-2017"].text_of(4)
        '04'
        """
        text = str(code)
        return text.zfill(self.width) if isinstance(code, int) and text not in self.codes else text


def _resource(name: str) -> str:
    return (files("ingest.codes") / name).read_text(encoding="utf-8")


def read_concepts(text: str) -> dict[str, Concept]:
    """Concepts by name, in the order of their bits.

    Raises
    ------
    CodeListError
    """
    found: dict[str, Concept] = {}
    for bit, entry in enumerate(yaml.safe_load(text)["concepts"]):
        if entry["class"] not in FAMILIES:
            raise CodeListError(f"concepts.yaml: {entry['name']} has the unknown class {entry['class']!r}")
        if entry["name"] in found or entry["name"] == NORMAL:
            raise CodeListError(f"concepts.yaml: {entry['name']!r} is there twice, or reserved")
        found[entry["name"]] = Concept(bit, entry["name"], entry["class"], entry["zh"], entry["en"])
    if len(found) > MOST_CONCEPTS:
        raise CodeListError(f"concepts.yaml has {len(found)} concepts; {MOST_CONCEPTS} fit")
    return found


def read_lists(text: str, known: Mapping[str, Concept]) -> dict[str, CodeList]:
    """Lists by name.

    Raises
    ------
    CodeListError
        A list names an unknown concept, mark or list, or a device's diagnosis speaks of the lift.
    """
    lists: dict[str, CodeList] = {}
    for name, entry in yaml.safe_load(text)["lists"].items():
        if entry["mark"] not in MARKS:
            raise CodeListError(f"lists.yaml: {name} has the unknown mark {entry['mark']!r}")
        own = {str(code): _code(name, str(code), item, entry, known) for code, item in entry["codes"].items()}
        parent = entry.get("extends")
        if parent is not None and parent not in lists:
            raise CodeListError(f"lists.yaml: {name} extends {parent!r}, which does not stand before it")
        codes = {**lists[parent].codes, **own} if parent is not None else own
        lists[name] = CodeList(name, entry["zh"], entry["en"], entry["mark"], int(entry["width"]), codes)
    return lists


def _code(
    name: str, code: str, item: Mapping[str, Any], entry: Mapping[str, Any], known: Mapping[str, Concept]
) -> Code:
    concept = item.get("concept")
    mark = item.get("mark", entry["mark"])
    if mark not in MARKS:
        raise CodeListError(f"lists.yaml: {name} {code!r} has the unknown mark {mark!r}")
    if concept == NORMAL:
        return Code(item["zh"], mark, normal=True)
    if concept is not None and concept not in known:
        raise CodeListError(f"lists.yaml: {name} maps {code!r} to the unknown concept {concept!r}")
    if entry.get("family") == "device" and (concept is None or known[concept].family != "device"):
        raise CodeListError(f"lists.yaml: {name} is a device's own diagnosis, but {code!r} does not speak of a device")
    return Code(item["zh"], mark, concept)


@cache
def concepts() -> dict[str, Concept]:
    """All concepts by name, in the order of their bits."""
    return read_concepts(_resource("concepts.yaml"))


@cache
def code_lists() -> dict[str, CodeList]:
    """All lists by name."""
    return read_lists(_resource("lists.yaml"), concepts())


def canonical(code_list: str, code: str) -> str | None:
    """The concept of a code; None when it means nothing or is not mapped (it is kept all the same)."""
    found = code_lists()[code_list].codes.get(code)
    return None if found is None else found.concept


def bits_of(code_list: str, codes: Sequence[str]) -> int:
    """One bit for each concept that the codes say is active."""
    mapping, known = code_lists()[code_list].codes, concepts()
    bits = 0
    for code in codes:
        found = mapping.get(code)
        if found is not None and found.concept is not None:
            bits |= 1 << known[found.concept].bit
    return bits
