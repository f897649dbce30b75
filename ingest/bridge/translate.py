"""From a source's message to what must be published, recorded and kept: all decisions of the bridge, without I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from ingest.bridge import frames, gateway
from ingest.bridge.canonical import Outgoing, Unmapped, codes_message, presence_message, sample_message
from ingest.bridge.gateway import CanonicalPart, GatewayKind, GatewayTopic
from ingest.bridge.model import Arrived, Effect, Gap, Gateway, Listed, Presence, RawSample, Rebirth, Refused
from ingest.bridge.sparkplug import codec, node, topics
from ingest.bridge.sparkplug.topics import Kind, Topic
from ingest.bridge.store import Delta, GatewayState, RefusedEntry
from ingest.errors import CodeListError, PayloadError
from ingest.model import Channel, Reason
from ingest.payload import STATUS
from ingest.topics import topic_of

UNKNOWN_GATEWAY, NOT_LISTED, NOT_ALLOWED, BAD_PROFILE = (
    "unknown_gateway",
    "unit_not_listed",
    "not_allowed",
    "bad_profile",
)
NODE_ITSELF = "node"


@dataclass(frozen=True, slots=True)
class CentreTold:
    """Call records, or events of the line, of a call centre, each as its JSON."""

    gateway_id: str
    kind: GatewayKind
    parts: tuple[bytes, ...]
    topic: str
    at: datetime


@dataclass(slots=True)
class Work:
    """What one batch comes to."""

    outgoing: list[Outgoing] = field(default_factory=list)
    refused: list[RefusedEntry] = field(default_factory=list)
    deltas: dict[str, Delta] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    centres: list[CentreTold] = field(default_factory=list)
    settled: list[Arrived] = field(default_factory=list)

    def delta(self, gateway_id: str) -> Delta:
        """The account of a gateway."""
        return self.deltas.setdefault(gateway_id, Delta())

    def refuse(self, entry: RefusedEntry) -> None:
        """Record something of a gateway that cannot be taken."""
        self.refused.append(entry)
        self.delta(entry.gateway_id).refused += 1


class Translator:
    """Knows the gateways and what each has said; thrown away and made again when a transaction fails."""

    def __init__(
        self, gateways: dict[str, Gateway], states: dict[str, GatewayState], host_id: str, most_bytes: int,
        reorder: timedelta,
    ) -> None:  # fmt: skip
        self.gateways = gateways
        self.states = states
        self._host_id = host_id
        self._most_bytes = most_bytes
        self._reorder = reorder

    def start(self, now: datetime) -> Work:
        """Ask every edge node for its birth: what it said while nobody listened is not known."""
        work = Work()
        for found in self.gateways.values():
            if found.kind == "sparkplug":
                outcome = node.Outcome()
                node.ask(self._state(found.id).node, now, "start", None, outcome)
                self._follow(found, outcome, now, work)
        return work

    def take(self, arrived: Arrived, work: Work) -> None:
        """Take one message in."""
        sparkplug = arrived.topic.startswith(f"{topics.NAMESPACE}/")
        try:
            if len(arrived.payload) > self._most_bytes:
                raise PayloadError(Reason.TOO_LARGE.value, f"{len(arrived.payload)} bytes; at most {self._most_bytes}")
            if sparkplug:
                self._sparkplug(topics.read_topic(arrived.topic), arrived, work)
                return
            told = gateway.read_topic(arrived.topic)
            if told.kind is not GatewayKind.RESULT:
                self._gateway(told, arrived, work)
        except PayloadError as error:
            parts = arrived.topic.split("/")
            self._refuse(parts[2] if len(parts) > 2 and not sparkplug else "", "", error, arrived, work)
        work.settled.append(arrived)

    def tick(self, now: datetime, work: Work) -> None:
        """Give up waiting for messages whose time is over."""
        for gateway_id, state in self.states.items():
            outcome = node.tick(state.node, now, self._reorder)
            found = self.gateways.get(gateway_id)
            if found is not None and (outcome.effects or outcome.settled):
                self._follow(found, outcome, now, work)

    def _state(self, gateway_id: str) -> GatewayState:
        return self.states.setdefault(gateway_id, GatewayState())

    def _sparkplug(self, topic: Topic, arrived: Arrived, work: Work) -> None:
        if topic.kind in (Kind.NCMD, Kind.DCMD, Kind.STATE):
            if topic.kind is Kind.STATE and topic.node == self._host_id and b"false" in arrived.payload:
                work.outgoing.append(state_message(self._host_id, arrived.at, online=True))
            work.settled.append(arrived)
            return
        found = self.gateways.get(topic.gateway_id)
        self._count(topic.gateway_id, arrived, work)
        if found is None or found.kind != "sparkplug":
            error = PayloadError(UNKNOWN_GATEWAY, f"no Sparkplug edge node {topic.gateway_id!r} is registered")
            self._refuse(topic.gateway_id, topic.device, error, arrived, work)
            work.settled.append(arrived)
            return
        self._follow(found, node.receive(self._state(found.id).node, topic, arrived), arrived.at, work)

    def _count(self, gateway_id: str, arrived: Arrived, work: Work) -> None:
        delta = work.delta(gateway_id)
        delta.messages += 1
        delta.messages_qos0 += arrived.qos == 0

    def _follow(self, found: Gateway, outcome: node.Outcome, now: datetime, work: Work) -> None:
        work.changed.add(found.id)
        for effect, arrived in outcome.effects:
            self._effect(found, effect, arrived, now, work)
        work.settled += outcome.settled

    def _effect(self, found: Gateway, effect: Effect, arrived: Arrived | None, now: datetime, work: Work) -> None:
        match effect:
            case RawSample():
                self._sample(found, effect, arrived, work)
            case Presence():
                unit = found.units.get(effect.address)
                if unit is not None:
                    work.outgoing.append(presence_message(effect, unit))
                elif effect.address == "":
                    work.delta(found.id).online = effect.online
            case Rebirth():
                work.outgoing.append(rebirth_message(found.id, now))
                work.delta(found.id).rebirths_asked += 1
            case Gap():
                work.delta(found.id).gaps.append(effect)
            case Refused():
                work.refuse(RefusedEntry(found.id, now, effect.topic, "", effect.reason, effect.detail, effect.payload))

    def _sample(self, found: Gateway, sample: RawSample, arrived: Arrived | None, work: Work) -> None:
        unit = found.units.get(sample.address)
        if unit is None and found.kind == "sparkplug" and sample.address == "":
            # an edge node's own metrics belong to no unit unless it is listed with the empty address
            work.delta(found.id).unmapped.update(
                Unmapped(NODE_ITSELF, name, repr(v)[:80]) for name, v in sample.fields.items()
            )
            return
        try:
            message, unmapped = sample_message(sample, self._listed(found, sample.address))
        except (PayloadError, CodeListError) as error:
            self._refuse(found.id, sample.address, error, arrived, work)
            return
        work.delta(found.id).unmapped.update(unmapped)
        if message is not None:
            self._publish(found.id, message, work)

    def _listed(self, found: Gateway, address: str) -> Listed:
        unit = found.units.get(address)
        if unit is None:
            raise PayloadError(NOT_LISTED, f"the credential of {found.id!r} does not list the unit {address!r}")
        return unit

    def _publish(self, gateway_id: str, message: Outgoing, work: Work) -> None:
        work.outgoing.append(message)
        work.delta(gateway_id).republished += 1

    def _gateway(self, topic: GatewayTopic, arrived: Arrived, work: Work) -> None:
        self._count(topic.gateway_id, arrived, work)
        found = self.gateways.get(topic.gateway_id)
        if found is None or found.kind == "sparkplug":
            raise PayloadError(UNKNOWN_GATEWAY, f"no gateway {topic.gateway_id!r} is registered")
        if (topic.kind in gateway.TOLD_BY_CENTRES) != (found.kind == "call_centre"):
            raise PayloadError(
                NOT_ALLOWED, f"{topic.gateway_id!r} is a {found.kind} and may not publish {topic.kind.value}"
            )
        match topic.kind:
            case GatewayKind.TELEMETRY:
                self._telemetry(found, arrived, work)
            case GatewayKind.STATUS:
                self._status(found, arrived, work)
            case GatewayKind.FRAMES:
                self._frame(found, topic.address, arrived, work)
            case GatewayKind.CALLS | GatewayKind.LINE:
                parts = tuple(gateway.split(arrived.payload))
                work.centres.append(CentreTold(found.id, topic.kind, parts, arrived.topic, arrived.at))

    def _telemetry(self, found: Gateway, arrived: Arrived, work: Work) -> None:
        for part in gateway.split(arrived.payload):
            try:
                sample = gateway.read_sample(part)
                if isinstance(sample, CanonicalPart):
                    unit = self._listed(found, sample.address)
                    self._publish(found.id, Outgoing(topic_of(unit.unit_id, Channel.TELEMETRY), sample.body), work)
                else:
                    self._sample(found, sample, arrived, work)
            except PayloadError as error:
                self._refuse(found.id, "", error, arrived, work, part)

    def _status(self, found: Gateway, arrived: Arrived, work: Work) -> None:
        try:
            status = STATUS.decode(arrived.payload)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise PayloadError(Reason.WRONG_TYPE.value, f"status: {error}") from None
        work.delta(found.id).online = status.online
        session = f"{found.id}-{status.session or ''}"
        work.outgoing += [
            presence_message(Presence(address, status.online, session), unit) for address, unit in found.units.items()
        ]

    def _frame(self, found: Gateway, address: str, arrived: Arrived, work: Work) -> None:
        place = frames.read_envelope(arrived.payload).elevator_code or address
        unit = self._listed(found, place)
        event = frames.read_frame(arrived.payload, address, unit.kind)
        if isinstance(event, RawSample):
            self._sample(found, event, arrived, work)
            return
        # this vendor says each fault by itself; the contract wants all that are active
        active = self._state(found.id).faults.setdefault(place, {}).setdefault(event.code_list, [])
        if event.active and event.code not in active:
            active.append(event.code)
        elif not event.active and event.code in active:
            active.remove(event.code)
        work.changed.add(found.id)
        self._publish(found.id, codes_message(unit, event.ts_ms, event.code_list, active), work)

    def _refuse(
        self, gateway_id: str, address: str, error: PayloadError | CodeListError, arrived: Arrived | None, work: Work,
        part: bytes | None = None,
    ) -> None:  # fmt: skip
        reason, detail = (error.reason, error.detail) if isinstance(error, PayloadError) else (BAD_PROFILE, str(error))
        if arrived is not None:
            payload = arrived.payload if part is None else part
            work.refuse(RefusedEntry(gateway_id, arrived.at, arrived.topic, address, reason, detail, payload))


def rebirth_message(gateway_id: str, now: datetime) -> Outgoing:
    """The command that asks an edge node for its birth."""
    group, _, name = gateway_id.partition("/")
    metric = codec.Metric(name=node.REBIRTH, datatype=codec.DataType.BOOLEAN, raw=True)
    payload = codec.encode(round(now.timestamp() * 1_000), None, [metric])
    return Outgoing(topics.command_topic(group, name), payload, qos=0)


def state_message(host_id: str, now: datetime, *, online: bool) -> Outgoing:
    """The retained word of this host that it is there, or not."""
    body = {"online": online, "timestamp": round(now.timestamp() * 1_000)}
    return Outgoing(topics.state_topic(host_id), msgspec.json.encode(body), retain=True)
