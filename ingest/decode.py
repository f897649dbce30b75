"""A batch of messages taken apart: topic and payload; what is in them becomes columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from equipment.catalogue.load import load_catalogue
from equipment.registry.model import UnitSummary
from ingest.clock_offset import ClockOffsets
from ingest.columns import Gathered, columns_of, to_us
from ingest.errors import PayloadError
from ingest.model import Channel, Decoded, Message, Quarantined, Reason, StatusReport
from ingest.payload import PARSER_ERRORS, STATUS, PayloadDecoder, decoder_of
from ingest.topics import read_topic

__all__ = ["Decode", "to_us"]
NULL = b"null"
LONGEST_SESSION = 200


@dataclass(frozen=True, slots=True)
class _Route:
    """Where a topic leads."""

    unit: UnitSummary
    channel: Channel
    decoder: PayloadDecoder | None
    """None: the kind has no signals."""


class Decode:
    """Takes batches apart; knows the registered units and the clocks of their terminals."""

    def __init__(self, units: Iterable[UnitSummary], clocks: ClockOffsets, most_bytes: int) -> None:
        self._units: dict[str, UnitSummary] = {}
        self._routes: dict[str, _Route] = {}
        self.clocks = clocks
        self._most_bytes = most_bytes
        self.register(units)

    def register(self, units: Iterable[UnitSummary]) -> None:
        """Take over the registry as it is now."""
        self._units = {unit.id: unit for unit in units}
        self._routes = {}

    def leads_nowhere(self, topic: str) -> bool:
        """Whether a message on this topic would be refused for its topic or its unit."""
        try:
            self._route(topic)
        except PayloadError:
            return True
        return False

    def decode(self, messages: Iterable[Message]) -> Decoded:
        """Columns of the good samples, and everything else with its reason. Order of arrival is kept per kind."""
        result = Decoded()
        gathered: dict[str, Gathered] = {}
        for message in messages:
            try:
                route = self._routes.get(message.topic) or self._route(message.topic)
                self._one(message, route, result, gathered)
            except PayloadError as error:
                self._refuse(message, error, result)
        catalogue = load_catalogue()
        for name, samples in gathered.items():
            kind = catalogue.kind(name)
            if kind is not None and samples.raws:
                result.rows[name] = columns_of(kind, samples, self.clocks, result)
        return result

    def _route(self, topic: str) -> _Route:
        """Where a topic leads; remembered for topics of registered units, of which there are not many.

        Raises
        ------
        PayloadError
        """
        known = self._routes.get(topic)
        if known is not None:
            return known
        parts = read_topic(topic)
        unit = self._units.get(parts.unit_id)
        if unit is None:
            raise PayloadError(Reason.UNKNOWN_UNIT.value, f"no unit {parts.unit_id!r} is registered: register it first")
        route = self._routes[topic] = _Route(unit, parts.channel, decoder_of(unit.kind))
        return route

    def _refuse(self, message: Message, error: PayloadError, result: Decoded) -> None:
        if message.repeat:
            result.repeats[message.shard] = result.repeats.get(message.shard, 0) + 1
            return
        route = self._routes.get(message.topic)
        known = (None, None) if route is None else (route.unit.id, route.unit.no)
        result.quarantined.append(
            Quarantined(message, Reason(error.reason), error.detail, unit_id=known[0], unit_no=known[1])
        )

    def _one(self, message: Message, route: _Route, result: Decoded, gathered: dict[str, Gathered]) -> None:
        if route.channel is Channel.STATUS:
            _status(message, route.unit, result)
            return
        payload, decoder = message.payload, route.decoder
        if len(payload) > self._most_bytes:
            raise PayloadError(
                Reason.TOO_LARGE.value, f"{len(payload)} bytes; at most {self._most_bytes}: send smaller arrays"
            )
        if decoder is None:
            raise PayloadError(Reason.NOT_MEASURED.value, f"units of kind {route.unit.kind} have no signals")
        try:
            raws = decoder.many(payload) if payload[:1] == b"[" else [decoder.one(payload)]
        except PARSER_ERRORS:
            raws = []
        if not raws:
            self._carefully(message, route, decoder, result, gathered)
        elif message.repeat:
            result.repeats[message.shard] = result.repeats.get(message.shard, 0) + len(raws)
        else:
            into = _into(gathered, route, payload)
            into.add(message, route.unit.no, route.channel, raws, range(len(raws)))

    def _carefully(
        self, message: Message, route: _Route, decoder: PayloadDecoder, result: Decoded, gathered: dict[str, Gathered]
    ) -> None:
        """Something in the payload is wrong: sample by sample, the good ones from the bad ones."""
        parts = decoder.decode(message.payload)
        if message.repeat:
            result.repeats[message.shard] = result.repeats.get(message.shard, 0) + len(parts)
            return
        good = [(i, part) for i, part in enumerate(parts) if not isinstance(part, PayloadError)]
        if good:
            positions, raws = zip(*good, strict=True)
            into = _into(gathered, route, message.payload)
            into.add(message, route.unit.no, route.channel, raws, positions)
        for position, part in enumerate(parts):
            if isinstance(part, PayloadError):
                result.quarantined.append(
                    Quarantined(message, Reason(part.reason), part.detail, 1, position, route.unit.id, route.unit.no,
                                route.channel.name.lower())
                )  # fmt: skip


def _into(gathered: dict[str, Gathered], route: _Route, payload: bytes) -> Gathered:
    into = gathered.get(route.unit.kind)
    if into is None:
        into = gathered[route.unit.kind] = Gathered()
    if not into.has_null and NULL in payload:
        into.has_null = True
    return into


def _status(message: Message, unit: UnitSummary, result: Decoded) -> None:
    try:
        status = STATUS.decode(message.payload)
    except PARSER_ERRORS as error:
        raise PayloadError(Reason.WRONG_TYPE.value, f"status: {error}") from None
    if status.session is not None and (len(status.session) > LONGEST_SESSION or not status.session.isprintable()):
        raise PayloadError(
            Reason.WRONG_TYPE.value, f"status: a session is at most {LONGEST_SESSION} printable characters"
        )
    result.statuses.append(
        StatusReport(
            unit.no, status.online, status.session, message.received_at, will=status.will, retained=message.retained
        )
    )
