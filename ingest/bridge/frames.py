"""Binary frames of a vendor (JSON ``{TY, ST, D}`` with ``D`` in base64) and its fault events.

Little-endian; the lift's frame comes in 20 bytes and in longer forms that append fields; the escalator's is another.
The fields' meaning is data: the profiles ``vendor-frame`` and ``vendor-frame-escalator``. Marks: lift V-code (three
captured samples), escalator P (the order of the fields of one decoder, no captured sample).

References
----------
docs/sources.md, vendor frames
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from equipment.foundation.clock import SHANGHAI
from ingest.bridge.model import RawSample
from ingest.errors import PayloadError
from ingest.model import Reason

LIFT_BYTES = 20
LIFT_FIELDS = (
    "version", "nowStatus", "direction", "floorStatus", "speed", "carStatus", "hasPeople", "powerStatus", "floor",
    "signal", "battery", "modeStatus", "runStatus", "doorClosed", "motorStatus", "temperature",
    # only in longer frames, as far as they reach
    "doorClosed2", "safetyLoop", "doorLoop",
)  # fmt: skip
"""One byte each after the time; the longest captured frame (23 bytes) ends with doorLoop."""
SIGNED = frozenset({"speed", "floor", "temperature"})
ESCALATOR_FLAGS = (
    "version", "nowStatus", "faultStatus", "escalatorStatus", "direction", "speedStatus", "energySaving",
    "handrailDeviation", "coverOpenAlarm", "overspeed", "reverse", "emergencyStop", "mainsFrequency",
    "variableFrequency", "star", "delta", "selfStart", *(f"safetyLoop{n}" for n in range(1, 10)), "phaseSequence",
    "topLightFree", "bottomLightFree",
)  # fmt: skip
ESCALATOR_NUMBERS = (
    "speedPercent", "handrailLeftPercent", "handrailRightPercent", "topStepHz", "bottomStepHz", "errorCode",
)  # fmt: skip
ESCALATOR = struct.Struct(f"<I{len(ESCALATOR_FLAGS)}B{len(ESCALATOR_NUMBERS)}hi")
ADDED, ENDED = frozenset({"add"}), frozenset({"disappear", "del", "delete", "remove"})
LISTS = {"Fault": "vendor-enum", "SensorFault": "device-self-diagnosis"}
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


class Envelope(msgspec.Struct, rename={"kind": "TY", "what": "ST", "frame": "D", "elevator_code": "elevatorCode"}):
    """The vendor's message; other fields are allowed and not read."""

    kind: str = "M"
    what: str = ""
    frame: str | None = None
    elevator_code: str | None = None
    fault_type: int | str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True)
class FaultEvent:
    """One fault of the vendor that began or ended."""

    address: str
    ts_ms: int
    code_list: str
    code: str
    active: bool


ENVELOPE = msgspec.json.Decoder(Envelope)


def read_frame(payload: bytes, address: str, kind: str) -> RawSample | FaultEvent:
    """A monitor frame or a fault event.

    Parameters
    ----------
    address
        Of the topic; the message's own ``elevatorCode`` goes before it.
    kind
        Kind of the unit: an escalator's frame has another layout.

    Raises
    ------
    PayloadError
    """
    envelope = read_envelope(payload)
    place = envelope.elevator_code or address
    if envelope.kind in LISTS:
        return _fault(envelope, place)
    if envelope.frame is None:
        raise PayloadError(Reason.WRONG_TYPE.value, "a monitor message carries its frame in D")
    try:
        frame = base64.b64decode(envelope.frame, validate=True)
    except binascii.Error as error:
        raise PayloadError(Reason.WRONG_TYPE.value, f"D is not base64: {error}") from None
    seconds, fields = escalator_fields(frame) if kind == "escalator" else lift_fields(frame)
    return RawSample(place, seconds * 1_000, fields)


def read_envelope(payload: bytes) -> Envelope:
    """The JSON around a frame.

    Raises
    ------
    PayloadError
    """
    try:
        return ENVELOPE.decode(payload)
    except msgspec.ValidationError as error:
        raise PayloadError(Reason.WRONG_TYPE.value, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PayloadError(Reason.NOT_JSON.value, str(error)) from None


def lift_fields(frame: bytes) -> tuple[int, Mapping[str, Any]]:
    """Epoch [s] and the fields of a lift's frame.

    Raises
    ------
    PayloadError
        The frame is shorter than the shortest that is known, or longer than the longest.
    """
    longest = 4 + len(LIFT_FIELDS)
    if not LIFT_BYTES <= len(frame) <= longest:
        raise PayloadError(
            Reason.WRONG_TYPE.value, f"a lift's frame has {LIFT_BYTES} to {longest} bytes, this one {len(frame)}"
        )
    (seconds,) = struct.unpack_from("<I", frame)
    fields: dict[str, Any] = {
        name: byte - 256 if name in SIGNED and byte > 127 else byte
        for name, byte in zip(LIFT_FIELDS, frame[4:], strict=False)
    }
    return seconds, fields


def escalator_fields(frame: bytes) -> tuple[int, Mapping[str, Any]]:
    """Epoch [s] and the fields of an escalator's frame.

    Raises
    ------
    PayloadError
        Its length is another.
    """
    if len(frame) != ESCALATOR.size:
        raise PayloadError(
            Reason.WRONG_TYPE.value, f"an escalator's frame has {ESCALATOR.size} bytes, this one {len(frame)}"
        )
    seconds, *values = ESCALATOR.unpack(frame)
    return seconds, dict(zip((*ESCALATOR_FLAGS, *ESCALATOR_NUMBERS, "runTime"), values, strict=True))


def _fault(envelope: Envelope, address: str) -> FaultEvent:
    if envelope.fault_type is None or envelope.time is None or envelope.what not in ADDED | ENDED:
        raise PayloadError(
            Reason.WRONG_TYPE.value, "a fault event has fault_type, time, and ST add or disappear; not so here"
        )
    try:
        at = datetime.strptime(envelope.time, TIME_FORMAT).replace(tzinfo=SHANGHAI)
    except ValueError:
        raise PayloadError(
            Reason.BAD_TIMESTAMP.value, f"time {envelope.time!r} is not like 2026-03-01 08:15:00"
        ) from None
    return FaultEvent(
        address, round(at.timestamp() * 1_000), LISTS[envelope.kind], str(envelope.fault_type), envelope.what in ADDED
    )
