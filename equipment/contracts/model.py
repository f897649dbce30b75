"""维保合同 and 维保变更 as they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class NewContract:
    """A contract to be registered, for lifts of the use-unit, until and without ``until``."""

    number: str
    firm_org_id: int
    use_org_id: int
    signed_on: date
    since: date
    until: date
    units: tuple[str, ...]
    mode: str = "traditional"


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract and how many lifts it covers."""

    id: int
    number: str
    firm_org_id: int
    firm_name: str
    use_org_id: int
    use_unit_name: str
    signed_on: date
    mode: str
    since: date | None
    until: date | None
    units: int


@dataclass(frozen=True, slots=True)
class FirmChange:
    """One 维保变更. ``object_by`` is until when the old firm may object."""

    id: int
    unit_id: str
    unit_name: str
    new_firm_org_id: int
    new_firm: str | None
    old_firm_org_id: int | None
    old_firm: str | None
    use_org_id: int
    use_unit: str | None
    state: str
    claimed_at: datetime
    object_by: datetime | None
    closed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody does to a change; ``version`` is what he has seen, None: whatever it is now."""

    event: str
    reason: str = ""
    version: int | None = None
