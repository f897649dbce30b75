"""Dispatch, paging, calls on the line and the two-hour rule at scripted times, and everything that can go wrong there."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.desk import inbox, line, watchdog
from alarms.desk.line import LineEvent, LineState
from alarms.errors import TransitionError
from alarms.incidents.dispatching import Station, rank
from alarms.incidents.settings import DeskSettings
from alarms.paging.adapters import Outgoing, Robot
from alarms.paging.fakes import FakeChannel, fake_adapters
from alarms.paging.sender import Sender
from alarms.paging.settings import PagingSettings
from equipment.access import webhooks
from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from tests.conftest import Database
from tests.platform import Person, Platform, platform_over

LIFT = "L000001"
SECRET = "11" * 32


@pytest.fixture
def city(database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TESHE_PAGING_CALLS_SECRET", SECRET)
    monkeypatch.setenv("TESHE_PAGING_GATEWAY_SECRET", SECRET)
    with platform_over(database, clock) as made:
        yield made


class Desk:
    """A seat, the outbox's sender over fakes, and the call centre."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.seat = platform, platform.person(Role.DESK)
        adapters, self.channels = fake_adapters()
        self.sender = Sender(adapters, PagingSettings(), DeskSettings(), platform.clock)

    def call(self, **what: Any) -> dict[str, Any]:
        self.seat.post("/calls", {"category": "entrapment", "unit_id": LIFT, "trapped": 1, **what})
        self.platform.turn()
        return self.incident()

    def incident(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.seat.get("/incidents")
        return found[0]

    def step(self, name: str, who: Person | None = None, **body: Any) -> dict[str, Any]:
        i = self.incident()
        done: dict[str, Any] = (who or self.seat).post(
            f"/incidents/{i['id']}/{name}", {"version": i["version"], **body}
        )
        return done

    def send(self) -> int:
        return self.sender.run_once(self.platform.conn)

    def ring(self, call: str, event: str, delivery: str, secret: str = SECRET, **more: Any) -> Any:
        body = json.dumps(
            {"source": "pbx", "call": call, "event": event, "called": "96366", "caller": "13800001234",
             "at": self.platform.clock.now().isoformat(), **more}
        ).encode()  # fmt: skip
        header = webhooks.sign(bytes.fromhex(secret), body, delivery, self.platform.clock.now())
        return self.seat.client.post("/api/v1/line/events", content=body, headers={webhooks.HEADER: header})

    def line(self) -> dict[str, Any]:
        found: dict[str, Any] = self.seat.get("/line")
        return found

    def rows(self, query: str) -> list[Any]:
        return self.platform.conn.execute(query).fetchall()


@pytest.fixture
def desk(city: Platform) -> Desk:
    return Desk(city)


def test_the_nearest_station_that_is_on_duty_and_free_comes_first() -> None:
    near_off = Station(1, 116.96, 33.64, on_duty=False, busy=0, asked=False)
    near_busy = Station(2, 116.96, 33.65, on_duty=True, busy=2, asked=False)
    no_roster = Station(3, 116.96, 33.66, on_duty=None, busy=0, asked=False)
    far = Station(4, 117.10, 33.90, on_duty=True, busy=0, asked=False)
    asked = Station(5, 116.96, 33.64, on_duty=True, busy=0, asked=True)
    nowhere = Station(6, None, None, on_duty=True, busy=0, asked=False)
    order = [s.id for s, _ in rank([near_off, near_busy, no_roster, far, asked, nowhere], 116.96, 33.64)]
    assert order == [4, 6, 3, 2]


def test_a_firm_that_never_answers_is_gone_over_level_by_level(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    for _ in range(4):
        desk.platform.turn(61)
    assert desk.rows("select level from alarms.dispatch order by id") == [(1,), (2,), (3,)]
    # nobody above the fire brigade: the clocks rest, and the order stands
    desk.platform.clock.advance(3600)
    desk.platform.turn(1)
    assert len(desk.rows("select 1 from alarms.dispatch")) == 3


def test_timers_survive_the_end_of_the_process_and_act_once(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    desk.platform.turn(30)
    desk.platform.__post_init__()  # the jobs process was killed; a new one starts
    desk.platform.clock.advance(31)
    desk.platform.turn()
    desk.platform.turn()
    assert desk.rows("select level from alarms.dispatch order by id") == [(1,), (2,)]


def test_voice_first_then_answered_and_nobody_is_paged_any_more(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    assert desk.send() >= 3
    voice = desk.channels["voice"]
    assert len(voice.heard) == 1
    assert "困人" in next(iter(voice.heard.values())).text
    desk.step("answer", desk.platform.person(Role.FIRM_MANAGER))
    desk.send()
    assert len(voice.hung_up) == 1
    desk.platform.turn(300)
    desk.send()
    assert len(voice.deliveries) == 1


def test_a_process_that_dies_between_sending_and_noting_rings_nobody_twice(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    desk.send()
    # as if the commit after the sending had never come
    desk.platform.conn.execute("update alarms.notification set state = 'sending', sent_at = null where channel = 'sms'")
    desk.platform.clock.advance(31)
    desk.send()
    sms = desk.channels["sms"]
    assert len(sms.deliveries) == 2
    assert len({d.key for d in sms.deliveries}) == 1
    assert len(sms.heard) == 1


def test_failures_are_tried_again_and_end_as_a_dead_letter_that_the_desk_sees(desk: Desk) -> None:
    desk.channels["sms"].failures = 99
    desk.call()
    desk.step("dispatch")
    for _ in range(8):
        desk.send()
        desk.platform.clock.advance(301)
    assert len(desk.channels["sms"].deliveries) == PagingSettings().most_attempts
    assert ("dead_letter",) in desk.rows("select kind from alarms.desk_task")
    kinds = [t["kind"] for t in desk.seat.get("/desk/tasks")]
    assert "dead_letter" in kinds


def test_a_key_press_answers_the_order(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    desk.send()
    (provider,) = desk.rows("select provider_id from alarms.notification where channel = 'voice'")[0]
    body = json.dumps({"id": provider, "key": "1"}).encode()
    header = webhooks.sign(bytes.fromhex(SECRET), body, "receipt-1", desk.platform.clock.now())
    for expected in (False, True):
        answer = desk.seat.client.post("/api/v1/paging/receipts", content=body, headers={webhooks.HEADER: header})
        assert answer.json() == {"duplicate": expected}
    desk.platform.turn()
    assert desk.incident()["state"] == "answered"
    assert desk.rows("select answered_how from alarms.dispatch") == [("voice",)]


def test_an_sms_link_answers_once_and_expires(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    desk.send()
    text = next(iter(desk.channels["sms"].heard.values())).text
    link = text[text.index("/reply/") :]
    client = desk.seat.client
    assert client.get(link).status_code == 200
    desk.platform.turn()
    assert desk.incident()["state"] == "dispatched"  # looking answers nothing
    client.post(link, data={"answer": "answer"})
    client.post(link, data={"answer": "refuse"})
    desk.platform.turn()
    assert desk.incident()["state"] == "answered"
    problems = [p for (p,) in desk.rows("select problem from alarms.inbox order by id")]
    assert problems[0] is None
    assert "已使用" in problems[1]
    assert client.get("/reply/nonsense").status_code == 404


def test_the_call_list_has_its_order_and_a_wrong_number_opens_a_task(desk: Desk) -> None:
    i = desk.call()
    callees = desk.seat.get(f"/incidents/{i['id']}/callees")
    roles = [c["role"] for c in callees]
    order = ["duty", "firm", "manager", "safety_officer", "property", "station", "emergency"]
    assert roles == sorted(roles, key=order.index)
    assert "emergency" in roles
    firm = next(c for c in callees if c["role"] == "firm")
    body = {
        "role": "firm",
        "phone": firm["phone"],
        "organisation_id": firm["organisation_id"],
        "result": "wrong_number",
    }
    desk.seat.post(f"/incidents/{i['id']}/calls-out", body)
    desk.seat.post(f"/incidents/{i['id']}/calls-out", body)
    (task,) = desk.seat.get("/desk/tasks")
    assert task["kind"] == "wrong_number"
    again = next(c for c in desk.seat.get(f"/incidents/{i['id']}/callees") if c["role"] == "firm")
    assert (again["result"], again["tries"]) == ("wrong_number", 2)
    desk.seat.post(f"/desk/tasks/{task['id']}/close", {"resolution": "已改为 0557-3000000"})
    assert desk.seat.get("/desk/tasks") == []


def test_from_the_ring_to_the_order_in_three_actions(desk: Desk) -> None:
    plate = desk.seat.get(f"/units/{LIFT}")["rescue_code"]
    assert desk.ring("c1", "ringing", "d1").status_code == 202
    desk.platform.turn()
    (ringing,) = desk.line()["ringing"]
    desk.seat.post(f"/line/{ringing['id']}/take", {})
    opened = desk.seat.post(f"/line/{ringing['id']}/open", {"rescue_code": plate, "trapped": 2})
    desk.platform.turn()
    i = desk.incident()
    assert (i["id"], i["state"], i["trapped"]) == (opened["incident_id"], "accepted", 2)
    desk.step("dispatch")
    assert desk.incident()["state"] == "dispatched"
    # the same press again, and the stream's own taking of the call, open nothing new
    assert desk.seat.post(f"/line/{ringing['id']}/open", {"rescue_code": plate, "trapped": 2})["incident_id"] == i["id"]
    assert len(desk.seat.get("/incidents")) == 1


def test_unknown_plate_and_scrapped_lift_are_said_clearly_and_lose_nothing(desk: Desk) -> None:
    desk.ring("c1", "ringing", "d1")
    desk.platform.turn()
    (ringing,) = desk.line()["ringing"]
    opened = desk.seat.post(f"/line/{ringing['id']}/open", {"rescue_code": "999999", "place": "某广场"})
    assert opened["receipt"]["unit_id"] is None
    assert desk.incident()["unit_no"] is None
    plate = desk.seat.get(f"/units/{LIFT}")["rescue_code"]
    desk.platform.conn.execute("update equipment.unit set status = 'scrapped' where id = %s", (LIFT,))
    card = desk.seat.client.get(f"/calls/lift?q={plate}", headers={"Accept-Language": "zh-CN"}).text
    assert "报废" in card


def test_two_seats_claim_one_call_and_a_silent_seat_loses_it(desk: Desk) -> None:
    desk.ring("c1", "ringing", "d1")
    desk.platform.turn()
    (ringing,) = desk.line()["ringing"]
    desk.seat.post(f"/line/{ringing['id']}/take", {})
    other = second_seat(desk.platform)
    refused = other.send(f"/line/{ringing['id']}/take", {})
    assert refused.status_code == 409
    assert "接听" in refused.json()["detail"]
    desk.platform.turn(30)
    desk.seat.post("/line/beat", {})
    desk.platform.turn(30)
    assert desk.line()["ringing"][0]["state"] == "claimed"
    desk.platform.turn(46)
    assert desk.line()["ringing"][0]["state"] == "ringing"
    assert other.post(f"/line/{ringing['id']}/take", {})["state"] == "claimed"


def second_seat(platform: Platform) -> Person:
    from equipment.access.store import NewAccount, create_account

    create_account(
        platform.conn,
        NewAccount("desk2", "坐席乙", "second-seat-7", Role.DESK, jurisdiction_id="341300"),
        platform.clock.now(),
    )
    return platform.log_in("desk2", "second-seat-7")


def test_duplicate_deliveries_change_nothing_and_bad_signatures_are_refused(desk: Desk) -> None:
    assert desk.ring("c1", "ringing", "d1").json() == {"duplicate": False}
    assert desk.ring("c1", "ringing", "d1").json() == {"duplicate": True}
    assert desk.ring("c2", "ringing", "d2", secret="22" * 32).status_code in (401, 403)
    assert desk.ring("c3", "dancing", "d3").status_code == 422
    kept = desk.rows("select way, reason, payload from alarms.call_event_refused")
    assert [way for way, _, _ in kept] == ["webhook"]
    assert "ringing" in kept[0][1]
    assert b"dancing" in bytes(kept[0][2])
    desk.platform.turn()
    assert len(desk.line()["ringing"]) == 1
    assert desk.rows("select count(*) from alarms.phone_call_event") == [(1,)]


def test_both_ways_of_telling_are_one_call(desk: Desk) -> None:
    told = {"call": "c1", "event": "ringing", "called": "96366", "at": desk.platform.clock.now().isoformat()}
    assert desk.ring("c1", "ringing", "d1").json() == {"duplicate": False}

    def over_mqtt(gateway: str, **more: str) -> str:
        with desk.platform.conn.transaction():
            body = json.dumps({**told, **more}).encode()
            answer = inbox.take_told(desk.platform.conn, gateway, body, desk.platform.clock.now()).answer
        return str(answer["result"])

    assert over_mqtt("pbx") == "kept"
    assert over_mqtt("pbx") == "duplicate"
    assert over_mqtt("pbx", id="d1") == "duplicate"  # the name under which the webhook brought it
    assert over_mqtt("other", source="pbx") == "refused"
    assert over_mqtt("pbx", event="ended", id="") == "refused"
    assert over_mqtt("pbx", caller="138\x00") == "refused"
    assert over_mqtt("pbx", event="ended") == "kept"
    desk.platform.turn()
    assert desk.line()["ringing"] == []
    assert [c["external_id"] for c in desk.line()["missed"]] == ["c1"]


def test_a_missed_call_is_cleared_by_a_call_back_only(desk: Desk) -> None:
    desk.ring("c1", "ringing", "d1")
    desk.ring("c1", "abandoned", "d2")
    desk.platform.turn()
    (missed,) = desk.line()["missed"]
    desk.seat.post(f"/line/{missed['id']}/return", {"result": "no_answer"})
    desk.platform.clock.advance(6 * 3600)
    desk.platform.turn(1)
    assert len(desk.line()["missed"]) == 1
    desk.seat.post(f"/line/{missed['id']}/return", {"result": "connected"})
    assert desk.line()["missed"] == []


def test_a_call_that_breaks_off_is_to_be_rung_back_at_once(desk: Desk) -> None:
    desk.ring("c1", "ringing", "d1")
    desk.platform.turn()
    (ringing,) = desk.line()["ringing"]
    desk.seat.post(f"/line/{ringing['id']}/take", {})
    desk.seat.post(f"/line/{ringing['id']}/transfer", {"line": "12345", "result": "accepted"})
    desk.ring("c1", "ended", "d2", reason="dropped")
    desk.platform.turn()
    (missed,) = desk.line()["missed"]
    assert missed["dropped"]
    assert desk.rows("select line, result from alarms.transfer") == [("12345", "accepted")]


@given(st.lists(st.sampled_from(LineEvent), max_size=25))
def test_a_call_that_is_over_never_rings_again(events: list[LineEvent]) -> None:
    state: LineState | None = None
    for event in events:
        try:
            after = line.next_state(state, event)
        except TransitionError:
            continue
        if state in (LineState.ENDED, LineState.ABANDONED):
            assert after is state
        state = after


def test_two_hours_are_told_step_by_step_and_become_a_possible_accident(desk: Desk) -> None:
    desk.seat.post("/desk/named", {"name": "王处长", "phone": "13900000001", "channels": ["sms"]})
    i = desk.call()
    for _ in range(5):
        desk.platform.clock.advance(24 * 60 + 1)
        desk.platform.turn(2)
    desk.platform.turn()
    steps = desk.rows("select minutes, told from alarms.two_hour_step order by minutes")
    assert steps == [(m, ["王处长"]) for m in (30, 60, 90, 110)]
    assert len(desk.rows("select 1 from alarms.notification where purpose = 'two_hours'")) == 4
    found = desk.seat.get(f"/incidents/{i['id']}/accident")
    assert found["possible"]["level"] == "general"
    began = datetime.fromisoformat(i["reported_at"])
    assert datetime.fromisoformat(found["possible"]["report_by"]) == began + timedelta(minutes=180)
    assert found["report"]["trapped_minutes"] >= 120
    assert [t["kind"] for t in desk.seat.get("/desk/tasks")] == ["accident_report"]


def test_deaths_recompute_the_level_and_are_followed_for_thirty_days(desk: Desk) -> None:
    i = desk.call()
    desk.step("ask", detail={"suspected_dead": 1})
    desk.platform.turn(2)
    level = desk.rows("select level, deaths from alarms.possible_accident")
    assert level == [("general", 1)]
    desk.step("ask", detail={"suspected_dead": 3})
    desk.platform.turn(2)
    assert desk.rows("select level, deaths from alarms.possible_accident") == [("larger", 3)]
    kinds = sorted(t["kind"] for t in desk.seat.get("/desk/tasks"))
    assert kinds == ["accident_report", "death_follow_up"]
    inspector = desk.platform.person(Role.INSPECTOR)
    refused = inspector.send(f"/incidents/{i['id']}/accident", {"decision": "reported", "reason": "x"})
    assert refused.status_code == 422


def test_the_watchdog_sees_an_escalator_that_has_stopped(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    desk.platform.turn()
    assert desk.seat.get("/desk/watch")["reason"] is None
    desk.platform.clock.advance(120)  # nobody turns the jobs
    seen = desk.seat.get("/desk/watch")
    assert "心跳" in seen["reason"]
    assert seen["overdue"] == 1
    assert watchdog.look(desk.platform.conn, DeskSettings(), desk.platform.clock.now())[1] == "late"
    desk.platform.turn()
    assert watchdog.look(desk.platform.conn, DeskSettings(), desk.platform.clock.now())[1] == "ended"


def test_the_firm_accepts_sets_out_arrives_with_its_position_and_frees(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    firm = desk.platform.person(Role.FIRM_MANAGER)
    page = firm.client.get("/firm", headers={"Accept-Language": "zh-CN"})
    assert page.status_code == 200
    assert "接单" in page.text
    desk.step("answer", firm)
    desk.step("depart", firm)
    ((lon, lat),) = desk.rows(f"select lon, lat from equipment.unit where id = '{LIFT}'")
    desk.step("arrive", firm, detail={"lon": lon, "lat": lat, "accuracy_m": 12})
    known = desk.rows("select arrived_how, round(arrived_distance_m), departed_at is not null from alarms.dispatch")
    assert known == [("geofence", 0, True)]
    done = desk.step("free", firm, detail={"release_mode": "firm", "cause_code": "300"})
    assert done["state"] == "freed"
    assert desk.rows("select release_mode, cause_code from alarms.incident") == [("firm", "300")]


def test_the_desk_page_shows_calls_orders_and_tasks(desk: Desk) -> None:
    i = desk.call()
    desk.step("dispatch")
    desk.ring("c1", "ringing", "d1")
    desk.platform.turn()
    text = desk.seat.client.get(f"/desk/{i['id']}", headers={"Accept-Language": "zh-CN"}).text
    for words in ("来电振铃", "接听", "询问卡", "出发", "无人接", "非我维保"):
        assert words in text


def test_dingtalk_and_wecom_say_what_is_wrong_with_them() -> None:
    sent: list[tuple[str, bytes]] = []

    def post(url: str, body: bytes, headers: Any) -> tuple[int, bytes]:
        sent.append((url, body))
        return 200, b'{"errcode": 0}'

    out = Outgoing(
        "k",
        "https://robot/send?access_token=x",
        "困人",
        {},
        1,
        datetime.fromisoformat("2026-03-02T01:00:00+00:00"),
        "s",
    )
    assert Robot("dingtalk", post).send(out) == hashlib.sha256(b"k").hexdigest()[:40]
    assert "&timestamp=" in sent[0][0]
    assert json.loads(sent[0][1])["text"]["content"] == "困人"
    assert isinstance(FakeChannel().send(out), str)
