"""Calls as messages: what a call centre's gateway publishes, and the answer it reads.

One JSON object or an array; the fields are those of the API, times RFC 3339 with their offset, ``external_id`` and
``reported_at`` required. Each call stands for itself: a wrong one is answered with what is wrong and does not spoil the
others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from equipment.foundation.database import Connection
from ingest.calls import CallReceipt, NewCall, record_call
from ingest.errors import CallError

ENCODER = msgspec.json.Encoder()
SOURCE = "mqtt"


class CallMessage(msgspec.Struct, forbid_unknown_fields=True):
    """One call of a gateway."""

    external_id: str
    category: str
    reported_at: datetime
    subcategory: str | None = None
    rescue_code: str | None = None
    unit_id: str | None = None
    certificate_no: str | None = None
    registration_code: str | None = None
    place: str = ""
    project: str | None = None
    address: str = ""
    use_unit_name: str | None = None
    firm_name: str | None = None
    caller_phone: str | None = None
    trapped: int | None = None
    injured: int | None = None
    suspected_dead: int | None = None
    medical_rescue: bool = False
    major_incident: bool = False
    cause_code: str | None = None
    cause_text: str | None = None
    release_mode: str | None = None
    description: str = ""
    dispatched_at: datetime | None = None
    arrived_at: datetime | None = None
    freed_at: datetime | None = None
    called_back_at: datetime | None = None
    closed_at: datetime | None = None


class CallAnswer(msgspec.Struct, omit_defaults=True):
    """What became of one call: ``result`` new, updated, unchanged, or refused with its ``problem``."""

    external_id: str | None
    result: str
    id: int | None = None
    unit_id: str | None = None
    link: str | None = None
    problem: str | None = None


DECODER = msgspec.json.Decoder(CallMessage)
NAMED = msgspec.json.Decoder(dict[str, object])


def source_of(gateway_id: str) -> str:
    """The source under which a call centre's order numbers are unique."""
    return f"{SOURCE}:{gateway_id}"


def take(conn: Connection, gateway_id: str, parts: Sequence[bytes], now: datetime) -> bytes:
    """Record the calls of one message in the caller's transaction; returns the answer as JSON, one entry per call."""
    return ENCODER.encode([_take_one(conn, gateway_id, part, now) for part in parts])


def _take_one(conn: Connection, gateway_id: str, part: bytes, now: datetime) -> CallAnswer:
    try:
        told = DECODER.decode(part)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return CallAnswer(_named(part), "refused", problem=str(error))
    call = NewCall(source=source_of(gateway_id), **msgspec.structs.asdict(told))
    try:
        with conn.transaction():
            receipt = record_call(conn, call, None, now)
    except CallError as error:
        return CallAnswer(told.external_id, "refused", problem=str(error))
    return answer(told.external_id, receipt)


def answer(external_id: str | None, receipt: CallReceipt) -> CallAnswer:
    """The receipt as an answer."""
    return CallAnswer(external_id, receipt.result, receipt.id, receipt.unit_id, receipt.link.value)


def _named(part: bytes) -> str | None:
    """The order number of a call that cannot be read, where at least that can be."""
    try:
        found = NAMED.decode(part).get("external_id")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return found if isinstance(found, str) else None
