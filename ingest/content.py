"""What a sample says, as one 64-bit number: tells a duplicate from a conflict, and stands in for a missing seq.

Computed over columns. A signal that is absent adds nothing, so a catalogue that grows changes no number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.model import IntArray

Words = npt.NDArray[np.uint64]
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)


def mix(words: Words) -> Words:
    """SplitMix64: every bit of the input turns half of the output's."""
    words = words + GOLDEN
    words = (words ^ (words >> np.uint64(30))) * FIRST
    words = (words ^ (words >> np.uint64(27))) * SECOND
    return words ^ (words >> np.uint64(31))


@cache
def word_of_name(name: str) -> np.uint64:
    """A signal's own number."""
    return np.uint64(_digest(name))


@lru_cache(maxsize=8_192)
def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def content_of(
    values: dict[str, npt.NDArray[Any]], valid: dict[str, npt.NDArray[np.bool_]],
    unknown: dict[str, npt.NDArray[np.bool_]], codes: Sequence[tuple[str, tuple[str, ...]] | None],
) -> IntArray:  # fmt: skip
    """One number per sample.

    Parameters
    ----------
    values
        By signal; float64, or text as objects. Only read where ``valid``.
    """
    total = np.zeros(len(codes), dtype=np.uint64)
    for name, column in values.items():
        word = word_of_name(name)
        if valid[name].any():
            total += np.where(valid[name], mix(_words(column, valid[name]) ^ word), np.uint64(0))
        if unknown[name].any():
            total += np.where(unknown[name], mix(np.array([~word], dtype=np.uint64)), np.uint64(0))
    for index, sent in enumerate(codes):
        if sent is not None:
            spoken = np.array([_digest("\x1f".join((sent[0], *sent[1])))], dtype=np.uint64)
            total[index : index + 1] += mix(spoken)
    return mix(total).view(np.int64)


def _words(column: npt.NDArray[Any], valid: npt.NDArray[np.bool_]) -> Words:
    if column.dtype == np.object_:
        return np.fromiter(
            (_digest(text) if ok else 0 for text, ok in zip(column, valid, strict=True)), np.uint64, len(column)
        )
    # minus zero is zero
    return (column + 0.0).view(np.uint64)
