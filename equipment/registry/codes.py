"""Codes of the field: what they are made of, and whether they can be right.

Old and foreign codes are many, so only a broken check character is refused; the rest is a warning.
"""

from __future__ import annotations

import re

from equipment.errors import InvalidCodeError

CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""31 characters, without I O S V Z (GB 32100-2015)."""
CREDIT_LENGTH = 18
REGISTRATION_CODE = re.compile(r"^[1-9][0-9A-Z]{3}\d{6}(19|20)\d{2}(0[1-9]|1[0-2])\d{4}$")
CERTIFICATE_NO = re.compile(r"^[锅容瓶管梯起索游车][0-9A-Z]{2}[\u4e00-\u9fa5][A-Z]\d{3,6}[(（]\d{2}[)）]$")
DEVICE_CODE = re.compile(r"^[0-9A-Z]{17,21}$")
RESCUE_CODE = re.compile(r"^\d{6}$")


def credit_check_character(first17: str) -> str:
    """Check character of a 统一社会信用代码 (GB 32100-2015).

    >>> credit_check_character("91500107MA5UG4925")
    'L'
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
    """The code in capitals, if it is complete and its check character fits.

    Raises
    ------
    InvalidCodeError
        The message says what is wrong.
    """
    text = code.strip().upper()
    if len(text) != CREDIT_LENGTH:
        raise InvalidCodeError(f"a credit code has {CREDIT_LENGTH} characters, this has {len(text)}: {code!r}")
    expected = credit_check_character(text[:-1])
    if text[-1] != expected:
        raise InvalidCodeError(f"the last character of {text!r} must be {expected!r}: one character was mistyped")
    return text


def doubts(device_code: str | None, registration_code: str | None, certificate_no: str | None) -> list[str]:
    """What looks unusual in a unit's codes, in words; empty when nothing does. Nothing here is refused."""
    found = []
    if device_code and not DEVICE_CODE.match(device_code):
        found.append("设备代码 has 17 to 21 capital letters and digits")
    if registration_code and not REGISTRATION_CODE.match(registration_code):
        found.append("注册代码 has 20 digits: class 4, district 6, year and month 6, serial 4")
    if certificate_no and not CERTIFICATE_NO.match(certificate_no):
        found.append("使用登记证编号 looks like 梯11皖L00001(24)")
    return found
