"""有效期 as bands on one time axis, so that a gap is seen as a gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from equipment.history.model import Period

SHOWN = ("status", "use_unit", "firm", "policy", "plate")
"""Attributes whose gaps matter at a glance; the table below has all."""
AXIS = 1000.0
TONES = {"in_use": "normal", "stopped": "held", "scrapped": "ended", "cancelled": "ended", "dismantled": "ended",
         "moved_out": "ended", "unregistered": "held"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bar:
    """One period on the axis of 1000."""

    x: float
    width: float
    tone: str
    period: Period


@dataclass(frozen=True, slots=True)
class Band:
    """One attribute over the whole time."""

    attribute: str
    bars: tuple[Bar, ...]
    since: date
    until: date


def holds(period: Period, day: date) -> bool:
    """Whether the period covers a day."""
    return period.since <= day and (period.until is None or day < period.until)


def bands(periods: Sequence[Period], today: date) -> list[Band]:
    """A band per attribute from the first day that is known until today; none when nothing is known."""
    if not periods:
        return []
    first = min(p.since for p in periods)
    last = max(today, first + timedelta(days=30))
    scale = AXIS / (last - first).days

    def bar(number: int, p: Period) -> Bar | None:
        end = min(p.until or last, last)
        if p.since >= end:
            return None
        x = round((p.since - first).days * scale, 1)
        tone = TONES.get(p.value, "normal") if p.attribute == "status" else ("normal", "other")[number % 2]
        return Bar(x, round((end - first).days * scale - x, 1), tone, p)

    found = []
    for attribute in SHOWN:
        own = [p for p in periods if p.attribute == attribute]
        bars = [made for n, p in enumerate(own) if (made := bar(n, p)) is not None]
        found.append(Band(attribute, tuple(bars), first, last))
    return found
