"""The watchdog tells people itself: once per outage, again while it lasts, and when it is over; at scripted times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from alarms.desk.duty import Blackout, DutyAddress, read_addresses
from alarms.desk.runner import WatchWork
from alarms.errors import AlarmsInputError
from alarms.incidents.settings import DeskSettings
from alarms.paging.fakes import fake_adapters
from equipment.access.model import Role
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import DatabaseRole
from tests.conftest import START, Database
from tests.platform import Platform, platform_over

DUTY = (DutyAddress("voice", "05573000001"), DutyAddress("sms", "13900000001"))
DESK = DeskSettings()


class Site:
    """A web process's watchdog beside a platform whose jobs turn only when told."""

    def __init__(self, platform: Platform, url: str) -> None:
        self.platform, self.url, self.clock = platform, url, platform.clock
        ways, self.channels = fake_adapters()
        self.ways: Any = ways
        self.watchers = [self.watcher()]
        platform.person(Role.DESK).post("/calls", {"category": "entrapment", "unit_id": "L000001", "trapped": 1})
        platform.turn()
        platform.conn.execute("update alarms.notification set state = 'sent'")

    def watcher(self, addresses: Any = DUTY, url: str | None = None) -> WatchWork:
        return WatchWork(url or self.url, DESK, self.ways, addresses, self.clock)

    def watch(self, seconds: float, jobs: bool = False) -> None:
        """Let time pass second by second, with or without the jobs; every watcher looks."""
        for _ in range(round(seconds)):
            self.clock.advance(1)
            if jobs:
                self.platform.turn()
            for watcher in self.watchers:
                watcher.turn()

    def heard(self, channel: str = "sms") -> list[str]:
        return [out.text for out in self.channels[channel].heard.values()]

    def rows(self, query: str) -> list[Any]:
        return self.platform.conn.execute(query).fetchall()


@pytest.fixture
def site(database: Database, clock: ManualClock) -> Iterator[Site]:
    with platform_over(database, clock) as platform:
        made = Site(platform, database.url)
        yield made
        for watcher in made.watchers:
            watcher.stop()


def test_an_escalator_that_dies_is_told_once_again_while_it_lasts_and_when_it_is_over(site: Site) -> None:
    site.watch(5, jobs=True)
    assert site.heard() == []
    site.watch(DESK.watchdog_seconds)  # dead for so long: still allowed
    assert site.heard() == []
    site.watch(1)
    assert [len(site.heard(c)) for c in ("voice", "sms")] == [1, 1]
    assert "值守报警" in site.heard()[0]
    assert "无心跳" in site.heard()[0]
    site.watch(DESK.watchdog_repeat_seconds - 1)
    assert len(site.heard()) == 1
    site.watch(1)
    assert len(site.heard()) == 2
    assert "第 2 次" in site.heard()[1]
    site.watch(59, jobs=True)  # it runs again, but has not held for a minute
    assert len(site.heard()) == 2
    site.watch(3, jobs=True)
    assert len(site.heard()) == 3
    assert "值守恢复" in site.heard()[2]
    site.watch(600, jobs=True)
    assert len(site.heard()) == 3
    assert len(site.channels["sms"].deliveries) == 3


def test_two_web_processes_tell_it_once(site: Site) -> None:
    site.watchers.append(site.watcher())
    site.watch(1, jobs=True)
    site.watch(60)
    assert len(site.channels["sms"].deliveries) == 1


def test_an_escalator_that_comes_and_goes_is_one_outage(site: Site) -> None:
    site.watch(1, jobs=True)
    for _ in range(4):
        site.watch(20)
        site.watch(2, jobs=True)
    assert len(site.heard()) == 1
    assert site.rows("select count(*) from alarms.watchdog_alarm") == [(1,)]


def test_a_jobs_process_that_was_never_started_is_told_too(site: Site) -> None:
    site.platform.conn.execute("delete from alarms.escalator_pulse")
    site.watch(DESK.watchdog_seconds + 1)
    assert len(site.heard()) == 1


def test_pages_of_orders_that_nobody_sends_are_told(site: Site) -> None:
    desk = site.platform.person(Role.DESK)
    incident = desk.get("/incidents")[0]
    desk.post(f"/incidents/{incident['id']}/dispatch", {"version": incident["version"]})
    site.watch(DESK.watchdog_seconds + 1, jobs=True)  # the clocks run, the sender does not
    assert "通知未发出" in site.heard()[0]
    seen = desk.get("/desk/watch")
    assert "通知未发出" in seen["reason"]
    assert seen["unsent"] >= 1
    assert seen["told"] == 2


def test_a_channel_that_fails_is_tried_again_under_the_same_key(site: Site) -> None:
    site.channels["sms"].failures = 2
    site.watch(1, jobs=True)
    site.watch(60)
    sms = site.channels["sms"]
    assert [len(sms.deliveries), len(sms.heard)] == [3, 1]
    assert len(site.channels["voice"].deliveries) == 1
    assert site.rows("select channel, attempts, state from alarms.watchdog_page order by channel") == [
        ("sms", 3, "sent"), ("voice", 1, "sent")]  # fmt: skip


def test_a_web_process_that_dies_while_telling_is_made_good_by_the_next_one(site: Site) -> None:
    site.watch(1, jobs=True)
    watcher = site.watchers.pop()
    site.clock.advance(30)
    assert len(watcher._asked_database()) == 2  # claimed, and killed before a word was said
    watcher.stop()
    site.watchers.append(site.watcher())
    site.watch(55)
    assert site.heard() == []
    site.watch(10)
    assert len(site.heard()) == 1


def test_the_clock_set_back_by_an_hour_pages_no_later(site: Site) -> None:
    site.watch(1, jobs=True)
    site.watch(30)
    site.clock.advance(-3_600)
    site.watch(DESK.watchdog_repeat_seconds)
    assert len(site.heard()) >= 2


def test_without_a_duty_address_the_desk_is_told_that_nobody_is(site: Site) -> None:
    site.watchers[0].stop()
    site.watchers = [site.watcher(())]
    site.watch(1, jobs=True)
    site.watch(60)
    seen = site.platform.person(Role.DESK).get("/desk/watch")
    assert (seen["duty"], seen["told"]) == (0, 0)
    assert seen["reason"]
    # addresses that are set later are told of what still lasts
    site.watchers.append(site.watcher())
    site.watch(1)
    assert len(site.heard()) == 1


def test_a_database_that_cannot_be_read_is_told_from_memory(site: Site) -> None:
    (watcher,) = site.watchers
    site.watch(3, jobs=True)
    url, watcher._url = watcher._url, "postgresql://nobody@127.0.0.1:1/none"
    watcher._reader.submit(watcher._forget).result()
    site.watch(DESK.watchdog_seconds)
    assert site.heard() == []
    site.watch(1)
    assert "数据库" in site.heard()[0]
    site.watch(DESK.watchdog_repeat_seconds)
    assert len(site.heard()) == 2
    watcher._url = url
    site.watch(1)
    assert "值守恢复" in site.heard()[2]
    # the escalator comes back a moment after the database: that is no second outage
    site.watch(5)
    site.watch(60, jobs=True)
    assert len(site.heard()) == 3


def test_a_short_absence_of_the_database_tells_nobody() -> None:
    dark = Blackout(DUTY, 15, 300)
    clock = ManualClock(START)
    for second in range(15):
        dark.away(second, clock.now())
        assert dark.due(second) == []
    dark.back(15)
    assert dark.due(15) == []


def test_an_address_that_cannot_be_is_refused_at_the_start() -> None:
    for bad in ("13900000001", "page:1", "sms:"):
        with pytest.raises(AlarmsInputError, match="TESHE_PAGING_DUTY"):
            read_addresses([bad])
    assert read_addresses(["sms:1", " sms:1 "]) == (DutyAddress("sms", "1"),)


def test_the_watchdog_needs_no_rights_over_the_tables(database: Database) -> None:
    with database.connect(DatabaseRole.SCOPED) as conn:
        row = conn.execute("select has_table_privilege('teshe_scoped', 'alarms.watchdog_page', 'insert')").fetchone()
    assert row == (False,)
