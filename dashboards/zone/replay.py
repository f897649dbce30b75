"""内网办理: what was asked on the internet side is done by the same route, in the asker's name and at the time he asked.

Each request is done once: the transaction that does it writes its number, and a number that is there is passed over. One
with an Idempotency-Key is asked again instead, and answers as it did.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI

from dashboards.context import CSRF_HEADER, SESSION_COOKIE, WebContext
from dashboards.zone.asked import under_way
from equipment.access import store as access
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection
from equipment.foundation.logs import get_logger
from equipment.link.model import Entry
from equipment.link.store import QUERIES

log = get_logger("dashboards.zone")
KIND = "request"
MOST_ANSWER = 64_000
"""A longer answer stays here: the asker reads the copy instead [characters]."""


class Replay:
    """Does requests of the internet side through an application of this process."""

    def __init__(self, app: FastAPI, clock: Clock) -> None:
        self._app = app
        self._context: WebContext = app.state.context
        self._clock = clock

    def do(self, conn: Connection, entries: Sequence[Entry]) -> None:
        """Do every request of a bundle, in order; each outcome is kept for the asker. ``conn`` commits by itself."""
        for entry in entries:
            if entry.kind != KIND:
                continue
            number, asked = int(entry.content["request"]), entry.content
            known = conn.execute(QUERIES.done_before, (number,)).fetchone()
            done = bool(known and known[0]) and "idempotency-key" not in asked["headers"]
            status, answer = (200, "") if done else self._ask(number, asked, entry.at)
            values = (number, asked["account"], entry.at, f"{asked['method']} {asked['path']}"[:300], status, answer[:MOST_ANSWER],
                      self._clock.now())  # fmt: skip
            with conn.transaction():
                conn.execute(QUERIES.outcome, values)
            log.info("request_done", number=number, status=status)

    def _ask(self, number: int, asked: dict[str, Any], at: datetime) -> tuple[int, str]:
        headers: dict[str, str] = {str(k): str(v) for k, v in asked["headers"].items()}
        session = None
        if asked["account"] is not None:
            with self._context.transaction(None) as conn:
                session = access.open_session(conn, int(asked["account"]), self._clock.now())
            headers |= {"cookie": f"{SESSION_COOKIE}={session.token}", CSRF_HEADER: session.csrf}
        try:
            with under_way(number, at):
                return asyncio.run(self._call(asked, headers))
        finally:
            if session is not None:
                with self._context.transaction(None) as conn:
                    access.close_session(conn, session.token)

    async def _call(self, asked: dict[str, Any], headers: dict[str, str]) -> tuple[int, str]:
        said: dict[str, Any] = {"status": 500, "body": b""}
        body = base64.b64decode(asked["body"])
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

        raw = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
        raw += [(b"host", b"link"), (b"content-length", str(len(body)).encode())]
        path = str(asked["path"])
        await self._app(
            {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": asked["method"], "scheme": "https",
             "path": path, "raw_path": quote(path).encode(), "root_path": "", "query_string": str(asked["query"]).encode(),
             "headers": raw, "client": (str(asked["origin"]) or "link", 0), "server": ("link", 443), "state": {}},
            receive, send,
        )  # fmt: skip
        return int(said["status"]), bytes(said["body"]).decode("utf-8", "replace")
