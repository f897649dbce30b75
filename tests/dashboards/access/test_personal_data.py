"""A person's telephone: who sees it, and what stands in the audit when somebody else does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.access.model import Role
from equipment.access.personal import masked
from tests.platform import Platform

PHONE = "13805571234"


@given(st.text("0123456789-+ ", min_size=1, max_size=20))
def test_a_masked_number_cannot_be_rung(phone: str) -> None:
    shown = masked(phone)
    assert shown is not None
    assert "****" in shown
    assert len(re.findall(r"\d", shown)) <= 7


@pytest.fixture
def city(platform: Platform) -> Platform:
    """A person of the demo manager's firm."""
    firm = platform.person(Role.FIRM_MANAGER)
    row = platform.conn.execute("select organisation_id from equipment.account where login = 'firm'").fetchone()
    assert row is not None
    made = firm.post(f"/organisations/{row[0]}/people", {"name": "周师傅", "phone": PHONE, "duty": "维保作业人员"})
    assert made["phone"] == PHONE
    platform.made = (row[0], made["id"])  # type: ignore[attr-defined]
    return platform


def at(city: Platform) -> tuple[int, int]:
    found: tuple[int, int] = city.made  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("role", [Role.INSPECTOR, Role.REGULATOR, Role.AUDITOR])
def test_the_authority_sees_it_masked_on_list_person_and_page(city: Platform, role: Role) -> None:
    organisation, person = at(city)
    client = city.person(role).client
    for address in (
        f"/api/v1/people?organisation={organisation}&limit=500", f"/api/v1/people/{person}", f"/organisations/{organisation}",
    ):  # fmt: skip
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert PHONE not in answer.text, address
        assert "138****1234" in answer.text, address


@pytest.mark.parametrize("role", [Role.DESK, Role.FIRM_MANAGER])
def test_the_desk_and_the_own_firm_see_it(city: Platform, role: Role) -> None:
    _, person = at(city)
    assert city.person(role).get(f"/people/{person}")["phone"] == PHONE


def test_it_is_shown_with_a_reason_and_the_reason_stands_in_the_audit(city: Platform) -> None:
    _, person = at(city)
    regulator = city.person(Role.REGULATOR)
    assert regulator.send(f"/people/{person}/phone", {"reason": ""}).status_code == 422
    assert regulator.post(f"/people/{person}/phone", {"reason": "核实证书"}) == {"phone": PHONE}
    row = city.conn.execute(
        "select e.subject, e.reason, a.login, e.origin, e::text from equipment.audit_entry e join equipment.account a"
        " on a.id = e.account_id where e.action = 'phone.reveal'"
    ).fetchall()
    assert [r[:4] for r in row] == [(f"person:{person}", "核实证书", "regulator", "testclient")], (
        "who, what, why, from where"
    )
    assert PHONE not in row[0][4]


def test_the_page_asks_for_the_reason_in_the_same_place(city: Platform) -> None:
    _, person = at(city)
    regulator = city.person(Role.REGULATOR)
    form = {"_csrf": regulator.csrf}
    asked = regulator.client.post(f"/people/{person}/phone", data=form)
    assert (asked.status_code, PHONE in asked.text) == (422, False)
    assert PHONE in regulator.client.post(f"/people/{person}/phone", data=form | {"reason": "核实证书"}).text


def test_an_auditor_and_a_competitor_reveal_nothing(city: Platform) -> None:
    _, person = at(city)
    assert city.person(Role.AUDITOR).send(f"/people/{person}/phone", {"reason": "xx"}).status_code == 403
    assert city.person(Role.FIRM_MANAGER).send(f"/people/{person}/phone", {"reason": "xx"}).status_code == 403


def test_a_callers_number_is_for_the_desk(city: Platform) -> None:
    call = {"category": "fault", "place": "汴河花园", "caller_phone": "13905570001", "description": "异响"}
    desk = city.person(Role.DESK)
    desk.post("/calls", call)
    row = city.conn.execute("select max(id) from ingest.call_record").fetchone()
    assert row is not None
    assert "13905570001" in desk.client.get(f"/calls/{row[0]}").text
    shown = city.person(Role.REGULATOR).client.get(f"/calls/{row[0]}").text
    assert ("13905570001" in shown, "139****0001" in shown) == (False, True)
