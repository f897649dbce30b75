"""维保单位签章: the firm's key over a record that its own system files. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from equipment.transparency.keys import PublicKey
from maintenance.errors import SealError

FORMAT = "teshe-record-1"


@dataclass(frozen=True, slots=True)
class Seal:
    """A signature as it arrives: the id of the firm's key, and base64."""

    key_id: str
    signature: str


def statement(idempotency_key: str, digest: bytes) -> bytes:
    """The bytes that a firm signs: format, its own key of the record, SHA-256 of the canonical form (RFC 8785).

    >>> statement("visit-1", bytes(32)).decode().splitlines()[:2]
    ['teshe-record-1', 'visit-1']
    """
    return f"{FORMAT}\n{idempotency_key}\n{digest.hex()}\n".encode()


def check(keys: Mapping[str, PublicKey], seal: Seal, idempotency_key: str, digest: bytes, now: datetime) -> bytes:
    """The raw signature, when it is right.

    Parameters
    ----------
    keys
        The firm's keys by their id.

    Raises
    ------
    SealError
        Says which key and why.
    """
    key = keys.get(seal.key_id)
    if key is None:
        raise SealError(f"贵单位没有登记密钥 {seal.key_id} (your firm has not registered this key)")
    if not key.valid_at(now):
        raise SealError(f"密钥 {key.id} 已吊销或尚未生效 (revoked, or not valid yet): sign with another key")
    try:
        raw = base64.b64decode(seal.signature, validate=True)
    except ValueError:
        raise SealError("签章不是 base64 (the signature is not base64)") from None
    if not key.verifies(raw, statement(idempotency_key, digest)):
        raise SealError(
            f"签章与内容不符：请对 {FORMAT!r}、幂等键与规范形式 SHA-256 {digest.hex()} 签名"
            " (the signature is not over this record: sign format, key and digest, each with a line feed)"
        )
    return raw
