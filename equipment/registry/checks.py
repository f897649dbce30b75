"""What cannot be right in a unit's values. What merely looks odd is a doubt (``codes.doubts``)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Protocol

from equipment.catalogue.varieties import varieties
from equipment.errors import InvalidCodeError, InvalidUnitError
from equipment.registry.codes import check_rescue_code
from equipment.registry.coordinates import in_china
from equipment.registry.model import UNIT_ID

EARLIEST = date(1900, 1, 1)


class Checkable(Protocol):
    """The values of a unit, registered or about to be."""

    @property
    def id(self) -> str:
        """设备编号."""
        ...

    @property
    def kind(self) -> str:
        """Kind of the signal catalogue."""
        ...

    @property
    def variety_code(self) -> str:
        """品种代码."""
        ...

    @property
    def rescue_code(self) -> str | None:
        """救援识别码."""
        ...

    @property
    def name(self) -> str:
        """名称."""
        ...

    @property
    def address(self) -> str:
        """地址."""
        ...

    @property
    def lon(self) -> float | None:
        """Longitude [°]."""
        ...

    @property
    def lat(self) -> float | None:
        """Latitude [°]."""
        ...

    @property
    def accuracy_m(self) -> float | None:
        """Accuracy of the position [m]."""
        ...

    @property
    def make_date(self) -> date | None:
        """制造日期."""
        ...

    @property
    def first_use_date(self) -> date | None:
        """投用日期."""
        ...


def _identity(unit: Checkable, today: date) -> str | None:
    if not UNIT_ID.match(unit.id):
        return f"id {unit.id!r}: 1 至 40 位字母、数字、_ 和 - (letters, digits, _ and -)"
    return None


def _names(unit: Checkable, today: date) -> str | None:
    if not unit.name.strip() or not unit.address.strip():
        return "名称和地址不能为空 (name and address are needed)"
    return None


def _variety(unit: Checkable, today: date) -> str | None:
    variety = varieties().get(unit.variety_code)
    if variety is None:
        return f"品种代码 {unit.variety_code} 不在特种设备目录中 (not in the catalogue)"
    if variety.kind != unit.kind:
        return f"品种 {unit.variety_code} 属于 {variety.kind}，不是 {unit.kind} (another kind)"
    return None


def _plate(unit: Checkable, today: date) -> str | None:
    if unit.rescue_code is None:
        return None
    try:
        check_rescue_code(unit.rescue_code)
    except InvalidCodeError as error:
        return str(error)
    return None


def _position(unit: Checkable, today: date) -> str | None:
    if (unit.lon is None) != (unit.lat is None):
        return "经度和纬度要么都填，要么都不填 (longitude and latitude go together)"
    if unit.lon is None or unit.lat is None or in_china(unit.lon, unit.lat):
        return None
    swapped = "，可能经纬度填反了 (swapped?)" if in_china(unit.lat, unit.lon) else ""
    return f"坐标 {unit.lon}, {unit.lat} 不在中国境内 (outside China){swapped}"


def _accuracy(unit: Checkable, today: date) -> str | None:
    if unit.accuracy_m is None or (unit.lon is not None and 0 < unit.accuracy_m < 100_000):
        return None
    return f"坐标精度 {unit.accuracy_m} m 需随坐标填写且大于零 (accuracy goes with a position and is above zero)"


def _dates(unit: Checkable, today: date) -> str | None:
    made, used = unit.make_date, unit.first_use_date
    if any(day is not None and not EARLIEST <= day <= today for day in (made, used)):
        return "制造日期和投用日期不能在将来 (no date of making or first use lies in the future)"
    if made is not None and used is not None and used < made:
        return f"投用日期 {used} 早于制造日期 {made} (used before it was made)"
    return None


CHECKS: tuple[Callable[[Checkable, date], str | None], ...] = (
    _identity,
    _names,
    _variety,
    _plate,
    _position,
    _accuracy,
    _dates,
)


def faults(unit: Checkable, today: date) -> list[str]:
    """Everything about the unit that cannot be right, in words; empty when nothing is."""
    return [fault for check in CHECKS if (fault := check(unit, today)) is not None]


def require_sound(unit: Checkable, today: date) -> None:
    """Let a sound unit pass.

    Raises
    ------
    InvalidUnitError
        Something cannot be right; the message has all of it.
    """
    found = faults(unit, today)
    if found:
        raise InvalidUnitError("; ".join(found))


def as_text(value: Any) -> Any:
    """A value of a unit as an audit entry keeps it."""
    return value.isoformat() if isinstance(value, date) else value
