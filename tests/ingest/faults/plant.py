"""A city under load on real services that can be broken: what was published is known, and judged afterwards."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

from dashboards.composition import process_environment
from equipment.city.build import build_city
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect
from ingest.account import delivery, judge
from ingest.broker import BrokerAddress, ensure_sessions
from ingest.lease import make_shards
from ingest.model import Channel
from ingest.simulator.keylog import Published
from ingest.simulator.messages import Key
from ingest.topics import topic_of
from tests.pipeline import PASSWORD

STOP_SECONDS = 40


def eventually(what: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for a real process to get there; a database that is away is not there yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            if what():
                return
        except psycopg.OperationalError:
            pass
        assert time.monotonic() < end, f"not reached within {seconds} s"
        time.sleep(0.1)


@dataclass
class Plant:
    """Database, broker, a publisher, workers."""

    url: str
    port: int
    logs: Path
    units: list[str]
    device: mqtt.Client
    published: Published = field(default_factory=Published)
    lease_seconds: float = 2.0
    worker_port: int = 0
    """Where workers find the broker, if not at its own port: a proxy."""
    seq: int = 0
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @cached_property
    def conn(self) -> Connection:
        """One connection that stays, for tests in which the database lives."""
        return self.connect()

    def worker(self) -> subprocess.Popen[bytes]:
        """Start a worker's process."""
        env = process_environment(
            {
                "TESHE_DATABASE_URL": self.url, "TESHE_BROKER_HOST": "127.0.0.1",
                "TESHE_BROKER_PORT": str(self.worker_port or self.port),
                "TESHE_LEASE_SECONDS": str(self.lease_seconds), "TESHE_BROKER_ACK_WAIT_SECONDS": "2",
            }
        )  # fmt: skip
        with (self.logs / "worker.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "dashboards", "worker"], env=env, stdout=log, stderr=log)
        self.workers.append(process)
        return process

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """SIGKILL."""
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        self.workers.remove(worker)

    def publish(self, count: int, per_second: float = 2_000) -> None:
        """So many samples over the lifts, one in fifty of them twice, an array now and then, QoS 1."""
        for _ in range(count):
            n = self.seq
            self.seq += 1
            unit, at = self.units[n % len(self.units)], time.time_ns() // 1_000_000
            samples = [{"ts": at + i, "seq": n * 10 + i, "values": {"speed_m_s": 1.0, "car_moving": True}}
                       for i in range(3 if n % 20 == 0 else 1)]  # fmt: skip
            body = json.dumps(samples if len(samples) > 1 else samples[0])
            for _ in range(2 if n % 50 == 0 else 1):
                self.device.publish(topic_of(unit, Channel.TELEMETRY), body, qos=1)
                for s in samples:
                    self.published.keys[
                        Key(unit, Channel.TELEMETRY, int(str(s["ts"])) * 1_000, int(str(s["seq"])))
                    ] += 1
            time.sleep(1 / per_second)

    @contextmanager
    def load(self, per_second: float = 400) -> Iterator[None]:
        """Publish all the while."""
        stop = threading.Event()

        def run() -> None:
            while not stop.is_set():
                self.publish(20, per_second)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def acknowledged(self) -> bool:
        """Whether the broker has acknowledged everything that was published."""
        return not self.device._out_messages

    def connect(self) -> Connection:
        """A connection of the system role."""
        return connect(self.url, DatabaseRole.SYSTEM, application_name="test", autocommit=True)

    def value(self, query: str) -> object:
        """One value of one row."""
        with self.connect() as conn:
            row = conn.execute(query.encode()).fetchone()
        return row[0] if row else None

    def stored(self) -> int:
        """Rows of lifts."""
        return int(str(self.value("select count(*) from ingest.reading_lift")))

    def owned(self) -> int:
        """Shards that somebody owns."""
        return int(str(self.value("select count(*) from ingest.shard where owner is not null and lease_until > now()")))

    def settle_accounts(self, seconds: float = 60) -> None:
        """Both accounts balance, no key is there twice, nothing that the broker acknowledged is missing."""
        eventually(self.acknowledged, seconds)
        unique = len(self.published.keys)
        eventually(lambda: self.stored() >= unique, seconds)
        for worker in self.workers:
            worker.terminate()
        codes = [worker.wait(STOP_SECONDS) for worker in self.workers]
        self.workers.clear()
        with self.connect() as conn:
            account = judge(conn, self.published)
            assert account.missing == ()
            assert account.balanced, account
            assert self.stored() == unique
            counted = delivery(conn, datetime.fromtimestamp(0, UTC))
            assert counted.balanced
            assert counted.stored == unique
            assert conn.execute("select count(*) from ingest.quarantine").fetchone() == (0,)
        assert set(codes) <= {0}, f"exit codes {codes}"


@contextmanager
def planted(url: str, port: int, logs: Path) -> Iterator[Plant]:
    """A city on a migrated database and a broker, with nothing running yet."""
    with connect(url, DatabaseRole.SYSTEM, application_name="test", autocommit=True) as conn:
        build_city(conn, units=40, seed=7, now=datetime.now(UTC), password=PASSWORD)
        ensure_sessions(BrokerAddress("127.0.0.1", port), make_shards(conn), SystemClock())
        units = [row[0] for row in conn.execute("select id from equipment.unit where kind = 'lift' order by no")]
    # a session that the broker keeps, so that what it has not acknowledged is sent again after a cut
    device = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="test-device", clean_session=False)
    device.max_inflight_messages_set(1_000)
    device.reconnect_delay_set(1, 1)
    device.connect("127.0.0.1", port)
    device.loop_start()
    plant = Plant(url, port, logs, units, device)
    try:
        yield plant
    finally:
        for worker in plant.workers:
            worker.send_signal(signal.SIGCONT)
            worker.kill()
            worker.wait(10)
        if "conn" in plant.__dict__:
            plant.conn.close()
        device.disconnect()
        device.loop_stop()
