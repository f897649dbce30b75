"""Every state with every event: where it leads, or a named error that says what is possible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms.errors import TransitionError
from alarms.lifecycle import HIDDEN, TABLE, AlarmEvent, AlarmState, next_state

A, B, C, D, E, F, G, H, OUT = AlarmState
X = None
# columns: clear, clear_latched, return, acknowledge, reset, shelve, release_active, release_normal, release_latched,
#          suppress, take_out_of_service, withdraw
EXPECTED = {
    A: (X, X, B, X, X, X, X, X, X, X, X, A),
    B: (D, E, B, C, X, G, X, X, X, H, OUT, D),
    C: (A, F, B, X, X, G, X, X, X, H, OUT, A),
    D: (X, X, B, A, X, G, X, X, X, H, OUT, D),
    E: (X, X, B, F, X, G, X, X, X, H, OUT, D),
    F: (X, X, B, X, A, G, X, X, X, H, OUT, A),
    G: (G, G, G, X, X, X, B, A, E, X, OUT, G),
    H: (H, H, H, X, X, X, B, A, E, X, OUT, H),
    OUT: (OUT, OUT, OUT, X, X, X, B, A, E, X, X, OUT),
}
PAIRS = [(s, e, EXPECTED[s][n]) for s in AlarmState for n, e in enumerate(AlarmEvent)]


@pytest.mark.parametrize(("state", "event", "after"), PAIRS, ids=lambda v: v.value if v else "error")
def test_every_pair(state: AlarmState, event: AlarmEvent, after: AlarmState | None) -> None:
    if after is not None:
        assert next_state(state, event) is after
        return
    with pytest.raises(TransitionError) as caught:
        next_state(state, event)
    assert event.value in str(caught.value)
    for known, possible in TABLE:
        if known is state:
            assert possible.value in str(caught.value)


@given(st.lists(st.sampled_from(AlarmEvent), max_size=60))
def test_what_latches_is_normal_only_after_a_reset_a_withdrawal_or_a_release(events: list[AlarmEvent]) -> None:
    state = AlarmState.UNACKNOWLEDGED
    for event in events:
        try:
            after = next_state(state, event)
        except TransitionError:
            continue
        if state in (E, F) and after is A:
            assert event in (AlarmEvent.RESET, AlarmEvent.WITHDRAW)
        if state in HIDDEN and after not in HIDDEN:
            assert event.value.startswith("release")
        state = after
