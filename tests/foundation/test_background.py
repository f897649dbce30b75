"""Work beside a loop: it goes on after an error that nobody expected, and after its connection was cut."""

from __future__ import annotations

import threading
from datetime import datetime

from equipment.foundation.clock import SystemClock
from equipment.foundation.database import Connection
from equipment.foundation.process import BackgroundWork
from tests.conftest import Database


class Stumbling(BackgroundWork):
    """Fails in its first turn, is cut off in its second, and works in its third."""

    def __init__(self, url: str) -> None:
        super().__init__(url, SystemClock(), "stumbling", 0.01)
        self.backends: list[int] = []
        self.well = threading.Event()

    def turn(self, conn: Connection, now: datetime) -> int:
        assert now.tzinfo is not None
        row = conn.execute("select pg_backend_pid()").fetchone()
        assert row is not None
        self.backends.append(row[0])
        match len(self.backends):
            case 1:
                raise LookupError("nobody expected this")
            case 2:
                conn.execute("select pg_terminate_backend(pg_backend_pid())")
            case _:
                self.well.set()
        return 0


def test_it_goes_on_with_a_new_connection_and_ends_when_asked(database: Database) -> None:
    work = Stumbling(database.url).start()
    assert work.well.wait(30)
    work.stop(None)
    assert len(set(work.backends[:3])) == 3
    assert not any(thread.name == "stumbling" for thread in threading.enumerate())
