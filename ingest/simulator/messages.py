"""What a terminal sends, and what becomes of it: every message with the fate of its samples."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.clock_offset import UNUSABLE_DAY_US
from ingest.model import Channel
from ingest.simulator.behaviour import Machine, Values, lift
from ingest.topics import ROOT, topic_of

CODE_LIST = "gbt24476-2017"


@dataclass(frozen=True, slots=True)
class Key:
    """Identity of a stored sample. ``ts_us`` as the store keeps it [µs]."""

    unit_id: str
    channel: Channel
    ts_us: int
    seq: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message. ``stored``: keys that must be in the store afterwards; ``refused``: samples that must be in quarantine."""

    topic: str
    payload: bytes
    stored: tuple[Key, ...] = ()
    refused: int = 0

    @property
    def samples(self) -> int:
        """How many samples it counts for in the account."""
        return len(self.stored) + self.refused


def sample(at: float, seq: int, values: Values | None = None, codes: Sequence[str] | None = None) -> dict[str, Any]:
    """One sample of the device contract at Unix time ``at`` [s]."""
    made: dict[str, Any] = {"ts": int(at * 1_000), "seq": seq}
    if values is not None:
        made["values"] = values
    if codes is not None:
        made |= {"codes": list(codes), "code_list": CODE_LIST}
    return made


def message(unit_id: str, channel: Channel, samples: Sequence[dict[str, Any]]) -> Outgoing:
    """Good samples as one message; several of them as an array."""
    body: Any = samples[0] if len(samples) == 1 else list(samples)
    keys = tuple(Key(unit_id, channel, s["ts"] * 1_000, s["seq"]) for s in samples)
    return Outgoing(topic_of(unit_id, channel), json.dumps(body).encode(), keys)


def telemetry(machine: Machine, at: float, seq: int, values: Values) -> Outgoing:
    """Values of one moment."""
    return message(machine.id, Channel.TELEMETRY, [sample(at, seq, values)])


def event(machine: Machine, at: float, seq: int, codes: Sequence[str]) -> Outgoing:
    """Fault and event codes that are active now; an empty list ends them."""
    return message(machine.id, Channel.EVENT, [sample(at, seq, codes=codes)])


def _refused(machine: Machine, payload: bytes, samples: int = 1) -> Outgoing:
    return Outgoing(topic_of(machine.id, Channel.TELEMETRY), payload, refused=samples)


def _mark(rng: random.Random) -> str:
    return f"{rng.getrandbits(48):012x}"


Bad = Callable[[Machine, float, int, random.Random], tuple[Outgoing, ...]]


def not_json(m: Machine, at: float, seq: int, rng: random.Random) -> tuple[Outgoing, ...]:
    """A terminal with a broken firmware."""
    return (_refused(m, b"\x7e\x01" + _mark(rng).encode() + b"{not json"),)


def unknown_unit(m: Machine, at: float, seq: int, rng: random.Random) -> tuple[Outgoing, ...]:
    """A terminal that nobody has registered."""
    body = json.dumps(sample(at, seq, {"car_moving": False})).encode()
    return (Outgoing(topic_of(f"UNREGISTERED-{_mark(rng)}", Channel.TELEMETRY), body, refused=1),)


def unknown_signal(m: Machine, at: float, seq: int, rng: random.Random) -> tuple[Outgoing, ...]:
    """A signal that no catalogue has."""
    return (_refused(m, json.dumps(sample(at, seq, {f"mood_{_mark(rng)}": 1})).encode()),)


def wrong_type(m: Machine, at: float, seq: int, rng: random.Random) -> tuple[Outgoing, ...]:
    """Text where a number belongs."""
    return (_refused(m, json.dumps(sample(at, seq, {"speed_m_s": f"fast {_mark(rng)}"})).encode()),)


def not_a_number(m: Machine, at: float, seq: int, rng: random.Random) -> tuple[Outgoing, ...]:
    """NaN, as C's printf writes it."""
    return (_refused(m, f'{{"ts": {int(at * 1_000)}, "seq": {seq}, "values": {{"speed_m_s": NaN}}}}'.encode()),)


def out_of_range(m: Machine, at: float, seq: int, rng: random.Random) -> tuple[Outgoing, ...]:
    """Faster than any car."""
    return (_refused(m, json.dumps(sample(at, seq, {"speed_m_s": 400 + rng.random()})).encode()),)


def conflicting(m: Machine, at: float, seq: int, rng: random.Random) -> tuple[Outgoing, ...]:
    """The same key with two contents."""
    first = telemetry(m, at, seq, lift(m, at))
    other = sample(at, seq, lift(m, at) | {"run_count": 7_000_000 + rng.randrange(1_000_000)})
    return (first, _refused(m, json.dumps(other).encode()))


def unusable_clock(m: Machine, at: float, seq: int, rng: random.Random) -> tuple[Outgoing, ...]:
    """A terminal whose clock began anew in 1970: stored with a mark, judged on receive time."""
    ts_ms = rng.randrange(400 * 86_400) * 1_000
    body = {"ts": ts_ms, "seq": seq, "values": lift(m, at)}
    key = Key(m.id, Channel.TELEMETRY, ts_ms * 1_000 % UNUSABLE_DAY_US, seq)
    return (Outgoing(topic_of(m.id, Channel.TELEMETRY), json.dumps(body).encode(), (key,)),)


def too_large(m: Machine, at: float, seq: int, rng: random.Random) -> tuple[Outgoing, ...]:
    """A megabyte of nothing."""
    return (_refused(m, b'{"ts": 0, "padding": "' + _mark(rng).encode() * 87_382 + b'"}'),)


def wrong_shard(m: Machine, at: float, seq: int, rng: random.Random) -> tuple[Outgoing, ...]:
    """A topic whose shard is another unit's."""
    right = topic_of(m.id, Channel.TELEMETRY)
    shard = int(right.split("/")[2], 16)
    body = json.dumps(sample(at, seq, {"speed_m_s": rng.random()})).encode()
    return (Outgoing(f"{ROOT}/{(shard + 1) % 16:x}/{m.id}/telemetry", body, refused=1),)


def empty_array(m: Machine, at: float, seq: int, rng: random.Random) -> tuple[Outgoing, ...]:
    """Nothing at all."""
    return (_refused(m, b"[" + b" " * rng.randrange(1, 200) + b"]"),)


BAD: tuple[Bad, ...] = (
    not_json, unknown_unit, unknown_signal, wrong_type, not_a_number, out_of_range, conflicting, unusable_clock,
    too_large, wrong_shard, empty_array,
)  # fmt: skip
"""One of each kind of bad input."""
