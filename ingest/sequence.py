"""缺号: which sequence numbers of a terminal have not come. A fold: (state, samples) → state, without I/O.

A terminal counts its samples; a number that is passed over is a gap until it comes. Samples may come out of order, so a
gap is *missing* only when it has stood for a while (``TOLERANCE``), and it shrinks whenever a late one fills it. A lower
number with a newer time means that the terminal began to count anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

TOLERANCE = timedelta(minutes=2)
"""A gap younger than this may still be filled by samples that are on their way."""
LONGEST_GAP = 1_000_000
"""A jump over more is a new beginning, not that many losses."""
LONGEST_GAP_OF_NEW_SESSION = 10_000
"""The same for the first sample of a new session: many terminals begin a session at some other number."""
MOST_GAPS = 500
"""Of one terminal; the oldest beyond are only counted."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers ``first`` to ``last``, both missing. Times [µs since 1970]: server time of its neighbours, and of notice."""

    first: int
    last: int
    noticed_us: int
    before_us: int
    after_us: int

    @property
    def size(self) -> int:
        """How many numbers."""
        return self.last - self.first + 1


@dataclass(slots=True)
class Counter:
    """How far one terminal has counted. ``highest_us``: server time of its highest number [µs]."""

    highest: int
    highest_us: int
    restarts: int = 0
    filled: int = 0
    forgotten: int = 0
    session_is_new: bool = False
    gaps: list[Gap] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Numbers that have not come, those of forgotten gaps included."""
        return self.forgotten + sum(gap.size for gap in self.gaps)


def count(counter: Counter | None, seq: int, at_us: int, now_us: int) -> Counter:
    """Take in one number.

    Parameters
    ----------
    at_us
        Server time of the sample [µs since 1970].
    now_us
        When its batch was judged [µs since 1970].
    """
    if counter is None:
        return Counter(seq, at_us)
    longest = LONGEST_GAP_OF_NEW_SESSION if counter.session_is_new else LONGEST_GAP
    if seq > counter.highest:
        jump = seq - counter.highest - 1
        if jump > longest:
            return _anew(counter, seq, at_us)
        if jump:
            _open(counter, Gap(counter.highest + 1, seq - 1, now_us, counter.highest_us, at_us))
        counter.highest, counter.highest_us = seq, at_us
        counter.session_is_new = False
        return counter
    if _fill(counter, seq, at_us):
        return counter
    if seq < counter.highest and at_us > counter.highest_us:
        return _anew(counter, seq, at_us)
    return counter


def _anew(counter: Counter, seq: int, at_us: int) -> Counter:
    counter.highest, counter.highest_us = seq, at_us
    counter.restarts += 1
    counter.session_is_new = False
    return counter


def _open(counter: Counter, gap: Gap) -> None:
    counter.gaps.append(gap)
    if len(counter.gaps) > MOST_GAPS:
        counter.forgotten += counter.gaps.pop(0).size


def _fill(counter: Counter, seq: int, at_us: int) -> bool:
    """Whether the number lies in a gap of its time; it does no longer."""
    for index in range(len(counter.gaps) - 1, -1, -1):
        gap = counter.gaps[index]
        if gap.first <= seq <= gap.last and at_us <= gap.after_us:
            parts = [
                Gap(first, last, gap.noticed_us, gap.before_us, gap.after_us)
                for first, last in ((gap.first, seq - 1), (seq + 1, gap.last))
                if first <= last
            ]
            counter.gaps[index : index + 1] = parts
            counter.filled += 1
            return True
    return False
