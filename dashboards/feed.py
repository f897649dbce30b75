"""The live feed (实时推送): numbered messages to every seat, each only what its scope may see.

One reader per process reads the sequenced stream once and hands each entry, encoded once, to the clients that may see
it. A client that reconnects names the last number it knows and gets the rest; a client that is too slow is told to
resynchronise and never slows another. Numbers are gap-free in the stream; a client with a narrow scope sees some of
them. The protocol is described in ``docs/desk-feed.md``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from itertools import islice
from typing import TypeVar

import psycopg

from dashboards.feed_reader import FeedEntry, Pulse, StreamReader, visible
from dashboards.settings import WebSettings
from equipment.access.model import Asker
from equipment.foundation.clock import Clock
from equipment.foundation.errors import WorldError
from equipment.foundation.logs import get_logger
from equipment.foundation.metrics import counter, gauge

READ_AT_ONCE = 500
RESUME_AT_MOST = 5_000
RETRY_SECONDS = 1.0
PULSE_SECONDS = 1.0
UNREAD_AFTER = timedelta(seconds=5)
"""A stream that could not be read for so long says nothing about the city."""

Result = TypeVar("Result")

log = get_logger("dashboards.feed")
clients_gauge = gauge("teshe_feed_clients", "Live feed clients connected")
resyncs = counter("teshe_feed_resync_total", "Clients told to resynchronise because they were too slow")
cut = counter("teshe_feed_cut_total", "Clients cut off because they did not even read that they were too slow")
offered = counter("teshe_feed_offered_total", "Entries handed to clients")


class Trouble(Enum):
    """Why the feed cannot be believed at the moment."""

    DATABASE = "database"
    """The stream cannot be read."""
    SEQUENCER = "sequencer"
    """Messages wait for their number: the jobs process is away or late."""
    INCIDENTS = "incidents"
    """Alarms or calls wait to become incidents."""


@dataclass(eq=False, slots=True)
class Client:
    """One connected page: a bounded queue of what it may see, already encoded."""

    asker: Asker
    after: int
    most: int
    waiting: deque[str] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    lost_at: float | None = None
    sender: asyncio.Task[None] | None = None

    @property
    def lost(self) -> bool:
        """Whether it fell so far behind that it must resynchronise."""
        return self.lost_at is not None

    def offer(self, text: str, now: float) -> None:
        """Queue a message; a full queue is dropped and marks the client as lost."""
        if self.lost:
            return
        if len(self.waiting) >= self.most:
            self.lose(now)
            return
        self.waiting.append(text)
        self.wake.set()

    def lose(self, now: float) -> None:
        """Drop what waits: the client will be told to resynchronise."""
        self.waiting.clear()
        self.lost_at = now
        self.wake.set()
        resyncs.inc()


class Feed:
    """Reads the stream once and serves all clients of this process."""

    def __init__(self, url: str, settings: WebSettings, clock: Clock) -> None:
        self._url = url
        self._settings = settings
        self._clock = clock
        self._reader = StreamReader(url)
        self._clients: set[Client] = set()
        self._head = 0
        self._read_at: datetime | None = None
        self._pulse = Pulse(0, None, None)
        self._recent: deque[tuple[FeedEntry, str]] = deque(maxlen=RESUME_AT_MOST)
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def head(self) -> int:
        """Number of the newest entry that was read."""
        return self._head

    def trouble(self) -> Trouble | None:
        """Why silence would not mean that nothing happens; None when all is well."""
        now, allowed = self._clock.now(), timedelta(seconds=self._settings.feed_stale_seconds)
        if self._read_at is None or now - self._read_at > UNREAD_AFTER:
            return Trouble.DATABASE
        for since, trouble in (
            (self._pulse.waiting_since, Trouble.SEQUENCER),
            (self._pulse.behind_since, Trouble.INCIDENTS),
        ):
            if since is not None and now - since > allowed:
                return trouble
        return None

    def heartbeat(self) -> str:
        """The feed's own state. Everything up to its number lies before it in the queue of whoever gets it."""
        trouble = self.trouble()
        return json.dumps(
            {
                "type": "heartbeat",
                "seq": self._head,
                "at": self._clock.now().isoformat(),
                "read_at": self._read_at.isoformat() if self._read_at else None,
                "trouble": trouble.value if trouble else None,
            }
        )

    def resync(self) -> str:
        """Tells a client that it has missed something: show everything afresh, then go on from this number."""
        return json.dumps({"type": "resync", "seq": self._head, "at": self._clock.now().isoformat()})

    async def start(self) -> None:
        """Begin at the stream's head, with what a client may have missed before it in memory."""
        head = await self._reader.head()
        position = max(0, head - RESUME_AT_MOST)
        while position < head:
            entries = await self._reader.after(position, READ_AT_ONCE)
            self._recent.extend((entry, entry.text()) for entry in entries)
            position = entries[-1].seq if entries else head
        self._head = position
        self._read_at = self._clock.now()
        loops = {"feed-read": self._read_loop, "feed-listen": self._listen_loop, "feed-pulse": self._pulse_loop,
                 "feed-beat": self._beat_loop}  # fmt: skip
        self._tasks = [asyncio.create_task(loop(), name=name) for name, loop in loops.items()]

    async def stop(self) -> None:
        """Stop reading; sockets are closed by their own handlers."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        await asyncio.to_thread(self._reader.close)

    async def knows(self, number: int) -> bool:
        """Whether the stream has come to ``number``: a page may have read it a moment before this process does."""
        return number <= self._head or number <= await self._reader.head()

    def missed(self, asker: Asker, after: int) -> list[str] | None:
        """What a client has not seen since ``after``, up to the head; None if it was away too long to resume."""
        if after >= self._head:
            return []
        if not self._recent or self._recent[0][0].seq > after + 1:
            return None
        first = len(self._recent) - (self._head - after)
        return [
            text
            for entry, text in islice(self._recent, max(0, first), None)
            if entry.seq > after and visible(entry, asker)
        ]

    def join(self, asker: Asker, after: int) -> Client:
        """Register a client that knows everything up to ``after`` (not below the head that this process has read)."""
        client = Client(asker, max(after, self._head), self._settings.feed_client_queue)
        client.offer(self.heartbeat(), self._clock.monotonic())
        self._clients.add(client)
        clients_gauge.set(len(self._clients))
        return client

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self._clients.discard(client)
        clients_gauge.set(len(self._clients))

    def _hand_out(self, entries: Sequence[FeedEntry]) -> None:
        now = self._clock.monotonic()
        for entry in entries:
            self._head = entry.seq
            text = entry.text()
            self._recent.append((entry, text))
            for client in self._clients:
                if entry.seq > client.after and visible(entry, client.asker):
                    client.offer(text, now)
                    offered.inc()

    async def _read_loop(self) -> None:
        while True:
            self._wake.clear()
            entries = await self._trying(self._reader.after(self._head, READ_AT_ONCE))
            if entries is None:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._read_at = self._clock.now()
            self._hand_out(entries)
            if len(entries) < READ_AT_ONCE:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._settings.feed_poll_seconds)

    async def _pulse_loop(self) -> None:
        """Look at what waits to be told; cut off who does not read."""
        while True:
            head, pulse = self._head, await self._trying(self._reader.pulse())
            if pulse is not None:
                self._pulse = pulse
                if pulse.head < head:
                    self._begin_again(pulse.head)
            late = self._clock.monotonic() - self._settings.feed_cut_seconds
            for client in self._clients:
                if client.lost_at is not None and client.lost_at < late and client.sender is not None:
                    client.sender.cancel()
                    cut.inc()
            await asyncio.sleep(PULSE_SECONDS)

    def _begin_again(self, head: int) -> None:
        """The database is an older one (a backup was restored): its numbers begin anew, and nobody's number counts."""
        log.error("feed_numbers_went_back", before=self._head, now=head)
        self._head = head
        self._recent.clear()
        for client in self._clients:
            client.lose(self._clock.monotonic())

    async def _beat_loop(self) -> None:
        """A steady pace, so that silence means broken."""
        while True:
            text, now = self.heartbeat(), self._clock.monotonic()
            for client in self._clients:
                client.offer(text, now)
            await asyncio.sleep(self._settings.feed_heartbeat_seconds)

    @staticmethod
    async def _trying(work: Awaitable[Result]) -> Result | None:
        try:
            return await work
        except WorldError as error:
            log.error("feed_unreadable", error=str(error))
            return None

    async def _listen_loop(self) -> None:
        """Wake the reader at once on a notification; without it the reader polls."""
        while True:
            try:
                conn = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
                async with conn:
                    await conn.execute("listen teshe_stream")
                    async for _ in conn.notifies():
                        self._wake.set()
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("feed_listen_lost", error=str(error))
                await asyncio.sleep(2.0)
