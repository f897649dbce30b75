"""``teshe bench latency``: from a press of the alarm button to the alarm on a desk's WebSocket, and back after a killed worker.

Broker, database, worker, jobs, upkeep and web run as in the field, each in its own process, under a steady load of ordinary
samples; probes are lifts of their own whose button is pressed by schedule. The button has no delay of its own.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Annotated, Any
from urllib.request import Request, urlopen

import numpy as np
import typer
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as connect_socket

from dashboards.bench.ingest import BenchError, Plant, begin_load, broker_of, make_plant, wait_for
from dashboards.bench.load import FIRST_SEQ, Line, LoadPlan, connect, remaining_length
from dashboards.bench.services import bench_database, bench_folder, conditions
from dashboards.composition import starter
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import DatabaseRole
from equipment.foundation.database import connect as connect_database
from equipment.foundation.ports import free_port
from equipment.foundation.process import Child, wait_until
from ingest.model import Channel
from ingest.topics import topic_of

PASSWORD = "bench-city-7"  # noqa: S105  # of a city that is thrown away
SEAT = "desk"
SETTLE_SECONDS = 9.0
LOAD_BEFORE = 2.0
"""The load runs so long before the first press [s]."""
LONGEST_WAIT = 30.0
PROBE_EVERY = 0.25
"""Presses while the worker comes back [s]."""
RECOVERY_PROBES = 200


class Desk:
    """A seat's WebSocket: when the alarm of which unit came."""

    def __init__(self, port: int) -> None:
        self.came: dict[int, float] = {}
        self._stop = Event()
        self._socket = connect_socket(f"ws://127.0.0.1:{port}/ws/desk", additional_headers={"Cookie": log_in(port)})
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                said = json.loads(self._socket.recv())
            except ConnectionClosed:
                return
            now = time.time()
            if said.get("kind") == "alarm" and said["data"].get("event") == "raised":
                self.came.setdefault(said["unit_no"], now)

    def close(self) -> None:
        """Hang up."""
        self._stop.set()
        self._socket.close()
        self._thread.join(timeout=5)


def log_in(port: int) -> str:
    """The cookie of a seat."""
    body = json.dumps({"login": SEAT, "password": PASSWORD}).encode()
    asked = Request(f"http://127.0.0.1:{port}/api/v1/sessions", body, {"Content-Type": "application/json"})
    with urlopen(asked, timeout=20) as answer:  # noqa: S310  # our own address
        return str(answer.headers["Set-Cookie"]).split(";")[0]


class Prober:
    """Presses the alarm button of one lift after the other, each at its scheduled moment."""

    def __init__(self, port: int, units: Sequence[tuple[str, int]]) -> None:
        self._line: Line = connect(port, "bench-probe")
        self._units = list(units)
        self.pressed: dict[int, float] = {}
        """Unit and scheduled moment."""

    def press(self, at: float) -> None:
        """One press of a lift that has not been pressed yet; counts from ``at``, however late it leaves."""
        unit_id, unit_no = self._units.pop()
        time.sleep(max(0.0, at - time.time()))
        number = len(self.pressed) % 65_535 + 1
        values = {"alarm_button": True, "passenger": True, "car_moving": False, "door_zone": True, "service_mode": 1}
        payload = json.dumps({"ts": round(at * 1_000), "seq": 1, "values": values}).encode()
        topic = topic_of(unit_id, Channel.TELEMETRY).encode()
        size = 2 + len(topic) + 2 + len(payload)
        self._line.unsent += b"\x32" + remaining_length(size) + struct.pack("!H", len(topic)) + topic
        self._line.unsent += struct.pack("!H", number) + payload
        self.pressed[unit_no] = at
        while self._line.unsent:
            self._line.write()
        self._line.read()

    def close(self) -> None:
        """Hang up."""
        self._line.socket.close()


def waited_for(desk: Desk, pressed: dict[int, float]) -> list[float]:
    """From press to desk [s], for all of them.

    Raises
    ------
    BenchError
        One has not come: an alarm that is lost has no latency.
    """
    deadline = time.time() + LONGEST_WAIT
    while any(unit not in desk.came for unit in pressed):
        if time.time() > deadline:
            missing = sum(unit not in desk.came for unit in pressed)
            raise BenchError(f"{missing} of {len(pressed)} alarms have not come to the desk")
        time.sleep(0.05)
    return [desk.came[unit] - at for unit, at in pressed.items()]


def latency(plant: Plant, desk: Desk, probes: Prober, worker: Child, rate: float, seconds: float) -> dict[str, Any]:
    """Presses, ten a second, under the load."""
    plan = LoadPlan(plant.port, plant.units, rate, seconds + LOAD_BEFORE + 1, 1, FIRST_SEQ, time.time() + 2.0)
    load, report_file, watch = begin_load(plant, plan, worker)
    begin = plan.start + LOAD_BEFORE
    # not in step with anything that runs ten times a second
    for n in range(int(seconds * 10)):
        probes.press(begin + n * 0.1037)
    times = np.array(waited_for(desk, dict(probes.pressed))) * 1_000
    report = wait_for(plant.conn, int(plan.rate * plan.seconds), watch, worker, load, report_file)
    p50, p99 = np.percentile(times, (50, 99))
    return {
        "publish_to_desk_p50_ms": round(float(p50), 1), "publish_to_desk_p99_ms": round(float(p99), 1),
        "publish_to_desk_max_ms": round(float(times.max()), 1), "presses": len(times), "rate": rate, "cpu_s": watch.used(),
        "load_behind_s": round(report.behind_seconds, 3),
    }  # fmt: skip


def recovery(plant: Plant, desk: Desk, probes: Prober, worker: Child, logs: Path) -> tuple[float, Child]:
    """From SIGKILL of the worker to the first alarm on the desk of a button that is pressed after it [s]."""
    before = set(probes.pressed)
    killed_at = time.time()
    os.kill(worker.pid, signal.SIGKILL)
    again = starter("worker", logs, plant.environment())()
    for n in range(RECOVERY_PROBES):
        probes.press(killed_at + (n + 1) * PROBE_EVERY)
        if (probes.pressed.keys() - before) & desk.came.keys():
            break
    after = {unit: at for unit, at in probes.pressed.items() if unit not in before}
    waited_for(desk, after)  # none of them is lost
    return min(desk.came[unit] for unit in after) - killed_at, again


def measure(units: int, rate: float, seconds: float, broker: str) -> dict[str, Any]:
    """All figures on fresh services."""
    with (
        bench_folder() as folder,
        bench_database(folder, None) as url,
        broker_of(broker, folder, "250ms") as (port, broker_pid),
        connect_database(url, DatabaseRole.SYSTEM, application_name="teshe-bench", autocommit=True) as conn,
    ):
        plant = make_plant(folder, url, port, broker_pid, conn, units=units)
        count = int(seconds * 10) + RECOVERY_PROBES
        probed: list[tuple[str, int]] = conn.execute(
            "select id, no from equipment.unit where kind = 'lift' and device_model is not null and status = 'in_use'"
            " order by no desc limit %s", (count,),
        ).fetchall()  # fmt: skip
        plant.units = tuple(sorted(set(plant.units) - {unit for unit, _ in probed}))
        return run(plant, probed, rate, seconds) | {
            "units": units, "broker": broker, "conditions": conditions(conn), "boundary": "kill to alarm on the desk",
        }  # fmt: skip


def run(plant: Plant, probed: list[tuple[str, int]], rate: float, seconds: float) -> dict[str, Any]:
    """With all processes up."""
    web_port = free_port()
    env = plant.environment() | {
        "TESHE_WEB_PORT": str(web_port), "TESHE_COOKIE_SECURE": "false", "TESHE_DATA_DIR": str(plant.folder / "data"),
    }  # fmt: skip
    children = {name: starter(name, plant.folder, env)() for name in ("worker", "jobs", "upkeep", "web")}
    try:
        wait_until(lambda: is_up(web_port), children["web"], SystemClock(), timeout_seconds=40, what="the web process")
        time.sleep(SETTLE_SECONDS)
        desk, probes = Desk(web_port), Prober(plant.port, probed)
        try:
            found = latency(plant, desk, probes, children["worker"], rate, seconds)
            took, children["worker"] = recovery(plant, desk, probes, children["worker"], plant.folder)
        finally:
            desk.close()
            probes.close()
    finally:
        for child in children.values():
            child.stop()
    return found | {"recovery_s": round(took, 2)}


def is_up(port: int) -> bool:
    """Whether the web process answers."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/login", timeout=2) as answer:  # our own address
            return bool(answer.status == 200)
    except OSError:
        return False


def latency_command(
    units: Annotated[int, typer.Option(min=2_000, max=200_000, help="Units of the city.")] = 20_000,
    rate: Annotated[float, typer.Option(min=0, help="Samples per second beside the presses.")] = 5_000,
    seconds: Annotated[float, typer.Option(min=1, max=120, help="How long buttons are pressed [s].")] = 15,
    broker: Annotated[str, typer.Option(help="nats or mosquitto.")] = "nats",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """From a sensor's message to the alarm on a desk's page, and how soon again after a killed worker."""
    found = measure(units, rate, seconds, broker)
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name in ("publish_to_desk_p50_ms", "publish_to_desk_p99_ms", "publish_to_desk_max_ms", "recovery_s"):
        typer.echo(f"{name:24} {found[name]:,}")
