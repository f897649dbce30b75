"""动态口令: time-based one-time passwords as RFC 6238 has them (HMAC-SHA-1, 30 s, six digits).

>>> code_at(b"12345678901234567890", 59 // 30)
'287082'
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20
TOLERATED_STEPS = 1
"""Either way: a telephone's clock may be half a minute off."""


def new_secret() -> bytes:
    """160 random bits, as RFC 4226 recommends."""
    return secrets.token_bytes(SECRET_BYTES)


def step_of(now: datetime) -> int:
    """Number of the 30 seconds in which ``now`` lies."""
    return int(now.timestamp()) // STEP_SECONDS


def code_at(secret: bytes, step: int) -> str:
    """The code of a step, with its leading zeros."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = mac[-1] & 0x0F
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def matching_step(secret: bytes, code: str, now: datetime) -> int | None:
    """The step whose code this is; None when it is none of those that are tolerated now."""
    current = step_of(now)
    steps = range(current - TOLERATED_STEPS, current + TOLERATED_STEPS + 1)
    found = [step for step in steps if hmac.compare_digest(code_at(secret, step).encode(), code.encode())]
    return found[-1] if found else None


def typed(secret: bytes) -> str:
    """The secret as somebody types it who cannot scan."""
    return base64.b32encode(secret).decode().rstrip("=")


def address(secret: bytes, login: str, issuer: str) -> str:
    """What the QR code says to the telephone."""
    label = quote(f"{issuer}:{login}", safe="")
    return f"otpauth://totp/{label}?secret={typed(secret)}&issuer={quote(issuer, safe='')}"
