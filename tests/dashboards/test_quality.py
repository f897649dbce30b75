"""The operator's page and its API: truthful when nothing moves, and the replay of what was refused."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from equipment.access.model import Role
from ingest import account_notes
from ingest.bridge import store
from ingest.bridge.canonical import Unmapped
from ingest.bridge.model import Gap
from ingest.broker import BrokerAddress
from ingest.codes.profiles import CANONICAL
from ingest.devices import DeviceSettings
from ingest.model import Channel
from ingest.retention import RetentionSettings
from ingest.topics import topic_of
from ingest.upkeep import Upkeep, UpkeepOptions, UpkeepSettings
from tests.conftest import START
from tests.pipeline import sample
from tests.platform import Platform

UNIT = "L000001"


def body_of(platform: Platform, address: str = "/quality") -> str:
    answer = platform.person(Role.SYSTEM_ADMIN).client.get(address)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def run_upkeep(platform: Platform) -> None:
    options = UpkeepOptions(UpkeepSettings(), RetentionSettings(), DeviceSettings(), BrokerAddress("127.0.0.1", 1))
    Upkeep(platform.conn, options).turn(platform.conn, platform.clock)


def test_the_page_says_loudly_that_nothing_is_stored_and_that_the_upkeep_never_ran(platform: Platform) -> None:
    text = body_of(platform)
    assert "从未有数据入库" in text
    assert "维护任务从未运行" in text
    platform.pipeline.send(UNIT, {"speed_m_s": 1.0})
    run_upkeep(platform)
    text = body_of(platform)
    assert "从未有数据入库" not in text
    assert "banner loud" not in text.replace('banner loud" id="feed-banner', "")
    platform.clock.advance(3_600)
    platform.people.clear()  # an administrator who was away logs in again
    text = body_of(platform)
    assert "已有一段时间没有数据入库" in text
    assert "停滞" in text


def test_the_account_api_says_hours_and_devices(platform: Platform) -> None:
    bodies = [sample(START, n, {"speed_m_s": 1.0}) for n in (1, 2, 5)]
    platform.pipeline.raw(UNIT, bodies)
    account_notes.fold(platform.conn)
    platform.clock.advance(300)
    person = platform.person(Role.DESK)
    whole = person.get("/account")
    assert (whole["received"], whole["since_beginning"]["stored"], whole["gaps"]["missing"]) == (3, 3, 2)
    assert [h["delivery"]["stored"] for h in person.get("/account/hours")] == [3]
    assert person.get(f"/account/devices?unit_id={UNIT}")[0]["missing"] == 2
    assert person.get("/account/hours?unit_id=L000002") == []


def test_readings_say_their_level_and_their_extremes(platform: Platform) -> None:
    platform.pipeline.send(UNIT, {"speed_m_s": 1.5})
    answer = platform.person(Role.DESK).get(
        f"/units/{UNIT}/readings?signals=speed_m_s&from=2026-03-02T00:00:00Z&to=2026-03-02T06:00:00Z"
    )
    assert answer["level"] == "raw"
    assert [row[1:] for row in answer["rows"]] == [[1.5, 1.5, 1.5, 1]]


def test_the_administrator_asks_for_a_replay_and_the_page_says_that_it_waits(platform: Platform) -> None:
    payload = json.dumps(sample(START, 1, {"speed_m_s": 1.0})).encode()
    platform.pipeline.receive(platform.pipeline.message(topic_of("L000777", Channel.TELEMETRY), payload))
    row = platform.conn.execute("select id from ingest.quarantine").fetchone()
    assert row is not None
    address = f"/quality/quarantine/{row[0]}"
    assert "data-api" in body_of(platform, address)
    assert "data-api" not in platform.person(Role.DESK).client.get(address).text
    admin = platform.person(Role.SYSTEM_ADMIN)
    assert admin.send(f"/quarantine/{row[0]}/replay", {}).status_code == 202
    assert "等待执行" in body_of(platform, address)
    run_upkeep(platform)
    assert "重放失败" in body_of(platform, address)
    assert admin.send("/quarantine/999/replay", {}).status_code == 404
    audited = platform.conn.execute("select action, subject from equipment.audit_entry").fetchall()
    assert ("quarantine.replay", f"quarantine:{row[0]}") in audited


def test_metrics_carry_the_installation_s_figures_without_a_login(platform: Platform) -> None:
    client = platform.person(Role.DESK).client
    assert "teshe_last_batch_age_seconds" not in client.get("/metrics").text
    platform.pipeline.send(UNIT, {"speed_m_s": 1.0})
    run_upkeep(platform)
    platform.clock.advance(42)
    text = client.get("/metrics").text
    assert "teshe_last_batch_age_seconds 42.000" in text
    assert 'teshe_account_samples_total{outcome="stored"} 1' in text
    assert "teshe_shards_owned 16" in text


@pytest.mark.parametrize("role", [Role.DESK, Role.SYSTEM_ADMIN])
def test_a_unit_says_since_when_and_why_its_device_is_offline(platform: Platform, role: Role) -> None:
    platform.pipeline.raw(UNIT, {"online": True, "session": "a"}, Channel.STATUS)
    platform.pipeline.raw(UNIT, {"online": False, "session": "a", "will": True}, Channel.STATUS)
    text = platform.person(role).client.get(f"/units/{UNIT}").text
    assert "连接中断" in text
    assert "装置上下线记录" in text


def test_the_page_of_devices_says_where_the_samples_of_each_went(platform: Platform) -> None:
    text = body_of(platform, "/quality/devices")
    assert "维护任务从未运行" in text
    platform.pipeline.raw(UNIT, [sample(START, n, {"speed_m_s": 1.0}) for n in (1, 2, 5)])
    run_upkeep(platform)
    account_notes.fold(platform.conn)
    platform.clock.advance(300)
    text = body_of(platform, "/quality/devices")
    assert f'href="/quality/devices?unit={UNIT}"' in text
    text = body_of(platform, f"/quality/devices?unit={UNIT}")
    assert "3 – 4" in text
    assert f'href="/units/{UNIT}"' in text
    assert "近 24 小时未收到该设备的数据" in body_of(platform, "/quality/devices?unit=L000002")


def test_the_page_of_sources_says_what_a_gateway_guarantees_and_what_nothing_understands(platform: Platform) -> None:
    conn = platform.conn
    assert "尚未登记网关" in body_of(platform, "/quality/sources")
    store.add_gateway(conn, "Suzhou/node1", "sparkplug", "一号网关", START)
    assert "尚未发送" in body_of(platform, "/quality/sources")
    delta = store.Delta(messages=5, messages_qos0=2, republished=4, refused=1, gaps=[Gap(3, 6, 3)],
                        unmapped=Counter({Unmapped(CANONICAL, "OddField", "1"): 2}))  # fmt: skip
    refused = [store.RefusedEntry("Suzhou/node1", START, "t", "lift9", "unit_not_listed", "lift9?", b"\x00raw")]
    store.save(conn, {"Suzhou/node1": store.GatewayState()}, {"Suzhou/node1": delta}, refused, START)
    text = body_of(platform, "/quality/sources")
    for said in ("一号网关", "无送达保证", "OddField", "lift9?", "3 条消息"):
        assert said in text, said
