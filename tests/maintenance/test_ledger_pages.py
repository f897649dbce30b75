"""The pages of the ledger as each reader gets them."""

from __future__ import annotations

import pytest

from equipment.access.model import Role
from tests.maintenance.office import FULL, LIFT, Office
from tests.platform import LOGIN_OF

TWO = "张监察 W1001、李监察 W1002"
LISTS = (
    "/ledger",
    "/ledger/hazards",
    "/ledger/hazards?state=overdue&grade=major&age=30&flag=stop_use",
    "/ledger/map",
    "/ledger/prevention",
    "/ledger/site",
    "/ledger/extracts?kind=telemetry&subject=L000001",
    "/ledger/risk-matrix",
    "/ledger/draws/new",
    "/ledger/draws/new?looked=1&kind=lift&number=3&colour=blue",
)


def page(office: Office, login: str, address: str) -> str:
    answer = office.person(login).client.get(address, headers={"accept": "text/html"})
    assert answer.status_code == 200, (address, answer.text[-600:])
    return str(answer.text)


def test_lists_with_and_without_rows_and_about_a_station_without_a_unit(office: Office) -> None:
    for address in LISTS:
        page(office, "inspector", address)
    hazard = office.hazard("major", "4.6 b", stop_use=True)
    pending = office.report(cause="p")
    station = office.conn.execute("select organisation_id from equipment.filling_station limit 1").fetchone()[0]
    office.conn.execute("update equipment.organisation set jurisdiction_id = '341302' where id = %s", (station,))
    for address in LISTS:
        page(office, "inspector", address)
    shown = page(office, "inspector", "/ledger/hazards")
    number = office.inspector.get(f"/hazards/{hazard}")["number"]
    assert number in shown
    assert 'name="hazard_ids[]"' in shown
    assert 'name="lead_ids[]"' in page(office, "inspector", "/ledger")
    assert "层门门锁短接" in page(office, "inspector", f"/ledger/leads/{pending}")
    assert "乘客与载货电梯门锁安全回路被短接" in page(office, "inspector", f"/ledger/leads/{pending}")


def test_a_filter_of_the_address_that_cannot_be_is_told(office: Office) -> None:
    answer = office.inspector.client.get("/ledger/hazards?grade=worst", headers={"accept": "text/html"})
    assert answer.status_code == 422
    assert "major" in answer.text


def test_the_case_file_offers_the_lawful_steps_to_whoever_may_take_them(office: Office) -> None:
    hazard = office.hazard("major", "4.6 b")
    case, site = f"/ledger/hazards/{hazard}", f"/ledger/hazards/{hazard}/site"
    assert f"/api/v1/hazards/{hazard}/hand_over" in page(office, "inspector", case)
    office.rectifying(hazard, **FULL)
    assert f"/api/v1/hazards/{hazard}/apply" in page(office, LOGIN_OF[Role.USE_UNIT_OFFICER], case)
    assert f"/api/v1/hazards/{hazard}/self_close" not in page(office, LOGIN_OF[Role.USE_UNIT_OFFICER], case)
    assert f"/api/v1/hazards/{hazard}/apply" not in page(office, "inspector", case)
    assert f"/api/v1/hazards/{hazard}/supervise" in page(office, LOGIN_OF[Role.REGULATOR], case)
    office.act(office.officer, hazard, "ask_extension", until="2027-01-01", evidence="备件")
    assert f"/api/v1/hazards/{hazard}/grant_extension" in page(office, "inspector", case)
    office.photo(office.officer, hazard, "before")
    office.act(office.officer, hazard, "apply", evidence="已更换")
    shown = page(office, "inspector", site)
    assert 'capture="environment"' in shown
    assert f"/api/v1/hazards/{hazard}/inspect" in shown
    assert "埇市监特交〔2026〕1号" in page(office, "inspector", case)


def test_a_draw_shows_its_seed_and_its_checklist(office: Office) -> None:
    body = {
        "title": "三月双随机",
        "basis": "宿市监〔2026〕9号",
        "seed": "4821",
        "officers": ["张监察 W1001", "李监察 W1002"],
    }
    made = office.inspector.post("/prevention/draws", body)["draw_id"]
    shown = page(office, "inspector", f"/ledger/draws/{made}")
    assert "4821" in shown
    assert 'data-item="5"' in shown
    assert "使用年限" in page(office, "inspector", f"/ledger/risk/{LIFT}")
    assert "三月双随机" in page(office, "inspector", "/ledger/prevention?by=firm")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_both_languages(office: Office, language: str) -> None:
    hazard = office.hazard()
    for address in (*LISTS, f"/ledger/hazards/{hazard}", f"/ledger/hazards/{hazard}/site"):
        office.inspector.client.cookies.set("teshe_language", language)
        answer = office.inspector.client.get(address, headers={"accept": "text/html"})
        assert answer.status_code == 200, address
