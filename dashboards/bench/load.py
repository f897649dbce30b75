"""The load of the ingest measurement: a process of its own that writes PUBLISH frames on raw sockets by a fixed schedule.

A frame is encoded once per unit and variant; what differs from message to message (packet id, device time, seq) is
stamped into it. Message ``n`` is due at ``start + n / rate``, whatever the broker does: its device time is that moment,
so that latency counts from the schedule. Every hundredth message is a byte-for-byte copy of an earlier one.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ingest.model import Channel
from ingest.topics import topic_of

CONNECTIONS = 16
VARIANTS = 3
FIRST_SEQ = 1_000_000_000
"""Ten digits from the first to the last, so that every frame of a phase has one length."""
DUPLICATE_EVERY = 100
COPY_OF_EARLIER = 37
"""So many messages back lies the one that is sent again."""
MOST_UNACKNOWLEDGED = 50_000
"""Per connection: packet ids are 16 bits."""
CHUNK = 4_000
DRAIN_SECONDS = 120.0
SAMPLE_MS = 50
"""Distance of two samples of an array [ms]."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What one phase sends."""

    port: int
    units: tuple[str, ...]
    rate: float
    """Messages per second."""
    seconds: float
    samples: int
    """In one message; more than one makes an array."""
    first_seq: int
    start: float
    """Unix time of the first message [s]."""


@dataclass(slots=True)
class LoadReport:
    """What was sent: ``unique`` samples by key have the numbers ``first_seq`` … ``first_seq + unique - 1``."""

    messages: int = 0
    samples: int = 0
    unique: int = 0
    acknowledged: int = 0
    behind_seconds: float = 0.0
    """Most that the generator itself ran behind its schedule [s]."""
    cpu_seconds: float = 0.0


def values_of(unit: int, variant: int) -> str:
    """Twelve values of a lift in ordinary service: booleans, codes, an integer, a text, numbers."""
    moving = variant != 0
    return json.dumps(
        {
            "service_mode": 1, "car_moving": moving, "car_direction": 1 if moving else 0, "door_zone": not moving,
            "door_closed": True, "passenger": moving, "car_position": str(1 + (unit + variant) % 30),
            "speed_m_s": 1.0 if moving else 0.0, "run_count": 10_000 + unit, "safety_chain_closed": True,
            "machine_room_temp_c": round(18 + unit % 15 + variant / 10, 1), "vibration_rms_mm_s": round(0.3 + unit % 9 / 10, 2),
        },
        separators=(",", ":"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Template:
    """A frame cut where something is stamped: header and topic, then per sample the text after its ts and its seq."""

    head: bytes
    tail: bytes


def remaining_length(size: int) -> bytes:
    """MQTT's variable length."""
    out = bytearray()
    while True:
        size, digit = divmod(size, 128)
        out.append(digit | (128 if size else 0))
        if not size:
            return bytes(out)


def template(unit_id: str, unit: int, variant: int, samples: int) -> Template:
    """The frame of one unit: ``head`` packet-id ``{"ts":`` ts ``,"seq":`` seq ``tail``."""
    topic = topic_of(unit_id, Channel.TELEMETRY).encode()
    tail = b',"values":' + values_of(unit, variant).encode() + b"}"
    one = len(b'{"ts":') + 13 + len(b',"seq":') + 10 + len(tail)
    payload = one if samples == 1 else samples * one + samples + 1
    size = 2 + len(topic) + 2 + payload
    return Template(b"\x32" + remaining_length(size) + struct.pack("!H", len(topic)) + topic, tail)


@dataclass(eq=False, slots=True)
class Line:
    """One connection: a gateway with its units."""

    socket: socket.socket
    unsent: bytearray = field(default_factory=bytearray)
    sent: int = 0
    acknowledged: int = 0
    half: int = 0
    """Bytes of a PUBACK of which the rest is still to come."""

    def write(self) -> None:
        """Send what the socket takes."""
        if self.unsent:
            try:
                done = self.socket.send(self.unsent)
            except BlockingIOError:
                return
            del self.unsent[:done]

    def read(self) -> None:
        """Count PUBACKs: after the CONNACK the broker sends nothing else."""
        while True:
            try:
                got = self.socket.recv(65_536)
            except BlockingIOError:
                return
            if not got:
                raise ConnectionError("the broker closed a connection of the load generator")
            complete, self.half = divmod(self.half + len(got), 4)
            self.acknowledged += complete


def connect(port: int, name: str) -> Line:
    """A clean session under a name."""
    client = name.encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack("!H", len(client)) + client
    line = socket.create_connection(("127.0.0.1", port), timeout=20)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.sendall(b"\x10" + remaining_length(len(body)) + body)
    answer = line.recv(4)
    if len(answer) != 4 or answer[3] != 0:
        raise ConnectionError(f"the broker refused the load generator: {answer.hex()}")
    line.setblocking(False)  # noqa: FBT003  # the standard library's signature
    return Line(line)


class Generator:
    """Sends one plan."""

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._lines = [connect(plan.port, f"load-{plan.first_seq}-{i}") for i in range(CONNECTIONS)]
        self._templates = [
            [template(unit, i, v, plan.samples) for i, unit in enumerate(plan.units)] for v in range(VARIANTS)
        ]
        self._selector = selectors.DefaultSelector()
        for line in self._lines:
            self._selector.register(line.socket, selectors.EVENT_READ, line)
        self._sent: list[tuple[int, int]] = []
        """Unit and first seq by message, as far back as a copy may reach."""
        self._report = LoadReport()

    def run(self) -> LoadReport:
        """Send everything, then wait for the PUBACKs."""
        plan, report = self._plan, self._report
        total, n, before = int(plan.rate * plan.seconds), 0, time.process_time()
        time.sleep(max(0.0, plan.start - time.time()))
        while n < total:
            elapsed = time.time() - plan.start
            due = min(total, int(elapsed * plan.rate) + 1, n + CHUNK)
            if due > n and self._room():
                self._send(n, due)
                report.behind_seconds = max(report.behind_seconds, elapsed - n / plan.rate)
                n = due
            self._move(0.0 if due < int(elapsed * plan.rate) else 0.001)
        report.messages = total
        deadline = time.time() + DRAIN_SECONDS
        while sum(line.acknowledged for line in self._lines) < total and time.time() < deadline:
            self._move(0.01)
        report.acknowledged = sum(line.acknowledged for line in self._lines)
        report.samples = total * plan.samples
        report.cpu_seconds = round(time.process_time() - before, 3)
        for line in self._lines:
            line.socket.close()
        return report

    def _room(self) -> bool:
        return all(line.sent - line.acknowledged < MOST_UNACKNOWLEDGED - CHUNK for line in self._lines)

    def _move(self, pause: float) -> None:
        for key, _ in self._selector.select(pause):
            key.data.read()
        for line in self._lines:
            line.write()

    def _send(self, first: int, until: int) -> None:
        plan = self._plan
        units, samples = len(plan.units), plan.samples
        for n in range(first, until):
            if n % DUPLICATE_EVERY == DUPLICATE_EVERY - 1:
                source = n - COPY_OF_EARLIER
                unit, seq = self._sent[source % DUPLICATE_EVERY]
            else:
                source, unit = n, n % units
                seq = plan.first_seq + self._report.unique
                self._report.unique += samples
            if n < DUPLICATE_EVERY:
                self._sent.append((unit, seq))
            else:
                self._sent[n % DUPLICATE_EVERY] = (unit, seq)
            ts = round((plan.start + source / plan.rate) * 1_000)
            frame = self._templates[source // units % VARIANTS][unit]
            line = self._lines[unit % CONNECTIONS]
            line.sent += 1
            line.unsent += frame.head + (line.sent % 65_535 + 1).to_bytes(2, "big")
            if samples == 1:
                line.unsent += b'{"ts":%d,"seq":%d%b' % (ts, seq, frame.tail)
            else:
                ts -= (samples - 1) * SAMPLE_MS
                parts = [b'{"ts":%d,"seq":%d%b' % (ts + i * SAMPLE_MS, seq + i, frame.tail) for i in range(samples)]
                line.unsent += b"[%b]" % b",".join(parts)


def main(plan_file: Path, report_file: Path) -> None:
    """Run the plan in one file and leave the report in another."""
    document = json.loads(plan_file.read_text(encoding="utf-8"))
    plan = LoadPlan(**document | {"units": tuple(document["units"])})
    report = Generator(plan).run()
    report_file.write_text(json.dumps(asdict(report)), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
