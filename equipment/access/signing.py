"""签名: HMAC-SHA256 with keys that change, for webhooks and download links.

The newest key signs, every key of the ring is believed. After a change the old one is believed until the next change.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from equipment.foundation.errors import InputError

KEY_BYTES = 32
MOST_KEYS = 2
_HEAD = struct.Struct(">16sqq")
_MAC_BYTES = 32


def mac(secret: bytes, message: bytes) -> bytes:
    """The code of a message under one key."""
    return hmac.new(secret, message, "sha256").digest()


def believed(accepted: Sequence[bytes], message: bytes, given: bytes) -> bool:
    """Whether one of the keys made the code; every one is tried, so that the time taken does not say which."""
    right = [hmac.compare_digest(mac(secret, message), given) for secret in accepted]
    return any(right)


def make_private(file: Path, content: bytes) -> None:
    """A file for its owner only, whole or not at all; of two processes that make one at once, the first one's stays."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = _written(file, content)
    with contextlib.suppress(FileExistsError):
        file.hardlink_to(fresh)
    fresh.unlink()


def _written(file: Path, content: bytes) -> Path:
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    return fresh


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys of one purpose, the newest first."""

    keys: tuple[bytes, ...]

    @classmethod
    def from_file(cls, file: Path) -> Keyring:
        """The keys of a file, one a line in hexadecimal; it is made at the first use.

        Raises
        ------
        InputError
            The file holds something else.
        """
        if not file.exists():
            make_private(file, secrets.token_hex(KEY_BYTES).encode() + b"\n")
        try:
            keys = tuple(bytes.fromhex(line) for line in file.read_text("ascii").split())
        except ValueError:
            keys = ()
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise InputError(f"{file} holds no keys of {KEY_BYTES} bytes: bring back the right file")
        return cls(keys)

    def sign(self, message: bytes) -> bytes:
        """Sign with the newest key."""
        return mac(self.keys[0], message)

    def believes(self, message: bytes, given: bytes) -> bool:
        """Whether one of the keys made it."""
        return believed(self.keys, message, given)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What an account may show until a moment [s since 1970]; ``number`` is its own."""

    number: bytes
    account: int
    ends: int

    def text(self, keys: Keyring, kind: bytes, about: bytes) -> str:
        """As it is handed out, signed for one kind of use and for what it is about."""
        head = _HEAD.pack(self.number, self.account, self.ends)
        return base64.urlsafe_b64encode(head + keys.sign(_message(kind, head, about))).decode()


def shown(keys: Keyring, text: str, kind: bytes, about: bytes, now: datetime) -> Ticket | None:
    """The ticket of a text; None when it is not ours, is of another kind, about something else, or over."""
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
        ticket = Ticket(*_HEAD.unpack(raw[: _HEAD.size]))
    except (binascii.Error, ValueError, struct.error):
        return None
    head, given = raw[: _HEAD.size], raw[_HEAD.size :]
    if len(given) != _MAC_BYTES or not keys.believes(_message(kind, head, about), given):
        return None
    return ticket if ticket.ends > now.timestamp() else None


def _message(kind: bytes, head: bytes, about: bytes) -> bytes:
    return kind + b"\0" + head + about


def rotate(file: Path) -> None:
    """Begin a new key; the one before it is believed until the next change, older ones are not any more."""
    kept = Keyring.from_file(file).keys[: MOST_KEYS - 1]
    lines = [secrets.token_hex(KEY_BYTES), *(key.hex() for key in kept)]
    _written(file, ("\n".join(lines) + "\n").encode()).replace(file)
