"""Worker and desk hold several alarms at once and never wait for each other in a circle."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from alarms import store
from alarms.store import lock_in_order
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import DatabaseRole
from tests.alarms.storms.console import POWER, Console
from tests.conftest import Database
from tests.platform import platform_over


def test_whoever_learns_on_the_way_which_alarms_he_changes_waits_before_he_holds_one(
    database: Database, clock: ManualClock
) -> None:
    with platform_over(database, clock) as city:
        console = Console(city.conn, clock)
        console.say(0, "raised", POWER, console.lifts[:2])
        a, b = sorted(console.all("select id from alarms.alarm"))

    def worker() -> int:
        with database.connect(DatabaseRole.SYSTEM) as conn, conn.transaction():
            lock_in_order(conn, [b, a])
            return conn.info.backend_pid

    with ThreadPoolExecutor(1) as pool, database.connect(DatabaseRole.SYSTEM) as desk:
        with desk.transaction():
            store.hold_alone(desk)
            assert store.lock(desk, b) is not None
            waiting = pool.submit(worker)
            wait_for_lock(database, timedelta(seconds=20))
            # the other one waits, but not with alarm a in its hand
            desk.execute("set local lock_timeout = '500ms'")
            assert store.lock(desk, a) is not None
        assert waiting.result(timeout=20) > 0


def wait_for_lock(database: Database, longest: timedelta) -> None:
    """Until somebody waits for an advisory lock."""
    with database.connect(DatabaseRole.SYSTEM, autocommit=True) as conn:
        for _ in range(int(longest.total_seconds() * 20)):
            row = conn.execute("select 1 from pg_locks where locktype = 'advisory' and not granted").fetchone()
            if row is not None:
                return
            conn.execute("select pg_sleep(0.05)")
    raise AssertionError("nobody waits")
