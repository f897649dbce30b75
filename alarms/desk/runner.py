"""The watchdog's thread in the web process: it looks every second and tells people itself.

The database is asked from a second thread, so that one that hangs keeps nobody from being told that it does.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Self

import psycopg

from alarms.desk import watchdog
from alarms.desk.duty import Blackout, DutyAddress, Page, speak, wait_after, words
from alarms.desk.phone import QUERIES
from alarms.errors import PagingError
from alarms.incidents.settings import DeskSettings
from alarms.paging.adapters import Adapter
from equipment.foundation import metrics
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, DatabaseRole, connect, translated
from equipment.foundation.errors import WorldError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import isolated

logger = get_logger("alarms.desk.watch")
LOOK_EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 5.0
"""How long a look may take before the database counts as away."""
CLAIM_SECONDS = 60
"""How long a process may take to say what it has claimed."""

told_total = metrics.counter("teshe_watchdog_pages_total", "Pages of the watchdog by what became of them", ("outcome",))
dark_gauge = metrics.gauge("teshe_watchdog_blind_seconds", "For how long the watchdog has not been able to look [s]")


class WatchWork:
    """One turn looks and says what is due; a thread of its own turns it."""

    def __init__(
        self, url: str, desk: DeskSettings, ways: Mapping[str, Adapter], addresses: Sequence[DutyAddress], clock: Clock
    ) -> None:
        self._url, self._desk, self._ways, self._addresses, self._clock = url, desk, ways, addresses, clock
        self._since = clock.now()
        self._blackout = Blackout(addresses, desk.watchdog_seconds, desk.watchdog_repeat_seconds)
        self._judge_from = 0.0
        self._conn: Connection | None = None
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="watch-read")
        self._asked: Future[list[tuple[int, Page]]] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> Self:
        """Begin."""
        if not self._addresses:
            logger.warning("watchdog_tells_nobody", setting="TESHE_PAGING_DUTY")
        self._thread.start()
        return self

    def stop(self) -> None:
        """End, after what is being said."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(15.0)
        self._reader.submit(self._forget)
        self._reader.shutdown(wait=False)

    def turn(self) -> int:
        """Look, and say what is due; returns how much was said."""
        said = 0
        try:
            pages = self._asked_database()
        except WorldError as error:
            if self._blackout.since is None:
                logger.error("watchdog_blind", error=str(error))
            self._blackout.away(self._clock.monotonic(), self._clock.now())
            pages = []
        else:
            self._blackout.back(self._clock.monotonic())
        dark = self._blackout.since
        dark_gauge.set(0 if dark is None else self._clock.monotonic() - dark)
        for page in self._blackout.due(self._clock.monotonic()):
            if self._say(page) is None:
                self._blackout.said(page)
                said += 1
        for number, page in pages:
            problem = self._say(page)
            said += problem is None
            self._note(number, page, problem)
        return said

    def _may_judge(self) -> bool:
        """After a time without the database the escalator gets as long to come back before it is late itself."""
        dark = self._blackout.since
        if dark is not None and self._clock.monotonic() - dark >= self._desk.watchdog_seconds:
            self._judge_from = self._clock.monotonic() + self._desk.watchdog_seconds
        return self._clock.monotonic() >= self._judge_from

    def _run(self) -> None:
        while not self._stopped.is_set():
            isolated("watch", self.turn, lambda _: 0)  # it never ends silently
            self._stopped.wait(LOOK_EVERY_SECONDS)

    def _say(self, page: Page) -> str | None:
        """Say it; returns why it did not go."""
        try:
            speak(self._ways, page, self._clock.now())
        except PagingError as error:
            told_total.labels("failed").inc()
            logger.error("watchdog_page_failed", channel=page.to.channel, error=str(error))
            return str(error)[:500]
        told_total.labels("sent").inc()
        logger.warning("watchdog_paged", channel=page.to.channel, key=page.key)
        return None

    def _asked_database(self) -> list[tuple[int, Page]]:
        """What the database wants said. A look that has not come back is waited for, not asked again.

        Raises
        ------
        WorldError
        """
        if self._asked is None:
            self._asked = self._reader.submit(self._look, self._clock.now())
        asked = self._asked
        try:
            found = asked.result(PATIENCE_SECONDS)
        except TimeoutError as error:
            raise WorldError("数据库长时间不应答 (the database hangs)") from error
        finally:
            if asked.done():
                self._asked = None
        return found

    def _look(self, now: datetime) -> list[tuple[int, Page]]:
        try:
            with translated():
                conn = self._connection()
                with conn.transaction():
                    if self._may_judge():
                        watchdog.look(conn, self._desk, now, self._since)
                    return self._claim(conn, now)
        except (WorldError, psycopg.Error) as error:
            self._forget()
            raise error if isinstance(error, WorldError) else WorldError(str(error)) from error

    def _claim(self, conn: Connection, now: datetime) -> list[tuple[int, Page]]:
        addresses = json.dumps([[a.channel, a.address] for a in self._addresses])
        values = (now, addresses, self._desk.watchdog_repeat_seconds, CLAIM_SECONDS)
        return [_page(row) for row in conn.execute(QUERIES.watchdog_pages, values).fetchall()]

    def _note(self, number: int, page: Page, error: str | None) -> None:
        now = self._clock.now()
        next_at = None if error is None else now + timedelta(seconds=wait_after(page.attempt))
        values = (number, now, page.text, error, next_at)
        try:
            self._reader.submit(self._write, values).result(PATIENCE_SECONDS)
        except (WorldError, TimeoutError) as lost:
            # the claim runs out, and the same is said again under the same key
            logger.error("watchdog_page_not_noted", key=page.key, error=str(lost))

    def _write(self, values: tuple[Any, ...]) -> None:
        try:
            with translated():
                self._connection().execute(QUERIES.watchdog_paged, values)
        except WorldError:
            self._forget()
            raise

    def _connection(self) -> Connection:
        if self._conn is None:
            conn = connect(self._url, DatabaseRole.SCOPED, application_name="teshe-watch", autocommit=True)
            conn.execute("set statement_timeout = '10s'")
            conn.execute("set lock_timeout = '4s'")
            self._conn = conn
        return self._conn

    def _forget(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None


def _page(row: tuple[Any, ...]) -> tuple[int, Page]:
    number, alarm, round_, channel, address, attempt, began, ended, late, overdue, reason = row
    span = (ended - began) if round_ == 0 else timedelta(seconds=late)
    text = words(reason, max(span, timedelta(0)), overdue, round_)
    return number, Page(
        f"watchdog:{alarm}:{round_}:{channel}:{address}", DutyAddress(channel, address), text, attempt, round_
    )
