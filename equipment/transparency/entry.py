"""What stands in the log for one thing: a salted commitment, and where the thing is told. Pure."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import rfc8785

from equipment.transparency.merkle import Hash, leaf_hash

SALT_BYTES = 16
VERSION = 1
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False)
_LAST_BEFORE_SURROGATES = "\ud7ff"


def new_salt() -> bytes:
    """A salt: without it nobody can try values against a commitment, and erasing it erases the link."""
    return secrets.token_bytes(SALT_BYTES)


def plain(value: object) -> object:
    """A value as canonical JSON can carry it: times in UTC, whole numbers beyond 2^53 and decimals as text."""
    match value:
        case datetime():
            return utc_text(value)
        case bool() | None | str():
            return value
        case int():
            return value if abs(value) < 2**53 else str(value)
        case float():
            return value
        case Mapping():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case _:
            return str(value)


class _UnusualError(Exception):
    """A value that the standard library's encoder might write differently from RFC 8785."""


def _usual(value: object) -> object:
    """:func:`plain`, of values whose canonical form the standard library writes, as nearly all are.

    Raises
    ------
    _UnusualError
        A key that UTF-16 may sort differently, a float that ECMAScript may write differently, or a type of its own.
    """
    kind = type(value)
    if value is None or kind is str or kind is bool:
        return value
    if kind is int:
        return value if -(2**53) < value < 2**53 else str(value)  # type: ignore[operator]
    if kind is dict:
        return {_usual_key(name): _usual(inner) for name, inner in value.items()}  # type: ignore[attr-defined]
    if kind is list or kind is tuple:
        return [_usual(inner) for inner in value]  # type: ignore[attr-defined]
    if kind is datetime:
        return utc_text(value)  # type: ignore[arg-type]
    if kind is float and 1e-4 <= abs(value) < 2**53:  # type: ignore[arg-type]
        return int(value) if value.is_integer() else value  # type: ignore[call-overload,attr-defined]
    raise _UnusualError


def _usual_key(name: object) -> str:
    if type(name) is str and (name.isascii() or max(name) <= _LAST_BEFORE_SURROGATES):
        return name
    raise _UnusualError


def canonical(content: Mapping[str, object]) -> bytes:
    """The canonical form (RFC 8785) of some content, its values made :func:`plain`.

    The encoder of the standard library writes the same bytes ten times as fast; what it might not is left to the other.

    >>> canonical({"b": 1.0, "a": "梯"}).decode()
    '{"a":"梯","b":1}'
    """
    try:
        return _ENCODER.encode(_usual(content)).encode()
    except (_UnusualError, UnicodeEncodeError):
        return rfc8785.dumps(plain(content))  # type: ignore[arg-type]


def digest_of(content: Mapping[str, object]) -> bytes:
    """SHA-256 of the canonical form of some content."""
    return hashlib.sha256(canonical(content)).digest()


def commitment_of(salt: bytes, digest: bytes) -> bytes:
    """SHA-256 over the salt and the SHA-256 digest of the canonical content."""
    return hashlib.sha256(salt + digest).digest()


def utc_text(at: datetime) -> str:
    """The one way a time is written in what is hashed: UTC, microseconds, ``Z``."""
    # not strftime: every check of the log writes the time of every entry, and isoformat needs a third of the time
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf. ``subject`` names the thing without saying anything about it."""

    kind: str
    subject: str
    commitment: bytes
    at: datetime

    def canonical(self) -> bytes:
        """The bytes that are hashed into the tree (RFC 8785)."""
        # by hand, for every check of the log writes every entry: names in order, strings as json writes them
        kind, subject = _ENCODER.encode(self.kind), _ENCODER.encode(self.subject)
        return (
            f'{{"at":"{utc_text(self.at)}","commitment":"{self.commitment.hex()}","kind":{kind},"subject":{subject},"v":{VERSION}}}'
        ).encode()

    def leaf(self) -> Hash:
        """Leaf hash in the tree."""
        return leaf_hash(self.canonical())
