"""Real services for the tests, started once, and what could not run for want of one."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from equipment.access import store as access_store
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.foundation.embedded_nats import EmbeddedNats, NatsOptions
from equipment.foundation.embedded_postgres import EmbeddedPostgres
from equipment.foundation.migrations import migrate
from tests.services import probes
from tests.services.trixie import ChrootMosquitto, ChrootPostgres

PACKAGES = ("equipment", "ingest", "alarms", "maintenance", "dashboards")
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""09:00 in Shanghai, a Monday."""

THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
"""Servers that end with the tests; what is about durability starts its own."""

# how fast inputs are made depends on who else uses the machine: that is no property of the code
settings.register_profile("teshe", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("teshe")

ROOM_IN_MEMORY = 4 * 2**30
"""Free bytes below which the disk is used."""

_numbers = count(1)
_not_run: dict[str, set[str]] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also the tests that take minutes")


def pytest_configure(config: pytest.Config) -> None:
    absent = {name: probes.missing(name) for name in probes.required()}
    gone = [f"{name} ({why})" for name, why in absent.items() if why]
    if gone:
        raise pytest.UsageError("TESHE_REQUIRE names what is not here: " + ", ".join(gone))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("long") and not config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason="only with --long"))
        for marker in item.iter_markers("requires"):
            for name in marker.args:
                why = probes.missing(name)
                if why:
                    _not_run.setdefault(f"{name}: {why}", set()).add(item.nodeid)
                    item.add_marker(pytest.mark.skip(reason=f"needs {name}"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for service, tests in sorted(_not_run.items()):
        terminalreporter.write_sep("-", f"not run, needs {service}")
        for test in sorted(tests):
            terminalreporter.write_line(f"  {test}")


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches another machine."""
    real = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if isinstance(host, str) and host and host not in {"localhost", "::1"} and not host.startswith("127."):
            raise AssertionError(f"a test tried to reach {host}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Every test makes accounts: the same argon2id, with the least memory and one pass."""
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
        patch.setattr(access_store, "_hasher", lambda: quick)
        yield


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server with a migrated template."""

    name: str
    owner_url: Callable[[str], str]
    template: str


def _with_template(name: str, url_of: Callable[[str], str]) -> Server:
    template = "teshe_template"
    with psycopg.connect(url_of("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(template)))
    migrate(url_of(template), PACKAGES)
    with psycopg.connect(url_of("postgres"), autocommit=True) as conn:
        # TimescaleDB's own workers would sit in the template, and a database in use cannot be cloned
        conn.execute(sql.SQL("alter database {} allow_connections false").format(sql.Identifier(template)))
        conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (template,))
    return Server(name, url_of, template)


@pytest.fixture(scope="session")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Plain PostgreSQL: the embedded one, or the address in TESHE_TEST_DATABASE_URL."""
    given = os.environ.get("TESHE_TEST_DATABASE_URL")
    if given:
        base = given.rsplit("/", 1)[0]
        yield _with_template("given", lambda database: f"{base}/{database}")
        return
    with _quick_folder(tmp_path_factory) as folder:
        server = EmbeddedPostgres(folder, settings=THROW_AWAY)
        base = server.start().rsplit("/", 1)[0]
        try:
            yield _with_template("plain", lambda database: f"{base}/{database}")
        finally:
            server.stop()


@contextmanager
def _quick_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a server that ends with the tests keeps its data: in memory, if there is room, where a database is cloned in
    a twentieth of the time that a disk takes for its 1,500 files."""
    memory = Path("/dev/shm")  # noqa: S108  # a file system of its own, and the folder in it is ours alone
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM_IN_MEMORY:
        with tempfile.TemporaryDirectory(prefix="teshe-test-", dir=memory, ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    else:
        yield tmp_path_factory.mktemp("postgres")


@pytest.fixture(scope="session")
def timescale_server(logs: Path) -> Iterator[Server]:
    """TimescaleDB: through Docker where there is an engine, else from the trixie root (Apache edition)."""
    if probes.missing("docker") is None:
        from testcontainers.community.postgres import PostgresContainer  # type: ignore[import-not-found,unused-ignore]

        with PostgresContainer("timescale/timescaledb:2.23.0-pg17", driver=None) as container:
            base = container.get_connection_url().rsplit("/", 1)[0]
            yield _with_template("timescale-community", lambda database: f"{base}/{database}")
        return
    server = ChrootPostgres(logs)
    base = server.start().rsplit("/", 1)[0]
    yield _with_template("timescale-apache", lambda database: f"{base}/{database}")
    server.stop()


@dataclass(frozen=True)
class Database:
    """A fresh migrated database."""

    url: str

    def connect(self, role: DatabaseRole = DatabaseRole.SYSTEM, *, autocommit: bool = False) -> Connection:
        """A connection with the rights of ``role``."""
        return connect(self.url, role, application_name="test", autocommit=autocommit)


def _fresh(server: Server) -> Iterator[Database]:
    name = f"teshe_test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server.owner_url("postgres"), autocommit=True) as conn:
        conn.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(server.template)
            )
        )
        yield Database(server.owner_url(name))
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def database(plain_server: Server) -> Iterator[Database]:
    yield from _fresh(plain_server)


@pytest.fixture(params=["plain", pytest.param("timescale", marks=pytest.mark.requires("timescaledb-apache"))])
def each_database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """The same test on every level of the database that is here."""
    yield from _fresh(request.getfixturevalue(f"{request.param}_server"))


@pytest.fixture
def conn(database: Database) -> Iterator[Connection]:
    """A connection of the system role, rolled back at the end."""
    with database.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[EmbeddedNats]:
    """A broker of this test's own."""
    server = EmbeddedNats(tmp_path / "nats", options=NatsOptions(ack_wait_seconds=2.0))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mosquitto(logs: Path) -> Iterator[ChrootMosquitto]:
    """Mosquitto 2; tests that use it carry ``requires("mosquitto")``."""
    server = ChrootMosquitto(logs)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)
