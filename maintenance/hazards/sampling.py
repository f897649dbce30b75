"""回头看 of what its own unit closed: a drawn share is looked at again. Pure, and repeatable from the entry that closed it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

SPAN = 2**64


def drawn(number: str, closed_at: datetime, share: float) -> bool:
    """Whether the hazard of that number is looked at again.

    The moment of closing is in the draw to the microsecond, so that nobody knows beforehand, and everybody can repeat it.

    Parameters
    ----------
    share
        Which part of all is drawn, 0 to 1.

    >>> drawn("YH341302-2026-0001", datetime(2026, 3, 1, tzinfo=UTC), 1.0)
    True
    """
    text = f"{number}|{closed_at.astimezone(UTC).isoformat(timespec='microseconds')}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) < share * SPAN
