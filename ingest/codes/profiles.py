"""信号编码约定: how the fields of a source become signals of the catalogue.

The same boolean is 0/1 in one interface and 1/2 in another; a value that the coding does not know is unknown, never
normal, and is handed back so that it can be shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind, Signal, SignalType
from ingest.codes.lists import MARKS, code_lists
from ingest.errors import CodeListError

CANONICAL = "canonical"
"""Profile of a source whose fields are called as the catalogue calls its signals."""
CODE_SEPARATOR = ","


@dataclass(frozen=True, slots=True)
class Target:
    """One signal that a field speaks of."""

    signal: Signal
    coding: Mapping[Any, Any] | None = None
    factor: float = 1.0
    absent: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeField:
    """A field that carries codes. ``map`` None: its value is the code, or several."""

    map: Mapping[Any, tuple[str, ...] | None] | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of source speaks."""

    name: str
    zh: str
    en: str
    mark: str
    kind: str
    fields: Mapping[str, tuple[Target, ...]]
    code_list: str | None
    codes: Mapping[str, CodeField]
    carries_nothing: frozenset[str]


@dataclass(slots=True)
class Mapped:
    """What the fields say: ``values`` by signal (None: unknown), codes that are active (None: nothing said of them)."""

    values: dict[str, Any] = field(default_factory=dict)
    codes: list[str] | None = None
    unmapped: list[tuple[str, str]] = field(default_factory=list)
    """Fields, or values of a field, that the profile does not know: (field, value as text)."""


def read_profiles(text: str) -> dict[str, Profile]:
    """Profiles by name.

    Raises
    ------
    CodeListError
        A profile names an unknown kind, signal, coding or list, or a coding's value does not fit its signal.
    """
    document = yaml.safe_load(text)
    return {name: _profile(name, entry, document["codings"]) for name, entry in document["profiles"].items()}


def _profile(name: str, entry: Mapping[str, Any], codings: Mapping[str, Mapping[Any, Any]]) -> Profile:
    kind = load_catalogue().kind(entry["kind"])
    if kind is None or entry["mark"] not in MARKS or entry["code_list"] not in code_lists():
        raise CodeListError(f"profiles.yaml: {name} has an unknown kind, mark or code list")
    fields = {
        source: tuple(
            _target(f"{name}.{source}", kind, item, codings) for item in (items if isinstance(items, list) else [items])
        )
        for source, items in entry["fields"].items()
    }
    codes = {
        source: _code_field(f"{name}.{source}", item, entry["code_list"]) for source, item in entry["codes"].items()
    }
    return Profile(
        name, entry["zh"], entry["en"], entry["mark"], kind.name, fields, entry["code_list"], codes,
        frozenset(entry["carries_nothing"]),
    )  # fmt: skip


def _target(place: str, kind: Kind, item: Mapping[str, Any], codings: Mapping[str, Mapping[Any, Any]]) -> Target:
    signal = next((s for s in kind.signals if s.name == item["signal"]), None)
    if signal is None:
        raise CodeListError(f"profiles.yaml: {place} names the unknown signal {item['signal']!r}")
    coding = None
    if "coding" in item:
        if item["coding"] not in codings:
            raise CodeListError(f"profiles.yaml: {place} names the unknown coding {item['coding']!r}")
        coding = codings[item["coding"]]
        wrong = [value for value in coding.values() if value is not None and not _fits(signal, value)]
        if wrong:
            raise CodeListError(f"profiles.yaml: {place} codes {wrong} as {signal.name}, which is {signal.type.value}")
    return Target(signal, coding, float(item.get("factor", 1.0)), tuple(item.get("absent", ())))


def _fits(signal: Signal, value: Any) -> bool:
    if signal.type is SignalType.BOOL:
        return isinstance(value, bool)
    return signal.type is SignalType.ENUM and value in (signal.values or {})


def _code_field(place: str, item: Mapping[str, Any], code_list: str) -> CodeField:
    if "map" not in item:
        return CodeField()
    mapping = {value: None if codes is None else tuple(codes) for value, codes in item["map"].items()}
    unknown = [code for codes in mapping.values() for code in codes or () if code not in code_lists()[code_list]]
    if unknown:
        raise CodeListError(f"profiles.yaml: {place} names codes {unknown} that {code_list} does not have")
    return CodeField(mapping)


@cache
def profiles() -> dict[str, Profile]:
    """All profiles by name, without the canonical one."""
    return read_profiles((files("ingest.codes") / "profiles.yaml").read_text(encoding="utf-8"))


@cache
def canonical_profile(kind: str) -> Profile:
    """The profile of a source that speaks our own names.

    Raises
    ------
    CodeListError
        There is no such kind.
    """
    found = load_catalogue().kind(kind)
    if found is None:
        raise CodeListError(f"there is no kind {kind!r}")
    fields = {signal.name: (Target(signal),) for signal in found.signals}
    return Profile(CANONICAL, "平台信号名", "Names of the signal catalogue", "D", kind, fields, None, {}, frozenset())


def profile_of(name: str, kind: str) -> Profile:
    """The profile of a source for a kind of equipment.

    Raises
    ------
    CodeListError
        There is none of that name, or it is for another kind.
    """
    if name == CANONICAL:
        return canonical_profile(kind)
    found = profiles().get(name)
    if found is None or found.kind != kind:
        known = ", ".join([CANONICAL, *(p.name for p in profiles().values() if p.kind == kind)])
        raise CodeListError(f"{name!r} is no signal coding for the kind {kind}; there are {known}")
    return found


def read_fields(profile: Profile, fields: Mapping[str, Any]) -> Mapped:
    """Signals and codes of one sample.

    >>> read_fields(profiles()["gbt24476-2017-12"], {"Door_Zone": 2, "Door_Status": 0}).values
    {'door_zone': False, 'door_closed': None}
    """
    mapped = Mapped()
    for name, value in fields.items():
        known = name in profile.carries_nothing
        for target in profile.fields.get(name, ()):
            known = True
            if value not in target.absent:
                _set(mapped, target, name, value)
        if name in profile.codes:
            known = True
            _add_codes(mapped, profile.codes[name], name, value)
        if not known:
            mapped.unmapped.append((name, _shown(value)))
    return mapped


def _set(mapped: Mapped, target: Target, name: str, value: Any) -> None:
    if value is None:
        mapped.values[target.signal.name] = None
        return
    if target.coding is not None:
        key = int(value) if isinstance(value, bool | float) and value == int(value) else value
        if not isinstance(key, int | str) or key not in target.coding:
            mapped.unmapped.append((name, _shown(value)))
            mapped.values[target.signal.name] = None
            return
        mapped.values[target.signal.name] = target.coding[key]
        return
    converted = _converted(target, value)
    if converted is None:
        mapped.unmapped.append((name, _shown(value)))
    mapped.values[target.signal.name] = converted


def _converted(target: Target, value: Any) -> Any:
    """The value in the signal's type; None where it cannot be one."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    match target.signal.type:
        case SignalType.BOOL:
            return value if isinstance(value, bool) else None
        case SignalType.TEXT:
            return str(value) if isinstance(value, int | str) else None
        case SignalType.FLOAT:
            return round(value * target.factor, 9) if number else None
        case SignalType.INT:
            return int(value * target.factor) if number and value == int(value) else None
        case SignalType.ENUM:
            return int(value) if number and value in (target.signal.values or {}) else None


def _add_codes(mapped: Mapped, source: CodeField, name: str, value: Any) -> None:
    if source.map is None:
        codes: Sequence[str] | None = None if value is None else _split(value)
    elif value in source.map:
        codes = source.map[value]
    else:
        mapped.unmapped.append((name, _shown(value)))
        return
    if codes is not None:
        mapped.codes = [*(mapped.codes or []), *(code for code in codes if code not in (mapped.codes or []))]


def _split(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    return [part.strip() for part in str(value).split(CODE_SEPARATOR) if part.strip()]


def _shown(value: Any) -> str:
    return repr(value)[:80]
