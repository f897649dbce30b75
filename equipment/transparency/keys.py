"""Keys (密钥) that sign: the server's own, and public keys of others. The algorithm is a field of every key."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from equipment.transparency.errors import InvalidKeyError

ED25519 = "ed25519"
ALGORITHMS = (ED25519,)
"""What this version can verify; others may be stored by a later one."""
KEY_BYTES = 32


def key_id(algorithm: str, public_key: bytes) -> str:
    """Name of a key, derived from it.

    >>> key_id("ed25519", bytes(32))
    'c92f9ba6cda7f2fb'
    """
    return hashlib.sha256(algorithm.encode() + b"\n" + public_key).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies. ``revoked_at``: signatures from then on count for nothing."""

    id: str
    name: str
    algorithm: str
    public_key: bytes
    valid_from: datetime
    revoked_at: datetime | None = None

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is this key's over the message, whenever it was made."""
        return verify(self.algorithm, self.public_key, signature, message)

    @property
    def named_rightly(self) -> bool:
        """Whether the id is derived from this very key."""
        return self.id == key_id(self.algorithm, self.public_key)

    def valid_at(self, at: datetime) -> bool:
        """Whether a signature made at that time counts."""
        return self.valid_from <= at and (self.revoked_at is None or at < self.revoked_at)


def verify(algorithm: str, public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature is right.

    Raises
    ------
    InvalidKeyError
        This version does not know the algorithm, or the key is not one.
    """
    if algorithm not in ALGORITHMS:
        raise InvalidKeyError(f"签名算法 {algorithm} 尚不支持 (algorithm not supported by this version)")
    if len(public_key) != KEY_BYTES:
        raise InvalidKeyError(f"{algorithm} 公钥应为 {KEY_BYTES} 字节 (a public key has {KEY_BYTES} bytes)")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


class Signer:
    """A private Ed25519 key that stays in its file."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self.name = name
        self._key = key
        self.public_key = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = key_id(ED25519, self.public_key)
        self.algorithm = ED25519

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(message)

    def public(self, valid_from: datetime) -> PublicKey:
        """The key that verifies what this one signs."""
        return PublicKey(self.id, self.name, self.algorithm, self.public_key, valid_from)

    @classmethod
    def generate(cls, name: str) -> Signer:
        """A new key that nobody keeps."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_file(cls, file: Path, name: str) -> Signer:
        """The key of a file, made there (readable by its owner only) if there is none.

        Raises
        ------
        InvalidKeyError
            The file holds something else.
        """
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            secret = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
            try:
                with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                    out.write(base64.b64encode(secret))
            except FileExistsError:
                pass  # another process made it at the same moment; we read that one
        try:
            raw = base64.b64decode(file.read_bytes(), validate=True)
            return cls(name, Ed25519PrivateKey.from_private_bytes(raw))
        except ValueError as error:
            raise InvalidKeyError(f"{file} holds no Ed25519 key (base64 of 32 bytes): {error}") from None
