"""Back-tests that people asked for on the page: kept in the database, run in the background, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alarms.backtest.model import Matching, Period
from alarms.backtest.reading import QUERIES
from alarms.backtest.run import rules_of
from alarms.errors import BacktestError
from equipment.access.model import Asker
from equipment.foundation.database import Connection

LONGEST_DAYS = 400.0


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asks: one set of rules, or two to compare. ``units``: ids; none means all that he may see."""

    rules_a: str
    rules_b: str | None
    period: Period
    matching: Matching
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One run as it stands."""

    id: int
    rules_a: str
    rules_b: str | None
    begins_at: datetime
    ends_at: datetime
    units: list[str]
    before_seconds: float
    after_seconds: float
    scope_path: str
    state: str
    progress: float
    error: str | None
    result_a: dict[str, Any] | None
    result_b: dict[str, Any] | None
    author: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def period(self) -> Period:
        """The span that is replayed."""
        return Period(self.begins_at, self.ends_at)

    @property
    def matching(self) -> Matching:
        """The window within which an alarm and a call are about the same."""
        return Matching(self.before_seconds, self.after_seconds)


def order(conn: Connection, wish: Order, asker: Asker, now: datetime) -> int:
    """Queue a back-test; returns its id. Mistakes in the rules show at once.

    Raises
    ------
    RuleError, BacktestError
    """
    for text in (wish.rules_a, wish.rules_b):
        if text is not None:
            rules_of(conn, text)
    if not wish.period.begin < wish.period.end or wish.period.begin >= now:
        raise BacktestError("开始时间须早于结束时间且不在将来 (the period must begin before it ends, and before now)")
    if wish.period.days > LONGEST_DAYS:
        raise BacktestError(f"时段最长 {LONGEST_DAYS:g} 天 (the period is too long)")
    values = {
        "rules_a": wish.rules_a, "rules_b": wish.rules_b, "begin": wish.period.begin, "end": wish.period.end,
        "units": list(wish.units), "before": wish.matching.before_seconds, "after": wish.matching.after_seconds,
        "path": asker.scope_path or "", "account": asker.account_id, "author": asker.display_name, "now": now,
    }  # fmt: skip
    row = conn.execute(QUERIES.insert_run, values).fetchone()
    return int(row[0]) if row else 0


def newest(conn: Connection, limit: int = 50) -> list[Run]:
    """Runs, newest first, as the caller may see them."""
    return [Run(*row) for row in conn.execute(f"{QUERIES.run_columns} {QUERIES.newest_runs}", (limit,))]


def find(conn: Connection, run_id: int) -> Run | None:
    """One run; None where it does not exist or the caller may not see it."""
    row = conn.execute(f"{QUERIES.run_columns} {QUERIES.run_by_id}", (run_id,)).fetchone()
    return None if row is None else Run(*row)


@dataclass(frozen=True, slots=True)
class Compared:
    """One rule (or all of a kind of incident together) on both sides; None where a side does not have it."""

    name: str
    title_zh: str
    title_en: str
    a: dict[str, Any] | None
    b: dict[str, Any] | None


def compared(run: Run) -> list[Compared]:
    """Both sides of a finished run beside each other, what is together first."""
    a, b = run.result_a or {}, run.result_b or {}
    found: list[Compared] = []
    for kind in ("entrapment", "fault"):
        one, other = (side.get("together", {}).get(kind) for side in (a, b))
        if one is not None or other is not None:
            found.append(Compared(kind, "", "", one, other))
    sides = [{row["id"]: row for row in side.get("rules", [])} for side in (a, b)]
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        one, other = sides[0].get(name), sides[1].get(name)
        titled = one or other or {}
        found.append(Compared(name, titled.get("title_zh", name), titled.get("title_en", name), one, other))
    return found
