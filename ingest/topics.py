"""Topics: ``teshe/v1/{shard}/{unit}/{channel}``, shard one hex digit."""

from __future__ import annotations

from dataclasses import dataclass

from equipment.registry.model import SHARDS, UNIT_ID, shard_of
from ingest.errors import PayloadError
from ingest.model import Channel, Reason

ROOT = "teshe/v1"
CHANNELS = {channel.name.lower(): channel for channel in Channel}
PARTS = 5


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic taken apart."""

    shard: int
    unit_id: str
    channel: Channel


def topic_of(unit_id: str, channel: Channel) -> str:
    """Where the unit publishes.

    >>> topic_of("L000001", Channel.TELEMETRY)
    'teshe/v1/0/L000001/telemetry'
    """
    return f"{ROOT}/{shard_of(unit_id):x}/{unit_id}/{channel.name.lower()}"


def shard_filter(shard: int) -> str:
    """The one filter of a shard's session."""
    return f"{ROOT}/{shard:x}/+/+"


def read_topic(text: str) -> Topic:
    """Take a topic apart.

    Raises
    ------
    PayloadError
        ``bad_topic``: not one of ours; ``wrong_shard``: the shard is not the unit's.
    """
    parts = text.split("/")
    if len(parts) != PARTS or "/".join(parts[:2]) != ROOT or parts[4] not in CHANNELS or not UNIT_ID.match(parts[3]):
        raise PayloadError(Reason.BAD_TOPIC.value, f"{text!r} is not {ROOT}/{{shard}}/{{unit}}/{{channel}}")
    unit_id = parts[3]
    expected = shard_of(unit_id)
    if parts[2] != f"{expected:x}":
        raise PayloadError(
            Reason.WRONG_SHARD.value, f"unit {unit_id} belongs to shard {expected:x} of {SHARDS}, not {parts[2]!r}"
        )
    return Topic(expected, unit_id, CHANNELS[parts[4]])
