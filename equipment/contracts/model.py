"""维保合同 and 维保变更 as they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

ENDING = timedelta(days=60)
"""How long before its end a contract is shown as ending."""


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
    """One contract and how many lifts it covers.

    ``until`` is the first day without it; both None: it was ended on its first day. A name is None where the reader may
    not see that party.
    """

    id: int
    number: str
    firm_org_id: int
    firm_name: str | None
    use_org_id: int
    use_unit_name: str | None
    signed_on: date
    mode: str
    since: date | None
    until: date | None
    units: int
    changed_at: datetime

    @property
    def last_day(self) -> date | None:
        """The last day that it holds."""
        return None if self.until is None else self.until - timedelta(days=1)

    def state(self, today: date) -> str:
        """Where it stands on a day: void, ahead, in_force, ending or over."""
        if self.since is None or self.until is None:
            return "void"
        if self.until <= today:
            return "over"
        if self.since > today:
            return "ahead"
        return "ending" if self.until <= today + ENDING else "in_force"


@dataclass(frozen=True, slots=True)
class ContractFilter:
    """Which contracts; ``state`` one of in_force, ending, over, ahead, or empty for all."""

    organisation: int | None = None
    state: str = ""


@dataclass(frozen=True, slots=True)
class Lift:
    """A lift that a contract may name, with the contract that it has on a day; ``until`` is its first day without."""

    unit_id: str
    name: str
    address: str
    firm_org_id: int | None
    firm_name: str | None
    contract: str | None
    until: date | None

    @property
    def last_day(self) -> date | None:
        """The last day of the contract that it has."""
        return None if self.until is None else self.until - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ContractOfUnit:
    """The contract that covers a lift."""

    id: int
    number: str
    firm_name: str | None
    since: date
    until: date

    @property
    def last_day(self) -> date:
        """The last day that it covers the lift."""
        return self.until - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ContractUnit:
    """A lift of a contract; id and name None: not the reader's to see (any more)."""

    unit_id: str | None
    unit_name: str | None
    address: str | None
    since: date
    until: date

    @property
    def last_day(self) -> date:
        """The last day that the contract covers it."""
        return self.until - timedelta(days=1)


class ContractEvent(Enum):
    """What changes in a contract."""

    END = "end"
    """终止: from ``day`` on it no longer holds."""
    EXTEND = "extend"
    """续期: it holds until before ``day``."""
    ADD_UNITS = "add_units"
    """增加电梯 from ``day`` on, to the end of the contract."""
    REMOVE_UNITS = "remove_units"
    """减少电梯: from ``day`` on these are no longer covered."""


@dataclass(frozen=True, slots=True)
class ContractChange:
    """One change of a contract, and why."""

    event: ContractEvent
    day: date
    reason: str
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContractEntry:
    """A change of a contract as it is read."""

    event: str
    day: date
    units: list[str]
    reason: str
    at: datetime
    by: str | None


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
