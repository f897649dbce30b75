"""Contracts, safety officers, rosters and test calls as their people use them: pages, and the forms' addresses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from equipment.access.model import Role
from tests.platform import Person, Platform


def page(person: Person, address: str, status: int = 200) -> str:
    answer = person.client.get(address)
    assert answer.status_code == status, answer.text[:500]
    return str(answer.text)


def own_of(platform: Platform, role: Role) -> int:
    row = platform.conn.execute(
        "select organisation_id from equipment.account where role = %s order by id limit 1", (role.value,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_contract_from_the_form_to_its_end(platform: Platform) -> None:
    director, regulator = platform.person(Role.USE_UNIT_DIRECTOR), platform.person(Role.REGULATOR)
    use_unit = own_of(platform, Role.USE_UNIT_DIRECTOR)
    row = platform.conn.execute(
        "select u.id, u.firm_org_id from equipment.unit u where u.use_org_id = %s and u.firm_org_id is not null"
        " and u.kind = 'lift' order by u.no limit 1",
        (use_unit,),
    ).fetchone()
    assert row is not None
    unit, firm = row
    (old,) = [c for c in director.get(f"/contracts?organisation={firm}") if c["use_org_id"] == use_unit]
    shown = page(director, f"/contracts/{old['id']}")
    assert unit in shown
    tag = re.search(r'data-match="([^"]+)"', shown)
    assert tag is not None
    tag_text = tag[1].replace("&#34;", '"').replace("&quot;", '"')
    address = f"/contracts/{old['id']}/changes"
    end = {"event": "remove_units", "day": "2026-06-01", "units": [unit], "reason": "更换维保单位"}
    assert director.send(address, end).status_code == 428
    assert director.send(address, end | {"reason": ""}, If_Match=tag_text).status_code == 422
    platform.clock.advance(1)
    assert director.send(address, end, If_Match=tag_text).status_code == 200
    stale = director.send(address, end, If_Match=tag_text)
    assert stale.status_code == 412
    assert "已被他人修改" in stale.json()["detail"]
    assert "更换维保单位" in page(director, f"/contracts/{old['id']}")
    form = page(director, f"/contracts/new?firm={firm}&use_unit={use_unit}")
    assert f'name="units[text]" value="{unit}"' in form
    new = {
        "number": "WB-新-1", "firm_org_id": firm, "use_org_id": use_unit, "signed_on": "2026-05-20", "since": "2026-06-01",
        "until": "2027-06-01", "units": [unit],
    }  # fmt: skip
    made = director.post("/contracts", new)
    assert director.send("/contracts", new).status_code == 409
    assert "WB-新-1" in page(regulator, "/contracts?state=ahead")
    assert unit in page(regulator, f"/contracts/{made['id']}")
    page(platform.person(Role.AUDITOR), "/contracts")
    page(platform.person(Role.AUDITOR), "/contracts/new", 403)
    page(director, "/contracts/999999", 404)


@pytest.mark.parametrize("address", [
    "/contracts?state=nonsense&organisation=x&after=-", "/contracts/new", "/contracts/new?firm=x&use_unit=1", "/officers", "/units/new", "/organisations", "/handovers?all=yes&after=x",
    "/officers?missing=yes", "/rosters", "/rosters?area=341302&organisation=y", "/rosters?area=nowhere", "/test-calls?answered=no",
    "/test-calls?before=x&organisation=-1", "/register", "/register?what=test_call_due", "/register?what=no_firm",
    "/register?what=phone_unverified",
])  # fmt: skip
def test_every_page_renders_also_for_nonsense(platform: Platform, address: str) -> None:
    page(platform.person(Role.INSPECTOR), address)


def test_a_use_unit_names_its_officers_for_many_lifts_at_once(platform: Platform) -> None:
    director = platform.person(Role.USE_UNIT_DIRECTOR)
    use_unit = own_of(platform, Role.USE_UNIT_DIRECTOR)
    made = director.post(f"/organisations/{use_unit}/people", {"name": "郑安全", "duty": "电梯安全员"})
    shown = page(director, "/officers")
    assert f'value="{made["id"]}"' in shown
    units = re.findall(r'name="units\[text\]" value="([^"]+)"', shown)
    assert len(units) > 1
    body: dict[str, Any] = {"duty": "officer", "units": units, "person_id": made["id"]}
    assert director.send("/officers", body | {"units": [*units, "L-not-ours"]}).status_code == 404
    assert (
        "郑安全"
        not in page(director, f"/units/{units[0]}").split('id="incidents"')[0].split("<dt>电梯安全员</dt>")[1][:60]
    )
    assert director.send("/officers", body).status_code == 204
    assert page(director, "/officers").count("郑安全") >= len(units)
    assert director.send("/officers", {"duty": "officer", "units": units[:1]}).status_code == 204
    assert "无人任命" in page(director, "/officers?missing=yes")
    page(platform.person(Role.FIRM_MANAGER), "/officers", 403)


def test_a_shift_of_several_days_is_entered_shown_and_taken_off(platform: Platform) -> None:
    manager = platform.person(Role.FIRM_MANAGER)
    firm = own_of(platform, Role.FIRM_MANAGER)
    person = manager.post(f"/organisations/{firm}/people", {"name": "冯值班", "duty": "值班员"})
    shift = {
        "organisation_id": firm, "area_id": "341302", "person_id": person["id"], "phone": "19900001111",
        "since": "2026-03-03T08:00:00+08:00", "until": "2026-03-03T20:00:00+08:00", "days": 3,
    }  # fmt: skip
    first = manager.post("/rosters", shift)["id"]
    assert manager.send("/rosters", shift).status_code == 409
    assert manager.send("/rosters", shift | {"until": "2026-03-05T20:00:00+08:00"}).status_code == 422
    assert page(manager, f"/rosters?organisation={firm}").count("冯值班") >= 3
    headers = {"X-CSRF-Token": manager.csrf}
    assert manager.client.delete(f"/api/v1/rosters/{first}", headers=headers).status_code == 204
    assert manager.client.delete(f"/api/v1/rosters/{first}", headers=headers).status_code == 404
    assert "现在谁在值班" in page(platform.person(Role.DESK), "/rosters")


def test_a_test_call_changes_what_is_due(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    due = desk.get("/register/gaps/test_call_due")
    assert due
    organisation = int(due[0]["subject"])
    assert 'data-api="/api/v1/phone-checks"' in page(desk, f"/organisations/{organisation}")
    call = {
        "organisation_id": organisation,
        "phone": due[0]["detail"] or "19900002222",
        "answered": False,
        "note": "无人接听",
    }
    desk.post("/phone-checks", call)
    assert organisation in [int(g["subject"]) for g in desk.get("/register/gaps/test_call_due")]
    assert "无人接听" in page(desk, f"/test-calls?organisation={organisation}&answered=no")
    desk.post("/phone-checks", call | {"answered": True, "seconds_to_answer": 7})
    assert organisation not in [int(g["subject"]) for g in desk.get("/register/gaps/test_call_due")]
    newest = desk.get(f"/phone-checks?organisation={organisation}&limit=1")
    assert (newest[0]["answered"], newest[0]["seconds_to_answer"]) == (True, 7)
    page(platform.person(Role.USE_UNIT_DIRECTOR), "/test-calls", 403)


def tag_in(text: str, address: str) -> str:
    """The state that the form of an address was made from."""
    found = re.search(rf'data-api="{re.escape(address)}"[^>]*data-match="([^"]+)"', text)
    assert found is not None, address
    return found[1].replace("&#34;", '"').replace("&quot;", '"')


def patch(person: Person, address: str, body: dict[str, Any], tag: str) -> Any:
    headers = {"X-CSRF-Token": person.csrf, "If-Match": tag}
    return person.client.patch(f"/api/v1{address}", json=body, headers=headers)


def test_the_registrar_corrects_a_unit_and_an_organisation_by_their_forms(platform: Platform) -> None:
    regulator, manager = platform.person(Role.REGULATOR), platform.person(Role.FIRM_MANAGER)
    row = platform.conn.execute(
        "select id from equipment.unit where firm_org_id = %s and kind = 'lift' order by no limit 1",
        (own_of(platform, Role.FIRM_MANAGER),),
    ).fetchone()
    assert row is not None
    address = f"/api/v1/units/{row[0]}"
    shown = page(regulator, f"/units/{row[0]}")
    assert 'id="papers"' in shown
    assert "检验检测报告" in shown
    assert "登记管理" not in page(manager, f"/units/{row[0]}")
    tag = tag_in(shown, address)
    platform.clock.advance(1)
    assert patch(regulator, f"/units/{row[0]}", {"building": "9栋", "reason": "更正"}, tag).status_code == 200
    assert patch(regulator, f"/units/{row[0]}", {"building": "8栋", "reason": "更正"}, tag).status_code == 412
    page(manager, "/units/new", 403)
    firm = own_of(platform, Role.FIRM_MANAGER)
    text = page(manager, f"/organisations/{firm}")
    assert 'name="credit_code"' not in text
    tag = tag_in(text, f"/api/v1/organisations/{firm}")
    changed = {"duty_phone": "19900009999", "reason": "换号"}
    assert patch(manager, f"/organisations/{firm}", changed, tag).status_code == 200
    assert patch(manager, f"/organisations/{firm}", changed | {"duty_phone": "1"}, tag).status_code == 412
    assert "未核实" in page(regulator, f"/organisations/{firm}"), (
        "another number is another phone: nobody has rung it yet"
    )
    made = regulator.post(
        "/organisations", {"kind": "filling_station", "name": "新充装站", "jurisdiction_id": "341302"}
    )
    assert "新充装站" in page(regulator, f"/organisations/{made['id']}")
