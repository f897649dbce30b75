"""核查项目录: the checks as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from maintenance.errors import DataError


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a record is looked at for. ``weight``: points; negative speaks for the visit."""

    name: str
    group: str
    weight: int
    parameters: Mapping[str, float]
    zh: str
    en: str

    def told(self, values: Mapping[str, Any], language: str) -> str:
        """The finding in words.

        Raises
        ------
        DataError
            The text names something that the finding does not have.
        """
        try:
            return (self.en if language == "en" else self.zh).format_map(values)
        except KeyError as error:
            raise DataError(f"checks.yaml: {self.name}: no value {error}") from None


@dataclass(frozen=True, slots=True)
class Counts:
    """From which score on a record is looked at, and called implausible; how long the accused may answer [days]."""

    look: int
    implausible: int
    answer_days: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All checks of one version."""

    version: int
    counts: Counts
    checks: Mapping[str, Check]

    def limit(self, check: str, parameter: str) -> float:
        """One threshold of a check."""
        return self.checks[check].parameters[parameter]


def read_catalogue(text: str) -> Catalogue:
    """The checks from YAML.

    Raises
    ------
    DataError
        A weight of nothing, or a text that is missing.
    """
    document = yaml.safe_load(text)
    checks = {name: Check(name, **entry) for name, entry in document["checks"].items()}
    for check in checks.values():
        if not check.weight or not check.zh or not check.en:
            raise DataError(f"checks.yaml: {check.name} needs a weight and its words in both languages")
    return Catalogue(document["version"], Counts(**document["counts"]), checks)


@cache
def catalogue() -> Catalogue:
    """The shipped checks."""
    return read_catalogue((files("maintenance.plausibility") / "checks.yaml").read_text(encoding="utf-8"))
