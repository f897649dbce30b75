"""What goes wrong at a desk, at scripted times: told clearly, nothing lost, nobody paged twice."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alarms.incidents.settings import DeskSettings
from alarms.paging.adapters import Outgoing
from alarms.paging.fakes import CHANNELS, FakeChannel
from alarms.paging.runner import GROUPS
from alarms.paging.settings import PagingSettings
from equipment.access import webhooks
from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import DatabaseRole
from tests.alarms.test_desk import LIFT, SECRET, Desk, second_seat
from tests.conftest import Database
from tests.platform import platform_over


@pytest.fixture
def desk(database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TESHE_PAGING_CALLS_SECRET", SECRET)
    monkeypatch.setenv("TESHE_PAGING_GATEWAY_SECRET", SECRET)
    with platform_over(database, clock) as platform:
        yield Desk(platform)


def page(desk: Desk, address: str) -> str:
    answer = desk.seat.client.get(address, headers={"Accept-Language": "zh-CN"})
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def link_of(desk: Desk) -> str:
    text = list(desk.channels["sms"].heard.values())[-1].text
    return str(text[text.index("/reply/") :])


def receipt(desk: Desk, key: str, delivery: str, provider: str | None = None) -> Any:
    if provider is None:
        provider = desk.rows("select provider_id from alarms.notification where channel = 'voice' order by id")[-1][0]
    body = json.dumps({"id": provider, "key": key}).encode()
    header = webhooks.sign(bytes.fromhex(SECRET), body, delivery, desk.platform.clock.now())
    return desk.seat.client.post("/api/v1/paging/receipts", content=body, headers={webhooks.HEADER: header})


def levels(desk: Desk) -> list[int]:
    return [row[0] for row in desk.rows("select level from alarms.dispatch order by id")]


def test_a_firm_that_accepts_and_does_not_come_in_30_minutes_is_followed_by_the_next_level(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    desk.platform.turn(20)
    desk.step("answer")
    desk.platform.turn(30 * 60 - 20 - 1)
    assert levels(desk) == [1]
    desk.platform.turn(1)
    assert levels(desk) == [1, 2]
    reason = desk.seat.get(f"/incidents/{desk.incident()['id']}/history")[-1]["reason"]
    assert "到达时限" in reason
    # the firm comes all the same: its arrival counts, and nobody is sent on
    desk.step("arrive")
    desk.platform.turn(3_600)
    assert levels(desk) == [1, 2]


def test_the_key_that_refuses_goes_up_at_once_and_other_keys_mean_nothing(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    desk.send()
    assert receipt(desk, "5", "r1").json() == {"duplicate": False}
    desk.platform.turn()
    assert desk.incident()["state"] == "dispatched"
    assert levels(desk) == [1]
    receipt(desk, "2", "r2")
    desk.platform.turn()
    assert levels(desk) == [1, 2]
    assert desk.rows("select refused_reason is not null from alarms.dispatch order by id")[0] == (True,)
    # the answer to a call that nobody made is kept with its reason
    receipt(desk, "1", "r3", provider="nobody")
    desk.platform.turn()
    assert "没有该外呼" in desk.rows("select problem from alarms.inbox order by id desc limit 1")[0][0]


def test_a_call_nobody_takes_is_rung_again_a_few_times_and_stops_at_the_answer(desk: Desk) -> None:
    settings = PagingSettings()
    desk.call()
    desk.step("dispatch")
    desk.send()
    voice = desk.channels["voice"]
    desk.platform.clock.advance(settings.ring_again_seconds + 1)
    desk.send()
    assert len(voice.heard) == 2  # another ringing, not a repetition
    desk.step("answer")
    desk.send()
    desk.platform.clock.advance(600)
    desk.send()
    assert len(voice.heard) == 2
    assert voice.hung_up


def test_a_link_that_has_expired_says_so_and_never_that_the_desk_knows(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    desk.send()
    link = link_of(desk)
    assert "接受派单" in page(desk, link) or "接单" in page(desk, link)
    desk.platform.clock.advance(DeskSettings().reply_minutes * 60 + 1)
    assert "已过期" in page(desk, link)
    desk.seat.client.post(link, data={"answer": "answer"})
    text = page(desk, link)
    assert "正在送达" in text  # kept, and not said to be known
    desk.platform.turn()
    text = page(desk, link)
    assert "未被接受" in text
    assert "已过期" in text
    assert "96366" in text
    assert desk.rows("select count(*) from alarms.dispatch where answered_at is not null") == [(0,)]


def test_a_link_of_an_order_that_is_over_says_so(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    desk.send()
    link = link_of(desk)
    desk.step("self_release", reason="门自行打开")
    assert "派单已结束" in page(desk, link)


def test_a_link_that_answered_says_that_the_desk_knows(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    desk.send()
    link = link_of(desk)
    desk.seat.client.post(link, data={"answer": "answer"})
    desk.platform.turn()
    assert "正在送达" not in page(desk, link)
    assert "未被接受" not in page(desk, link)
    assert desk.rows("select used_for from alarms.reply_link where used_at is not null") == [("answer",)]


def test_not_our_lift_opens_a_task_that_a_correction_closes(desk: Desk) -> None:
    i = desk.call()
    firm = next(c for c in desk.seat.get(f"/incidents/{i['id']}/callees") if c["role"] == "firm")
    said = {"role": "firm", "phone": firm["phone"], "organisation_id": firm["organisation_id"], "result": "not_ours"}
    desk.seat.post(f"/incidents/{i['id']}/calls-out", said)
    desk.seat.post(f"/incidents/{i['id']}/calls-out", said)
    (task,) = desk.seat.get("/desk/tasks")
    assert (task["kind"], task["organisation_id"], task["unit_no"]) == (
        "not_ours",
        firm["organisation_id"],
        i["unit_no"],
    )
    assert "非我维保" in page(desk, "/desk")
    assert desk.seat.send(f"/desk/tasks/{task['id']}/close", {"resolution": ""}).status_code == 422
    desk.seat.post(f"/desk/tasks/{task['id']}/close", {"resolution": "已改为新维保单位"})
    assert desk.seat.get("/desk/tasks") == []


def test_two_hours_at_their_very_seconds_and_once_each(desk: Desk) -> None:
    desk.seat.post("/desk/named", {"name": "王处长", "phone": "13900000001", "channels": ["voice", "sms"]})
    desk.call()
    told = "select minutes from alarms.two_hour_step order by minutes"
    due: list[tuple[int]] = []
    for minutes in (30, 60, 90, 110):
        before = desk.rows("select reported_at from alarms.incident")[0][0] + timedelta(minutes=minutes, seconds=-1)
        desk.platform.clock.advance((before - desk.platform.clock.now()).total_seconds())
        desk.platform.turn()
        assert desk.rows(told) == due
        desk.platform.turn(1)
        due.append((minutes,))
        assert desk.rows(told) == due
        desk.platform.turn(5)
    desk.send()
    said = [d.text for d in desk.channels["sms"].heard.values() if "分钟" in d.text]
    assert len(said) == len(set(said)) == 4
    # freed one second before two hours: no accident
    until = desk.rows("select reported_at from alarms.incident")[0][0] + timedelta(minutes=120, seconds=-1)
    desk.platform.clock.advance((until - desk.platform.clock.now()).total_seconds())
    desk.step("dispatch")
    desk.step("arrive")
    desk.step("free")
    desk.platform.turn(600)
    assert desk.rows("select count(*) from alarms.possible_accident") == [(0,)]


def test_two_hours_told_late_when_the_jobs_were_dead_and_each_once(desk: Desk) -> None:
    desk.seat.post("/desk/named", {"name": "王处长", "phone": "13900000001", "channels": ["sms"]})
    desk.call()
    desk.platform.clock.advance(95 * 60)  # nobody turned the jobs
    desk.platform.__post_init__()
    desk.platform.turn()
    desk.platform.turn(2)
    assert desk.rows("select minutes from alarms.two_hour_step order by minutes") == [(30,), (60,), (90,)]


def test_the_seriously_injured_are_followed_for_thirty_days_too(desk: Desk) -> None:
    i = desk.call()
    desk.step("ask", detail={"injured": 1, "serious_injuries": 1})
    desk.platform.turn(2)
    (task,) = [t for t in desk.seat.get("/desk/tasks") if t["kind"] == "death_follow_up"]
    assert task["due_at"][:10] == (desk.rows("select reported_at from alarms.incident")[0][0] + timedelta(days=30)).strftime("%Y-%m-%d")  # fmt: skip
    assert task["detail"] == {"deaths": 0, "serious_injuries": 1}
    assert task["incident_id"] == i["id"]


def test_the_plate_of_a_scrapped_lift_opens_its_incident_and_says_what_it_is(desk: Desk) -> None:
    plate = desk.seat.get(f"/units/{LIFT}")["rescue_code"]
    desk.platform.conn.execute("update equipment.unit set status = 'scrapped' where id = %s", (LIFT,))
    desk.ring("c1", "ringing", "d1")
    desk.platform.turn()
    (ringing,) = desk.line()["ringing"]
    opened = desk.seat.post(f"/line/{ringing['id']}/open", {"rescue_code": plate, "trapped": 1, "place": "某小区 3 栋"})
    assert opened["incident_id"] is not None  # people are inside whatever the register says
    text = page(desk, f"/desk/{opened['incident_id']}")
    assert "报废" in text


def test_whose_turn_it_was_is_named(desk: Desk) -> None:
    i = desk.call()
    other = second_seat(desk.platform)
    other.post(f"/incidents/{i['id']}/accept", {"version": i["version"]})
    refused = desk.seat.send(f"/incidents/{i['id']}/dispatch", {"version": i["version"]})
    assert refused.status_code == 409
    assert "坐席乙" in refused.json()["detail"]
    assert "坐席乙" in page(desk, f"/desk/{i['id']}")
    milestones = desk.seat.get(f"/incidents/{i['id']}/milestones")
    assert [(m["name"], m["how_known"]) for m in milestones] == [("reported", "call")]
    desk.step("dispatch")
    desk.step("answer", desk.platform.person(Role.FIRM_MANAGER))
    desk.step("arrive", desk.platform.person(Role.FIRM_MANAGER))
    found = {m["name"]: m for m in desk.seat.get(f"/incidents/{i['id']}/milestones")}
    assert (found["dispatched"]["how_known"], found["arrived"]["how_known"]) == ("seat", "firm_app")
    assert all(found[name]["by"] for name in ("dispatched", "arrived"))
    # the call on the line names its seat to the others
    desk.ring("c1", "ringing", "d1")
    desk.platform.turn()
    (ringing,) = desk.line()["ringing"]
    other.post(f"/line/{ringing['id']}/take", {})
    assert "坐席乙" in desk.seat.send(f"/line/{ringing['id']}/take", {}).json()["detail"]


def test_an_impossible_order_is_refused_in_both_languages_and_leaves_nothing(desk: Desk) -> None:
    i = desk.call()
    before = desk.seat.get(f"/incidents/{i['id']}/history")
    for name in ("arrive", "call_back", "close", "answer"):
        answer = desk.seat.send(
            f"/incidents/{i['id']}/{name}", {"version": i["version"], "detail": {"cause_code": "301"}}
        )
        assert answer.status_code == 409, name
        assert "事件已接警，不能" in answer.json()["detail"]
        assert "not possible while" in answer.json()["detail"]
    assert desk.seat.get(f"/incidents/{i['id']}/history") == before


def test_a_clock_set_back_an_hour_releases_no_claim_and_calls_nobody_twice(desk: Desk) -> None:
    desk.ring("c1", "ringing", "d1")
    desk.platform.turn()
    (ringing,) = desk.line()["ringing"]
    desk.seat.post(f"/line/{ringing['id']}/take", {})
    desk.call()
    desk.step("dispatch")
    desk.send()
    heard = sum(len(c.deliveries) for c in desk.channels.values())
    desk.platform.clock.advance(-3_600)
    desk.platform.turn()
    desk.send()
    assert sum(len(c.deliveries) for c in desk.channels.values()) == heard
    desk.seat.post("/line/beat", {})
    desk.platform.turn(40)
    assert desk.line()["ringing"][0]["state"] == "claimed"
    desk.platform.turn(25)
    assert levels(desk) == [1, 2]  # the minute for the answer ran in real time


class _Broken(FakeChannel):
    """A channel that fails as no channel should."""

    def send(self, out: Outgoing) -> str:
        self.deliveries.append(out)
        raise RuntimeError("header injection")


def test_a_channel_that_breaks_holds_up_no_other_and_ends_as_a_dead_letter(desk: Desk) -> None:
    broken = _Broken()
    desk.sender.adapters = {**desk.sender.adapters, "voice": broken}
    desk.call()
    desk.step("dispatch")
    desk.send()
    assert desk.channels["sms"].heard
    assert len(broken.deliveries) == 1
    for _ in range(8):
        desk.platform.clock.advance(301)
        desk.send()
    assert len(broken.deliveries) == PagingSettings().most_attempts
    assert desk.rows("select last_error from alarms.notification where channel = 'voice'") == [
        ("RuntimeError: header injection",)
    ]
    assert "dead_letter" in [t["kind"] for t in desk.seat.get("/desk/tasks")]


def test_a_machines_message_that_nobody_thought_of_stops_no_clock(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    desk.platform.conn.execute(
        "insert into alarms.inbox (kind, delivery, payload, received_at) values ('reply', 'odd', '{\"token_sha256\": 5}', %s)",
        (desk.platform.clock.now(),),
    )
    desk.platform.turn(61)
    assert levels(desk) == [1, 2]
    assert "TypeError" in desk.rows("select problem from alarms.inbox where delivery = 'odd'")[0][0]


def test_an_order_that_cannot_be_written_holds_up_no_other_incident(desk: Desk, database: Database) -> None:
    first = desk.call()
    desk.step("dispatch")
    desk.platform.clock.advance(1)
    desk.call(unit_id="L000002")
    desk.step("dispatch")
    with database.connect(DatabaseRole.OWNER, autocommit=True) as owner:
        owner.execute(
            f"create function alarms.odd() returns trigger language plpgsql as $$ begin if new.incident_id = {first['id']}"
            " then raise exception 'odd'; end if; return new; end $$; create trigger odd before insert on alarms.dispatch"
            " for each row execute function alarms.odd()".encode()
        )
        desk.platform.turn(61)
        assert desk.rows(f"select incident_id <> {first['id']}, level from alarms.dispatch order by id") == [
            (False, 1), (True, 1), (True, 2)]  # fmt: skip
        owner.execute("drop trigger odd on alarms.dispatch")
    desk.platform.turn(1)  # and is tried again until it can
    assert len(levels(desk)) == 4


@pytest.mark.parametrize(
    "change", [{"call": "c\u0000"}, {"caller": "138\u00000001"}, {"at": "soon"}, {"call": ""}, {"event": "dancing"}]
)
def test_an_event_that_cannot_be_kept_is_refused_and_the_next_one_is_taken(desk: Desk, change: dict[str, Any]) -> None:
    body = {
        "source": "pbx",
        "call": "c1",
        "event": "ringing",
        "called": "96366",
        "at": desk.platform.clock.now().isoformat(),
    }
    for delivery, event, status in (("bad", body | change, (400, 422)), ("good", body, (202,))):
        raw = json.dumps(event).encode()
        header = webhooks.sign(bytes.fromhex(SECRET), raw, delivery, desk.platform.clock.now())
        answer = desk.seat.client.post("/api/v1/line/events", content=raw, headers={webhooks.HEADER: header})
        assert answer.status_code in status, answer.text
    desk.platform.turn()
    assert len(desk.line()["ringing"]) == 1


class _Slow(FakeChannel):
    """A gateway that takes its time; somebody answers meanwhile."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    def send(self, out: Outgoing) -> str:
        self.desk.step("answer", self.desk.platform.person(Role.FIRM_MANAGER))
        return super().send(out)


def test_what_waits_behind_a_slow_call_is_not_sent_once_somebody_has_answered(desk: Desk) -> None:
    desk.sender.adapters = {**desk.sender.adapters, "voice": _Slow(desk)}
    desk.call()
    desk.step("dispatch")
    desk.send()
    assert desk.channels["sms"].deliveries == []
    assert desk.rows("select distinct state from alarms.notification where channel = 'sms'") == [("stopped",)]


def test_no_channel_waits_for_another(desk: Desk) -> None:
    desk.call()
    desk.step("dispatch")
    assert {c for group in GROUPS for c in group} == set(CHANNELS)
    voice = replace(desk.sender, channels=GROUPS[0])
    assert voice.run_once(desk.platform.conn) >= 1
    assert desk.channels["sms"].deliveries == []
    assert desk.channels["voice"].heard
    for group in GROUPS[1:]:
        replace(desk.sender, channels=group).run_once(desk.platform.conn)
    assert desk.channels["sms"].heard
    assert desk.rows("select count(*) from alarms.notification where state in ('pending', 'sending')") == [(0,)]
