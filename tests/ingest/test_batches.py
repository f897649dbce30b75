"""How large a transaction becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.broker import Delivery
from ingest.model import Message
from ingest.runner import batch_size

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def delivery(size: int) -> Delivery:
    nobody: Any = None
    return Delivery(Message("t", b"x" * size, NOW, dup=False, retained=False, mid=1, shard=0), nobody, 1)


@given(sizes=st.lists(st.integers(0, 50), min_size=1, max_size=40), most=st.integers(1, 20), limit=st.integers(1, 100))
def test_a_batch_is_as_long_as_both_limits_allow_and_never_empty(sizes: list[int], most: int, limit: int) -> None:
    length = batch_size([delivery(size) for size in sizes], most, limit)
    assert 1 <= length <= min(most, len(sizes))
    assert length == 1 or sum(sizes[:length]) <= limit
    # one more would have been too much
    assert length == min(most, len(sizes)) or sum(sizes[: length + 1]) > limit
