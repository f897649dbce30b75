"""Anchoring the newest checkpoint, and the anchors there are. SQL in the caller's connection; one request outside of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from equipment.access import outgoing
from equipment.errors import OutgoingAddressError, OutgoingFailedError
from equipment.foundation import metrics
from equipment.foundation.database import Connection, load_queries
from equipment.foundation.logs import get_logger
from maintenance.anchors import token
from maintenance.anchors.settings import AnchorSettings
from maintenance.errors import AnchorError

QUERIES = load_queries(__file__)
Send = Callable[[bytes], bytes]
"""A request's bytes to the answer's.

Raises
------
AnchorError
"""
logger = get_logger("maintenance.anchors")
failures = metrics.counter("teshe_anchor_failures_total", "Checkpoints that the time-stamping authority did not stamp")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A checkpoint's note with its token."""

    size: int
    stamped_at: datetime
    authority: str
    token: bytes
    note: str


def sender(settings: AnchorSettings) -> Send:
    """Sends requests to the authority."""

    def send(body: bytes) -> bytes:
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        try:
            target = outgoing.check(settings.address, settings.networks)
            answer = outgoing.post(target, body, headers, timeout_seconds=settings.timeout_seconds)
        except (OutgoingAddressError, OutgoingFailedError) as error:
            raise AnchorError(f"时间戳机构无法访问 (the authority was not reached): {error}") from None
        if answer.status != 200:
            raise AnchorError(f"时间戳机构答复 {answer.status} (the authority answered {answer.status})")
        return answer.body

    return send


def trusted(settings: AnchorSettings) -> tuple[x509.Certificate, ...]:
    """The configured authority's certificates.

    Raises
    ------
    AnchorError
        None are configured, or the file cannot be read: what nobody can check is not kept.
    """
    if settings.certificates is None:
        raise AnchorError("请设置 TESHE_TSA_CERTIFICATES (set the file of the authority's certificates)")
    try:
        return token.certificates(settings.certificates.read_bytes())
    except OSError as error:
        raise AnchorError(f"无法读取 {settings.certificates}: {error.strerror} (cannot be read)") from None


def anchor(conn: Connection, send: Send, certificates: tuple[x509.Certificate, ...], now: datetime) -> Anchor | None:
    """Let the newest checkpoint be stamped and keep the token, when it holds. None: there is no checkpoint.

    ``conn`` commits by itself: nothing is locked while the authority is asked.

    Raises
    ------
    AnchorError
    """
    row = conn.execute(QUERIES.newest_checkpoint).fetchone()
    if row is None:
        return None
    size, at, note = row
    asked = token.query(note)
    answer = send(asked.body)
    stamp = token.verified(answer, note, certificates, asked.nonce)
    conn.execute(QUERIES.insert_anchor, (size, at, answer, stamp.at, stamp.authority, now))
    return Anchor(size, stamp.at, stamp.authority, answer, note)


def anchor_if_due(conn: Connection, settings: AnchorSettings, now: datetime, send: Send | None = None) -> Anchor | None:
    """:func:`anchor`, when an authority is configured and the last anchor is old enough; a failure is told and tried again."""
    if not settings.address:
        return None
    newest = conn.execute(QUERIES.newest_anchor).fetchone()
    if newest is not None and now < newest[0] + timedelta(hours=settings.every_hours):
        return None
    try:
        return anchor(conn, send or sender(settings), trusted(settings), now)
    except AnchorError as error:
        failures.inc()
        logger.warning("checkpoint_not_anchored", error=str(error))
        return None


def anchors(conn: Connection) -> list[Anchor]:
    """All anchors, oldest first."""
    return [_anchor(row) for row in conn.execute(QUERIES.anchors)]


def covering(conn: Connection, seq: int) -> Anchor | None:
    """The oldest anchored checkpoint that covers a position; None: none does yet."""
    row = conn.execute(QUERIES.oldest_covering, (seq,)).fetchone()
    return None if row is None else _anchor(row)


def _anchor(row: tuple[int, datetime, str, bytes, str]) -> Anchor:
    return Anchor(int(row[0]), row[1], row[2], bytes(row[3]), row[4])


def check_all(conn: Connection, certificates: tuple[x509.Certificate, ...]) -> int:
    """Check every anchor against its checkpoint; returns how many hold.

    Raises
    ------
    AnchorError
        Names the first that does not.
    """
    found = anchors(conn)
    for one in found:
        try:
            token.verified(one.token, one.note, certificates)
        except AnchorError as error:
            raise AnchorError(f"检查点 {one.size}: {error}") from None
    return len(found)
