"""A broker whose every packet the test writes, on a real socket: for what a real broker does only once in a while."""

from __future__ import annotations

import socket
import struct

from dashboards.bench.load import remaining_length

CONNACK_PRESENT = b"\x20\x02\x01\x00"
CONNACK_NEW = b"\x20\x02\x00\x00"
PINGRESP = b"\xd0\x00"


def publish(topic: str, payload: bytes, mid: int = 0, *, dup: bool = False) -> bytes:
    """A PUBLISH packet, at QoS 1 when it has an id."""
    name = topic.encode()
    body = struct.pack("!H", len(name)) + name + (mid.to_bytes(2, "big") if mid else b"") + payload
    return bytes([0x30 | (0x02 if mid else 0) | (0x08 if dup else 0)]) + remaining_length(len(body)) + body


def puback(*mids: int) -> bytes:
    """PUBACK packets."""
    return b"".join(b"\x40\x02" + mid.to_bytes(2, "big") for mid in mids)


class ScriptedBroker:
    """Accepts connections one after another; the newest is the one that speaks."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(10)
        self._line: socket.socket | None = None
        self.port: int = self._server.getsockname()[1]

    def accept(self) -> None:
        """Take the next connection."""
        if self._line is not None:
            self._line.close()
        self._line, _ = self._server.accept()
        self._line.settimeout(10)

    @property
    def line(self) -> socket.socket:
        """The connection."""
        assert self._line is not None
        return self._line

    def send(self, *packets: bytes) -> None:
        """Write packets."""
        self.line.sendall(b"".join(packets))

    def packet(self) -> bytes:
        """The next packet of the client; empty when it hung up."""
        head = self.line.recv(2)
        if len(head) < 2:
            return b""
        body = b""
        while len(body) < head[1]:
            body += self.line.recv(head[1] - len(body))
        return head + body

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
        self._server.close()
