"""Codes are checked, taken apart, doubted, and never silently changed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.errors import InvalidCodeError
from equipment.registry import codes

TODAY = date(2026, 3, 2)
bodies = st.builds(
    lambda first, district, rest: first + district + rest,
    st.text(codes.CREDIT_ALPHABET, min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(codes.CREDIT_ALPHABET, min_size=9, max_size=9),
)


@pytest.mark.parametrize(
    "code",
    ["91500107MA5UG4925L", "91341300MA00000007", "91341302MA00000017", "523413000000000005", "123413000000000009"],
)
def test_known_credit_codes_pass(code: str) -> None:
    assert codes.check_credit_code(code) == code
    assert codes.check_credit_code(f" {code.lower()} ") == code


@given(bodies)
def test_a_completed_credit_code_passes(body: str) -> None:
    code = body + codes.credit_check_character(body)
    assert codes.check_credit_code(code) == code


@given(bodies, st.integers(0, 17), st.sampled_from(codes.CREDIT_ALPHABET))
def test_every_single_mistyped_character_is_found(body: str, position: int, typed: str) -> None:
    code = body + codes.credit_check_character(body)
    wrong = code[:position] + typed + code[position + 1 :]
    if wrong == code:
        return
    with pytest.raises(InvalidCodeError):
        codes.check_credit_code(wrong)


@given(bodies, st.integers(0, 16))
def test_every_pair_of_swapped_neighbours_is_found(body: str, position: int) -> None:
    code = body + codes.credit_check_character(body)
    wrong = code[:position] + code[position + 1] + code[position] + code[position + 2 :]
    if wrong == code:
        return
    with pytest.raises(InvalidCodeError):
        codes.check_credit_code(wrong)


@pytest.mark.parametrize(
    "code", ["", "91500107MA5UG4925", "91500107MA5UG4925LL", "9150010OMA5UG4925L", "91I00107MA5UG4925L"]
)
def test_wrong_length_and_alphabet_are_named(code: str) -> None:
    with pytest.raises(InvalidCodeError):
        codes.check_credit_code(code)


def test_the_organisation_code_inside_is_only_a_doubt() -> None:
    assert codes.credit_doubts("91500107MA5UG4925L") == []
    assert codes.credit_doubts("91341302MA00000017")


def test_a_device_code_is_taken_apart() -> None:
    parts = codes.parse_device_code("311010890201500123")
    assert parts == codes.DeviceCode("3110", "10890", 2015, "00123")
    assert not parts.made_by_authority
    old = codes.parse_device_code("3110341302199800001")
    assert old is not None
    assert old.made_by_authority
    assert (old.maker, old.year) == ("341302", 1998)
    beyond = codes.parse_device_code("3110108902015A0123")
    assert beyond is not None
    assert beyond.serial == "A0123"


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("31105001062011050006", ("3110", "500106", 2011, 5, "0006")),
        ("31305001122014017242", ("3130", "500112", 2014, 1, "7242")),
        ("31103506002016053337", ("3110", "350600", 2016, 5, "3337")),
    ],
)
def test_public_registration_codes_are_taken_apart(code: str, parts: tuple[object, ...]) -> None:
    assert codes.parse_registration_code(code) == codes.RegistrationCode(*parts)  # type: ignore[arg-type]


@pytest.mark.parametrize("written", ["梯11闽E3622(16)", "梯11闽E3622（16）", " 梯11闽e3622(16) "])
def test_a_certificate_number_is_read_in_both_kinds_of_brackets(written: str) -> None:
    assert codes.parse_certificate_no(written, TODAY) == codes.CertificateNo("梯", "11", "闽E", "3622", 2016)


def test_the_year_of_a_certificate_lies_in_the_past() -> None:
    old = codes.parse_certificate_no("梯11皖L0001(99)", TODAY)
    assert old is not None
    assert old.year == 1999


def test_codes_that_agree_raise_no_doubt() -> None:
    assert codes.doubts("311010890201500123", "31105001062011050006", "梯11皖L00001(24)", "3110", TODAY) == []
    assert codes.doubts(None, None, None, "3110", TODAY) == []


@pytest.mark.parametrize(
    ("device", "registration", "certificate", "word"),
    [
        ("311010890203000123", None, None, "2030"),
        ("411010890201500123", None, None, "4110"),
        ("31105001062011050006", None, None, "注册代码"),
        ("短", None, None, "17"),
        (None, "3110500106201113000", None, "年月"),
        (None, "43105001062011050006", None, "4310"),
        (None, None, "起17皖L00001(24)", "起17"),
        (None, None, "皖L00001", "梯11"),
    ],
)
def test_each_oddity_is_a_doubt_and_not_a_refusal(
    device: str | None, registration: str | None, certificate: str | None, word: str
) -> None:
    found = codes.doubts(device, registration, certificate, "3110", TODAY)
    assert len(found) == 1
    assert word in found[0]


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", ""])
def test_a_plate_has_six_digits(code: str) -> None:
    with pytest.raises(InvalidCodeError):
        codes.check_rescue_code(code)


def test_a_plate_typed_in_full_width_is_understood() -> None:
    assert codes.check_rescue_code("１３０００１") == "130001"


@given(st.integers(0, 999_999))
def test_the_plate_is_read_back_from_its_qr_code(number: int) -> None:
    plate = f"{number:06d}"
    assert codes.plate_in(codes.qr_payload("https://lift.example", plate)) == plate
    assert codes.plate_in(plate) == plate


@pytest.mark.parametrize("payload", ["", "12345", "1234567", "https://lift.example/lift/12345", "weixin://pay/x"])
def test_another_qr_code_has_no_plate(payload: str) -> None:
    assert codes.plate_in(payload) is None
