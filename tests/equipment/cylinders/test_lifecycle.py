"""Every state with every event: what the table knows leads on, everything else is a named error."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.cylinders.lifecycle import (
    FILL_PATHS,
    TABLE,
    CylinderEvent,
    CylinderState,
    after_fill,
    next_state,
)
from equipment.errors import CylinderStepError

S, E = CylinderState, CylinderEvent


@pytest.mark.parametrize(("state", "event"), list(product(CylinderState, CylinderEvent)))
def test_every_pair_leads_on_or_is_refused_by_name(state: CylinderState, event: CylinderEvent) -> None:
    before = S.FULL if state is S.FROZEN else None
    if (state, event) in TABLE:
        found = next_state(state, event, before)
        assert found is (before if TABLE[state, event] is None else TABLE[state, event])
    else:
        with pytest.raises(CylinderStepError, match=event.value):
            next_state(state, event, before)


def test_only_a_frozen_cylinder_goes_back_and_only_when_it_is_known_whereto() -> None:
    assert [pair for pair, to in TABLE.items() if to is None] == [(S.FROZEN, E.UNFREEZE)]
    assert next_state(S.FROZEN, E.UNFREEZE, S.DELIVERED) is S.DELIVERED
    with pytest.raises(CylinderStepError):
        next_state(S.FROZEN, E.UNFREEZE)


def test_a_scrapped_cylinder_stays_scrapped() -> None:
    assert not [event for state, event in TABLE if state is S.SCRAPPED]


@pytest.mark.parametrize("state", list(CylinderState))
def test_a_fill_ends_full_or_in_repair_and_starts_only_where_it_may(state: CylinderState) -> None:
    if state in FILL_PATHS:
        assert after_fill(state, passed=True) is S.FULL
        assert after_fill(state, passed=False) is S.REPAIR
    else:
        with pytest.raises(CylinderStepError):
            after_fill(state, passed=True)


@given(st.lists(st.sampled_from(list(CylinderEvent)), max_size=40))
def test_nothing_becomes_full_without_a_fill_and_every_state_is_reached_by_the_table(
    events: list[CylinderEvent],
) -> None:
    state, before = S.EMPTY, None
    for event in events:
        try:
            following = next_state(state, event, before)
        except CylinderStepError:
            continue
        if following is S.FULL:
            assert event is E.FINISH or state is S.FROZEN
        before = state if following is S.FROZEN else None
        state = following


def test_every_state_can_be_reached() -> None:
    assert {to for to in TABLE.values() if to is not None} == set(CylinderState)
