"""Gateways that speak JSON: ``teshe-gateway/v1/{gateway}/{telemetry|status|calls|line}`` and ``…/frames/{address}``.

A telemetry message is one object or an array: the canonical sample with ``unit``, the address of the unit at the gateway;
instead of ``values`` it may carry ``fields``, which the unit's signal coding reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

from ingest.bridge.model import RawSample
from ingest.errors import PayloadError
from ingest.model import Reason
from ingest.payload import read_timestamp

ROOT = "teshe-gateway/v1"
FILTER = f"{ROOT}/#"
MOST_SAMPLES = 5_000


class GatewayKind(Enum):
    """Last noun of a gateway's topic. ``LINE``: events of the telephone line; ``RESULT`` is ours."""

    TELEMETRY = "telemetry"
    STATUS = "status"
    FRAMES = "frames"
    CALLS = "calls"
    LINE = "line"
    RESULT = "result"


@dataclass(frozen=True, slots=True)
class GatewayTopic:
    """A topic taken apart; ``address`` only of frames."""

    gateway_id: str
    kind: GatewayKind
    address: str = ""


class GatewaySample(msgspec.Struct, forbid_unknown_fields=True):
    """One sample of a unit behind a gateway."""

    unit: str
    ts: int | str
    seq: int | None = None
    values: dict[str, Any] | None = None
    fields: dict[str, Any] | None = None
    codes: list[str | int] | None = None
    code_list: str | None = None
    historical: bool = False


@dataclass(frozen=True, slots=True)
class CanonicalPart:
    """A sample that speaks the platform's own names: it goes on as it is, without its address."""

    address: str
    body: bytes


SAMPLE = msgspec.json.Decoder(GatewaySample)
PARTS = msgspec.json.Decoder(list[msgspec.Raw])
ENCODER = msgspec.json.Encoder()


TOLD_BY_CENTRES = frozenset({GatewayKind.CALLS, GatewayKind.LINE})
"""What a call centre may publish, and nobody else."""


def topic_of(gateway_id: str, kind: GatewayKind) -> str:
    """Where a gateway publishes what is not a frame."""
    return f"{ROOT}/{gateway_id}/{kind.value}"


def result_topic(gateway_id: str, kind: GatewayKind) -> str:
    """Where a call centre reads what became of its calls, or of its events of the line."""
    return f"{topic_of(gateway_id, kind)}/{GatewayKind.RESULT.value}"


def read_topic(text: str) -> GatewayTopic:
    """Take a topic apart.

    Raises
    ------
    PayloadError
        ``bad_topic``
    """
    parts = text.split("/")
    if "/".join(parts[:2]) == ROOT and all(parts):
        match parts[2:]:
            case [gateway_id, ("telemetry" | "status" | "calls" | "line") as kind]:
                return GatewayTopic(gateway_id, GatewayKind(kind))
            case [gateway_id, "frames", address]:
                return GatewayTopic(gateway_id, GatewayKind.FRAMES, address)
            case [gateway_id, "calls" | "line", "result"]:
                return GatewayTopic(gateway_id, GatewayKind.RESULT)
    raise PayloadError(
        Reason.BAD_TOPIC.value,
        f"{text!r} is not {ROOT}/{{gateway}}/telemetry, status, calls, line or frames/{{address}}",
    )


def split(payload: bytes) -> list[bytes]:
    """The objects of a message: one, or those of an array.

    Raises
    ------
    PayloadError
    """
    if payload.lstrip()[:1] != b"[":
        return [payload]
    try:
        parts = [bytes(part) for part in PARTS.decode(payload)]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PayloadError(Reason.NOT_JSON.value, str(error)) from None
    if not parts:
        raise PayloadError(Reason.EMPTY_ARRAY.value, "an array must carry at least one object")
    if len(parts) > MOST_SAMPLES:
        raise PayloadError(Reason.TOO_LARGE.value, f"{len(parts)} objects in one message; at most {MOST_SAMPLES}")
    return parts


def read_sample(part: bytes) -> RawSample | CanonicalPart:
    """One sample: raw fields, or the canonical form.

    Raises
    ------
    PayloadError
    """
    try:
        sample = SAMPLE.decode(part)
    except msgspec.ValidationError as error:
        raise PayloadError(Reason.WRONG_TYPE.value, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PayloadError(Reason.NOT_JSON.value, str(error)) from None
    if sample.fields is not None:
        if sample.values is not None or sample.codes is not None:
            raise PayloadError(Reason.WRONG_TYPE.value, "fields stand alone: without values and codes")
        return RawSample(sample.unit, read_timestamp(sample.ts) // 1_000, sample.fields, sample.historical)
    body = {
        name: getattr(sample, name)
        for name in ("ts", "seq", "values", "codes", "code_list", "historical")
        if getattr(sample, name) is not None and getattr(sample, name) is not False
    }
    return CanonicalPart(sample.unit, ENCODER.encode(body))
