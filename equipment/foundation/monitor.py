"""``/metrics`` and ``/healthz`` of a process that serves no pages, on a port of its own.

A loop of ours looks at its stop signal at every turn. So a signal that nobody has looked at for a while means that the
loop is stuck, and ``/healthz`` says so, whatever the reason.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from equipment.foundation import metrics
from equipment.foundation.clock import Clock
from equipment.foundation.process import StopSignal

STUCK_SECONDS = 30.0


class Pulse:
    """When the loop was last seen to turn."""

    def __init__(self, stop: StopSignal, clock: Clock) -> None:
        self._stop = stop
        self._clock = clock
        self._lock = threading.Lock()
        self._looks = stop.looks
        self._seen_at = clock.monotonic()

    def age_seconds(self) -> float:
        """How long the loop may have stood still [s]; 0 when it turned since the last question."""
        with self._lock:
            now = self._clock.monotonic()
            if self._stop.looks != self._looks:
                self._looks, self._seen_at = self._stop.looks, now
            return now - self._seen_at


def _handler(pulse: Pulse) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that the standard library calls
            if self.path == "/metrics":
                self._answer(HTTPStatus.OK, "text/plain; version=0.0.4", metrics.render())
            elif self.path == "/healthz":
                age = pulse.age_seconds()
                status = HTTPStatus.OK if age < STUCK_SECONDS else HTTPStatus.SERVICE_UNAVAILABLE
                body = {"status": "ok" if status is HTTPStatus.OK else "stuck", "still_for_seconds": round(age, 1)}
                self._answer(status, "application/json", json.dumps(body))
            else:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", "there are /metrics and /healthz\n")

        def _answer(self, status: HTTPStatus, kind: str, body: str) -> None:
            encoded = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        def log_message(self, format: str, *args: object) -> None:  # the standard library's signature
            """Probes every few seconds are not worth a line."""

    return Handler


@contextmanager
def monitored(host: str, port: int, stop: StopSignal, clock: Clock) -> Iterator[int]:
    """Serve while the block runs; yields the port. Port 0 in the settings means that nobody asks: nothing is served.

    Raises
    ------
    OSError
        The port is taken.
    """
    if port == 0:
        yield 0
        return
    server = ThreadingHTTPServer((host, port), _handler(Pulse(stop, clock)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="monitor", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
