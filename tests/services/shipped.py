"""The two brokers with the configuration that is shipped, on ports and folders of the test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from pathlib import Path

from equipment.foundation.clock import SystemClock
from equipment.foundation.embedded_nats import binary
from equipment.foundation.ports import free_port
from equipment.foundation.process import Child, spawn, wait_until
from ingest.credentials import authorisation
from tests.services.probes import ROOT, TRIXIE

PLATFORM_PASSWORD = "platform-secret-1"  # of a throw-away broker


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class ShippedNats:
    """``deploy/nats/single.conf``. Terminals and platform share the port."""

    kind = "nats"

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "auth"
        self.log = home / "nats.log"
        self.port = self.platform_port = free_port()
        self.control_port = free_port()
        self._child: Child | None = None
        authorisation.prepare(self.folder)
        text = (ROOT / "deploy" / "nats" / "single.conf").read_text(encoding="utf-8")
        for shipped, here in (
            ("0.0.0.0:4222", f"127.0.0.1:{self.control_port}"),
            ("127.0.0.1:8222", f"127.0.0.1:{free_port()}"),
            ("0.0.0.0:1883", f"127.0.0.1:{self.port}"),
            ('"/data/', f'"{home}/'),
        ):
            assert shipped in text
            text = text.replace(shipped, here)
        (home / "single.conf").write_text(text, encoding="utf-8")

    def start(self) -> None:
        environment = {**os.environ, "TESHE_BROKER_PASSWORD": PLATFORM_PASSWORD}
        argv = [str(binary()), "-c", str(self.home / "single.conf")]
        self._child = spawn(argv, name="nats", log_path=self.home / "out.log", env=environment)
        wait_until(lambda: _answers(self.port), self._child, SystemClock(), timeout_seconds=30, what="NATS")

    def reload(self) -> None:
        """The upkeep asks for it over the control port."""

    def kill(self) -> None:
        """As a power cut of the process would."""
        if self._child is not None:
            os.kill(self._child.pid, signal.SIGKILL)
            self._child.stop()

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()


class ShippedMosquitto:
    """``deploy/mosquitto/mosquitto.conf`` in the chroot; the terminals' listener with or without TLS."""

    kind = "mosquitto"

    def __init__(self, logs: Path, *, tls: bool = False) -> None:
        self._logs = logs
        self._inside = f"/var/tmp/teshe-shipped-{os.getpid()}-{free_port()}"  # noqa: S108  # inside the chroot
        self.home = TRIXIE / self._inside.lstrip("/")
        self.folder = self.home / "auth"
        self.log: Path | None = None
        self.port, self.platform_port, self.control_port = free_port(), free_port(), free_port()
        self._child: Child | None = None
        self.folder.mkdir(parents=True)
        text = (ROOT / "deploy" / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
        for shipped, here in (
            ("listener 1883 127.0.0.1", f"listener {self.platform_port} 127.0.0.1"),
            ("listener 8883 0.0.0.0", f"listener {self.port} 127.0.0.1"),
            ("/var/lib/mosquitto/", f"{self._inside}/"),
            ("/etc/mosquitto/auth", f"{self._inside}/auth"),
        ):
            assert shipped in text
            text = text.replace(shipped, here)
        if not tls:
            text = "\n".join(line for line in text.splitlines() if not line.startswith(("certfile", "keyfile")))
        (self.home / "mosquitto.conf").write_text(text + "\nuser root\nlog_dest stderr\n", encoding="utf-8")

    def start(self) -> None:
        argv = ["chroot", "--userspec=root", str(TRIXIE), "/usr/sbin/mosquitto", "-c", f"{self._inside}/mosquitto.conf"]
        self._child = spawn(argv, name="mosquitto", log_path=self._logs / "mosquitto-shipped.log")
        wait_until(lambda: _answers(self.port), self._child, SystemClock(), timeout_seconds=20, what="Mosquitto")

    def reload(self) -> None:
        if self._child is not None:
            os.kill(self._child.pid, signal.SIGHUP)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
        shutil.rmtree(self.home, ignore_errors=True)
