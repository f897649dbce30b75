"""The register over HTTP: ETags, key pages, history, officers, contracts, rosters, and who may what."""

from __future__ import annotations

from typing import Any

from equipment.access.model import Role
from tests.platform import Platform

UNIT: dict[str, Any] = {
    "id": "L900001", "kind": "lift", "variety_code": "3110", "name": "新梯", "address": "汴河路1号", "jurisdiction_id": "341302-01",
    "rescue_code": "990001", "device_code": "311010000202500001", "first_use_date": "2020-05-01", "insurance_valid_to": "2026-12-31",
}  # fmt: skip


def test_a_unit_is_registered_read_corrected_and_counted(platform: Platform) -> None:
    inspector, auditor = platform.person(Role.INSPECTOR), platform.person(Role.AUDITOR)
    assert inspector.send("/units", UNIT | {"unknown_field": 1}).status_code == 422
    made = inspector.send("/units", UNIT)
    assert made.status_code == 201, made.text
    assert inspector.send("/units", UNIT).status_code == 409
    tag = made.headers["etag"]

    def patch(body: dict[str, Any], **headers: str) -> Any:
        sent = {"X-CSRF-Token": inspector.csrf} | {k.replace("_", "-"): v for k, v in headers.items()}
        return inspector.client.patch("/api/v1/units/L900001", json=body, headers=sent)

    platform.clock.advance(60)
    stop = {"status": "stopped", "reason": "报停"}
    assert patch(stop).status_code == 428
    assert patch(stop, If_Match='"1"').status_code == 412
    changed = patch(stop, If_Match=tag)
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] != tag
    assert patch({"name": "又改", "reason": "x"}, If_Match=tag).status_code == 412
    entry = platform.conn.execute(
        "select before, after, reason from equipment.audit_entry where action = 'unit.edit'"
    ).fetchone()
    assert entry == ({"status": "in_use"}, {"status": "stopped"}, "报停")

    back = {"attribute": "status", "value": "stopped", "since": "2024-01-01", "until": "2024-07-01", "reason": "补录"}
    assert inspector.post("/units/L900001/history", back) == {"changed": True}
    assert inspector.send("/units/L900001/history", back | {"until": "2023-01-01"}).status_code == 422
    told = [p for p in inspector.get("/units/L900001/history") if p["attribute"] == "status"]
    assert [(p["value"], p["since"]) for p in told] == [
        ("in_use", "2020-05-01"), ("stopped", "2024-01-01"), ("in_use", "2024-07-01"), ("stopped", "2026-03-02")
    ]  # fmt: skip
    asked = "status=in_use&kind=lift&district=341302-01"
    before = inspector.get(f"/units/count?on=2024-03-01&{asked}")["units"]
    assert inspector.get(f"/units/count?on=2024-08-01&{asked}")["units"] >= before + 1
    assert inspector.get("/units/exposure?since=2025-01-01&until=2026-01-01&kind=lift")["unit_years"] > 1
    assert auditor.get("/units?q=L900001")[0]["status"] == "stopped"
    assert auditor.send("/units/L900001/history", back).status_code == 403
    dues = inspector.get("/units/L900001/due")
    assert {"inspection", "insurance"} <= {d["duty"] for d in dues}
    inspector.post("/units/L900001/inspections", {"kind": "supervision", "on": "2020-04-20", "passed": True})
    assert inspector.get("/units/L900001/inspections")[0]["kind"] == "supervision"


def test_pages_of_a_list_follow_their_key(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    seen: list[str] = []
    address = "/api/v1/units?limit=7"
    while address:
        answer = desk.client.get(address)
        seen += [u["id"] for u in answer.json()]
        address = answer.links.get("next", {}).get("url", "")
    total = platform.conn.execute("select count(*) from equipment.unit").fetchone()
    assert total == (len(set(seen)),)


def test_organisations_people_rosters_and_officers(platform: Platform) -> None:
    inspector, firm, director = (
        platform.person(r) for r in (Role.INSPECTOR, Role.FIRM_MANAGER, Role.USE_UNIT_DIRECTOR)
    )
    own = platform.conn.execute("select organisation_id from equipment.account where login = 'firm'").fetchone()
    assert own is not None
    found = firm.get(f"/organisations/{own[0]}")
    assert found["grade"] in "ABCD"
    assert (
        firm.send(f"/organisations/{own[0]}/grades", {"grade": "A", "since": "2026-01-01", "basis": "自评"}).status_code
        == 403
    )
    person = firm.post(
        f"/organisations/{own[0]}/people", {"name": "王新", "duty": "维保作业人员", "phone": "19900000009"}
    )
    certificate = {"kind": "特种设备作业人员证", "number": "TS1", "since": "2024-01-01", "until": "2028-01-01"}
    assert firm.post(f"/people/{person['id']}/certificates", certificate)["certificate_valid_to"] == "2028-01-01"
    shift = {
        "organisation_id": own[0], "area_id": "341300", "person_id": person["id"], "phone": "19900000009",
        "since": "2026-04-02T08:00:00+08:00", "until": "2026-04-02T20:00:00+08:00",
    }  # fmt: skip
    firm.post("/rosters", shift)
    assert firm.send("/rosters", shift).status_code == 409
    assert firm.send("/rosters", shift | {"until": "2026-04-02T07:00:00+08:00"}).status_code == 422
    on_duty = inspector.get("/rosters/on-duty?area=341302-01&at=2026-04-02T09:00:00%2B08:00")
    assert "王新" in {s["person"] for s in on_duty}
    desk = platform.person(Role.DESK)
    before = {g["what"]: g["count"] for g in desk.get("/register/gaps")}
    (gap, *_) = desk.get("/register/gaps/phone_unverified")
    desk.post("/phone-checks", {"organisation_id": int(gap["subject"]), "phone": gap["detail"], "answered": True})
    after = {g["what"]: g["count"] for g in desk.get("/register/gaps")}
    assert after["phone_unverified"] == before["phone_unverified"] - 1
    lift = director.get("/units")[0]["id"]
    officer = next(p for p in director.get("/people") if p["duty"] == "电梯安全员")
    director.post(f"/units/{lift}/officers", {"duty": "officer", "person_id": officer["id"]})
    stranger = director.send(f"/units/{lift}/officers", {"duty": "officer", "person_id": person["id"]})
    assert stranger.status_code == 404


def test_a_unit_handed_over_takes_its_open_work_along(platform: Platform) -> None:
    inspector, regulator = platform.person(Role.INSPECTOR), platform.person(Role.REGULATOR)
    platform.conn.execute("update equipment.unit set jurisdiction_id = '341302-01' where id = 'L000001'")
    platform.pipeline.send("L000001", {"alarm_button": True})
    platform.turn()
    away = {
        "attribute": "jurisdiction",
        "value": "341372",
        "since": "2026-03-02",
        "until": "2026-06-01",
        "reason": "委托",
    }
    inspector.post("/units/L000001/history", away)
    assert inspector.client.get("/api/v1/units/L000001").status_code == 404
    platform.turn(11)
    given = regulator.get("/handovers")[-1]
    assert (given["to_id"], given["until"]) == ("341372", "2026-06-01")
    assert {work["kind"] for work in given["open_work"]} >= {"incident"}
    assert f'data-api="/api/v1/handovers/{given["id"]}/receive"' in regulator.client.get("/handovers").text
    regulator.post(f"/handovers/{given['id']}/receive", {})
    assert given["unit_id"] in regulator.client.get("/handovers?all=yes").text
    assert regulator.send(f"/handovers/{given['id']}/receive", {}).status_code == 404


def test_the_pages_of_the_register_answer(platform: Platform) -> None:
    regulator = platform.person(Role.REGULATOR)
    for address in ("/units", "/units?q=L000001", "/units/L000001", "/organisations", "/organisations/1", "/register",
                    "/register?what=phone_unverified"):  # fmt: skip
        answer = regulator.client.get(address, headers={"accept": "text/html"})
        assert answer.status_code == 200, address
    unit = regulator.client.get("/units/L000001").text
    assert "条款待核实" in unit
    assert "TSG T7001-2023" in unit
    assert regulator.client.get("/register?what=x", headers={"accept": "text/html"}).status_code == 404
