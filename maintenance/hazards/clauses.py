"""GB 45067-2024 特种设备重大事故隐患判定准则: its 47 items as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from equipment.catalogue.load import load_catalogue
from maintenance.errors import DataError, StepError

GRADES = ("general", "serious", "major")
"""一般 较大(严重) 重大."""
COUNT = 47
FILLING = "cylinder"
"""The kind of a subject that is no unit: a station, and what it fills."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One item: ``id`` such as "4.6 b", the kinds of equipment it is about, its text."""

    id: str
    kinds: tuple[str, ...]
    zh: str
    still_used: bool
    """仍继续使用 is a condition of it."""


@cache
def clauses() -> dict[str, Clause]:
    """All items by id.

    Raises
    ------
    DataError
        The table has a mistake.
    """
    document = yaml.safe_load((files("maintenance.hazards") / "gb45067.yaml").read_text(encoding="utf-8"))
    found: dict[str, Clause] = {}
    for section, entry in document["sections"].items():
        for letter, text in entry["items"].items():
            clause_id = f"{section} {letter}"
            unused = clause_id not in document["without_still_used"]
            kinds = document["only"].get(clause_id, entry["kinds"])
            found[clause_id] = Clause(clause_id, tuple(kinds), text, unused)
    if set(document["only"]) - set(found):
        raise DataError("gb45067.yaml narrows an item that does not exist")
    if len(found) != COUNT:
        raise DataError(f"gb45067.yaml has {len(found)} items instead of {COUNT}")
    return found


def fitting(kind: str | None) -> list[Clause]:
    """The items about a kind of equipment, in the order of the standard; None: about what is no unit."""
    return [c for c in clauses().values() if (kind or FILLING) in c.kinds]


def check_grade(grade: str, clause: str | None, kind: str | None) -> None:
    """Refuse a grade that does not exist, a clause that does not exist or is about other equipment, a major one without.

    ``kind``: of the unit; None: the subject is no unit.

    >>> check_grade("major", "4.6 b", "lift")

    Raises
    ------
    StepError
    """
    if grade not in GRADES:
        raise StepError(f"等级须为 {', '.join(GRADES)} 之一 (one of these)")
    text = (clause or "").strip()
    found = clauses().get(text)
    if found is None and (text or grade == "major"):
        raise StepError(
            f"重大事故隐患须写明 GB 45067-2024 条款，例如 4.6 b，收到 {clause!r} (a major hazard needs its clause)"
        )
    if found is not None and (kind or FILLING) not in found.kinds:
        known = "、".join(_named(k) for k in found.kinds)
        raise StepError(
            f"GB 45067-2024 {found.id} 适用于{known}，不适用于{_named(kind or FILLING)}，请另选条款"
            " (this clause is about other equipment: choose another)"
        )


def _named(kind: str) -> str:
    known = load_catalogue().kind(kind) if kind != FILLING else None
    return "气瓶充装" if known is None else known.zh
