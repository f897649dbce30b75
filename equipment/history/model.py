"""有效期: attributes of a unit that change with time, and one period of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

DAYS_PER_YEAR = 365.25
"""Unit-years are unit-days over this, so that leap years weigh what they are."""


class Attribute(Enum):
    """What has a history. Each has its table, and all but the officers their column in ``equipment.unit``."""

    STATUS = "status"
    """在用 停用 报废 …"""
    JURISDICTION = "jurisdiction"
    """辖区, by dated assignment; a bounded one is a delegation."""
    OWNER = "owner"
    """产权单位."""
    USE_UNIT = "use_unit"
    """使用单位."""
    FIRM = "firm"
    """维保单位."""
    POLICY = "policy"
    """保单, by its number; empty: insured, number not recorded."""
    MODE = "mode"
    """维保模式: traditional or on_demand."""
    PLATE = "plate"
    """救援识别码."""
    DIRECTOR = "director"
    """电梯安全总监 (Order 74)."""
    OFFICER = "officer"
    """电梯安全员 (Order 74)."""


BY_NUMBER = frozenset({Attribute.OWNER, Attribute.USE_UNIT, Attribute.FIRM, Attribute.DIRECTOR, Attribute.OFFICER})
"""Attributes whose value is the id of an organisation or a person."""


@dataclass(frozen=True, slots=True)
class Period:
    """One value over a span of days. ``until`` is the first day that it no longer held; None: it holds on.

    ``superseded_at`` is when a correction replaced the entry; None: it counts.
    """

    attribute: str
    value: str
    label: str
    since: date
    until: date | None
    recorded_at: datetime
    account: str | None
    reason: str
    superseded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``since`` until, and without, ``until``; None: for good."""

    since: date
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Amendment:
    """One value for one span; ``value`` None: there was none. ``reason`` is kept with it."""

    attribute: Attribute
    value: str | int | None
    span: Span
    reason: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which units are counted: below a jurisdiction (empty: all), of these kinds (empty: all), of a status (empty: any).

    ``insured`` None: either.
    """

    jurisdiction: str = ""
    kinds: tuple[str, ...] = ()
    status: str = ""
    insured: bool | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """移交: one unit from one jurisdiction to another, with the work that was open on it.

    ``until`` is when a delegation ends by itself; ``open_work`` None: not yet listed, which is not the same as none.
    """

    id: int
    unit_id: str
    unit_name: str
    from_id: str
    from_zh: str
    to_id: str
    to_zh: str
    at: datetime
    until: date | None
    reason: str
    open_work: list[dict[str, Any]] | None
    received_at: datetime | None
