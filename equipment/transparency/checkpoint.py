"""Signed checkpoints of the log, as C2SP tlog-checkpoint in a C2SP signed note: other tools can check them. Pure."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime

from equipment.transparency.entry import utc_text
from equipment.transparency.errors import InvalidKeyError, LogDamagedError
from equipment.transparency.keys import ED25519, PublicKey, Signer, verify
from equipment.transparency.merkle import Hash

NOTE_ED25519 = b"\x01"
SIGNATURE_LINE = "— "


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log as it stood: so many entries, this root."""

    origin: str
    size: int
    root: Hash
    at: datetime

    def text(self) -> str:
        """The text that is signed: origin, size, root, and the time as an extension line."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n{utc_text(self.at)}\n"


def note_hash(name: str, public_key: bytes) -> bytes:
    """The four bytes by which a note names its key."""
    return hashlib.sha256(name.encode() + b"\n" + NOTE_ED25519 + public_key).digest()[:4]


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note."""
    text = checkpoint.text()
    signature = note_hash(signer.name, signer.public_key) + signer.sign(text.encode())
    return f"{text}\n{SIGNATURE_LINE}{signer.name} {base64.b64encode(signature).decode()}\n"


def read(note: str) -> Checkpoint:
    """The checkpoint in a note, whoever signed it.

    Raises
    ------
    LogDamagedError
        It is not one.
    """
    try:
        text, _, _ = note.partition("\n\n")
        origin, size, root, at = text.split("\n")
        return Checkpoint(origin, int(size), base64.b64decode(root, validate=True), datetime.fromisoformat(at))
    except ValueError as error:
        raise LogDamagedError(f"检查点格式不正确 (not a checkpoint): {error}") from None


def verified(note: str, key: PublicKey) -> Checkpoint:
    """The checkpoint in a note that this key has signed.

    Raises
    ------
    LogDamagedError
        It is not one, or the signature is not this key's.
    InvalidKeyError
        The key's algorithm cannot be verified.
    """
    if key.algorithm != ED25519:
        raise InvalidKeyError(f"检查点签名算法 {key.algorithm} 尚不支持 (not supported by this version)")
    checkpoint = read(note)
    text, _, tail = note.partition("\n\n")
    for line in tail.splitlines():
        if not line.startswith(f"{SIGNATURE_LINE}{key.name} "):
            continue
        try:
            signature = base64.b64decode(line.rsplit(" ", 1)[1], validate=True)
        except ValueError:
            continue
        named = signature[:4] == note_hash(key.name, key.public_key)
        if named and verify(key.algorithm, key.public_key, signature[4:], (text + "\n").encode()):
            return checkpoint
    raise LogDamagedError(f"检查点 {checkpoint.size} 的签名无效 (no valid signature of {key.name})")
