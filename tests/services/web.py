"""The web process in a thread, for tests that go through a socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI


@contextmanager
def served(app: FastAPI, port: int, **options: Any) -> Iterator[uvicorn.Server]:
    """The app on a loopback port until the block ends."""
    config = uvicorn.Config(app, port=port, ws="websockets-sansio", **({"log_level": "warning"} | options))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while thread.is_alive() and not server.started:
        thread.join(0.02)
    try:
        yield server
    finally:
        server.should_exit = True
        thread.join(20)
