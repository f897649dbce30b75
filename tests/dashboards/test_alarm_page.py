"""One alarm on its page: what can be done in its state, by whom, and what is shown of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from tests.alarms.lifecycle.test_muting import TEMPERATURE, act, raise_alarm
from tests.conftest import Database
from tests.pipeline import TRAPPED
from tests.platform import Platform, platform_over


@pytest.fixture
def city(database: Database, clock: ManualClock) -> Iterator[Platform]:
    with platform_over(database, clock) as made:
        yield made


def shown(city: Platform, key: str, role: Role = Role.DESK) -> str:
    answer = city.person(role).client.get(f"/alarms/{key}", headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text[:300]
    return answer.text


def steps(text: str, key: str) -> set[str]:
    parts = text.split(f'data-api="/api/v1/alarms/{key}/')[1:]
    return {part.split('"')[0] for part in parts}


def test_the_page_offers_what_the_state_allows_and_the_role_may_do(city: Platform) -> None:
    key = raise_alarm(city, "lift.machine_room_hot", TEMPERATURE, 605)
    text = shown(city, key)
    assert steps(text, key) == {"acknowledge", "shelve", "assign", "comment", "out-of-service"}
    assert "机房" in text
    assert "45" in text  # the value that raised it
    assert "最长 8" in text or "480" in text
    act(city, key, "acknowledge", reason="已看到")
    assert "acknowledge" not in steps(shown(city, key), key)
    act(city, key, "shelve", reason="空调检修")
    text = shown(city, key)
    assert "unshelve" in steps(text, key)
    assert "空调检修" in text
    assert "已看到" in text
    assert steps(shown(city, key, Role.REGULATOR), key) == {"assign", "comment"}
    assert steps(shown(city, key, Role.AUDITOR), key) == set()


def test_an_entrapment_offers_a_short_shelf_and_no_way_out_of_service(city: Platform) -> None:
    key = raise_alarm(city, "lift.entrapment", TRAPPED, 50)
    text = shown(city, key)
    assert "out-of-service" not in steps(text, key)
    assert "15" in text


def test_the_list_and_the_unit_lead_to_the_alarm(city: Platform) -> None:
    key = raise_alarm(city, "lift.machine_room_hot", TEMPERATURE, 605)
    browser = city.person(Role.DESK).client
    assert f'href="/alarms/{key}"' in browser.get("/alarms").text
    assert f'href="/alarms/{key}"' in browser.get("/units/L000001").text
    assert browser.get("/alarms/nothing").status_code == 404


def test_the_load_page_shows_figures_with_their_targets_and_says_when_nothing_is_recorded(city: Platform) -> None:
    desk = city.person(Role.DESK)
    empty = desk.client.get("/alarms/load")
    assert empty.status_code == 200
    assert "没有记录" in empty.text
    assert "ISA-18.2-2016" in empty.text
    raise_alarm(city, "lift.entrapment", TRAPPED, 50)
    city.clock.advance(3600)
    page = desk.client.get("/alarms/load?days=7").text
    assert "30 天" in page
    assert "1 条报警" in page
    found = desk.get("/alarms/load?days=1")
    assert found["annunciated"] == 1
    assert city.person(Role.FIRM_MANAGER).client.get("/alarms/load").status_code == 403
