"""回调签名: HMAC-SHA256 over time, delivery and body, believed for a few minutes and taken once.

The header is ``Teshe-Signature: t=UNIX_SECONDS,id=DELIVERY,v1=HEX``; the HMAC covers ``t.id.`` and the body's bytes as
they were sent. Whoever receives calls :func:`verify`, then :func:`take` in the transaction that keeps the content.

>>> from datetime import UTC, datetime
>>> now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
>>> header = sign(b"0" * 32, b"{}", "call-17", now)
>>> verify(header, b"{}", [b"0" * 32], now).id
'call-17'
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from equipment.access import signing
from equipment.errors import WebhookSignatureError
from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__)
HEADER = "Teshe-Signature"
WINDOW = timedelta(minutes=5)
"""How far the sender's clock may be from ours, either way."""
SHORTEST_SECRET = signing.KEY_BYTES
"""Bytes."""
LONGEST_HEADER = 300
FORM = re.compile(r"t=(\d{1,12}),id=([A-Za-z0-9_.:-]{1,100}),v1=([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery whose signature is right; ``id`` names it for good, also when it is sent again."""

    id: str
    signed_at: datetime


def new_secret() -> str:
    """A secret for one partner, as hexadecimal text; ``bytes.fromhex`` gives what signs."""
    return secrets.token_hex(SHORTEST_SECRET)


def sign(secret: bytes, body: bytes, delivery: str, now: datetime) -> str:
    """The value of the header for one delivery; a repetition keeps ``delivery`` and is signed anew.

    Raises
    ------
    WebhookSignatureError
        The secret is too short, or the delivery's name cannot stand in a header.
    """
    _long_enough(secret)
    seconds = int(now.timestamp())
    text = f"t={seconds},id={delivery},v1={signing.mac(secret, _message(seconds, delivery, body)).hex()}"
    if FORM.fullmatch(text) is None:
        raise WebhookSignatureError("a delivery is named by 1 to 100 letters, digits and _ . : -")
    return text


def verify(
    header: str | None, body: bytes, accepted: Sequence[bytes], now: datetime, window: timedelta = WINDOW
) -> Delivery:
    """Check the header of a delivery against its body.

    Parameters
    ----------
    accepted
        Secrets that hold at this time: two while the partner changes over to a new one.

    Raises
    ------
    WebhookSignatureError
        No header, another form, a wrong signature, or a time outside of the window.
    """
    found = FORM.fullmatch(header) if header is not None and len(header) <= LONGEST_HEADER else None
    if found is None:
        raise WebhookSignatureError(f"缺少签名或格式不对 ({HEADER}: t=UNIX_SECONDS,id=DELIVERY,v1=HEX is needed)")
    seconds, delivery, given = int(found[1]), found[2], found[3]
    for secret in accepted:
        _long_enough(secret)
    if not signing.believed(accepted, _message(seconds, delivery, body), bytes.fromhex(given)):
        raise WebhookSignatureError("签名不对 (the signature does not belong to this body and secret)")
    if abs(now.timestamp() - seconds) > window.total_seconds():
        raise WebhookSignatureError(
            f"签名时间超出 {int(window.total_seconds())} 秒 (the time is too far from ours: set the sender's clock and sign again)"
        )
    return Delivery(delivery, datetime.fromtimestamp(seconds, UTC))


def take(conn: Connection, source: str, delivery: Delivery, now: datetime) -> bool:
    """Take a delivery, once: False when ``source`` sent it before. Ends with the transaction that keeps the content."""
    row = conn.execute(QUERIES.take_delivery, (source, delivery.id, now)).fetchone()
    return bool(row and row[0])


def forget(conn: Connection, now: datetime, window: timedelta = WINDOW) -> int:
    """Delete deliveries whose signature nobody would believe any more; for the jobs. Returns how many."""
    return conn.execute(QUERIES.forget_deliveries, (now - 2 * window,)).rowcount


def _message(seconds: int, delivery: str, body: bytes) -> bytes:
    return f"{seconds}.{delivery}.".encode() + body


def _long_enough(secret: bytes) -> None:
    if len(secret) < SHORTEST_SECRET:
        raise WebhookSignatureError(f"a webhook's secret has at least {SHORTEST_SECRET} bytes")
