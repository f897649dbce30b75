"""内网办理: what was asked on the internet side is done by the same route, in the asker's name and at the time he asked.

Each request is done once: the transaction that does it writes its number, and a number that is there is passed over. One
with an Idempotency-Key is asked again instead, and answers as it did.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from psycopg.errors import ForeignKeyViolation

from dashboards.context import CSRF_HEADER, SESSION_COOKIE, WebContext
from dashboards.zone.asked import under_way
from equipment.access import store as access
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection
from equipment.foundation.errors import DatabaseUnavailableError
from equipment.foundation.logs import get_logger
from equipment.link.model import Asked, Entry, read
from equipment.link.store import QUERIES

log = get_logger("dashboards.zone")
KIND = "request"
UNAVAILABLE = 503
MOST_ANSWER = 64_000
"""A longer answer stays here: the asker reads the copy instead [characters]."""


class Replay:
    """Does requests of the internet side through applications of this process.

    Parameters
    ----------
    firm
        Serves the accounts that live out there, and is strange to all others.
    public
        Serves whoever has no account.
    """

    def __init__(self, firm: FastAPI, public: FastAPI, clock: Clock) -> None:
        self._firm, self._public = firm, public
        self._context: WebContext = firm.state.context
        self._clock = clock

    def do(self, conn: Connection, entries: Sequence[Entry]) -> None:
        """Do every request of a bundle, in order; each outcome is kept for the asker. ``conn`` commits by itself."""
        for entry in entries:
            if entry.kind != KIND:
                continue
            asked = read(entry, Asked)
            known = conn.execute(QUERIES.done_before, (asked.request,)).fetchone()
            done = bool(known and known[0]) and "idempotency-key" not in asked.headers
            status, answer = (200, "") if done else self.ask(asked, entry.at)
            values = (asked.request, asked.account, entry.at, f"{asked.method} {asked.path}"[:300], status, answer[:MOST_ANSWER],
                      self._clock.now())  # fmt: skip
            with conn.transaction():
                conn.execute(QUERIES.outcome, values)
            log.info("request_done", number=asked.request, status=status)

    def ask(self, asked: Asked, at: datetime) -> tuple[int, str]:
        """Do one request; its status and answer. 401 when the account is not one of those that live out there."""
        headers, session = dict(asked.headers), None
        if asked.account is not None:
            try:
                with self._context.transaction(None) as conn:
                    session = access.open_session(conn, asked.account, self._clock.now())
            except ForeignKeyViolation:
                return 401, "没有该账号 (no such account)"
            headers |= {"cookie": f"{SESSION_COOKIE}={session.token}", CSRF_HEADER: session.csrf}
        app = self._public if asked.account is None else self._firm
        try:
            with under_way(asked.request, at):
                return asyncio.run(_call(app, asked, headers))
        finally:
            if session is not None:
                with self._context.transaction(None) as conn:
                    access.close_session(conn, session.token)


async def _call(app: FastAPI, asked: Asked, headers: dict[str, str]) -> tuple[int, str]:
    said: dict[str, Any] = {"status": 500, "body": b""}
    body = asked.body
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            await asyncio.sleep(timedelta(days=1).total_seconds())
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            said["status"] = message["status"]
        else:
            said["body"] += message.get("body", b"")

    raw = [(k.lower().encode("latin-1", "replace"), v.encode("latin-1", "replace")) for k, v in headers.items()]
    raw += [(b"host", b"link"), (b"content-length", str(len(body)).encode())]
    scope: dict[str, Any] = (
        {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": asked.method, "scheme": "https",
         "path": asked.path, "raw_path": quote(asked.path).encode(), "root_path": "", "query_string": asked.query.encode(),
         "headers": raw, "client": (asked.origin or "link", 0), "server": ("link", 443), "state": {}}
    )  # fmt: skip
    doing = asyncio.ensure_future(app(scope, receive, send))
    await asyncio.wait({doing})
    error = doing.exception()
    if error is not None:  # a fault of ours: the framework has answered 500 and raises it again
        log.error("request_failed", number=asked.request, error=str(error), kind=type(error).__name__)
    if said["status"] == UNAVAILABLE:
        raise DatabaseUnavailableError(f"request {asked.request} cannot be done now; the bundle is tried again")
    return int(said["status"]), bytes(said["body"]).decode("utf-8", "replace")
