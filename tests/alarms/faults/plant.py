"""Web and jobs as processes, a seat that asks over HTTP, and a gateway that hears whom they ring."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from dashboards.composition import process_environment
from equipment.city.build import build_city
from equipment.foundation.database import DatabaseRole, connect
from tests.dashboards.feed.site import free_port
from tests.ingest.faults.plant import eventually
from tests.pipeline import PASSWORD

LIFT = "L000001"
SECRET = "11" * 32
ANSWER_SECONDS = 10
"""The shortest that the settings allow."""
WATCHDOG_SECONDS = 3


class Gateway:
    """Takes voice calls and SMS as a provider does: a key that comes again is the same one."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.open = threading.Event()
        self.open.set()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if "key" in body:
                    gateway.requests.append(body | {"path": self.path})
                gateway.open.wait(20)
                answer = json.dumps({"id": body.get("key", "")[:20]}).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    return  # who asked was killed meanwhile

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def heard(self, purpose: str) -> Counter[tuple[str, str, str]]:
        """Channel, number and key of what was said with that word in it, with how often it came."""
        return Counter((r["path"], r["to"], r["key"]) for r in self.requests if purpose in r["text"])

    def close(self) -> None:
        self.open.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


@dataclass
class DeskPlant:
    """What a city's desk is made of."""

    url: str
    logs: Path
    gateway: Gateway
    port: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)
    csrf: str = ""
    answer_seconds: int = ANSWER_SECONDS

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start web or jobs."""
        env = process_environment(
            {
                "TESHE_DATABASE_URL": self.url, "TESHE_DATA_DIR": str(self.logs), "TESHE_BROKER_PORT": str(free_port()),
                "TESHE_COOKIE_SECURE": "false", "TESHE_SEAL_KEY_FILE": str(self.logs / "seal.key"),
                "TESHE_WEB_PORT": str(self.port), "TESHE_DESK_ANSWER_SECONDS": str(self.answer_seconds),
                "TESHE_DESK_STATION_ANSWER_SECONDS": "900", "TESHE_DESK_WATCHDOG_SECONDS": str(WATCHDOG_SECONDS),
                "TESHE_PAGING_VOICE_URL": f"{self.gateway.url}/voice", "TESHE_PAGING_SMS_URL": f"{self.gateway.url}/sms",
                "TESHE_PAGING_GATEWAY_SECRET": SECRET, "TESHE_PAGING_NETWORKS": '["127.0.0.0/8"]',
                "TESHE_PAGING_DUTY": '["sms:duty-1", "voice:duty-2"]', "TESHE_PAGING_RING_AGAIN_SECONDS": "300",
            }
        )  # fmt: skip
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "dashboards", name], env=env, stdout=log, stderr=log)
        self.running[name] = process
        if name == "web":
            eventually(self.answers, 120)
        return process

    def kill(self, name: str) -> None:
        """SIGKILL."""
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=2).status_code < 600
        except httpx.HTTPError:
            return False

    def log_in(self) -> None:
        answer = httpx.post(self.address("/sessions"), json={"login": "desk", "password": PASSWORD}, timeout=20)
        assert answer.status_code == 201, answer.text
        self.cookies, self.csrf = answer.cookies, answer.json()["csrf"]

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1{path}"

    def get(self, path: str) -> Any:
        return httpx.get(self.address(path), cookies=self.cookies, timeout=20).raise_for_status().json()

    def post(self, path: str, body: Any) -> httpx.Response:
        headers = {"X-CSRF-Token": self.csrf}
        return httpx.post(self.address(path), json=body, cookies=self.cookies, headers=headers, timeout=20)

    def report(self) -> dict[str, Any]:
        """Somebody is trapped; the incident once the jobs have opened it."""
        answer = self.post("/calls", {"category": "entrapment", "unit_id": LIFT, "trapped": 1})
        assert answer.status_code == 201, answer.text
        eventually(lambda: len(self.get("/incidents")) == 1)
        found: dict[str, Any] = self.get("/incidents")[0]
        return found

    def rows(self, query: str) -> list[Any]:
        """Rows as the owner sees them, also of what other connections do."""
        with connect(self.url, DatabaseRole.OWNER, application_name="test", autocommit=True) as conn:
            return conn.execute(query.encode()).fetchall()

    def levels(self) -> list[int]:
        """Levels that were ordered, in their order."""
        return [row[0] for row in self.rows("select level from alarms.dispatch order by id")]


@contextmanager
def desk_plant(url: str, logs: Path, answer_seconds: int) -> Iterator[DeskPlant]:
    """A small city with its desk running; ``answer_seconds``: how long an order waits for its answer [s]."""
    with connect(url, DatabaseRole.SYSTEM, application_name="test", autocommit=True) as conn:
        build_city(conn, units=12, seed=7, now=datetime.now(UTC), password=PASSWORD)
    gateway = Gateway()
    plant = DeskPlant(url, logs, gateway, answer_seconds=answer_seconds)
    try:
        plant.start("jobs")
        plant.start("web")
        plant.log_in()
        yield plant
    finally:
        gateway.open.set()
        for process in plant.running.values():
            process.kill()
            process.wait(10)
        gateway.close()
