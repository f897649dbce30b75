"""96366 参考数据: categories, causes and ways of release, with their marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from ingest.errors import CallError


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the field with its code. ``parent``: the cause above a cause."""

    code: str
    zh: str
    en: str
    mark: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class CallReference:
    """What may stand in a call."""

    categories: Mapping[str, Term]
    release_modes: Mapping[str, Term]
    causes: Mapping[str, Term]

    def cause_of(self, words: str) -> str | None:
        """The code of a cause that is given by its code or its name; None when it is neither."""
        text = words.strip()
        if text in self.causes:
            return text
        named = [cause.code for cause in self.causes.values() if text in (cause.zh, cause.en)]
        return named[0] if len(named) == 1 else None


def read_reference(text: str) -> CallReference:
    """The reference data of a file.

    Raises
    ------
    CallError
        A cause is there twice.
    """
    document = yaml.safe_load(text)
    causes: dict[str, Term] = {}
    for group in document["causes"]:
        terms = [Term(group["code"], group["zh"], group["en"], group["mark"])]
        terms += [
            Term(code, child["zh"], child["en"], group["mark"], group["code"])
            for code, child in group["children"].items()
        ]
        for term in terms:
            if term.code in causes:
                raise CallError(f"call_reference.yaml: cause {term.code} is there twice")
            causes[term.code] = term
    return CallReference(_terms(document["categories"]), _terms(document["release_modes"]), causes)


def _terms(entries: Mapping[str, Mapping[str, str]]) -> dict[str, Term]:
    return {code: Term(code, entry["zh"], entry["en"], entry["mark"]) for code, entry in entries.items()}


@cache
def reference() -> CallReference:
    """The reference data that is shipped."""
    return read_reference((files("ingest") / "call_reference.yaml").read_text(encoding="utf-8"))
