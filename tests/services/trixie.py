"""Servers from the trixie root: TimescaleDB (Apache edition) and Mosquitto, on loopback, ending with the tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from equipment.foundation.clock import SystemClock
from equipment.foundation.ports import free_port
from equipment.foundation.process import Child, spawn, wait_until
from tests.services.probes import TRIXIE

BIN = "/usr/lib/postgresql/17/bin"


def _chroot(user: str, *argv: str) -> list[str]:
    return ["chroot", f"--userspec={user}", str(TRIXIE), *argv]


def _prepare_devices() -> None:
    null = TRIXIE / "dev" / "null"
    if not null.exists():
        os.mknod(null, 0o666 | 0o020000, os.makedev(1, 3))
        null.chmod(0o666)


class ChrootPostgres:
    """PostgreSQL 17 with TimescaleDB preloaded; its data lives as long as the object."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._data = f"/var/tmp/teshe-{os.getpid()}-{free_port()}"  # noqa: S108  # inside the chroot
        self._child: Child | None = None
        self.url = ""

    def start(self) -> str:
        """Initialise and start; returns the superuser's URL."""
        _prepare_devices()
        inside = TRIXIE / self._data.lstrip("/")
        inside.mkdir(parents=True)
        user = next(
            line.split(":") for line in (TRIXIE / "etc/passwd").read_text().splitlines() if line.startswith("postgres:")
        )
        os.chown(inside, int(user[2]), int(user[3]))
        subprocess.run(
            _chroot("postgres", f"{BIN}/initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"),
            check=True, capture_output=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        port = free_port()
        options = {
            "port": str(port), "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
            "shared_preload_libraries": "timescaledb", "dynamic_shared_memory_type": "mmap", "max_connections": "100",
            "timescaledb.telemetry_level": "off", "max_worker_processes": "16", "timezone": "UTC",
        }  # fmt: skip
        argv = _chroot("postgres", f"{BIN}/postgres", "-D", self._data, *(f"-c{k}={v}" for k, v in options.items()))
        self._child = spawn(argv, name="timescale", log_path=self._logs / "timescale.log", stop_signal=signal.SIGINT)
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        wait_until(self._answers, self._child, SystemClock(), timeout_seconds=60, what="TimescaleDB in the chroot")
        return self.url

    def stop(self) -> None:
        """Stop and remove the data."""
        if self._child is not None:
            self._child.stop()
        shutil.rmtree(TRIXIE / self._data.lstrip("/"), ignore_errors=True)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class ChrootMosquitto:
    """Mosquitto 2 with persistence and no limit on queued messages."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._home = f"/var/tmp/teshe-mosquitto-{os.getpid()}-{free_port()}"  # noqa: S108  # inside the chroot
        self._child: Child | None = None
        self.port = 0

    def start(self) -> int:
        """Start on a fresh directory; returns the port."""
        _prepare_devices()
        inside = TRIXIE / self._home.lstrip("/")
        inside.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        (inside / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {self._home}/\n"
            "max_queued_messages 0\nmax_inflight_messages 1000\nuser root\nlog_dest stderr\n"
        )
        argv = _chroot("root", "/usr/sbin/mosquitto", "-c", f"{self._home}/mosquitto.conf")
        self._child = spawn(argv, name="mosquitto", log_path=self._logs / "mosquitto.log")
        wait_until(self._answers, self._child, SystemClock(), timeout_seconds=20, what="Mosquitto in the chroot")
        return self.port

    def stop(self) -> None:
        """Stop and remove the data."""
        if self._child is not None:
            self._child.stop()
        shutil.rmtree(TRIXIE / self._home.lstrip("/"), ignore_errors=True)

    def _answers(self) -> bool:
        import socket

        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
