"""Asks the NATS servers of a cluster to read their configuration again, over the system account.

A reload ends the connections of whoever is not let in any more, and leaves all others alone.
"""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from equipment.foundation.errors import BrokerUnavailableError
from ingest.credentials.authorisation import CONTROL, STEWARD

TIMEOUT_SECONDS = 5.0
STREAM = "$MQTT_msgs"
"""In which NATS keeps what MQTT clients of an account publish at QoS 1."""
NOWHERE = "$MQTT.unused"
"""Under which nothing is ever published."""
CLUSTER = 3
QUIET_SECONDS = 0.5
"""After so long without another answer, every server of the cluster has answered."""


@dataclass(frozen=True, slots=True)
class ControlAddress:
    """A server's port for NATS clients."""

    host: str
    port: int
    password: str | None


class NotLetInError(BrokerUnavailableError):
    """The server does not know the user: it has not read a file that names him."""


class _Link:
    """The few words of the NATS protocol that a request needs."""

    def __init__(self, address: ControlAddress, user: str) -> None:
        self._socket = socket.create_connection((address.host, address.port), TIMEOUT_SECONDS)
        self._unread = b""
        self._inbox = f"_INBOX.{secrets.token_hex(12)}"
        with ExitStack() as undo:
            undo.callback(self._socket.close)
            self._log_in(address, user)
            undo.pop_all()

    def _log_in(self, address: ControlAddress, user: str) -> None:
        # the server's greeting says whether it wants TLS
        said = json.loads(self._line()[5:])
        if said.get("tls_required"):
            raise BrokerUnavailableError(
                f"{address.host}:{address.port} wants TLS on the clients' port: leave it inside"
            )
        login = {"user": user, "pass": address.password or "", "verbose": False, "pedantic": False, "lang": "teshe",
                 "version": "1", "protocol": 1}  # fmt: skip
        self._send(f"CONNECT {json.dumps(login)}\r\nSUB {self._inbox} 1\r\nPING\r\n")
        while (line := self._line()) != b"PONG":
            if line.startswith(b"-ERR"):
                raise NotLetInError(f"the broker refused {user}: {line.decode('utf-8', 'replace')}")

    def ask(self, subject: str, body: str = "{}") -> list[dict[str, Any]]:
        """Every answer to one request."""
        self._send(f"PUB {subject} {self._inbox} {len(body)}\r\n{body}\r\n")
        found: list[dict[str, Any]] = []
        self._socket.settimeout(TIMEOUT_SECONDS)
        while True:
            try:
                line = self._line()
            except TimeoutError:
                return found
            if line == b"PING":
                self._send("PONG\r\n")
            elif line.startswith((b"MSG", b"HMSG")):
                found.append(json.loads(self._payload(line)))
                self._socket.settimeout(QUIET_SECONDS)

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def _payload(self, line: bytes) -> bytes:
        words = line.split()
        size, head = int(words[-1]), int(words[-2]) if words[0] == b"HMSG" else 0
        while len(self._unread) < size + 2:
            self._more()
        body, self._unread = self._unread[head:size], self._unread[size + 2 :]
        return body or b"{}"

    def _line(self) -> bytes:
        while b"\r\n" not in self._unread:
            self._more()
        line, _, self._unread = self._unread.partition(b"\r\n")
        return line

    def _more(self) -> None:
        piece = self._socket.recv(65_536)
        if not piece:
            raise BrokerUnavailableError("the broker ended the connection")
        self._unread += piece

    def _send(self, text: str) -> None:
        self._socket.sendall(text.encode())


def user_of(address: ControlAddress, connection: int, client: str) -> str | None:
    """Who is or was logged in on a connection; None when no server knows it any more.

    Each server of a cluster counts its own connections; ``client`` is what the terminal called itself, and tells them
    apart.

    Raises
    ------
    BrokerUnavailableError
    """
    wanted = json.dumps({"cid": connection, "auth": True, "state": 2})
    with _linked(address) as link:
        for answer in link.ask("$SYS.REQ.SERVER.PING.CONNZ", wanted):
            for found in (answer.get("data") or {}).get("connections") or ():
                if found.get("authorized_user") and found.get("mqtt_client") == client:
                    return str(found["authorized_user"])
    return None


@contextmanager
def _linked(address: ControlAddress, user: str = CONTROL) -> Iterator[_Link]:
    try:
        link = _Link(address, user)
        try:
            yield link
        finally:
            link.close()
    except (OSError, ValueError) as error:
        raise BrokerUnavailableError(f"{address.host}:{address.port}: {error}") from error


def store_nothing_outside(address: ControlAddress) -> None:
    """Let the terminals' account keep nothing of what they publish, so that only the platform's account acknowledges it.

    Both would store it otherwise and the faster acknowledge. Repeated, it changes nothing.

    Raises
    ------
    NotLetInError
        The server has not read a file with this account yet.
    BrokerUnavailableError
    """
    with _linked(address) as control:
        servers = len(control.ask("$SYS.REQ.SERVER.PING"))
    with _linked(address, STEWARD) as link:
        found = _one(link, "INFO", None)
        if found.get("error"):
            replicas = CLUSTER if servers >= CLUSTER else 1
            config = {"name": STREAM, "retention": "interest", "storage": "file", "num_replicas": replicas}
            made = _one(link, "CREATE", config | {"subjects": [NOWHERE]})
        elif found["config"]["subjects"] == [NOWHERE]:
            return
        else:
            made = _one(link, "UPDATE", found["config"] | {"subjects": [NOWHERE]})
        if made.get("error"):
            raise BrokerUnavailableError(f"the terminals' account goes on storing: {made['error']}")


def _one(link: _Link, what: str, body: object) -> dict[str, Any]:
    answers = link.ask(f"$JS.API.STREAM.{what}.{STREAM}", "" if body is None else json.dumps(body))
    if not answers:
        raise BrokerUnavailableError("JetStream does not answer for the terminals' account")
    return answers[0]


def reload(address: ControlAddress) -> int:
    """Let every server of the cluster read its configuration again; how many did.

    Raises
    ------
    BrokerUnavailableError
        No server answers, or one found a mistake in its configuration and goes on with the old one.
    """
    with _linked(address) as link:
        ids = [str(answer["server"]["id"]) for answer in link.ask("$SYS.REQ.SERVER.PING")]
        if not ids:
            raise BrokerUnavailableError(f"no server answers on {address.host}:{address.port}")
        for server in ids:
            answers = link.ask(f"$SYS.REQ.SERVER.{server}.RELOAD")
            failed = [answer["error"] for answer in answers if answer.get("error")] if answers else ["no answer"]
            if failed:
                raise BrokerUnavailableError(f"server {server} did not take its configuration: {failed[0]}")
    return len(ids)
