"""The live feed (实时推送): numbered messages to every seat, each only what its scope may see.

One reader per process reads the sequenced stream once and hands each entry to the clients that may see it. A client
that reconnects names the last number it saw and gets the rest; a client that is too slow is told to resynchronise
and never slows another. Numbers are gap-free in the stream; a client with a narrow scope sees some of them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from dashboards.settings import WebSettings
from equipment.access.model import Asker, ScopeKind
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, Queries, load_queries, translated
from equipment.foundation.errors import WorldError
from equipment.foundation.logs import get_logger
from equipment.foundation.metrics import counter, gauge

QUERIES: Queries = load_queries(__file__)
STREAM = "desk"
READ_AT_ONCE = 500
RESUME_AT_MOST = 5_000

log = get_logger("dashboards.feed")
clients_gauge = gauge("teshe_feed_clients", "Live feed clients connected")
resyncs = counter("teshe_feed_resync_total", "Clients told to resynchronise because they were too slow")


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One numbered message with what decides who may see it."""

    seq: int
    kind: str
    unit_no: int | None
    payload: dict[str, Any]
    at: datetime
    jurisdiction_path: str | None
    firm_org_id: int | None
    use_org_id: int | None

    def message(self) -> dict[str, Any]:
        """The entry as it is sent."""
        return {
            "type": "entry",
            "seq": self.seq,
            "kind": self.kind,
            "unit_no": self.unit_no,
            "at": self.at.isoformat(),
            "data": self.payload,
        }


def visible(entry: FeedEntry, asker: Asker) -> bool:
    """Whether the asker's scope covers the entry: the same comparison as the row policy of ``equipment.unit``.

    An entry without a unit (an incident whose lift is not found yet) is for the whole city's desk only.
    """
    if entry.unit_no is None:
        return asker.scope_kind is ScopeKind.JURISDICTION and (asker.scope_path or "").count("/") == 2
    match asker.scope_kind:
        case ScopeKind.JURISDICTION:
            return bool(asker.scope_path) and (entry.jurisdiction_path or "").startswith(asker.scope_path or "\0")
        case ScopeKind.FIRM:
            return asker.organisation_id is not None and entry.firm_org_id == asker.organisation_id
        case ScopeKind.USE_UNIT:
            return asker.organisation_id is not None and entry.use_org_id == asker.organisation_id


@dataclass(eq=False, slots=True)
class Client:
    """One connected page: a bounded queue of what it may see."""

    asker: Asker
    after: int
    queue: asyncio.Queue[dict[str, Any]]
    lost: bool = field(default=False)

    def offer(self, entry: FeedEntry) -> None:
        """Queue the entry if it is new and visible; a full queue marks the client as lost."""
        if self.lost or entry.seq <= self.after:
            return
        if not visible(entry, self.asker):
            return
        try:
            self.queue.put_nowait(entry.message())
            self.after = entry.seq
        except asyncio.QueueFull:
            self.lost = True
            resyncs.inc()


class Feed:
    """Reads the stream once and serves all clients of this process."""

    def __init__(self, pool: ConnectionPool[Connection], url: str, settings: WebSettings, clock: Clock) -> None:
        self._pool = pool
        self._url = url
        self._settings = settings
        self._clock = clock
        self._clients: set[Client] = set()
        self._head = 0
        self._read_at: datetime | None = None
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def head(self) -> int:
        """Number of the newest entry that was read."""
        return self._head

    def state(self) -> dict[str, Any]:
        """What a heartbeat carries: the newest number, the server's time, and when the stream was last read."""
        return {
            "type": "heartbeat",
            "seq": self._head,
            "at": self._clock.now().isoformat(),
            "read_at": self._read_at.isoformat() if self._read_at else None,
        }

    async def start(self) -> None:
        """Begin at the stream's head; earlier entries reach a client only by its resume number."""
        self._head = await asyncio.to_thread(self._fetch_head)
        self._read_at = self._clock.now()
        self._tasks = [
            asyncio.create_task(self._read_loop(), name="feed-read"),
            asyncio.create_task(self._listen_loop(), name="feed-listen"),
        ]

    async def stop(self) -> None:
        """Stop reading; sockets are closed by their own handlers."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []

    async def join(self, asker: Asker, after: int | None) -> tuple[Client, list[dict[str, Any]], bool]:
        """Register a client and collect what it missed.

        Returns
        -------
        The client, the messages since ``after``, and whether it must resynchronise (it was away too long).
        """
        client = Client(asker, self._head, asyncio.Queue(self._settings.feed_client_queue))
        self._clients.add(client)
        clients_gauge.set(len(self._clients))
        if after is None:
            return client, [], False
        upto = client.after
        if after > upto or upto - after > RESUME_AT_MOST:
            return client, [], True
        missed: list[dict[str, Any]] = []
        position = after
        while position < upto:
            entries = await asyncio.to_thread(self._fetch, position, min(READ_AT_ONCE, upto - position))
            if not entries:
                break
            missed.extend(e.message() for e in entries if e.seq <= upto and visible(e, asker))
            position = entries[-1].seq
        return client, missed, False

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self._clients.discard(client)
        clients_gauge.set(len(self._clients))

    def _fetch_head(self) -> int:
        with translated(), self._pool.connection() as conn:
            row = conn.execute(QUERIES.feed_head, (STREAM,)).fetchone()
            return int(row[0]) if row else 0

    def _fetch(self, after: int, most: int) -> Sequence[FeedEntry]:
        with translated(), self._pool.connection() as conn:
            return [FeedEntry(*row) for row in conn.execute(QUERIES.read_feed, (STREAM, after, most))]

    async def _read_loop(self) -> None:
        while True:
            self._wake.clear()
            try:
                entries = await asyncio.to_thread(self._fetch, self._head, READ_AT_ONCE)
            except WorldError as error:
                log.error("feed_unreadable", error=str(error))
                await asyncio.sleep(1.0)
                continue
            self._read_at = self._clock.now()
            for entry in entries:
                self._head = entry.seq
                for client in self._clients:
                    client.offer(entry)
            if len(entries) < READ_AT_ONCE:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._settings.feed_poll_seconds)

    async def _listen_loop(self) -> None:
        """Wake the reader at once on a notification; without it the reader polls."""
        while True:
            try:
                conn = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
                async with conn:
                    await conn.execute("listen teshe_stream")
                    async for _ in conn.notifies():
                        self._wake.set()
            except psycopg.OperationalError as error:
                log.warning("feed_listen_lost", error=str(error))
                await asyncio.sleep(2.0)
