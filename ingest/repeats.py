"""Keys that come twice within one batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ingest.content import mix
from ingest.model import Columns


def has_repeats(columns: Columns) -> bool:
    """Whether two samples may have one key; a hash of the keys decides, so "no" is certain."""
    keys = mix(columns.ts_us.view(np.uint64) ^ mix(columns.seq.view(np.uint64)))
    keys ^= mix((columns.unit_no.astype(np.int64) << 16 | columns.channel).view(np.uint64))
    return len(np.unique(keys)) < len(keys)


def split_repeats(columns: Columns) -> tuple[Any, list[tuple[int, int]]]:
    """Index of the first sample of each key, and of every further one with its first."""
    seen: dict[tuple[int, int, int, int], int] = {}
    first: list[int] = []
    repeated: list[tuple[int, int]] = []
    keys = zip(
        columns.unit_no.tolist(), columns.ts_us.tolist(), columns.channel.tolist(), columns.seq.tolist(), strict=True
    )
    for index, key in enumerate(keys):
        original = seen.setdefault(key, index)
        if original == index:
            first.append(index)
        else:
            repeated.append((index, original))
    return np.array(first, dtype=np.intp), repeated
