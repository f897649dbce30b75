"""What a seat does by form: the lift's card and search, opening with dispatch, splitting, naming, channels, the accident report."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.pages.lift_search import spoken, ways
from equipment.access import webhooks
from equipment.access.model import Role
from tests.platform import Platform

LIFT, OTHER = "L000001", "L000002"
SECRET = "11" * 32


def place(platform: Platform, unit: str, **values: str) -> str:
    """Put a lift somewhere; returns its plate."""
    for column, value in values.items():
        platform.conn.execute(f"update equipment.unit set {column} = %s where id = %s".encode(), (value, unit))
    row = platform.conn.execute("select rescue_code from equipment.unit where id = %s", (unit,)).fetchone()
    assert row is not None
    return str(row[0])


def card(platform: Platform, text: str) -> str:
    answer = platform.person(Role.DESK).client.get("/calls/lift", params={"q": text})
    assert answer.status_code == 200
    return str(answer.text)


def incidents(platform: Platform) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = platform.person(Role.DESK).get("/incidents")
    return sorted(found, key=lambda i: i["id"])


def ring(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("TESHE_PAGING_CALLS_SECRET", SECRET)
    now = platform.clock.now()
    body = json.dumps(
        {"source": "pbx", "call": "c1", "event": "ringing", "called": "96366", "caller": "13800001234", "at": now.isoformat()}
    ).encode()  # fmt: skip
    headers = {webhooks.HEADER: webhooks.sign(bytes.fromhex(SECRET), body, "d1", now)}
    client = platform.person(Role.DESK).client
    assert client.post("/api/v1/line/events", content=body, headers=headers).status_code == 202
    platform.turn()
    (call,) = platform.person(Role.DESK).get("/line")["ringing"]
    return int(call["id"])


@given(st.text(max_size=30))
def test_any_line_is_words_and_no_number_is_lost(text: str) -> None:
    words = spoken(text)
    assert all(words)
    assert ways(words)[0] == " ".join(words)
    assert sorted(c for c in text if c in "0123456789") == sorted(c for w in words for c in w if c in "0123456789")


def test_a_lift_is_found_as_people_say_where_it_is(platform: Platform) -> None:
    plate = place(platform, LIFT, place_name="汴河人家", building="3 号楼", entrance="2 单元", name="客梯甲")
    place(platform, OTHER, place_name="汴河人家", building="13 号楼", entrance="2 单元", name="客梯乙")
    for said in (plate, "汴河人家3号楼2单元", "汴河人家 3栋2单元", "汴河人家三幢二单元", "汴河人家,3#"):
        text = card(platform, said)
        assert "客梯甲" in text, said
    both = card(platform, "汴河人家3栋2单元")
    # 13 holds a 3: both are offered, the one that was said first
    assert both.index("客梯甲") < both.index("客梯乙")
    assert "是哪一台" in both
    assert "未找到" in card(platform, "没有这个地方")


def test_the_card_says_everything_that_a_seat_asks(platform: Platform) -> None:
    plate = place(platform, LIFT, place_name="汴河人家")
    platform.conn.execute(
        "update equipment.unit set parameters = parameters || '{\"floors\": 18}' where id = %s", (LIFT,)
    )
    platform.pipeline.send(
        LIFT, {"car_moving": False, "door_closed": True, "passenger_present": True, "in_door_zone": False}
    )
    text = card(platform, plate)
    for wanted in ("18 层", "汴河人家", "维保单位", "使用单位", "未销号隐患", "最近维保", "未恢复", "暂无照片"):
        assert wanted in text, wanted


def test_one_press_opens_and_dispatches_once(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    call, desk, plate = ring(platform, monkeypatch), platform.person(Role.DESK), place(platform, LIFT)
    desk.post(f"/line/{call}/take", {})
    done = desk.post(f"/line/{call}/open", {"lift": plate, "trapped": 2, "dispatch": True})
    assert done["dispatched"]
    assert desk.post(f"/line/{call}/open", {"lift": plate, "trapped": 2, "dispatch": True})["dispatched"] is False
    (incident,) = incidents(platform)
    assert (incident["state"], incident["trapped"], incident["id"]) == ("dispatched", 2, done["incident_id"])


def test_nobody_is_sent_to_a_place_that_is_not_known(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    call, desk = ring(platform, monkeypatch), platform.person(Role.DESK)
    desk.post(f"/line/{call}/take", {})
    done = desk.post(f"/line/{call}/open", {"lift": "火车站旁边那个小区", "dispatch": True})
    assert done["dispatched"] is False
    assert incidents(platform)[0]["state"] == "accepted"
    assert "火车站旁边那个小区" in desk.client.get(f"/desk/{done['incident_id']}").text


def test_an_incident_is_split_by_plate(platform: Platform) -> None:
    desk, other = platform.person(Role.DESK), place(platform, OTHER)
    for _ in range(2):
        desk.post("/calls", {"category": "entrapment", "unit_id": LIFT})
        platform.turn()
    (incident,) = incidents(platform)
    page = desk.client.get(f"/desk/{incident['id']}").text
    assert f"/api/v1/incidents/{incident['id']}/split" in page
    source = platform.conn.execute("select max(id)::text from ingest.call_record").fetchone()
    assert source is not None
    body = {"version": incident["version"], "sources": [{"kind": "call", "id": source[0]}], "reason": "另一台电梯"}
    assert desk.send(f"/incidents/{incident['id']}/split", {**body, "rescue_code": "000000"}).status_code == 400
    desk.post(f"/incidents/{incident['id']}/split", {**body, "rescue_code": other})
    assert len(incidents(platform)) == 2


def test_named_people_are_kept_by_form(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    assert "尚未指定通知人" in desk.client.get("/contacts").text
    named = desk.post("/desk/named", {"name": "周局", "phone": "13900000001"})
    assert "周局" in desk.client.get("/contacts").text
    desk.post(f"/desk/named/{named['id']}/end", {})
    assert "周局" not in desk.client.get("/contacts").text


def test_a_firm_keeps_its_own_channels_and_nobody_elses(platform: Platform) -> None:
    firm, desk = platform.person(Role.FIRM_MANAGER), platform.person(Role.DESK)
    made = firm.post("/paging/addresses", {"channel": "webhook", "address": "https://firm.example/hook"})
    assert len(made["secret"]) == 64
    assert (
        firm.send("/paging/addresses", {"channel": "webhook", "address": "https://firm.example/hook"}).status_code
        == 409
    )
    for wrong in ({"channel": "email", "address": "nobody"}, {"channel": "wecom", "address": "http://plain.example"},
                  {"channel": "pigeon", "address": "https://a.example"}):  # fmt: skip
        assert firm.send("/paging/addresses", wrong).status_code == 422
    own = firm.get("/paging/addresses")
    assert len({r["organisation_id"] for r in own}) == 1
    page = firm.client.get("/contacts").text
    assert "firm.example/hook" in page
    assert made["secret"] not in page
    stranger = next(
        r["organisation_id"] for r in desk.get("/paging/addresses") if r["organisation_id"] != own[0]["organisation_id"]
    )
    body = {"organisation_id": stranger, "channel": "email", "address": "a@b.example"}
    assert firm.send("/paging/addresses", body).status_code == 403
    theirs = desk.post("/paging/addresses", body)
    assert firm.send(f"/paging/addresses/{theirs['id']}/end", {}).status_code == 404
    firm.post(f"/paging/addresses/{made['id']}/end", {})
    assert "firm.example/hook" not in firm.client.get("/contacts").text
    assert platform.person(Role.AUDITOR).client.get("/contacts").status_code == 403


def test_the_place_of_setting_out_is_sent_at_that_press_and_shown_to_the_desk(platform: Platform) -> None:
    desk, firm = platform.person(Role.DESK), platform.person(Role.FIRM_MANAGER)
    desk.post("/calls", {"category": "entrapment", "unit_id": LIFT})
    platform.turn()
    (incident,) = incidents(platform)
    desk.post(f"/incidents/{incident['id']}/dispatch", {"version": incident["version"]})
    assert "途中不跟踪" in firm.client.get("/firm").text
    version = incidents(platform)[0]["version"]
    for wrong in ({"lon": "x", "lat": 1}, {"lon": 200, "lat": 1}, {"lon": True, "lat": 1}):
        assert (
            firm.send(f"/incidents/{incident['id']}/depart", {"version": version, "detail": wrong}).status_code == 422
        )
    firm.post(
        f"/incidents/{incident['id']}/depart",
        {"version": version, "detail": {"lon": 116.97, "lat": 33.65, "accuracy_m": 20}},
    )
    assert '"setting-out"' in desk.client.get(f"/desk/{incident['id']}").text
    firm.post(f"/incidents/{incident['id']}/arrive", {"version": version + 1})
    row = platform.conn.execute("select departed_lon, arrived_lon, arrived_how from alarms.dispatch").fetchone()
    assert row == (116.97, None, "firm_app")


def test_the_accident_report_knows_what_the_desk_knows(platform: Platform) -> None:
    desk = platform.person(Role.DESK)
    desk.post("/calls", {"category": "entrapment", "unit_id": LIFT, "trapped": 3, "injured": 1})
    platform.turn()
    (incident,) = incidents(platform)
    desk.post(f"/incidents/{incident['id']}/dispatch", {"version": incident["version"]})
    now = incidents(platform)[0]
    desk.post(
        f"/incidents/{now['id']}/ask",
        {"version": now["version"], "detail": {"suspected_dead": 1, "serious_injuries": 1}},
    )
    platform.turn(timedelta(minutes=125).total_seconds())
    leader = platform.person(Role.REGULATOR)
    page = leader.client.get(f"/board/accident?incident={incident['id']}").text
    for wanted in (incident["number"], "报警", "派单", "被困3人"):
        assert wanted in page, wanted
    for name, value in (
        ("unit_id", LIFT),
        ("trapped_minutes", 125),
        ("trapped_people", 3),
        ("deaths", 1),
        ("serious_injuries", 1),
    ):
        assert re.search(f'value="{value}"[^>]*name="{name}"', page), name
    assert leader.client.get("/board/accident").status_code == 200
    assert leader.client.get("/board/accident?incident=999999").status_code == 200
