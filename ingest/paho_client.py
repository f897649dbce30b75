"""paho's client with a fast way in and out: the one module that knows paho from the inside.

paho reads a packet with three calls of ``recv`` and writes each acknowledgement with one ``send``: 26 µs per message.
Here the socket is read in large pieces, PUBLISH packets are cut out of them in one pass, and the acknowledgements of a
batch leave as one piece of bytes. Everything else (connecting, subscribing, keeping alive) stays paho's: its packets are
fed to it one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

READ_BYTES = 262_144
PUBACK = 0x40
PUBLISH = 0x30
TYPE = 0xF0
MOST_LENGTH_BYTES = 4


class Publish(NamedTuple):
    """One PUBLISH packet."""

    topic: bytes
    payload: bytes
    mid: int
    """0 at QoS 0, which has none."""
    dup: bool
    retained: bool


class ShardClient(mqtt.Client):
    """A persistent session whose acknowledgements are ours to give."""

    def __init__(self, client_id: str) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False, protocol=mqtt.MQTTv311,
            manual_ack=True,
        )  # fmt: skip
        self._unread = b""
        """The beginning of a packet of which the rest is still to come."""
        self._fed: bytes | None = None
        """The packet that paho is reading; None when it reads the socket itself, as any client of paho does."""

    def receive(self) -> tuple[list[Publish], bool]:
        """Read what the socket holds, at most :data:`READ_BYTES`: the messages, and whether the connection still stands.

        A connection that has ended, or whose bytes are no MQTT, is closed and reported through ``on_disconnect``.
        """
        try:
            piece = super()._sock_recv(READ_BYTES)
        except BlockingIOError:
            return [], True
        except OSError:
            piece = b""
        if not piece:
            self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
            return [], False
        self._last_bytes_received = monotonic()
        found: list[Publish] = []
        alive = self._cut(self._unread + piece if self._unread else piece, found)
        return found, alive

    def decrypted_waits(self) -> bool:
        """Whether TLS has bytes for us of which the selector, which watches the socket, knows nothing."""
        pending = getattr(self.socket(), "pending", None)
        return pending is not None and pending() > 0

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Send a PUBACK for each id, in this order."""
        if mids:
            packets = b"".join([b"\x40\x02" + mid.to_bytes(2, "big") for mid in mids])
            self._packet_queue(PUBACK, packets, 0, 1)

    def spare(self) -> None:
        """Bytes wait in the socket that we do not want to read yet: the broker is there, do not take it for dead."""
        self._last_bytes_received = monotonic()
        self._ping_t = 0.0

    def _cut(self, data: bytes, found: list[Publish]) -> bool:
        """Take whole packets off ``data`` and keep the rest; False when the connection ended meanwhile."""
        at, size = 0, len(data)
        while size - at >= 2:
            head, length = data[at], data[at + 1]
            body = at + 2
            if length > 127:
                length, body = _long_length(data, at + 1)
                if length < 0:
                    self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_PROTOCOL)
                    return False
                if not body:
                    break
            end = body + length
            if end > size:
                break
            if head & TYPE == PUBLISH:
                topic_end = body + 2 + (data[body] << 8 | data[body + 1]) if length >= 2 else end + 1
                start = topic_end + 2 if head & 0x06 else topic_end
                if start > end:
                    self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_PROTOCOL)
                    return False
                mid = data[topic_end] << 8 | data[topic_end + 1] if head & 0x06 else 0
                found.append(
                    Publish(data[body + 2 : topic_end], data[start:end], mid, head & 0x08 != 0, head & 0x01 != 0)
                )
            elif not self._control(data[at:end]):
                return False
            at = end
        self._unread = data[at:]
        return True

    def _control(self, packet: bytes) -> bool:
        """Let paho read one packet that is no PUBLISH."""
        socket = self.socket()
        self._fed = packet
        code = self.loop_read()
        self._fed = None
        return code == MQTTErrorCode.MQTT_ERR_SUCCESS and self.socket() is socket

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._fed is None:
            return super()._sock_recv(bufsize)
        if not self._fed:
            raise BlockingIOError
        piece, self._fed = self._fed[:bufsize], self._fed[bufsize:]
        return piece


def _long_length(data: bytes, at: int) -> tuple[int, int]:
    """A remaining length of several bytes and where the body begins.

    (0, 0): not all of it has come yet. (-1, 0): no MQTT.
    """
    length, shift = 0, 0
    for index in range(at, at + MOST_LENGTH_BYTES):
        if index >= len(data):
            return 0, 0
        length |= (data[index] & 127) << shift
        shift += 7
        if data[index] < 128:
            return length, index + 1
    return -1, 0
