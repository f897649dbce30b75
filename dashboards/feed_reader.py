"""How the feed reads the numbered stream: a connection of its own, which no slow page can take from it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from equipment.access.model import Asker, Role, ScopeKind
from equipment.foundation.database import Connection, DatabaseRole, Queries, connect, load_queries, translated
from equipment.foundation.errors import WorldError

QUERIES: Queries = load_queries(__file__)
STREAM = "desk"
PLACELESS_ROLES = frozenset({Role.DESK, Role.REGULATOR, Role.AUDITOR})
"""Who sees an incident whose lift is not found yet: those of the row policy of ``alarms.incident``."""

Result = TypeVar("Result")


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
    ordered: Sequence[int] = ()
    """Organisations that were ordered to the incident."""

    def text(self) -> str:
        """The entry as it is sent."""
        message = {
            "type": "entry", "seq": self.seq, "kind": self.kind, "unit_no": self.unit_no, "at": self.at.isoformat(),
            "data": self.payload,
        }  # fmt: skip
        return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def visible(entry: FeedEntry, asker: Asker) -> bool:
    """Whether the asker's scope covers the entry: as the row policies of ``equipment.unit`` and ``alarms.incident``.

    A lead (线索) is for officers: whom it is about is not told of a suspicion before a person has judged it.
    """
    if entry.kind == "lead" and asker.scope_kind is not ScopeKind.JURISDICTION:
        return False
    if asker.scope_kind is ScopeKind.FIRM and asker.organisation_id in entry.ordered:
        return True
    if entry.unit_no is None:
        return asker.role in PLACELESS_ROLES
    match asker.scope_kind:
        case ScopeKind.JURISDICTION:
            return bool(asker.scope_path) and (entry.jurisdiction_path or "").startswith(asker.scope_path or "\0")
        case ScopeKind.FIRM:
            return asker.organisation_id is not None and entry.firm_org_id == asker.organisation_id
        case ScopeKind.USE_UNIT:
            return asker.organisation_id is not None and entry.use_org_id == asker.organisation_id


@dataclass(frozen=True, slots=True)
class Pulse:
    """The stream's head, and what has been committed but not told: None where nothing waits."""

    head: int
    waiting_since: datetime | None
    behind_since: datetime | None


class StreamReader:
    """Reads the stream in one thread over one connection, which is opened again after a failure."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._conn: Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feed-read")

    async def head(self) -> int:
        """Number of the newest entry, 0 for none."""
        return await self._run(lambda conn: int((conn.execute(QUERIES.feed_head, (STREAM,)).fetchone() or (0,))[0]))

    async def after(self, seq: int, most: int) -> list[FeedEntry]:
        """Entries above ``seq``, oldest first, at most ``most``."""
        return await self._run(
            lambda conn: [FeedEntry(*row) for row in conn.execute(QUERIES.read_feed, (STREAM, seq, most))]
        )

    async def pulse(self) -> Pulse:
        """What waits to be told."""
        return await self._run(
            lambda conn: Pulse(*(conn.execute(QUERIES.feed_pulse, (STREAM,)).fetchone() or (0, None, None)))
        )

    def close(self) -> None:
        """End the thread and the connection."""
        self._thread.submit(self._forget)
        self._thread.shutdown(wait=True)

    async def _run(self, work: Callable[[Connection], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._in_thread, work)

    def _in_thread(self, work: Callable[[Connection], Result]) -> Result:
        try:
            if self._conn is None:
                self._conn = connect(self._url, DatabaseRole.SCOPED, application_name="teshe-feed", autocommit=True)
            with translated():
                return work(self._conn)
        except WorldError:
            self._forget()
            raise

    def _forget(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None
