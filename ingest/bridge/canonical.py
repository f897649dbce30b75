"""From a source's fields to the canonical message of the device contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ingest.bridge.model import Listed, Presence, RawSample
from ingest.codes.profiles import profile_of, read_fields
from ingest.model import Channel
from ingest.topics import topic_of

ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message of ours to the broker, always at QoS 1 unless it says otherwise."""

    topic: str
    payload: bytes
    retain: bool = False
    qos: int = 1


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A field of a source, or a value of one, that its profile does not know."""

    profile: str
    field: str
    value: str


def sample_message(sample: RawSample, unit: Listed) -> tuple[Outgoing | None, list[Unmapped]]:
    """The canonical message of a sample, and what its profile does not know.

    Without a ``seq``: the content is the identity, so that a message that is sent twice is recognised. None when
    nothing of it has a place in the catalogue.

    Raises
    ------
    CodeListError
        The profile is not for this kind of unit.
    """
    profile = profile_of(unit.profile, unit.kind)
    mapped = read_fields(profile, sample.fields)
    unmapped = [Unmapped(profile.name, name, value) for name, value in mapped.unmapped]
    if not mapped.values and mapped.codes is None:
        return None, unmapped
    body: dict[str, Any] = {"ts": sample.ts_ms, "values": mapped.values}
    if mapped.codes is not None:
        body |= {"codes": mapped.codes, "code_list": profile.code_list}
    if sample.historical:
        body["historical"] = True
    return Outgoing(topic_of(unit.unit_id, Channel.TELEMETRY), ENCODER.encode(body)), unmapped


def codes_message(unit: Listed, ts_ms: int, code_list: str, active: Sequence[str]) -> Outgoing:
    """The faults that are active now."""
    body = {"ts": ts_ms, "codes": list(active), "code_list": code_list}
    return Outgoing(topic_of(unit.unit_id, Channel.EVENT), ENCODER.encode(body))


def presence_message(presence: Presence, unit: Listed) -> Outgoing:
    """The retained status of a unit's terminal."""
    body = {"online": presence.online, "session": presence.session}
    return Outgoing(topic_of(unit.unit_id, Channel.STATUS), ENCODER.encode(body), retain=True)
