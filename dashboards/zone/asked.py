"""Which request of the internet side is being done in this context, if any."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection
from equipment.link.store import QUERIES

_doing: ContextVar[tuple[int, datetime] | None] = ContextVar("teshe_link_request", default=None)


@contextmanager
def under_way(number: int, asked_at: datetime) -> Iterator[None]:
    """Until the end of the block, what is done is this request."""
    token = _doing.set((number, asked_at))
    try:
        yield
    finally:
        _doing.reset(token)


def is_under_way() -> bool:
    """Whether what is done here was asked on the internet side, and its asker proved himself there."""
    return _doing.get() is not None


def mark(conn: Connection) -> None:
    """Note the request as done, in the transaction that has written something of it. Without a request: nothing."""
    doing = _doing.get()
    if doing is None:
        return
    wrote = conn.execute("select pg_current_xact_id_if_assigned() is not null").fetchone()
    if wrote is not None and wrote[0]:
        conn.execute(QUERIES.mark, doing)


class AskedClock:
    """Says when the request under way was asked; else the time that it is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        """The moment that counts for what is asked: a link that was down makes nobody late."""
        doing = _doing.get()
        return self._clock.now() if doing is None else min(doing[1], self._clock.now())

    def monotonic(self) -> float:
        """Of the clock below [s]."""
        return self._clock.monotonic()
