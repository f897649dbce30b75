"""``teshe bench desk``: many seats on one live feed, each of which must hear everything, once, in order and soon.

Web and jobs are the real processes. A writer commits one message per transaction on a fixed open-loop schedule; the lag
of a message is the time from its *scheduled* moment (before commit and numbering) until a client has read it. While this
runs, connections are cut, one after the other; each resumes by its number.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import numpy as np
import typer
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from dashboards.bench.ingest import cpu_seconds
from dashboards.bench.services import bench_database, bench_folder, conditions
from dashboards.composition import process_environment, starter
from equipment.city.build import build_city
from equipment.foundation import stream
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import DatabaseRole, ensure_login
from equipment.foundation.database import connect as connect_database
from equipment.foundation.ports import free_port
from equipment.foundation.process import Child, wait_until

PASSWORD = secrets.token_urlsafe(16)
UNITS = 200
DRAIN_SECONDS = 15.0
SETTLE_SECONDS = 2.0


@dataclass(eq=False, slots=True)
class Seat:
    """One client: what it heard, how late, and how often it was cut."""

    address: str
    cookie: str
    after: int
    lags: list[float] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    resyncs: int = 0
    socket: ClientConnection | None = None

    async def listen(self, until: int) -> None:
        """Read until message ``until``, reconnecting by number whenever the connection ends."""
        while not self.numbers or self.numbers[-1] < until:
            address = f"{self.address}?after={self.after}"
            try:
                async with connect(
                    address, additional_headers={"Cookie": self.cookie}, compression=None
                ) as self.socket:
                    async for text in self.socket:
                        self.take(json.loads(text))
                        if self.numbers and self.numbers[-1] >= until:
                            return
            except (ConnectionClosed, OSError):
                await asyncio.sleep(0.05)

    def take(self, message: dict[str, Any]) -> None:
        """Note one message; what the city itself tells meanwhile, such as leads, is none of the load."""
        if message["type"] == "entry" and message["kind"] == "incident":
            self.lags.append(time.time() - message["data"]["due"])
            self.numbers.append(message["data"]["n"])
        elif message["type"] == "resync":
            self.resyncs += 1
        self.after = message["seq"]


@dataclass(frozen=True, slots=True)
class Load:
    """How much."""

    clients: int
    rate: float
    seconds: float
    cuts: int

    @property
    def messages(self) -> int:
        """Messages of the whole run."""
        return int(self.rate * self.seconds)


def write(url: str, load: Load, begin: float) -> None:
    """Commit one message each 1/rate s, as the desk's own changes are committed."""
    clock = SystemClock()
    with connect_database(url, DatabaseRole.SYSTEM, application_name="bench-writer", autocommit=True) as conn:
        for number in range(load.messages):
            due = begin + number / load.rate
            time.sleep(max(0.0, due - time.time()))
            message = {
                "n": number, "due": due, "incident_id": number, "number": "20261125-0001", "event": "arrive",
                "state": "arrived", "kind": "entrapment", "severity": "critical", "by": "坐席甲",
            }  # fmt: skip
            with conn.transaction():
                stream.publish(conn, "desk", "incident", message, unit_no=1 + number % UNITS, now=clock.now())


async def cut_some(seats: list[Seat], load: Load) -> int:
    """Cut connections without a farewell, spread over the run; returns how many."""
    done = 0
    for number in range(load.cuts):
        await asyncio.sleep(load.seconds / (load.cuts + 1))
        socket = seats[number * 7 % len(seats)].socket
        if socket is not None:
            socket.transport.abort()
            done += 1
    return done


async def run(url: str, address: str, cookie: str, load: Load) -> dict[str, Any]:
    """All seats listen while the writer writes; what they heard."""
    seats = [Seat(address, cookie, 0) for _ in range(load.clients)]
    tasks = [asyncio.create_task(seat.listen(load.messages - 1)) for seat in seats]
    await asyncio.sleep(SETTLE_SECONDS)
    writer = threading.Thread(target=write, args=(url, load, time.time() + 0.5))
    writer.start()
    cuts = await cut_some(seats, load)
    await asyncio.wait(tasks, timeout=load.seconds + DRAIN_SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.to_thread(writer.join)
    return judged(seats, load) | {"cuts": cuts}


def judged(seats: list[Seat], load: Load) -> dict[str, Any]:
    """The account of what was sent and heard."""
    wanted = list(range(load.messages))
    lags = np.sort(np.concatenate([np.asarray(seat.lags) for seat in seats])) * 1000
    return {
        "clients": load.clients,
        "updates_per_s": load.rate,
        "messages": load.messages,
        "lost": sum(len(set(wanted) - set(seat.numbers)) for seat in seats),
        "repeated": sum(len(seat.numbers) - len(set(seat.numbers)) for seat in seats),
        "out_of_order": sum(seat.numbers != sorted(seat.numbers) for seat in seats),
        "resyncs": sum(seat.resyncs for seat in seats),
        **{f"lag_p{p}_ms": round(float(np.percentile(lags, p)), 1) for p in (50, 99)},
        "lag_max_ms": round(float(lags[-1]), 1),
    }


@contextmanager
def processes(folder: Path, url: str) -> Iterator[tuple[str, dict[str, Child]]]:
    """Web and jobs; the address of the web process and both children."""
    password, port = secrets.token_hex(12), free_port()
    with connect_database(url, DatabaseRole.OWNER, application_name="bench", autocommit=True) as owner:
        ensure_login(owner, "bench_web", password, DatabaseRole.SCOPED)
    host, database = url.rsplit("@", 1)[1].split("/", 1)
    env = process_environment(
        {
            "TESHE_DATABASE_URL": url, "TESHE_WEB_DATABASE_URL": f"postgresql://bench_web:{password}@{host}/{database}",
            "TESHE_WEB_HOST": "127.0.0.1", "TESHE_WEB_PORT": str(port), "TESHE_COOKIE_SECURE": "false",
            "TESHE_DATA_DIR": str(folder),
        }
    )  # fmt: skip
    children = {name: starter(name, folder, env)() for name in ("jobs", "web")}
    try:
        site = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(site), children["web"], SystemClock(), timeout_seconds=60, what="the web process")
        yield site, children
    finally:
        for child in children.values():
            child.stop()


def _answers(site: str) -> bool:
    try:
        return httpx.get(f"{site}/healthz", timeout=2).status_code < 500
    except httpx.TransportError:
        return False


def measure(load: Load, given: str | None) -> dict[str, Any]:
    """Start everything, run, and account."""
    with bench_folder() as folder, bench_database(folder, given) as url:
        with connect_database(url, DatabaseRole.SYSTEM, application_name="bench", autocommit=True) as conn:
            build_city(conn, units=UNITS, seed=1, now=SystemClock().now(), password=PASSWORD)
            found = conditions(conn)
        with processes(folder, url) as (site, children):
            answer = httpx.post(f"{site}/api/v1/sessions", json={"login": "desk", "password": PASSWORD})
            cookie = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
            before = {name: cpu_seconds(child.pid) for name, child in children.items()}
            own, began = time.process_time(), time.monotonic()
            result = asyncio.run(run(url, site.replace("http", "ws") + "/ws/desk", cookie, load))
            lasted = time.monotonic() - began
            used = {name: cpu_seconds(child.pid) - before[name] for name, child in children.items()}
            used["clients"] = time.process_time() - own
            result["cores_used"] = {name: round(seconds / lasted, 2) for name, seconds in used.items()}
    return result | {"conditions": found}


def desk_command(
    clients: Annotated[int, typer.Option(min=1, max=1_000, help="Seats that listen.")] = 200,
    rate: Annotated[float, typer.Option(min=1, max=500, help="Messages per second.")] = 20,
    seconds: Annotated[float, typer.Option(min=1, max=300, help="How long [s].")] = 30,
    cuts: Annotated[int, typer.Option(min=0, max=500, help="Connections that are cut meanwhile.")] = 20,
    database: Annotated[str | None, typer.Option(help="A server to measure on; default: an embedded one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Only JSON.")] = False,
) -> None:
    """The live feed: lag from commit to client, and that nothing is lost or repeated, also over cut connections."""
    result = measure(Load(clients, rate, seconds, cuts), database)
    if as_json:
        typer.echo(json.dumps(result))
        return
    for name, value in result.items():
        typer.echo(f"{name:<20} {value}")
