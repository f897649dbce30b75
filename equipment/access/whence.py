"""从何处: the address from which what is being done was asked; it stands in the audit beside who, what and when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_whence: ContextVar[str | None] = ContextVar("teshe_whence", default=None)


@contextmanager
def asked_from(address: str | None) -> Iterator[None]:
    """Until the end of the block, whatever is audited came from this address."""
    token = _whence.set(address)
    try:
        yield
    finally:
        _whence.reset(token)


def whence() -> str | None:
    """The address; None for what nobody asked over the network."""
    return _whence.get()
