"""Cylinders, stations and fills: what comes in, and what is judged."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any

import msgspec

from equipment.cylinders.lifecycle import CylinderState


class Reason(Enum):
    """拒充原因: why a fill is refused. A record may carry several."""

    UNKNOWN_CYLINDER = "unknown_cylinder"
    """未登记气瓶: nobody has registered this code."""
    ANOTHER_STATION = "another_station"
    """非自有产权气瓶."""
    SCRAPPED = "scrapped"
    """已报废."""
    BEYOND_LIFE = "beyond_life"
    """超过设计使用年限."""
    INSPECTION_OVERDUE = "inspection_overdue"
    """超期未检."""
    INSPECTION_UNKNOWN = "inspection_unknown"
    """检验有效期未知: unknown is never valid."""
    NOT_FILLABLE = "not_fillable"
    """状态不可充装."""
    NO_LICENCE = "no_licence"
    """充装许可不在有效期."""
    MEDIUM_NOT_LICENSED = "medium_not_licensed"
    """介质不在许可范围."""
    WRONG_MEDIUM = "wrong_medium"
    """错装介质."""
    PRECHECK_FAILED = "precheck_failed"
    """充前检查不合格仍充装."""
    OUT_OF_ORDER = "out_of_order"
    """早于最近一次充装."""


class Outcome(Enum):
    """What became of one record of a call."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    """The same record was kept before."""
    REFUSED = "refused"
    """Kept as a refusal, with its reasons."""
    INVALID = "invalid"
    """Cannot be right as it was sent: nothing was kept, correct and send again."""


class Fill(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """充装记录 as a filling system sends it. Weights [kg], pressures [MPa, gauge]; absent is unknown, never zero.

    ``net_kg`` absent is computed from full weight and tare.
    """

    code: str
    medium: str
    filled_at: datetime
    checked_at: datetime
    appearance_ok: bool
    leak_free: bool
    residual_mpa: float | None = None
    residual_kg: float | None = None
    empty_kg: float | None = None
    vacuum_mpa: float | None = None
    pressure_mpa: float | None = None
    full_kg: float | None = None
    net_kg: float | None = None
    reweigh_kg: float | None = None
    gun: str | None = None
    scale: str | None = None
    filler: str | None = None
    checker: str | None = None
    rechecker: str | None = None
    note: str | None = None
    video_url: str | None = None


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """充前检查 before the gas flows: the filling system asks whether it may."""

    medium: str
    at: datetime
    appearance_ok: bool
    residual_mpa: float | None = None
    residual_kg: float | None = None
    empty_kg: float | None = None
    checker: str | None = None
    note: str | None = None


def digest(record: msgspec.Struct) -> bytes:
    """16 bytes by which the same record is recognised."""
    return hashlib.blake2b(msgspec.json.encode(record, order="sorted"), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Judged:
    """A cylinder as a fill judges it."""

    no: int
    station_id: int
    code: str
    variety_code: str
    medium: str
    make_date: date
    tare_kg: float | None
    max_fill_kg: float | None
    next_inspection: date | None
    scrap_date: date | None
    state: CylinderState
    last_fill_at: datetime | None


@dataclass(frozen=True, slots=True)
class Licence:
    """充装许可 of a station. ``revoked_on``: the first day on which it no longer holds."""

    id: int
    station_id: int
    licence_no: str
    media: frozenset[str]
    valid_from: date
    valid_to: date
    revoked_on: date | None

    def holds_on(self, day: date) -> bool:
        """Whether it is valid on that day."""
        return self.valid_from <= day <= self.valid_to and (self.revoked_on is None or day < self.revoked_on)


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """What became of the record at ``index`` of a call; ``reasons`` for programs, ``detail`` for people."""

    index: int
    outcome: str
    code: str | None = None
    reasons: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """The answer to a call of fills."""

    accepted: int
    repeated: int
    refused: int
    invalid: int
    items: tuple[ItemAnswer, ...]
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """Whether the gas may flow."""

    allowed: bool
    state: str
    reasons: tuple[str, ...] = ()
    detail: str = ""


class NewCylinder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """建档: a cylinder as its station registers it. ``code`` None: registered, but not tagged yet."""

    maker_code: str
    serial: str
    make_date: date
    variety_code: str
    medium: str
    code: str | None = None
    volume_l: float | None = None
    nominal_pressure_mpa: float | None = None
    tare_kg: float | None = None
    max_fill_kg: float | None = None
    certificate_no: str | None = None
    last_inspection: date | None = None
    next_inspection: date | None = None
    scrap_date: date | None = None


@dataclass(frozen=True, slots=True)
class Cylinder:
    """气瓶 as it is shown."""

    no: int
    code: str | None
    station_id: int
    station: str
    maker_code: str
    serial: str
    make_date: date
    variety_code: str
    medium: str
    volume_l: float | None
    nominal_pressure_mpa: float | None
    tare_kg: float | None
    max_fill_kg: float | None
    certificate_no: str | None
    last_inspection: date | None
    next_inspection: date | None
    scrap_date: date | None
    state: str
    frozen_from: str | None
    state_since: datetime
    last_fill_at: datetime | None
    registered_at: datetime
    changed_at: datetime


class Movement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """流转: an event of a cylinder that is not a fill.

    ``at`` None is the moment of recording. ``recipient``, ``phone`` and ``address`` belong to a delivery only and are kept apart from the history;
    ``next_inspection`` belongs to a passed inspection.
    """

    event: str
    at: datetime | None = None
    reason: str | None = None
    recipient: str | None = None
    phone: str | None = None
    address: str | None = None
    next_inspection: date | None = None


@dataclass(frozen=True, slots=True)
class FillRow:
    """充装记录 as it is shown, with the limits that held."""

    filled_at: datetime
    checked_at: datetime
    received_at: datetime
    station_id: int
    cylinder_no: int
    empty_kg: float | None
    residual_mpa: float | None
    residual_kg: float | None
    vacuum_mpa: float | None
    pressure_mpa: float | None
    full_kg: float | None
    net_kg: float | None
    reweigh_kg: float | None
    tare_kg: float | None
    max_fill_kg: float | None
    inspection_due: date | None
    appearance_ok: bool | None
    leak_free: bool | None
    passed: bool
    traced: bool
    medium: str
    gun: str | None
    scale: str | None
    filler: str | None
    checker: str | None
    rechecker: str | None
    faults: tuple[str, ...]
    note: str | None
    video_url: str | None
    code: str | None = None
    station: str | None = None


@dataclass(frozen=True, slots=True)
class EventRow:
    """One entry of a cylinder's history."""

    at: datetime
    event: str
    from_state: str
    to_state: str
    reason: str | None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublicCylinder:
    """扫码公示: what anyone may read. None is unknown."""

    code: str
    variety_code: str
    medium: str
    state: str
    station: str
    filled_at: datetime | None
    net_kg: float | None
    passed: bool | None
    next_inspection: date | None
    inspection_valid: bool | None
    insured: bool
    licensed: bool
    end_of_life: date | None
