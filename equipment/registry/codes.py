"""Codes of the field: what they are made of, and whether they can be right.

Old and foreign codes are many, so only a broken check character of a credit code and a malformed plate are refused;
everything else is a doubt, shown in words and never in the way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from equipment.errors import InvalidCodeError

CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 characters, without I O S V Z (GB 32100-2015)."""
CREDIT_LENGTH = 18
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
HALF_WIDTH = {0xFF01 + offset: 0x21 + offset for offset in range(94)}
FIRST_YEAR = 1950
"""No equipment in the registry is older."""

REGISTRATION_CODE = re.compile(r"^([1-9][0-9A-Z]{3})(\d{6})((?:19|20)\d{2})(0[1-9]|1[0-2])(\d{4})$")
CERTIFICATE_NO = re.compile(r"^([锅容瓶管梯起索游车])([0-9A-Z]{2})([\u4e00-\u9fa5][A-Z])(\d{3,6})\((\d{2})\)$")
DEVICE_CODE = re.compile(r"^[0-9A-Z]{17,21}$")
DEVICE_CODE_PARTS = re.compile(r"^([1-9][0-9A-Z]{3})(\d{5}|\d{6})((?:19|20)\d{2})([0-9A-Z]\d{4})$")
PLATE_IN_PAYLOAD = re.compile(r"(?:^|/LIFT/)(\d{6})(?:$|[?#/])")
RESCUE_CODE = re.compile(r"^\d{6}$")
CERTIFICATE_MARKS = {"1": "锅", "2": "容", "3": "梯", "4": "起", "5": "车", "6": "游", "8": "管", "9": "索"}
"""种类简称 by the first digit of the catalogue code; 瓶 stands for 23xx. Mark M."""


def tidy(code: str) -> str:
    """A code as it is stored: capitals, half-width, without spaces.

    >>> tidy(" 梯11皖L00001（24） ")
    '梯11皖L00001(24)'
    """
    return "".join((code if code.isascii() else code.translate(HALF_WIDTH)).split()).upper()


def credit_check_character(first17: str) -> str:
    """Check character of a 统一社会信用代码 (GB 32100-2015).

    >>> credit_check_character("91500107MA5UG4925")
    'L'

    Raises
    ------
    InvalidCodeError
        A character that never stands in such a code.
    """
    total = 0
    weight = 1
    for character in first17:
        value = CREDIT_ALPHABET.find(character)
        if value < 0:
            raise InvalidCodeError(f"{character!r} cannot stand in a credit code: letters I O S V Z are never used")
        total += value * weight
        weight = weight * 3 % 31
    return CREDIT_ALPHABET[(31 - total % 31) % 31]


def check_credit_code(code: str) -> str:
    """The code in its stored form, if it is complete and its check character fits.

    Raises
    ------
    InvalidCodeError
        The message says what is wrong.
    """
    text = tidy(code)
    if len(text) != CREDIT_LENGTH:
        raise InvalidCodeError(f"a credit code has {CREDIT_LENGTH} characters, this has {len(text)}: {code!r}")
    if not text[2:8].isdecimal():
        raise InvalidCodeError(f"characters 3 to 8 of {text!r} must be the digits of a district")
    expected = credit_check_character(text[:-1])
    if text[-1] != expected:
        raise InvalidCodeError(f"the last character of {text!r} must be {expected!r}: one character was mistyped")
    return text


def organisation_check_character(first8: str) -> str:
    """Check character of the 组织机构代码 that stands in characters 9 to 17 of a credit code (GB 11714).

    Digits count as themselves, letters from A = 10; X stands for ten.

    >>> organisation_check_character("MA5UG492")
    '5'
    """
    total = sum(int(c, 36) * weight for c, weight in zip(first8, ORGANISATION_WEIGHTS, strict=True))
    value = (11 - total % 11) % 11
    return "X" if value == 10 else str(value)


def check_rescue_code(code: str) -> str:
    """The plate number (救援识别码) in its stored form.

    Raises
    ------
    InvalidCodeError
        It is not six digits.
    """
    text = tidy(code)
    if not RESCUE_CODE.match(text):
        raise InvalidCodeError(f"a plate (救援识别码) has 6 digits, this is {code!r}")
    return text


def qr_payload(public_address: str, rescue_code: str) -> str:
    """What stands in the QR code of the plate: the address of the lift's public page.

    >>> qr_payload("https://lift.example/", "130001")
    'https://lift.example/lift/130001'
    """
    return f"{public_address.rstrip('/')}/lift/{check_rescue_code(rescue_code)}"


def plate_in(payload: str) -> str | None:
    """The plate in what a scanner read: our address, or the six digits alone; None when there is none.

    >>> plate_in("https://lift.example/lift/130001?from=qr")
    '130001'
    """
    match = PLATE_IN_PAYLOAD.search(tidy(payload))
    return None if match is None else match[1]


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """设备代码, 18 characters; 19 where the registration authority made it and its district stands for the maker."""

    variety: str
    maker: str
    year: int
    serial: str

    @property
    def made_by_authority(self) -> bool:
        """Whether ``maker`` is the district of the authority (old equipment without a code)."""
        return len(self.maker) == 6


@dataclass(frozen=True, slots=True)
class RegistrationCode:
    """注册代码, 20 digits, a key of before TSG 08-2017."""

    variety: str
    district: str
    year: int
    month: int
    serial: str


@dataclass(frozen=True, slots=True)
class CertificateNo:
    """使用登记证编号: 梯11皖L00001(24). ``variety_part`` is characters 2 and 3 of the catalogue code."""

    mark: str
    variety_part: str
    authority: str
    serial: str
    year: int


def parse_device_code(code: str) -> DeviceCode | None:
    """Its parts; None when it does not follow the numbering method (many registers carry other keys here)."""
    text = tidy(code)
    match = DEVICE_CODE_PARTS.match(text) if len(text) in (18, 19) else None
    return None if match is None else DeviceCode(match[1], match[2], int(match[3]), match[4])


def parse_registration_code(code: str) -> RegistrationCode | None:
    """Its parts; None when it does not follow the rule."""
    match = REGISTRATION_CODE.match(tidy(code))
    if match is None:
        return None
    return RegistrationCode(match[1], match[2], int(match[3]), int(match[4]), match[5])


def parse_certificate_no(code: str, today: date) -> CertificateNo | None:
    """Its parts; the two digits of the year are the latest such year that is not after ``today``."""
    match = CERTIFICATE_NO.match(tidy(code))
    if match is None:
        return None
    century = today.year // 100 * 100
    year = century + int(match[5])
    return CertificateNo(match[1], match[2], match[3], match[4], year if year <= today.year else year - 100)


def doubts(
    device_code: str | None,
    registration_code: str | None,
    certificate_no: str | None,
    variety_code: str | None = None,
    today: date | None = None,
) -> list[str]:
    """What looks unusual in a unit's codes, in words; empty when nothing does. Nothing here is refused.

    With ``variety_code`` the codes are compared with it and with each other, with ``today`` their years are too.
    """
    found: list[str] = []
    if device_code:
        found += _device_doubts(device_code, variety_code, today)
    if registration_code:
        found += _registration_doubts(registration_code, variety_code, today)
    if certificate_no:
        found += _certificate_doubts(certificate_no, variety_code)
    return found


def credit_doubts(code: str) -> list[str]:
    """What looks unusual in a credit code whose own check character fits."""
    text = tidy(code)
    try:
        fits = organisation_check_character(text[8:16]) == text[16]
    except ValueError:
        fits = False
    return [] if fits else ["统一社会信用代码: 第9至17位的组织机构代码校验不符 (its organisation code does not check)"]


def _same_class(a: str, b: str) -> bool:
    """Codes name the 类别 or the 品种: they agree as far as both are specific."""
    return a[:2] == b[:2] and (a[2:] == "00" or b[2:] == "00" or a[:3] == b[:3])


def _year_doubt(label: str, year: int, today: date | None) -> list[str]:
    impossible = year < FIRST_YEAR or (today is not None and year > today.year)
    return [f"{label}: 年份 {year} 不可能 (impossible year)"] if impossible else []


def _device_doubts(code: str, variety: str | None, today: date | None) -> list[str]:
    text = tidy(code)
    if not DEVICE_CODE.match(text):
        return ["设备代码: 应为 17 至 21 位字母和数字 (17 to 21 letters and digits)"]
    parts = parse_device_code(text)
    if parts is None:
        if parse_registration_code(text) is not None:
            return ["设备代码: 填写的是注册代码 (this is a registration code)"]
        return ["设备代码: 不符合编号方法 4+5+4+5 (does not follow the numbering method)"]
    found = _year_doubt("设备代码", parts.year, today)
    if variety and not _same_class(parts.variety, variety):
        found.append(f"设备代码: 基本代码 {parts.variety} 与品种 {variety} 不符 (another variety)")
    return found


def _registration_doubts(code: str, variety: str | None, today: date | None) -> list[str]:
    parts = parse_registration_code(code)
    if parts is None:
        return ["注册代码: 应为分类 4 + 区划 6 + 年月 6 + 顺序 4 (class 4, district 6, year and month 6, serial 4)"]
    found = _year_doubt("注册代码", parts.year, today)
    if variety and not _same_class(parts.variety, variety):
        found.append(f"注册代码: 分类码 {parts.variety} 与品种 {variety} 不符 (another variety)")
    return found


def _certificate_doubts(code: str, variety: str | None) -> list[str]:
    match = CERTIFICATE_NO.match(tidy(code))
    if match is None:
        return ["使用登记证编号: 应形如 梯11皖L00001(24) (should look like this)"]
    if not variety:
        return []
    mark = "瓶" if variety.startswith("23") else CERTIFICATE_MARKS.get(variety[0], match[1])
    if match[1] != mark or not _same_class(variety[0] + match[2] + "0", variety):
        return [f"使用登记证编号: {match[1]}{match[2]} 与品种 {variety} 不符 (another variety)"]
    return []
