"""The NATS server from a wheel, with its MQTT listener and JetStream persistence.

A killed server loses nothing that it acknowledged; against power loss ``sync_interval`` is the window (``always`` for
none, at a tenth of the speed).
"""

from __future__ import annotations

import json
import shutil
import socket
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

from equipment.foundation.clock import Clock, SystemClock
from equipment.foundation.errors import InputError, StartFailedError
from equipment.foundation.ports import remembered_port
from equipment.foundation.process import Child, spawn, wait_until

START_SECONDS = 30.0
MQTT_CONNECT = bytes.fromhex("101000044d5154540402003c0004") + b"ping"


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """An account of the broker; None means no restriction."""

    name: str
    password: str
    publish: tuple[str, ...] | None = None
    subscribe: tuple[str, ...] | None = None

    def entry(self) -> dict[str, object]:
        """The account as the server's configuration wants it."""
        entry: dict[str, object] = {"user": self.name, "password": self.password}
        permissions: dict[str, object] = {}
        if self.publish is not None:
            permissions["publish"] = {"allow": list(self.publish)}
        if self.subscribe is not None:
            permissions["subscribe"] = {"allow": list(self.subscribe)} if self.subscribe else {"deny": [">"]}
        if permissions:
            entry["permissions"] = permissions
        return entry


@dataclass(frozen=True, slots=True)
class NatsOptions:
    """What may be chosen."""

    sync_interval: str = "250ms"
    ack_wait_seconds: float = 5.0
    max_ack_pending: int = 500
    max_payload_bytes: int = 4 * 1024 * 1024
    users: tuple[BrokerUser, ...] = field(default=())


def binary() -> Path:
    """The server's program.

    Raises
    ------
    InputError
        It is not installed.
    """
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise InputError("nats-server is not installed: set TESHE_BROKER_HOST to a broker of yours")
    return Path(found)


class EmbeddedNats:
    """One broker in one data directory."""

    def __init__(
        self, data_dir: Path, port: int | None = None, options: NatsOptions | None = None, clock: Clock | None = None
    ) -> None:
        self._home = data_dir.absolute()
        self._wanted_port = port
        self._options = options or NatsOptions()
        self._clock = clock or SystemClock()
        self._child: Child | None = None
        self.mqtt_port = 0

    @property
    def child(self) -> Child:
        """The server's process."""
        if self._child is None:
            raise StartFailedError("the broker is not started")
        return self._child

    def start(self) -> int:
        """Start the broker; returns its MQTT port on loopback.

        Raises
        ------
        StartFailedError
        """
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.mqtt_port = remembered_port(self._home / "mqtt.port", self._wanted_port)
        client_port = remembered_port(self._home / "client.port")
        file = self._home / "nats.conf"
        file.touch(mode=0o600)
        file.write_text(json.dumps(self._configuration(client_port), indent=1))
        self._child = spawn([str(binary()), "-c", str(file)], name="nats", log_path=self._home / "nats.log")
        wait_until(self._answers, self._child, self._clock, timeout_seconds=START_SECONDS, what="the NATS broker")
        return self.mqtt_port

    def stop(self) -> None:
        """Stop the broker; persistent sessions and their messages stay on disk."""
        if self._child is not None:
            self._child.stop(timeout_seconds=20)
            self._child = None

    def _configuration(self, client_port: int) -> dict[str, object]:
        options = self._options
        configuration: dict[str, object] = {
            "server_name": "teshe",
            "listen": f"127.0.0.1:{client_port}",
            "max_payload": options.max_payload_bytes,
            "max_pending": 256 * 1024 * 1024,
            "jetstream": {
                "store_dir": str(self._home / "jetstream"),
                "sync_interval": options.sync_interval,
                "max_memory_store": 256 * 1024 * 1024,
                "max_file_store": 20 * 1024 * 1024 * 1024,
            },
            "mqtt": {
                "listen": f"127.0.0.1:{self.mqtt_port}",
                "ack_wait": f"{options.ack_wait_seconds:g}s",
                "max_ack_pending": options.max_ack_pending,
            },
        }
        if options.users:
            configuration["authorization"] = {"users": [user.entry() for user in options.users]}
        return configuration

    def _answers(self) -> bool:
        """Whether the MQTT listener answers a CONNECT; any CONNACK will do, also a refusal."""
        try:
            with socket.create_connection(("127.0.0.1", self.mqtt_port), timeout=2) as probe:
                probe.sendall(MQTT_CONNECT)
                return probe.recv(1) == b"\x20"
        except OSError:
            return False
