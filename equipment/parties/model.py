"""单位与人员 as they are kept and read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

PHONE_HOLDS = timedelta(days=180)
"""How long a phone counts as verified after somebody answered it. Our own default."""
TEST_CALL_EVERY = timedelta(days=30)
"""How often a duty phone is rung to see whether it is answered. Our own default."""


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """An organisation in the register, with what is counted of it."""

    id: int
    kind: str
    name: str
    credit_code: str | None
    jurisdiction_id: str
    jurisdiction_zh: str
    address: str | None
    duty_phone: str | None
    grade: str | None
    units: int
    phone_answered_at: datetime | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Licence:
    """许可证. ``until`` is the first day that it no longer holds."""

    id: int
    kind: str
    number: str
    scope: str
    since: date | None
    until: date | None


@dataclass(frozen=True, slots=True)
class NewLicence:
    """A licence to be recorded."""

    organisation_id: int
    kind: str
    number: str
    since: date
    until: date
    scope: str = ""


@dataclass(frozen=True, slots=True)
class CreditGrade:
    """维保单位信用等级 from a day on."""

    grade: str
    since: date
    basis: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person of an organisation, with his newest certificate."""

    id: int
    organisation_id: int
    name: str
    phone: str | None
    duty: str
    certificate_no: str | None
    certificate_valid_to: date | None
    left_on: date | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Shift:
    """One person on duty for an area in a span of time."""

    id: int
    organisation_id: int
    organisation: str
    area_id: str
    area_zh: str
    person: str | None
    phone: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class NewShift:
    """A shift to be entered."""

    organisation_id: int
    area_id: str
    person_id: int
    phone: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class PhoneCheck:
    """A call that was made to see whether a phone is answered."""

    organisation_id: int
    phone: str
    answered: bool
    seconds_to_answer: int | None = None
    person_id: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class LiftOfficers:
    """A lift with its 电梯安全总监 and 电梯安全员; named, but without a name: not the reader's to see."""

    unit_id: str
    unit_name: str
    address: str
    use_org_id: int
    use_unit: str | None
    has_director: bool | None
    director: str | None
    has_officer: bool | None
    officer: str | None


@dataclass(frozen=True, slots=True)
class PhoneCheckFilter:
    """Which test calls; None is no condition."""

    organisation: int | None = None
    answered: bool | None = None


@dataclass(frozen=True, slots=True)
class PhoneCheckRow:
    """测试电话 as it is read."""

    id: int
    organisation_id: int
    organisation: str | None
    phone: str
    at: datetime
    answered: bool
    seconds_to_answer: int | None
    note: str
    by: str | None


@dataclass(frozen=True, slots=True)
class AreaDuty:
    """How an area is covered: how many are on duty at the moment, in it or above it, and until when without a gap.

    ``covered_until`` None: nobody is on duty now.
    """

    area_id: str
    area_zh: str
    area_en: str
    kind: str
    on_duty: int
    covered_until: datetime | None


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that the register lacks: what, of which unit or organisation, in words."""

    what: str
    subject: str
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class GapCount:
    """How many entries a work list has."""

    what: str
    count: int
