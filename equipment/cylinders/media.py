"""介质 as data: what may stand in a cylinder, how it is measured, and how long its cylinders last."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files

import yaml


class Form(Enum):
    """How the gas stands in the cylinder, which decides how a fill is measured."""

    LIQUEFIED = "liquefied"
    """液化气体: weighed."""
    COMPRESSED = "compressed"
    """压缩气体: measured by pressure."""
    DISSOLVED = "dissolved"
    """溶解气体: weighed."""

    @property
    def weighed(self) -> bool:
        """Whether the trace of a fill needs its weights; otherwise its pressure."""
        return self is not Form.COMPRESSED


@dataclass(frozen=True, slots=True)
class Medium:
    """One 介质. ``design_life_years`` and ``inspection_months`` carry ``mark`` (docs/sources.md)."""

    code: str
    zh: str
    en: str
    form: Form
    design_life_years: int
    inspection_months: int
    mark: str


@cache
def media() -> dict[str, Medium]:
    """All media by code."""
    document = yaml.safe_load((files("equipment.cylinders") / "media.yaml").read_text(encoding="utf-8"))
    return {
        code: Medium(
            code, e["zh"], e["en"], Form(e["form"]), int(e["design_life_years"]), int(e["inspection_months"]), e["mark"]
        )
        for code, e in document["media"].items()
    }
