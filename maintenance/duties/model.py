"""What a use-unit files, which period it stands for, and what was missed. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

DAILY, WEEKLY, MONTHLY = "daily", "weekly", "monthly"
RESULTS = ("ok", "problem", "stopped")
"""正常 有问题 停用."""
LATE_DAYS = 3
"""A daily list may be filed so long afterwards, and says that it is late; older days stay missed."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One lift of a daily list."""

    result: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Missed:
    """A duty nobody has done: which, for when, how many lifts of how many were left out (of a daily list)."""

    kind: str
    period_on: date
    left_out: int
    of: int


@cache
def items() -> tuple[tuple[str, str], ...]:
    """《电梯安全风险管控清单》 of the platform, (id, words): what a daily check looks at. Ours, no text prescribes it."""
    text = (files("maintenance.duties") / "items.csv").read_text(encoding="utf-8")
    return tuple((row["id"], row["zh"]) for row in csv.DictReader(text.splitlines()))


def period_of(kind: str, day: date) -> date:
    """The first day of the period that a day belongs to.

    >>> period_of(WEEKLY, date(2026, 3, 5)).isoformat(), period_of(MONTHLY, date(2026, 3, 5)).isoformat()
    ('2026-03-02', '2026-03-01')
    """
    if kind == WEEKLY:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if kind == MONTHLY else day


def end_of(kind: str, begin: date) -> date:
    """The last day of a period."""
    if kind == WEEKLY:
        return begin + timedelta(days=6)
    if kind == MONTHLY:
        return (begin.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return begin


def missed_days(checked: Mapping[date, int], lifts: int, since: date, today: date) -> list[Missed]:
    """Days before today on which not every lift was checked.

    Parameters
    ----------
    checked
        How many lifts were checked on a day.
    """
    days = (since + timedelta(days=n) for n in range((today - since).days))
    return [Missed(DAILY, day, lifts - checked.get(day, 0), lifts) for day in days if checked.get(day, 0) < lifts]


def missed_periods(kind: str, filed: Iterable[date], since: date, today: date) -> list[Missed]:
    """Whole weeks or months that have ended without their report."""
    have, found, begin = set(filed), [], period_of(kind, since)
    while end_of(kind, begin) < today:
        if begin >= since and begin not in have:
            found.append(Missed(kind, begin, 0, 0))
        begin = end_of(kind, begin) + timedelta(days=1)
    return found
