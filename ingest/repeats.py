"""Keys that come twice within one batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ingest.content import mix
from ingest.model import Columns


def split_repeats(columns: Columns) -> tuple[Any, list[tuple[int, int]]] | None:
    """Index of the first sample of each key, and of every further one with its first; None when no key comes twice.

    A hash of the keys is sorted; only samples whose hashes are alike are compared by key, so "no" is certain.
    """
    hashes = mix(columns.ts_us.view(np.uint64) ^ mix(columns.seq.view(np.uint64)))
    hashes ^= mix((columns.unit_no.astype(np.int64) << 16 | columns.channel).view(np.uint64))
    order = np.argsort(hashes)
    again = hashes[order[1:]] == hashes[order[:-1]]
    if not again.any():
        return None
    first = np.ones(len(hashes), dtype=np.bool_)
    first[order[1:][again]] = first[order[:-1][again]] = False
    seen: dict[tuple[int, int, int, int], int] = {}
    repeated: list[tuple[int, int]] = []
    for index in np.flatnonzero(~first).tolist():
        key = (
            int(columns.unit_no[index]), int(columns.ts_us[index]), int(columns.channel[index]), int(columns.seq[index])
        )  # fmt: skip
        original = seen.setdefault(key, index)
        if original == index:
            first[index] = True
        else:
            repeated.append((index, original))
    return np.flatnonzero(first), repeated
