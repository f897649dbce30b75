"""What an extraction is, and the digests it goes by. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes

LARGEST = 64 * 1024 * 1024
"""Bytes of a whole bundle."""


@dataclass(frozen=True, slots=True)
class Order:
    """Who extracts, and what the party says. ``officers``: two, each with name and badge number."""

    officers: str
    party: str
    statement: str
    transfer_to: str = ""
    """移送 to which organ; "" is an extraction only."""


@dataclass(frozen=True, slots=True)
class Material:
    """What is taken out: ``files`` by name, ``facts`` that the paper tells, and where it belongs."""

    kind: str
    subject: str
    title: str
    files: Mapping[str, bytes]
    facts: tuple[tuple[str, str], ...]
    hazard_id: int | None = None
    unit_no: int | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """One file of a bundle."""

    name: str
    bytes: int
    sha256: str
    sm3: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An extraction that was made."""

    id: int
    title: str
    made_at: datetime
    sha256: str


def sm3(data: bytes) -> str:
    """SM3 (GB/T 32905) in hexadecimal.

    >>> sm3(b"abc")
    '66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0'
    """
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize().hex()


def digests(files: Mapping[str, bytes]) -> tuple[Digest, ...]:
    """Digests of every file, by name."""
    return tuple(Digest(name, len(d), hashlib.sha256(d).hexdigest(), sm3(d)) for name, d in sorted(files.items()))


def manifest(found: tuple[Digest, ...]) -> dict[str, dict[str, Any]]:
    """As it is stored and stands in the bundle."""
    return {d.name: {"bytes": d.bytes, "sha256": d.sha256, "sm3": d.sm3} for d in found}
