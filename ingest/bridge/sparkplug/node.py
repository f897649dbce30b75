"""What a host remembers of one Sparkplug edge node: births, aliases, session and sequence; a fold without I/O.

A message whose number is not the next one is held for the reorder timeout; then the gap is noted, what was held is
taken in order, and the node is asked for its birth. A repeated message (QoS 1, after a restart of ours) is taken again
without moving the sequence: the store knows it by its content. Births before the newest one are kept one deep, so that a
late repeat is not read with the aliases of another birth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ingest.bridge.model import Arrived, Effect, Gap, Presence, RawSample, Rebirth, Refused
from ingest.bridge.sparkplug.codec import Metric, Payload, decode, typed
from ingest.bridge.sparkplug.topics import Kind, Topic
from ingest.errors import PayloadError
from ingest.model import Reason

NUMBERS = 256
HALF = NUMBERS // 2
BD_SEQ = "bdSeq"
REBIRTH = "Node Control/Rebirth"
OWN_METRICS = ("Node Control/", "Device Control/", "Properties/")
ASK_AGAIN_AFTER = timedelta(seconds=10)
NO_BIRTH = "no_birth"


@dataclass(frozen=True, slots=True)
class Birth:
    """Names and types of the metrics of a node or device, as its birth gave them."""

    at_ms: int
    names: dict[int, str] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Device:
    """A device of the node, or (address "") the node itself."""

    birth: Birth | None = None
    older: Birth | None = None
    alive: bool = False

    def birth_at(self, at_ms: int) -> Birth | None:
        """The birth that was in force at a time."""
        if self.birth is not None and at_ms >= self.birth.at_ms:
            return self.birth
        return self.older if self.older is not None and at_ms >= self.older.at_ms else None


@dataclass(frozen=True, slots=True)
class Told:
    """A message taken apart."""

    topic: Topic
    payload: Payload
    arrived: Arrived


@dataclass(slots=True)
class Outcome:
    """What follows, each with the message it comes from, and the messages that are done with."""

    effects: list[tuple[Effect, Arrived | None]] = field(default_factory=list)
    settled: list[Arrived] = field(default_factory=list)


@dataclass(slots=True)
class Node:
    """State of an edge node; everything but ``held`` lies in the database."""

    bd_seq: int | None = None
    next_seq: int | None = None
    newest_ms: int = 0
    devices: dict[str, Device] = field(default_factory=dict)
    asked_at: datetime | None = None
    held: dict[int, Told] = field(default_factory=dict)
    held_since: datetime | None = None


def receive(node: Node, topic: Topic, arrived: Arrived) -> Outcome:
    """Take one message in."""
    outcome = Outcome()
    try:
        told = Told(topic, decode(arrived.payload), arrived)
    except PayloadError as error:
        outcome.effects.append((Refused(error.reason, error.detail, arrived.topic, arrived.payload), arrived))
        outcome.settled.append(arrived)
        return outcome
    if topic.kind is Kind.NBIRTH:
        _node_birth(node, told, outcome)
    elif topic.kind is Kind.NDEATH:
        _node_death(node, told, outcome)
    else:
        _numbered(node, told, outcome)
    return outcome


def tick(node: Node, now: datetime, reorder_timeout: timedelta) -> Outcome:
    """Give up waiting for a missing message whose time is over."""
    outcome = Outcome()
    if node.held_since is not None and now - node.held_since >= reorder_timeout:
        _give_up(node, now, outcome)
    return outcome


def ask(node: Node, now: datetime, reason: str, arrived: Arrived | None, outcome: Outcome) -> None:
    """Ask for a birth, unless that was done a moment ago."""
    if node.asked_at is None or now - node.asked_at >= ASK_AGAIN_AFTER:
        node.asked_at = now
        outcome.effects.append((Rebirth(reason), arrived))


def _numbered(node: Node, told: Told, outcome: Outcome) -> None:
    seq, at_ms = told.payload.seq, told.payload.timestamp_ms or 0
    if node.next_seq is None or seq is None:
        if not told.arrived.dup:
            ask(node, told.arrived.at, NO_BIRTH, told.arrived, outcome)
        _apply(node, told, outcome)
        return
    if seq == node.next_seq:
        _advance(node, told, outcome)
        _take_held(node, outcome)
        return
    behind = (node.next_seq - seq - 1) % NUMBERS
    if told.arrived.dup or (behind < HALF and at_ms <= node.newest_ms):
        _apply(node, told, outcome)
        return
    node.held[seq] = told
    node.held_since = node.held_since or told.arrived.at
    if len(node.held) >= HALF:
        _give_up(node, told.arrived.at, outcome)


def _advance(node: Node, told: Told, outcome: Outcome) -> None:
    node.next_seq = ((told.payload.seq or 0) + 1) % NUMBERS
    node.newest_ms = max(node.newest_ms, told.payload.timestamp_ms or 0)
    _apply(node, told, outcome)


def _take_held(node: Node, outcome: Outcome) -> None:
    while node.next_seq in node.held:
        _advance(node, node.held.pop(node.next_seq), outcome)
    if not node.held:
        node.held_since = None


def _give_up(node: Node, now: datetime, outcome: Outcome) -> None:
    """Note the gaps, take what is held in order, and ask for a birth."""
    while node.held and node.next_seq is not None:
        expected = node.next_seq
        got = min(node.held, key=lambda seq: (seq - expected) % NUMBERS)
        told = node.held.pop(got)
        if got != expected:
            outcome.effects.append((Gap(expected, got, (got - expected) % NUMBERS), told.arrived))
        _advance(node, told, outcome)
    node.held_since = None
    ask(node, now, "gap", None, outcome)


def _apply(node: Node, told: Told, outcome: Outcome) -> None:
    """What a message says, whatever its number."""
    match told.topic.kind:
        case Kind.DBIRTH:
            _device_birth(node, told, outcome)
        case Kind.DDEATH:
            _device_death(node, told, outcome)
        case _:
            _data(node, told, outcome)
    outcome.settled.append(told.arrived)


def _birth_of(payload: Payload) -> Birth:
    birth = Birth(payload.timestamp_ms or 0)
    for metric in payload.metrics:
        if metric.name:
            birth.types[metric.name] = metric.datatype or 0
            if metric.alias is not None:
                birth.names[metric.alias] = metric.name
    return birth


def _is_repeat(known: Birth | None, at_ms: int) -> bool:
    return known is not None and at_ms <= known.at_ms


def _node_birth(node: Node, told: Told, outcome: Outcome) -> None:
    payload, own = told.payload, node.devices.setdefault("", Device())
    birth = _birth_of(payload)
    bd_seq = next((m.raw for m in payload.metrics if m.name == BD_SEQ), None)
    if not (_is_repeat(own.birth, birth.at_ms) and bd_seq == node.bd_seq):
        for held in sorted(node.held.values(), key=lambda t: t.payload.timestamp_ms or 0):
            _apply(node, held, outcome)
        node.held.clear()
        node.held_since, node.asked_at = None, None
        own.older, own.birth, own.alive = own.birth, birth, True
        node.bd_seq = bd_seq if isinstance(bd_seq, int) else None
        node.next_seq = ((payload.seq or 0) + 1) % NUMBERS
        node.newest_ms = birth.at_ms
    _samples(birth, told, outcome)
    outcome.settled.append(told.arrived)


def _node_death(node: Node, told: Told, outcome: Outcome) -> None:
    """A death of an earlier session than the newest birth's is late and says nothing."""
    bd_seq = next((m.raw for m in told.payload.metrics if m.name == BD_SEQ), None)
    if bd_seq == node.bd_seq:
        for address, device in node.devices.items():
            if device.alive:
                device.alive = False
                outcome.effects.append((Presence(address, online=False, session=_session(node, device)), told.arrived))
        node.next_seq = None
    outcome.settled.append(told.arrived)


def _device_birth(node: Node, told: Told, outcome: Outcome) -> None:
    device, birth = node.devices.setdefault(told.topic.device, Device()), _birth_of(told.payload)
    if not _is_repeat(device.birth, birth.at_ms):
        device.older, device.birth = device.birth, birth
    device.alive = True
    outcome.effects.append((Presence(told.topic.device, online=True, session=_session(node, device)), told.arrived))
    _samples(birth, told, outcome)


def _device_death(node: Node, told: Told, outcome: Outcome) -> None:
    device = node.devices.get(told.topic.device)
    if device is not None and device.birth is not None:
        device.alive = False
        outcome.effects.append(
            (Presence(told.topic.device, online=False, session=_session(node, device)), told.arrived)
        )


def _session(node: Node, device: Device) -> str:
    return f"sparkplug-{node.bd_seq}-{device.birth.at_ms if device.birth else 0}"


def _data(node: Node, told: Told, outcome: Outcome) -> None:
    device = node.devices.get(told.topic.device)
    at_ms = told.payload.timestamp_ms
    birth = None if device is None else device.birth_at(at_ms) if at_ms is not None else device.birth
    if birth is None:
        arrived = told.arrived
        outcome.effects.append((Refused(NO_BIRTH, "data without a birth: its metrics have no names", arrived.topic,
                                        arrived.payload), arrived))  # fmt: skip
        ask(node, arrived.at, NO_BIRTH, arrived, outcome)
        return
    _samples(birth, told, outcome)


def _samples(birth: Birth, told: Told, outcome: Outcome) -> None:
    """One sample per moment, historical values apart from live ones."""
    moments: dict[tuple[int, bool], dict[str, Any]] = {}
    for metric in told.payload.metrics:
        name = metric.name or (birth.names.get(metric.alias) if metric.alias is not None else None)
        if name == BD_SEQ or (name is not None and name.startswith(OWN_METRICS)):
            continue
        try:
            at_ms, value = _moment(metric, told.payload), _value(metric, name, birth)
        except PayloadError as error:
            _refuse(error, told.arrived, outcome)
            continue
        moments.setdefault((at_ms, metric.historical), {})[str(name)] = value
    for (at_ms, historical), fields in moments.items():
        outcome.effects.append((RawSample(told.topic.device, at_ms, fields, historical), told.arrived))


def _moment(metric: Metric, payload: Payload) -> int:
    at_ms = metric.timestamp_ms if metric.timestamp_ms is not None else payload.timestamp_ms
    if at_ms is None:
        raise PayloadError(Reason.BAD_TIMESTAMP.value, "neither the metric nor its message has a timestamp")
    return at_ms


def _value(metric: Metric, name: str | None, birth: Birth) -> Any:
    if name is None:
        raise PayloadError(NO_BIRTH, f"alias {metric.alias} is not in the birth")
    if not metric.carried:
        raise PayloadError(Reason.WRONG_TYPE.value, f"{name} is a data set, a template or bytes")
    return typed(metric, metric.datatype if metric.datatype is not None else birth.types.get(name))


def _refuse(error: PayloadError, arrived: Arrived, outcome: Outcome) -> None:
    outcome.effects.append((Refused(error.reason, error.detail, arrived.topic, arrived.payload), arrived))
