"""A web process that listens, a listener that resumes, and a city that makes messages."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from dashboards.app import create_app
from dashboards.context import SESSION_COOKIE
from dashboards.settings import WebSettings
from equipment.foundation import stream
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, DatabaseRole, open_pool
from equipment.transparency.keys import Signer
from tests.dashboards import page_city
from tests.services.web import served

HEARTBEAT = 0.2


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def settings(**changes: Any) -> WebSettings:
    return WebSettings(cookie_secure=False, feed_heartbeat_seconds=HEARTBEAT, feed_poll_seconds=0.05, **changes)


@contextmanager
def web(url: str, clock: Clock, port: int, **changes: Any) -> Iterator[uvicorn.Server]:
    """The web process on ``port`` until the block ends."""
    pool = open_pool(url, DatabaseRole.SCOPED, max_size=4, application_name="feed-test")
    app = create_app(pool, url, settings(**changes), clock, Signer.generate("teshe.test"))
    try:
        with served(app, port, log_level="error", timeout_graceful_shutdown=2) as server:
            yield server
    finally:
        pool.close()


def cookie(port: int, login: str) -> str:
    answer = httpx.post(
        f"http://127.0.0.1:{port}/api/v1/sessions", json={"login": login, "password": page_city.PASSWORD}
    )
    assert answer.status_code == 201, answer.text
    return f"{SESSION_COOKIE}={answer.cookies[SESSION_COOKIE]}"


def tell(conn: Connection, clock: Clock, unit: int | None, *numbers: int, filler: str = "") -> None:
    """Commit one message per number and let the sequencer number them."""
    for number in numbers:
        with conn.transaction():
            stream.publish(conn, "desk", "incident", {"n": number, "x": filler}, unit_no=unit, now=clock.now())
    with conn.transaction():
        stream.sequence(conn, "desk", clock.now())


@dataclass
class Listener:
    """Listens as docs/desk-feed.md tells other systems to: resumes, and shows everything afresh when told."""

    port: int
    cookie: str
    after: int | None = None
    heard: list[int] = field(default_factory=list)
    resyncs: list[int] = field(default_factory=list)
    beats: list[dict[str, Any]] = field(default_factory=list)
    socket: ClientConnection | None = None
    stack: ExitStack = field(default_factory=ExitStack)

    def open(self, **options: Any) -> ClientConnection:
        address = f"ws://127.0.0.1:{self.port}/ws/desk" + ("" if self.after is None else f"?after={self.after}")
        headers = {"Cookie": self.cookie}
        opened = connect(
            address, additional_headers=headers, compression=None, open_timeout=5, close_timeout=1, **options
        )
        self.socket = self.stack.enter_context(opened)
        return self.socket

    def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "entry":
            self.heard.append(message["data"]["n"])
        elif message["type"] == "resync":
            self.resyncs.append(message["seq"])
        else:
            self.beats.append(message)
        self.after = message["seq"]

    def until(self, wanted: Any, seconds: float = 15.0) -> None:
        """Listen, reconnecting whenever the connection ends, until ``wanted(self)``."""
        deadline = time.monotonic() + seconds
        while not wanted(self):
            assert time.monotonic() < deadline, f"heard {self.heard[-5:]}, last beat {self.beats[-1:]}"
            try:
                if self.socket is None:
                    self.open()
                assert self.socket is not None
                self.take(json.loads(self.socket.recv(timeout=1)))
            except TimeoutError:
                continue
            except (ConnectionClosed, OSError):
                self.close()
                threading.Event().wait(0.05)

    def close(self) -> None:
        self.stack.close()
        self.socket = None
