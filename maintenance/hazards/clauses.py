"""GB 45067-2024 特种设备重大事故隐患判定准则: its 47 items as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from maintenance.errors import DataError, StepError

GRADES = ("general", "serious", "major")
"""一般 较大(严重) 重大."""
COUNT = 47


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
            found[clause_id] = Clause(clause_id, tuple(entry["kinds"]), text, unused)
    if len(found) != COUNT:
        raise DataError(f"gb45067.yaml has {len(found)} items instead of {COUNT}")
    return found


def require_clause(clause: str | None) -> Clause:
    """The item a major hazard is based on.

    Raises
    ------
    StepError
        There is none, or no such item.
    """
    found = clauses().get((clause or "").strip())
    if found is None:
        raise StepError(
            f"重大事故隐患须写明 GB 45067-2024 条款，例如 4.6 b，收到 {clause!r} (a major hazard needs its clause)"
        )
    return found
