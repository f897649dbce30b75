"""Keys that come twice within one batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ingest.content import Words, mix
from ingest.model import Columns


def _hashes(columns: Columns) -> Words:
    """One number per key; different keys have different ones, nearly always."""
    keys = mix(columns.ts_us.view(np.uint64) ^ mix(columns.seq.view(np.uint64)))
    keys ^= mix((columns.unit_no.astype(np.int64) << 16 | columns.channel).view(np.uint64))
    return keys


def has_repeats(columns: Columns) -> bool:
    """Whether two samples may have one key; a hash of the keys decides, so "no" is certain."""
    keys = np.sort(_hashes(columns))
    return bool((keys[1:] == keys[:-1]).any())


def split_repeats(columns: Columns) -> tuple[Any, list[tuple[int, int]]]:
    """Index of the first sample of each key, and of every further one with its first."""
    hashes = _hashes(columns)
    order = np.argsort(hashes, kind="stable")
    again = hashes[order[1:]] == hashes[order[:-1]]
    alike = np.zeros(len(hashes), dtype=np.bool_)
    alike[order[1:][again]] = alike[order[:-1][again]] = True
    first = ~alike
    seen: dict[tuple[int, int, int, int], int] = {}
    repeated: list[tuple[int, int]] = []
    for index in np.flatnonzero(alike).tolist():
        key = (
            int(columns.unit_no[index]), int(columns.ts_us[index]), int(columns.channel[index]), int(columns.seq[index])
        )  # fmt: skip
        original = seen.setdefault(key, index)
        if original == index:
            first[index] = True
        else:
            repeated.append((index, original))
    return np.flatnonzero(first), repeated
