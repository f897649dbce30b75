"""The whole path as the people of the city live it: a car stops, a passenger calls, a firm comes, a record, a hazard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.testclient import TestClient, WebSocketTestSession

from dashboards.context import SESSION_COOKIE
from dashboards.reports.runner import SlowWork
from equipment.access.model import Role
from tests.conftest import START
from tests.pipeline import FREED, RESTING, TRAPPED
from tests.platform import Person, Platform

LIFT = "L000001"


def step(person: Person, incident: dict[str, Any], name: str, **body: Any) -> dict[str, Any]:
    done: dict[str, Any] = person.post(f"/incidents/{incident['id']}/{name}", {"version": incident["version"], **body})
    return done


def only_incident(person: Person) -> dict[str, Any]:
    incidents: list[dict[str, Any]] = person.get("/incidents")
    assert len(incidents) == 1
    return incidents[0]


def plate(platform: Platform, unit: str) -> str:
    return str(platform.person(Role.DESK).get(f"/units/{unit}")["rescue_code"])


def record(platform: Platform, unit: str, failed: str, note: str) -> dict[str, Any]:
    items = platform.person(Role.FIRM_WORKER).get(f"/units/{unit}/checklist?level=half_month")
    results = [
        {"id": i["id"], "result": "fail", "note": note} if i["id"] == failed else {"id": i["id"], "result": "pass"}
        for i in items
        if not i["condition_zh"]
    ]
    now = platform.clock.now()
    return {
        "unit_id": unit, "level": "half_month", "workers": [{"name": "张三"}], "items": results,
        "sign_in": {"at": (now - timedelta(minutes=40)).isoformat()}, "sign_out": {"at": now.isoformat()},
        "submitted_at": now.isoformat(),
    }  # fmt: skip


def test_a_person_is_freed(platform: Platform) -> None:
    """From one MQTT sample to the closed incident, with the call of the trapped passenger on the way."""
    desk, firm = platform.person(Role.DESK), platform.person(Role.FIRM_MANAGER)
    platform.pipeline.send(LIFT, TRAPPED)
    platform.turn(46)
    incident = only_incident(desk)
    assert (incident["state"], incident["confirmed"]) == ("verifying", False)

    platform.clock.advance(20)
    called = desk.post("/calls", {"category": "entrapment", "rescue_code": plate(platform, LIFT), "trapped": 2})
    assert called["unit_id"] == LIFT
    platform.turn()
    incident = only_incident(desk)
    assert (incident["state"], incident["confirmed"], incident["trapped"]) == ("accepted", True, 2)

    incident = step(desk, incident, "accept")
    incident = step(desk, incident, "dispatch")
    platform.turn(30)
    incident = step(firm, incident, "answer")
    platform.turn(600)
    incident = step(firm, incident, "arrive")
    platform.turn(300)
    incident = step(firm, incident, "free", detail={"method": "松闸盘车"})
    platform.pipeline.send(LIFT, FREED)
    platform.turn(60)
    incident = step(desk, incident, "call_back", detail={"satisfied": True})
    incident = step(desk, incident, "close", detail={"cause_code": "door_lock"}, reason="门锁触点氧化，已更换")
    assert incident["state"] == "closed"
    assert desk.get("/incidents") == []
    events = [entry["event"] for entry in desk.get(f"/incidents/{incident['id']}/history")]
    assert [e for e in events if e != "clear"] == [
        "opened", "joined", "accept", "dispatch", "answer", "arrive", "free", "call_back", "close",
    ]  # fmt: skip


def test_a_sensor_that_clears_first_was_no_entrapment(platform: Platform) -> None:
    platform.pipeline.send(LIFT, TRAPPED)
    platform.turn(46)
    platform.pipeline.send(LIFT, FREED)
    platform.turn(10)
    desk = platform.person(Role.DESK)
    assert desk.get("/incidents") == []
    assert [i["state"] for i in desk.get("/incidents?state=all")] == ["auto_cleared"]


def test_a_released_alarm_button_does_not_clear_its_incident(platform: Platform) -> None:
    platform.pipeline.send(LIFT, RESTING | {"alarm_button": True})
    platform.clock.advance(1)
    platform.pipeline.send(LIFT, RESTING)
    platform.turn(5)
    assert only_incident(platform.person(Role.DESK))["state"] == "verifying"


def test_nobody_answered_so_help_goes_by_itself(platform: Platform) -> None:
    platform.pipeline.send(LIFT, TRAPPED)
    platform.turn(46)
    platform.turn(89)
    assert only_incident(platform.person(Role.DESK))["state"] == "verifying"
    platform.turn(3)
    assert only_incident(platform.person(Role.DESK))["state"] == "dispatched"


def test_an_impossible_order_is_refused_with_the_reason(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    desk.post("/calls", {"category": "entrapment", "unit_id": LIFT, "trapped": 1})
    platform.turn()
    incident = only_incident(desk)
    answer = desk.send(f"/incidents/{incident['id']}/close", {"version": incident["version"]})
    assert answer.status_code == 409
    assert "possible" in answer.json()["detail"]
    incident = step(desk, step(desk, incident, "accept"), "dispatch")
    early = (START - timedelta(hours=1)).isoformat()
    answer = desk.send(f"/incidents/{incident['id']}/arrive", {"version": incident["version"], "at": early})
    assert answer.status_code in (409, 422)
    assert "不能早于" in answer.json()["detail"]


def test_two_seats_do_not_both_win(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    desk.post("/calls", {"category": "entrapment", "unit_id": LIFT, "trapped": 1})
    platform.turn()
    incident = only_incident(desk)
    step(desk, incident, "accept")
    answer = platform.log_in("desk").send(f"/incidents/{incident['id']}/accept", {"version": incident["version"]})
    assert answer.status_code == 409


def test_a_call_file_joins_the_incident_of_its_lift(platform: Platform) -> None:
    platform.pipeline.send(LIFT, TRAPPED)
    platform.turn(46)
    desk, at = platform.person(Role.DESK), platform.clock.now() + timedelta(hours=8)
    lines = f"工单编号,报警时间,类别,救援识别码,困人数\nW-1,{at:%Y-%m-%d %H:%M:%S},困人,{plate(platform, LIFT)},3\n"
    for dry_run in ("true", "false"):
        answer = desk.client.post(
            f"/api/v1/calls/import?dry_run={dry_run}",
            content=lines.encode("gb18030"), headers={"X-CSRF-Token": desk.csrf},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        assert (answer.json()["new"], answer.json()["refused"]) == (1, 0)
    platform.turn()
    incident = only_incident(desk)
    assert (incident["confirmed"], incident["trapped"]) == (True, 3)


def test_a_failed_item_becomes_a_hazard_and_is_closed_with_evidence(platform: Platform) -> None:
    firm, inspector = platform.person(Role.FIRM_WORKER), platform.person(Role.INSPECTOR)
    unit = in_inspectors_district(platform)
    body = record(platform, unit, "A-1-21", "层门锁紧元件啮合长度 5 mm")
    receipt = firm.post("/records", body, Idempotency_Key="visit-0001")
    assert len(receipt["leads"]) == 1
    again = firm.post("/records", body, Idempotency_Key="visit-0001")
    assert (again["record_id"], again["repeated"]) == (receipt["record_id"], True)

    lead = inspector.get("/leads")[0]
    assert (lead["unit_id"], lead["urgent"]) == (unit, True)
    verdict = {"decision": "hazard", "reason": "现场核实属实", "grade": "serious"}
    hazard_id = inspector.post(f"/leads/{lead['id']}/decide", verdict)["hazard_id"]
    hazard = inspector.get(f"/hazards/{hazard_id}")
    responsible = platform.conn.execute("select use_org_id from equipment.unit where id = %s", (unit,)).fetchone()
    assert responsible is not None

    def act(person: Person, name: str, **detail: Any) -> dict[str, Any]:
        done: dict[str, Any] = person.post(f"/hazards/{hazard_id}/{name}", {"detail": detail})
        return done

    hand_over = {"responsible_org_id": responsible[0], "measures": "更换门锁", "due_at": "2026-03-20"}
    assert act(inspector, "hand_over", **hand_over)["state"] == "handed_over"
    officer = platform.person(Role.USE_UNIT_OFFICER)
    act(officer, "receipt")
    act(officer, "start", measures="停梯更换门锁")
    act(officer, "apply", evidence="更换后啮合 9 mm，照片 3 张")
    refused = inspector.send(f"/hazards/{hazard_id}/close", {"detail": {"evidence": "复查合格"}})
    assert refused.status_code in (409, 422)
    closed = act(inspector, "close", evidence="复查合格", officers="李四 W1、王五 W2")
    assert (closed["state"], closed["number"]) == ("closed", hazard["number"])


def in_inspectors_district(platform: Platform) -> str:
    """A lift of the demo's firm and property, moved into the inspector's district."""
    platform.conn.execute("update equipment.unit set jurisdiction_id = '341302' where id = %s", (LIFT,))
    return LIFT


def test_a_firm_files_nothing_for_another_firms_lift(platform: Platform) -> None:
    row = platform.conn.execute(
        "select id from equipment.unit where kind = 'lift' and firm_org_id <> "
        "(select organisation_id from equipment.account where login = 'worker') limit 1"
    ).fetchone()
    assert row is not None
    body = record(platform, LIFT, "A-1-21", "x") | {"unit_id": row[0]}
    answer = platform.person(Role.FIRM_WORKER).send("/records", body, Idempotency_Key="visit-0002")
    assert answer.status_code == 422
    assert "不由贵单位维保" in answer.text
    assert platform.person(Role.INSPECTOR).get("/leads") == []


def test_an_accident_moves_the_board(platform: Platform) -> None:
    regulator, inspector = platform.person(Role.REGULATOR), platform.person(Role.INSPECTOR)
    before = regulator.get("/indicators/fatality")
    inspector.post(
        "/accidents", {"occurred_at": START.isoformat(), "kind": "lift", "jurisdiction_id": "341302", "deaths": 1}
    )
    SlowWork("", platform.clock).turn(platform.conn, platform.clock.advance(10))
    after = regulator.get("/indicators/fatality")
    assert (before["deaths"], after["deaths"]) == (0, 1)
    assert after["figure"]["rate_per_10k"] > before["figure"]["rate_per_10k"]


def test_the_feed_tells_every_seat_what_it_may_see(platform: Platform) -> None:
    desk, other = platform.person(Role.DESK), platform.person(Role.USE_UNIT_OFFICER)
    row = platform.conn.execute(
        "select id from equipment.unit where kind = 'lift' and use_org_id <> "
        "(select organisation_id from equipment.account where login = 'property') limit 1"
    ).fetchone()
    assert row is not None
    with (
        TestClient(platform.app, base_url="https://testserver") as site,
        listening(site, desk) as seat,
        listening(site, other) as outsider,
    ):
        platform.pipeline.send(row[0], RESTING | {"alarm_button": True})
        platform.turn()
        assert next_entry(seat)["data"]["unit_id"] == row[0]
        platform.pipeline.send(LIFT, RESTING | {"alarm_button": True})
        platform.turn()
        assert next_entry(outsider)["data"]["unit_id"] == LIFT


def listening(site: TestClient, person: Person) -> WebSocketTestSession:
    return site.websocket_connect(
        "/ws/desk", headers={"cookie": f"{SESSION_COOKIE}={person.client.cookies[SESSION_COOKIE]}"}
    )


def next_entry(socket: WebSocketTestSession) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = socket.receive_json()
        if message["type"] == "entry":
            return message
