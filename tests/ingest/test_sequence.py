"""Gaps in the numbers of a terminal: what is missing, what came late, what is a new beginning."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.sequence import (
    LONGEST_GAP,
    LONGEST_GAP_OF_NEW_SESSION,
    MOST_GAPS,
    Counter,
    count,
)

SECOND = 1_000_000


def feed(numbers: list[int], counter: Counter | None = None, times: list[int] | None = None) -> Counter:
    """Numbers in order of arrival; the sample's time is its number unless given."""
    for index, number in enumerate(numbers):
        at = (times[index] if times else number) * SECOND
        counter = count(counter, number, at, 10_000 * SECOND)
    assert counter is not None
    return counter


def ranges(counter: Counter) -> list[tuple[int, int]]:
    return [(gap.first, gap.last) for gap in counter.gaps]


def test_numbers_without_a_hole_leave_nothing() -> None:
    counter = feed([5, 6, 7, 7, 8])
    assert (ranges(counter), counter.highest, counter.restarts) == ([], 8, 0)


def test_a_hole_is_a_gap_with_its_neighbours_times_until_it_is_filled() -> None:
    counter = feed([1, 2, 6])
    gap = counter.gaps[0]
    assert (gap.first, gap.last, gap.before_us, gap.after_us, counter.missing) == (3, 5, 2 * SECOND, 6 * SECOND, 3)
    assert ranges(feed([4], counter)) == [(3, 3), (5, 5)]
    assert ranges(feed([3, 5, 5], counter)) == []
    assert (counter.missing, counter.filled, counter.restarts) == (0, 3, 0)


def test_a_lower_number_with_a_newer_time_is_a_new_beginning_and_no_loss() -> None:
    counter = feed([100, 101, 1, 2, 3], times=[100, 101, 102, 103, 104])
    assert (counter.restarts, counter.highest, counter.missing) == (1, 3, 0)


def test_a_new_beginning_does_not_fill_a_gap_of_before() -> None:
    counter = feed([1, 10, 1, 2, 3, 4, 5], times=[1, 10, 20, 21, 22, 23, 24])
    assert (ranges(counter), counter.highest) == ([(2, 9)], 5)
    assert counter.restarts == 1


def test_a_straggler_from_before_the_first_number_is_no_new_beginning() -> None:
    counter = feed([5, 4, 6])
    assert (counter.restarts, counter.missing, counter.highest) == (0, 0, 6)


def test_a_jump_beyond_belief_is_a_new_beginning_and_sooner_in_a_new_session() -> None:
    assert feed([1, LONGEST_GAP + 2]).missing == LONGEST_GAP
    far = feed([1, LONGEST_GAP + 3])
    assert (far.missing, far.restarts) == (0, 1)
    counter = feed([1])
    counter.session_is_new = True
    assert feed([LONGEST_GAP_OF_NEW_SESSION + 3], counter).missing == 0
    counter = feed([1])
    counter.session_is_new = True
    assert feed([4, LONGEST_GAP_OF_NEW_SESSION + 10], counter).missing == 2 + LONGEST_GAP_OF_NEW_SESSION + 5


def test_gaps_beyond_number_are_only_counted() -> None:
    counter = feed(list(range(1, 2 * (MOST_GAPS + 10), 2)))
    assert len(counter.gaps) == MOST_GAPS
    assert counter.missing == MOST_GAPS + 9


@given(st.permutations(range(1, 30)), st.sets(st.integers(2, 29), max_size=10))
def test_whatever_the_order_what_is_missing_is_what_never_came(order: list[int], lost: set[int]) -> None:
    """The first sample fixes where counting begins; numbers before it are nobody's loss."""
    arrived = [1, *(n for n in order if n != 1 and n not in lost)]
    counter = feed(arrived)
    top = max(arrived)
    assert {n for first, last in ranges(counter) for n in range(first, last + 1)} == {n for n in lost if n < top}
    assert counter.restarts == 0
