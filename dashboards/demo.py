"""``teshe demo``: a simulated city on embedded services, from an empty directory to a live desk.

It publishes over real MQTT, stores, judges and shows what every other installation would, and at the end compares what
was published with what was stored, sample by sample.
"""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dashboards.composition import PACKAGES, process_environment, starter
from equipment.city.build import City, build_city
from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, DatabaseRole, connect, load_queries
from equipment.foundation.embedded_nats import EmbeddedNats
from equipment.foundation.embedded_postgres import EmbeddedPostgres
from equipment.foundation.errors import InputError, StartFailedError
from equipment.foundation.migrations import migrate
from equipment.foundation.ports import remembered_port
from equipment.foundation.process import Child, StopSignal, Supervisor, spawn, wait_until
from ingest.account import RunAccount, judge_run
from ingest.broker import BrokerAddress, ensure_sessions
from ingest.lease import make_shards

QUERIES = load_queries(__file__, "demo.sql")
MARK = "teshe-demo"
"""A file of this name makes a directory ours to delete."""
SEED = 341300
WEB_SECONDS = 60.0
DRAIN_SECONDS = 15.0
TURN_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What may be chosen. ``seconds`` None runs until Ctrl-C."""

    data: Path
    port: int | None
    units: int
    rate: float
    seconds: float | None
    fresh: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """What the progress line shows."""

    published: int
    stored: int
    duplicates: int
    quarantined: int
    redelivered: int
    late: int
    alarms: int
    incidents: int
    leads: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The account of this run, in samples; ``missing`` names keys that were published and are nowhere."""

    account: RunAccount
    redelivered: int
    late: int
    alarms_raised: int
    incidents: int
    leads_open: int

    @property
    def balanced(self) -> bool:
        """Whether every published sample is accounted for."""
        return self.account.balanced

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return {
            "published": self.account.published,
            "stored": self.account.stored,
            "duplicates": self.account.duplicates,
            "quarantined": self.account.quarantined,
            "redelivered": self.redelivered,
            "late": self.late,
            "alarms_raised": self.alarms_raised,
            "incidents": self.incidents,
            "leads_open": self.leads_open,
            "missing": list(self.account.missing[:20]),
            "balanced": self.balanced,
        }


class Demo:
    """Everything of one demo run; use as a context manager, so that all of it ends."""

    def __init__(self, options: DemoOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._stack = ExitStack()
        self._supervisor = Supervisor(clock)
        self._run = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        self._watch: Connection | None = None
        self._simulator: Child | None = None
        self._started_at = clock.now()
        self.city = City()
        self.password = ""
        self.address = ""
        self.broker = ""

    def __enter__(self) -> Demo:
        return self

    def __exit__(self, *_: object) -> None:
        self._supervisor.stop_all()
        self._stack.close()

    @property
    def logs(self) -> Path:
        """Where the processes write."""
        return self._options.data / "logs"

    def start(self) -> None:
        """Bring everything up; returns when the first page can be opened."""
        data = prepared(self._options.data, fresh=self._options.fresh)
        postgres = EmbeddedPostgres(data / "postgres", clock=self._clock)
        url = postgres.start()
        self._stack.callback(postgres.stop)
        migrate(url, PACKAGES)
        web_url = postgres.login_for(DatabaseRole.SCOPED, "teshe_web")
        self.password = remembered_secret(data / "password")
        self._build(url)
        broker = EmbeddedNats(data / "nats", clock=self._clock)
        broker_port = broker.start()
        self._stack.callback(broker.stop)
        self.broker = f"127.0.0.1:{broker_port}"
        with connect(url, DatabaseRole.SYSTEM, application_name="teshe-demo") as conn:
            clients = make_shards(conn)
        ensure_sessions(BrokerAddress("127.0.0.1", broker_port), clients, self._clock)
        web_port = remembered_port(data / "port", self._options.port)
        self._start_processes(url, web_url, broker_port, web_port)
        self.address = f"http://127.0.0.1:{web_port}"
        web = self._supervisor.child("web")
        wait_until(lambda: answers(self.address), web, self._clock, timeout_seconds=WEB_SECONDS, what="the web process")
        self._watch = self._stack.enter_context(
            connect(url, DatabaseRole.SYSTEM, application_name="teshe-demo", autocommit=True)
        )
        self._started_at = self._clock.now()
        self._start_simulator(url, broker_port)

    def _build(self, url: str) -> None:
        with connect(url, DatabaseRole.SYSTEM, application_name="teshe-demo") as conn:
            self.city = build_city(
                conn, units=self._options.units, seed=SEED, now=self._clock.now(), password=self.password
            )

    def _start_processes(self, url: str, web_url: str, broker_port: int, web_port: int) -> None:
        services = {
            "TESHE_DATABASE_URL": url,
            "TESHE_WEB_DATABASE_URL": web_url,
            "TESHE_BROKER_HOST": "127.0.0.1",
            "TESHE_BROKER_PORT": str(broker_port),
            "TESHE_DATA_DIR": str(self._options.data.absolute()),
        }
        write_environment(self.environment_file, services)
        env = process_environment(
            services
            | {
                "TESHE_WEB_HOST": "127.0.0.1",
                "TESHE_WEB_PORT": str(web_port),
                "TESHE_COOKIE_SECURE": "false",
                "TESHE_DEMO_NOTICE": "true",
                "TESHE_SEAL_KEY_FILE": str(self._options.data.absolute() / "keys" / "seal.key"),
                "TESHE_LINK_KEYS_FILE": str(self._options.data.absolute() / "keys" / "links.keys"),
                "TESHE_LOG_FORMAT": "json",
            }
        )
        for name in ("worker", "jobs", "upkeep", "imports", "web"):
            self._supervisor.add(starter(name, self.logs, env), restart=True)

    def _start_simulator(self, url: str, broker_port: int) -> None:
        argv = [
            sys.executable, "-m", "ingest.simulator", "--database", url, "--broker", f"127.0.0.1:{broker_port}",
            "--rate", str(self._options.rate), "--keys", str(self._keys), "--status", str(self._status),
        ]  # fmt: skip
        self._simulator = spawn(argv, name="simulator", log_path=self.logs / "simulator.log")
        self._stack.callback(self._simulator.stop)

    @property
    def environment_file(self) -> Path:
        """Settings with which other commands find this demo's services."""
        return self._options.data.absolute() / "env"

    @property
    def _keys(self) -> Path:
        return self._options.data / "runs" / f"{self._run}.keys"

    @property
    def _status(self) -> Path:
        return self._options.data / "runs" / f"{self._run}.json"

    def counts(self) -> Counts:
        """The state of the run now."""
        return Counts(published(self._status), *self._read_counts())

    def _read_counts(self) -> tuple[int, ...]:
        if self._watch is None:
            raise StartFailedError("the demo is not started")
        row = self._watch.execute(QUERIES.counts, {"since": self._started_at}).fetchone()
        return tuple(int(value) for value in row or ())

    def run(self, stop: StopSignal, show: Callable[[Counts], None]) -> None:
        """Show the progress until asked to stop, or until the time is over."""
        end = None if self._options.seconds is None else self._clock.monotonic() + self._options.seconds
        while not stop.wait(TURN_SECONDS):
            self._supervisor.check()
            show(self.counts())
            if self._simulator is not None and not self._simulator.alive:
                raise StartFailedError(f"the simulator ended:\n{self._simulator.log_tail()}")
            if end is not None and self._clock.monotonic() >= end:
                return

    def settle(self) -> Summary:
        """Stop publishing, wait for what is in flight, and compare."""
        if self._simulator is not None:
            self._simulator.stop(DRAIN_SECONDS)
        if self._watch is None:
            raise StartFailedError("the demo is not started")
        deadline = self._clock.monotonic() + DRAIN_SECONDS
        pause = StopSignal()
        while True:
            account = judge_run(self._watch, self._keys)
            if account.balanced or self._clock.monotonic() > deadline:
                break
            pause.wait(TURN_SECONDS)
        counts = self.counts()
        return Summary(account, counts.redelivered, counts.late, counts.alarms, counts.incidents, counts.leads)


def prepared(data: Path, *, fresh: bool) -> Path:
    """The demo's directory, emptied first if ``fresh``.

    Raises
    ------
    InputError
        It has something in it that is not a demo's.
    """
    data = data.absolute()
    if data.exists() and any(data.iterdir()) and not (data / MARK).exists():
        raise InputError(f"{data} is not empty and no demo's directory: choose another with --data")
    if fresh and data.exists():
        shutil.rmtree(data)
    (data / "runs").mkdir(parents=True, exist_ok=True)
    (data / MARK).touch()
    return data


def write_environment(file: Path, settings: Mapping[str, str]) -> None:
    """A file that a shell reads with ``.``; it holds the address of the database and is for its owner only."""
    file.touch(mode=0o600)
    file.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items()), "utf-8")


def remembered_secret(file: Path) -> str:
    """The demo's password: made at the first run, the same afterwards."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(f"demo-{secrets.token_hex(4)}", encoding="ascii")
    return file.read_text(encoding="ascii")


def answers(address: str) -> bool:
    """Whether the web process says that it is healthy."""
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=2) as answer:  # noqa: S310  # our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def published(status: Path) -> int:
    """Samples published so far, from the simulator's status file; it is replaced whole, never written in place."""
    if not status.exists():
        return 0
    found: dict[str, Any] = json.loads(status.read_text(encoding="utf-8"))
    return int(found.get("samples", 0))
