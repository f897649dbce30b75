"""Mutated payloads and topics: nothing crashes, and every message is accounted for. 20,000; with --long a million."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator

import pytest

from equipment.foundation.clock import ManualClock
from ingest.model import Channel, Message, NoStage
from ingest.topics import topic_of
from tests.conftest import START, Database
from tests.pipeline import RESTING, Pipeline, sample

BATCH = 1_000
SEED = 20_260_302
TOKENS = (
    b"NaN", b"-Infinity", b"1e999", b"1e308", b"-0.0", b"9" * 25, b"9" * 400, b"-" + b"9" * 400, b"9" * 5_000, b"null",
    b"true", b'""', b'"\\ud800"', b'"\\u0000"', b'"\\udc00\\ud800"', b"[" * 50_000, b'{"a":' * 20_000, b"[]", b"{}", b"\xff\xfe",
    b"\x00", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b'"2026-03-02T09:00:00+08:00"',
    b'"0001-01-01T00:00:00+23:59"', b'"9999-12-31T23:59:59-23:59"', b'"2026-02-30T00:00:00Z"', b"253402300799999",
    b"-62135596800000", b"253402300800000", b'"' + "特".encode() * 200 + b'"', b'"codes"', b'"values"', b'"ts"', b",", b"}", b"]",
)  # fmt: skip


def originals() -> list[bytes]:
    """Good payloads of every form."""
    plain = sample(START, 1, RESTING)
    bodies: list[object] = [
        plain,
        sample(START, 2, RESTING | {"car_position": "12", "run_count": 77, "speed_m_s": None}),
        [sample(START, n, {"speed_m_s": n / 10, "car_moving": True}) for n in range(6)],
        sample(START, 3, codes=["04", 7], code_list="gbt24476-2017"),
        {"ts": "2026-03-02T09:00:00.123+08:00", "values": {"machine_room_temp_c": 21.5}},
        {"online": True, "session": "a1"},
    ]
    return [json.dumps(body).encode() for body in bodies]


def cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def flip(rng: random.Random, data: bytes) -> bytes:
    made = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    return bytes(made)


def repeat(rng: random.Random, data: bytes) -> bytes:
    a, b = sorted((rng.randrange(len(data)), rng.randrange(len(data))))
    return data[:b] + data[a:b] + data[b:]


def insert(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(TOKENS) + data[at:]


def replace_value(rng: random.Random, data: bytes) -> bytes:
    """A whole value by another: what the parser accepts and the ranges must stop."""
    colons = [i for i, byte in enumerate(data) if byte == ord(":")]
    if not colons:
        return insert(rng, data)
    at = rng.choice(colons) + 1
    ends = [i for i in range(at, len(data)) if data[i] in b",}]"]
    return data[:at] + rng.choice(TOKENS) + data[ends[0] if ends else len(data) :]


def nothing(_: random.Random, data: bytes) -> bytes:
    return data


MUTATIONS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    cut, flip, repeat, insert, replace_value, replace_value, replace_value, nothing,
)  # fmt: skip


def topic_for(rng: random.Random, unit: str) -> str:
    """Mostly right."""
    channel = rng.choice((Channel.TELEMETRY, Channel.TELEMETRY, Channel.EVENT, Channel.STATUS))
    topic = topic_of(unit, channel)
    if rng.random() < 0.1:
        mangled = flip(rng, topic.encode()) if rng.random() < 0.5 else insert(rng, topic.encode()[:20])
        return mangled.decode("utf-8", "replace")
    return topic


def accounted(pipeline: Pipeline, messages: list[Message]) -> None:
    """Every message is in the columns, in quarantine, or a status; nothing is there twice."""
    decoded = pipeline.decode.decode(messages)
    seen: dict[int, int] = {}
    for columns in decoded.rows.values():
        for message, position in zip(columns.messages, columns.positions, strict=True):
            seen[message.mid] = seen.get(message.mid, 0) + 1
            assert position >= 0
    for refused in decoded.quarantined:
        seen[refused.message.mid] = seen.get(refused.message.mid, 0) + refused.samples
    missing = [m for m in messages if m.mid not in seen]
    assert len(missing) == len(decoded.statuses)
    assert all("/status" in m.topic for m in missing)


def fuzz(pipeline: Pipeline, count: int) -> None:
    rng = random.Random(SEED)
    bodies, units = originals(), pipeline.lifts
    received = 0
    for first in range(0, count, BATCH):
        messages = []
        for n in range(first, min(count, first + BATCH)):
            payload = rng.choice(bodies)
            for _ in range(rng.randrange(1, 3)):
                payload = rng.choice(MUTATIONS)(rng, payload or b"{")
            topic = topic_for(rng, rng.choice(units))
            # the shard is the session's, whatever the topic says
            messages.append(
                Message(topic, payload, START, dup=rng.random() < 0.05, retained=False, mid=n, shard=rng.randrange(16))
            )
        if first % (20 * BATCH) == 0:
            accounted(pipeline, messages)
        stored = pipeline.receive(*messages)
        received += sum(tally.received for tally in stored.tallies.values())
    assert pipeline.account().received == received
    assert received > count / 2


@pytest.fixture
def storing(database: Database, clock: ManualClock) -> Iterator[Pipeline]:
    with database.connect(autocommit=True) as conn:
        yield Pipeline(conn, clock, NoStage())


def test_twenty_thousand_mutations_are_each_accounted_for(storing: Pipeline) -> None:
    fuzz(storing, 20_000)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_a_million_mutations_are_each_accounted_for(storing: Pipeline) -> None:
    fuzz(storing, 1_000_000)
