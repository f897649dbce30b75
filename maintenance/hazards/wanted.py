"""What a reader asks of the ledger. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from maintenance.errors import LedgerInputError
from maintenance.hazards.clauses import GRADES
from maintenance.hazards.lifecycle import HazardState

VIEWS = ("open", "overdue", "late", "look_back", *(s.value for s in HazardState))
"""在办, 逾期, 环节超时, 待回头看, and every state."""
FLAGS = ("supervised", "stop_use", "reopened")
"""挂牌督办, 停用, 曾重新打开."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters; "" is every one. ``age``: opened at least so many days ago. ``firm``: id of the maintenance firm.

    ``q``: a number, words of the unit (code, plate, place), or, of open hazards, of the description.
    """

    state: str = "open"
    grade: str = ""
    district: str = ""
    source: str = ""
    firm: str = ""
    age: str = ""
    flag: str = ""
    q: str = ""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("state", self.state, VIEWS),
            ("grade", self.grade, GRADES),
            ("flag", self.flag, FLAGS),
        ):
            if value and value not in known:
                raise LedgerInputError(f"{name} 须为 {', '.join(known)} 之一，收到 {value!r} (one of these)")
        for name, value in (("firm", self.firm), ("age", self.age)):
            if value and not (value.isascii() and value.isdigit() and len(value) <= 9):  # a whole number
                raise LedgerInputError(f"{name} 须为整数，收到 {value!r} (a whole number)")

    def as_json(self, now: datetime) -> dict[str, Any]:
        """As the database reads it."""
        days = min(int(self.age), 36_500) if self.age else None
        before = "" if days is None else (now - timedelta(days=days)).isoformat()
        return asdict(self) | {"now": now.isoformat(), "opened_before": before}
