"""封存: small secrets that must be read again lie in the database encrypted with a key that lies elsewhere."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from equipment.access.signing import make_private
from equipment.foundation.errors import InputError

KEY_BYTES = 32
NONCE_BYTES = 12


class Seal:
    """AES-256-GCM; ``purpose`` and owner are bound in, so that a sealed value cannot be moved to another row."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def from_file(cls, file: Path) -> Seal:
        """The key of a file, which is made at the first use for its owner only.

        Raises
        ------
        InputError
            The file holds no key.
        """
        if not file.exists():
            make_private(file, secrets.token_bytes(KEY_BYTES))
        key = file.read_bytes()
        if len(key) != KEY_BYTES:
            raise InputError(f"{file} holds no key of {KEY_BYTES} bytes: bring back the right file")
        return cls(key)

    def close(self, content: bytes, purpose: str) -> bytes:
        """Encrypt."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Decrypt.

        Raises
        ------
        InputError
            It was closed with another key, or for another purpose.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose.encode())
        except InvalidTag:
            raise InputError("a sealed secret does not open: is the key file the one it was closed with?") from None
