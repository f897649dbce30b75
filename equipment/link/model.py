"""A bundle (摆渡包): numbered, chained to the one before it, signed by its side, and carrying the receipt of the other's.

As bytes: the signature in hexadecimal and a newline, the head as JSON and a newline, the entries as deflated JSON lines.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Literal, TypeVar

import msgspec

from equipment.errors import BundleError
from equipment.transparency.keys import ED25519, Signer, verify

MARK = b"teshe-link-1\n"
SIGNATURE_BYTES = 64
MOST_BYTES = 64 * 1024 * 1024
"""No bundle is longer when it is unpacked: what the other side sends is not trusted before it is checked."""
GENESIS = bytes(32)
"""What the first bundle follows."""


class Side(Enum):
    """区: the two installations."""

    INNER = "inner"
    """政务网: desk, ledger, board; every decision is made here."""
    OUTER = "outer"
    """互联网: devices, field, firms, public; takes in, and shows a copy."""

    @property
    def other(self) -> Side:
        """The other one."""
        return Side.INNER if self is Side.OUTER else Side.OUTER


KINDS: dict[Side, frozenset[str]] = {
    Side.INNER: frozenset({"row"}),
    Side.OUTER: frozenset({"message", "request", "login"}),
}
"""What each side may send; anything else is no bundle of it."""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of a table: ``t`` its name, ``k`` the key before, ``r`` the row when it is new, else what changed of it."""

    t: str
    op: Literal["I", "U", "D"]
    k: dict[str, Any] = {}
    r: dict[str, Any] = {}


class Messages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Device messages: topic, payload, when the outer broker delivered it."""

    m: list[tuple[str, bytes, datetime]]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request that was taken down. ``account`` None: of nobody who has logged in; ``origin`` where it came from."""

    request: int
    account: int | None
    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    origin: str


class LoginSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account has set a password of its own."""

    account: int


Content = Row | Messages | Asked | LoginSet
SHAPES: dict[str, type[Content]] = {"row": Row, "message": Messages, "request": Asked, "login": LoginSet}
"""What an entry of each kind says."""
T = TypeVar("T", bound=msgspec.Struct)


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of the entries. ``receipt``: the last bundle of the other side that is applied here."""

    side: str
    number: int
    previous: str
    made_at: datetime
    receipt: int
    entries: int
    body_sha256: str


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that crosses."""

    kind: str
    content: dict[str, Any]
    at: datetime


def read(entry: Entry, shape: type[T]) -> T:
    """What an entry says.

    Raises
    ------
    BundleError
        It says something else.
    """
    try:
        return msgspec.convert(entry.content, type=shape)
    except msgspec.ValidationError as error:
        raise BundleError(f"{entry.kind}: {error}") from None


class Bundle(msgspec.Struct, frozen=True):
    """A bundle that was checked. ``sha256`` is what the next one must follow."""

    head: Head
    entries: list[Entry]
    sha256: bytes


def pack(head: Head, entries: Sequence[Entry], signer: Signer) -> bytes:
    """The bundle's bytes; ``head.body_sha256`` is filled in here."""
    body = zlib.compress(b"\n".join(msgspec.json.encode(entry) for entry in entries))
    said = msgspec.json.encode(msgspec.structs.replace(head, body_sha256=hashlib.sha256(body).hexdigest()))
    return signer.sign(MARK + said).hex().encode() + b"\n" + said + b"\n" + body


def digest(content: bytes) -> bytes:
    """By which a bundle is known to the next."""
    return hashlib.sha256(content).digest()


def unpack(content: bytes, side: Side, public_key: bytes) -> Bundle:
    """A bundle of ``side`` from its bytes, checked as far as it alone can be.

    Raises
    ------
    BundleError
        It is damaged, not signed by that side, or carries what that side may not send.
    """
    try:
        signature, said, body = content.split(b"\n", 2)
        signed = verify(ED25519, public_key, bytes.fromhex(signature.decode("ascii")), MARK + said)
    except (ValueError, UnicodeDecodeError):
        raise BundleError("不是摆渡包 (no bundle: it has no signature and head)") from None
    if not signed:
        raise BundleError("签名不符：不是对方的摆渡包，或内容被改动 (not signed by the other side, or changed)")
    try:
        head = msgspec.json.decode(said, type=Head)
        unpacker = zlib.decompressobj()
        lines = unpacker.decompress(body, MOST_BYTES)
        if hashlib.sha256(body).hexdigest() != head.body_sha256 or unpacker.unconsumed_tail or not unpacker.eof:
            raise BundleError("内容与签名的摘要不符 (the entries are not those that were signed)")
        entries = [msgspec.json.decode(line, type=Entry) for line in lines.split(b"\n") if line]
    except (msgspec.MsgspecError, zlib.error) as error:
        raise BundleError(f"摆渡包无法读取 (cannot be read): {error}") from None
    if head.side != side.value or {entry.kind for entry in entries} - KINDS[side]:
        raise BundleError(f"{side.value} 侧不能发送这些内容 (not what that side may send)")
    for entry in entries:
        read(entry, SHAPES[entry.kind])
    return Bundle(head, entries, digest(content))
