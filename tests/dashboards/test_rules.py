"""报警规则 through API and page: list, source and mark, a city's own version, its preview, and what the worker does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dashboards.pages import names
from dashboards.pages.rules import EXAMPLE
from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from tests.conftest import Database
from tests.pipeline import RESTING, TRAPPED, raised
from tests.platform import Person, Platform, platform_over

HOT = RESTING | {"machine_room_temp_c": 39.0}


@pytest.fixture
def platform(database: Database, clock: ManualClock) -> Iterator[Platform]:
    with platform_over(database, clock) as made:
        yield made


def form(person: Person, **values: Any) -> dict[str, Any]:
    return {"_csrf": person.csrf, "definition": EXAMPLE, "next_version": 1, "reason": "夏季", "do": "save"} | values


def test_every_rule_is_listed_with_source_and_mark(platform: Platform) -> None:
    inspector = platform.person(Role.INSPECTOR)
    found = {rule["id"]: rule for rule in inspector.get("/rules")}
    assert len(found) == 49
    assert found["lift.entrapment"]["mark"] == "V-code"
    assert all(rule["source"] for rule in found.values())
    listed = inspector.client.get("/rules").text
    assert all(f'href="/rules/{rule}"' in listed for rule in found)
    only = inspector.client.get("/rules?kind=crane&q=").text
    assert "crane.moment" in only
    assert "lift.entrapment" not in only
    page = inspector.client.get("/rules/lift.test_call_missed")
    assert "EN 81-28" in page.text
    assert "不适用" in page.text
    assert inspector.client.get("/rules/lift.nothing").status_code == 404


def test_a_mistake_is_shown_in_its_place_and_nothing_typed_is_lost(platform: Platform) -> None:
    regulator = platform.person(Role.REGULATOR)
    wrong = EXAMPLE.replace("machine_room_temp_c >", "machine_room_temp >")
    answer = regulator.client.post("/rules/new/edit", data=form(regulator, definition=wrong))
    assert answer.status_code == 422
    assert "line 1, column 1" in answer.text
    assert "lift has no such signal" in answer.text
    assert "machine_room_temp &gt;" in answer.text
    assert regulator.client.post("/rules/new/edit", data=form(regulator, reason=" ")).status_code == 422
    assert regulator.client.post("/rules/new/edit", data=form(regulator, definition=": :\n- [")).status_code == 422
    assert platform.conn.execute("select count(*) from alarms.city_rule").fetchone() == (0,)


def test_a_preview_says_where_the_condition_holds_and_changes_nothing(platform: Platform) -> None:
    regulator = platform.person(Role.REGULATOR)
    hot, cold, dumb = platform.pipeline.lifts[:3]
    platform.conn.execute("update equipment.unit set device_model = 'TS-L3' where kind = 'lift'")
    platform.conn.execute("update equipment.unit set device_model = 'TS-L1' where id = %s", (dumb,))
    platform.pipeline.send(hot, HOT)
    platform.pipeline.send(cold, HOT | {"machine_room_temp_c": 20.0})
    answer = regulator.post("/rules/preview", {"definition": EXAMPLE})["preview"]
    assert answer["holds"] == [hot]
    assert answer["fails"] == 1
    assert answer["applicable"]["not_sensed"] == 1
    page = regulator.client.post("/rules/new/edit", data=form(regulator, do="preview"))
    assert page.status_code == 200
    assert hot in page.text


def test_an_edit_is_a_version_that_the_worker_takes_over_without_touching_other_rules(platform: Platform) -> None:
    regulator, pipeline = platform.person(Role.REGULATOR), platform.pipeline
    lift, other = pipeline.lifts[:2]
    platform.conn.execute("update equipment.unit set device_model = 'TS-L3' where kind = 'lift'")
    pipeline.restart()
    pipeline.send(other, TRAPPED)
    began = platform.clock.now()
    enabled = (
        EXAMPLE.replace("mode: shadow", "mode: enabled")
        .replace("300", "5")
        .replace("lift.my_rule", "lift.machine_room_hot")
    )
    answer = regulator.client.post(
        "/rules/new/edit", data=form(regulator, definition=enabled, next_version=2), follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/rules/lift.machine_room_hot")
    pipeline.wait(6)
    pipeline.send(lift, HOT)
    pipeline.wait(20)
    pipeline.send(lift, HOT)
    pipeline.wait(6)
    assert len(raised(pipeline, "lift.machine_room_hot", [lift])) == 1
    pipeline.wait(20)
    (at,) = raised(pipeline, "lift.entrapment", [other])
    assert (at - began).total_seconds() == 45
    pipeline.restart()
    assert len(raised(pipeline, "lift.entrapment", [other])) == 1
    again = regulator.client.post("/rules/new/edit", data=form(regulator, definition=enabled, next_version=2))
    assert again.status_code == 422
    assert "他人修改" in again.text
    assert "夏季" in regulator.client.get("/rules/lift.machine_room_hot").text


def test_a_district_s_limit_takes_the_place_of_the_default(platform: Platform) -> None:
    regulator, pipeline = platform.person(Role.REGULATOR), platform.pipeline
    platform.conn.execute("update equipment.unit set device_model = 'TS-L3' where kind = 'lift'")
    body = {"jurisdiction_id": "341300", "name": "machine_room_limit_c", "value": 38.0, "reason": "高温"}
    assert regulator.send("/rules/settings", body | {"name": "nothing"}).status_code == 422
    assert regulator.send("/rules/settings", body).status_code == 201
    pipeline.restart()
    pipeline.send(pipeline.lifts[0], HOT)
    pipeline.wait(610, step=10)
    assert len(raised(pipeline, "lift.machine_room_hot")) == 1


def test_only_the_authority_edits(platform: Platform) -> None:
    firm = platform.person(Role.FIRM_MANAGER)
    assert firm.send("/rules", {"definition": EXAMPLE, "reason": "x", "next_version": 1}).status_code == 403
    assert firm.client.get("/rules/new/edit").status_code == 403


def test_a_limit_is_previewed_set_and_taken_back_on_its_page(platform: Platform) -> None:
    regulator, pipeline = platform.person(Role.REGULATOR), platform.pipeline
    platform.conn.execute("update equipment.unit set device_model = 'TS-L3' where kind = 'lift'")
    pipeline.send(pipeline.lifts[0], HOT)
    district = "341300"
    body = {
        "_csrf": regulator.csrf,
        "district": district,
        "name": "machine_room_limit_c",
        "limit": "38",
        "reason": "高温",
    }
    seen = regulator.client.post("/rules/limits", data=body | {"do": "preview"})
    assert seen.status_code == 200
    assert "现在有 0 台满足条件，改后有 1 台" in seen.text
    assert regulator.get("/rules/settings") == []
    for wrong in ({"limit": "热"}, {"limit": "nan"}, {"reason": " "}, {"name": "nothing"}, {"district": "110000"}):
        refused = regulator.client.post("/rules/limits", data=body | wrong | {"do": "save"})
        assert refused.status_code == 422, wrong
    assert 'value="热"' in regulator.client.post("/rules/limits", data=body | {"limit": "热"}).text
    assert regulator.client.post("/rules/limits", data=body | {"do": "save"}).status_code == 200
    assert regulator.get("/rules/settings")[0]["value"] == 38.0
    back = regulator.client.post("/rules/limits", data=body | {"do": "save", "limit": "", "reason": "降温"})
    assert "高温" in back.text
    assert "降温" in back.text
    assert regulator.get("/rules/settings")[0]["value"] is None
    assert platform.person(Role.INSPECTOR).client.get("/rules/limits").status_code == 403


def test_a_rule_is_previewed_with_the_limits_in_force(platform: Platform) -> None:
    regulator, pipeline = platform.person(Role.REGULATOR), platform.pipeline
    platform.conn.execute("update equipment.unit set device_model = 'TS-L3' where kind = 'lift'")
    pipeline.send(pipeline.lifts[0], HOT)
    draft = {"definition": EXAMPLE.replace("38)", "60)")}
    assert regulator.post("/rules/preview", draft)["preview"]["holds"] == []
    limit = {"jurisdiction_id": "341300", "name": "machine_room_limit_c", "value": 38.0, "reason": "高温"}
    assert regulator.send("/rules/settings", limit).status_code == 201
    assert regulator.post("/rules/preview", draft)["preview"]["holds"] == [pipeline.lifts[0]]


def test_a_rule_of_the_city_bears_its_own_name_where_pages_name_rules(platform: Platform) -> None:
    regulator = platform.person(Role.REGULATOR)
    assert names.rule_name("lift.my_rule", "zh-CN") == "lift.my_rule"
    assert regulator.client.post("/rules/new/edit", data=form(regulator)).status_code == 200
    names.learn_rules(platform.conn)
    assert names.rule_name("lift.my_rule", "zh-CN") == "机房过热"
    assert names.rule_name("lift.my_rule", "en") == "Machine room hot"
    assert names.rule_name("lift.entrapment", "zh-CN") != "lift.entrapment"
    assert names.rule_name("lift.gone", "zh-CN") == "lift.gone"
