"""签名: HMAC-SHA256 with keys that change, for webhooks and download links.

The newest key signs, every key of the ring is believed. After a change the old one is believed until the next change.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from equipment.foundation.errors import InputError

KEY_BYTES = 32
MOST_KEYS = 2


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


def rotate(file: Path) -> None:
    """Begin a new key; the one before it is believed until the next change, older ones are not any more."""
    kept = Keyring.from_file(file).keys[: MOST_KEYS - 1]
    lines = [secrets.token_hex(KEY_BYTES), *(key.hex() for key in kept)]
    _written(file, ("\n".join(lines) + "\n").encode()).replace(file)
