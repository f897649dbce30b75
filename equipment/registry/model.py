"""What a unit (设备) and an organisation (单位) are."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NewType

UnitId = NewType("UnitId", str)
UnitNo = NewType("UnitNo", int)

SHARDS = 16
UNIT_ID = re.compile(r"^[A-Za-z0-9_-]{1,40}$")


def shard_of(unit_id: str) -> int:
    """The shard of a unit: ``crc32(id) mod 16``; its hex digit stands in the unit's topics.

    >>> shard_of("L000001")
    0
    """
    return zlib.crc32(unit_id.encode("ascii")) % SHARDS


@dataclass(frozen=True, slots=True)
class UnitSummary:
    """What the worker needs of every unit."""

    no: int
    id: str
    kind: str
    variety_code: str
    status: str
    device_model: str | None
    parameters: dict[str, Any]
    jurisdiction_path: str = ""
    firm_org_id: int | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """One machine (一台特种设备) with the names of its organisations."""

    no: int
    id: str
    kind: str
    variety_code: str
    device_code: str | None
    registration_code: str | None
    certificate_no: str | None
    rescue_code: str | None
    internal_no: str | None
    name: str
    place_name: str
    building: str
    entrance: str
    address: str
    lon: float | None
    lat: float | None
    datum: str
    jurisdiction_id: str
    jurisdiction_path: str
    jurisdiction_zh: str
    use_org_id: int | None
    use_org_name: str | None
    use_org_phone: str | None
    firm_org_id: int | None
    firm_name: str | None
    firm_phone: str | None
    status: str
    manufacturer: str | None
    make_date: date | None
    first_use_date: date | None
    device_model: str | None
    insurance_valid_to: date | None
    parameters: dict[str, Any]
    changed_at: datetime
    accuracy_m: float | None
    owner_org_id: int | None
    owner_name: str | None
    maintenance_mode: str | None

    @property
    def shard(self) -> int:
        """Shard of the unit's topics."""
        return shard_of(self.id)


@dataclass(frozen=True, slots=True)
class NewUnit:
    """A unit to be registered; ``jurisdiction_id`` decides who supervises it."""

    id: str
    kind: str
    variety_code: str
    name: str
    address: str
    jurisdiction_id: str
    device_code: str | None = None
    registration_code: str | None = None
    certificate_no: str | None = None
    rescue_code: str | None = None
    internal_no: str | None = None
    place_name: str = ""
    building: str = ""
    entrance: str = ""
    lon: float | None = None
    lat: float | None = None
    datum: str = "unknown"
    use_org_id: int | None = None
    firm_org_id: int | None = None
    status: str = "in_use"
    manufacturer: str | None = None
    make_date: date | None = None
    first_use_date: date | None = None
    device_model: str | None = None
    insurance_valid_to: date | None = None
    parameters: dict[str, Any] | None = None
    accuracy_m: float | None = None
    owner_org_id: int | None = None
    maintenance_mode: str | None = None


@dataclass(frozen=True, slots=True)
class Organisation:
    """使用单位, 维保单位, 救援站, …"""

    id: int
    kind: str
    name: str
    credit_code: str | None
    jurisdiction_id: str
    address: str | None
    duty_phone: str | None
    lon: float | None
    lat: float | None
