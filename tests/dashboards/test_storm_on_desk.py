"""A group and a flood on the desk: one line with its count and who needs rescue, and the way to its alarms."""

from __future__ import annotations

from equipment.access.model import Role
from tests.alarms.storms.console import POWER, TRAPPED, Console
from tests.platform import Platform


def test_the_desk_shows_a_group_as_one_line_and_leads_to_its_members(platform: Platform) -> None:
    console = Console(platform.conn, platform.clock)
    units = (
        console.lifts[:5]
        if len(console.lifts) >= 5
        else console.all("select no from equipment.unit where kind = 'lift' order by no limit 5")
    )
    platform.conn.execute(
        "update equipment.unit set jurisdiction_id = (select jurisdiction_id from equipment.unit where no = %s)"
        " where no = any(%s)", (units[0], units),
    )  # fmt: skip
    console.say(0, "raised", POWER, units)
    console.say(5, "raised", TRAPPED, units[1:2])
    platform.conn.execute(
        "insert into alarms.flood (console, started_at, peak) values ('desk', %s, 14)", (platform.clock.now(),)
    )
    browser = platform.person(Role.DESK).client
    page = browser.get("/desk", headers={"Accept-Language": "zh-CN"})
    assert page.status_code == 200
    assert "片区停电" in page.text
    assert "其中困人或呼救 1 起" in page.text
    assert "报警泛滥" in page.text
    group = console.one("select id from alarms.storm")
    members = browser.get(f"/alarms?group={group}")
    assert members.status_code == 200
    assert members.text.count("/api/v1/alarms/") >= 1
    assert browser.get("/alarms?group=999999").text.count("/api/v1/alarms/") == 0
