"""一单四制 as a machine: every state with every step, and what no order of steps can bring about."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dashboards.pages.steps import STEPS
from maintenance.errors import StepError
from maintenance.hazards.lifecycle import (
    BY_ITSELF,
    COMMANDING,
    NEEDS,
    OVER,
    RECTIFIERS,
    TABLE,
    HazardState,
    HazardStep,
    action_of,
    next_state,
)

MOVES = {
    "listed": "hand_over unsubstantiate self_close",
    "handed_over": "hand_over send_back receipt unsubstantiate self_close overdue",
    "receipted": "hand_over start unsubstantiate self_close ask_extension grant_extension refuse_extension overdue",
    "rectifying": "hand_over progress apply self_close ask_extension grant_extension refuse_extension overdue",
    "recheck": "inspect return close",
    "closed": "look_back reopen",
    "unsubstantiated": "",
}
ANY_OPEN = "regrade assess stop_use resume_use order notify interview supervise unsupervise late seen"


@pytest.mark.parametrize("state", HazardState, ids=lambda s: s.value)
@pytest.mark.parametrize("step", HazardStep, ids=lambda s: s.value)
def test_every_state_with_every_step(state: HazardState, step: HazardStep) -> None:
    wanted = MOVES[state.value].split() + ([] if state in OVER else ANY_OPEN.split())
    if step.value in wanted:
        assert next_state(state, step) is TABLE[state, step]
        return
    with pytest.raises(StepError, match=state.value):
        next_state(state, step)


def test_each_step_has_exactly_one_kind_of_actor() -> None:
    actions = {step: action_of(step) for step in HazardStep}
    assert {s for s, a in actions.items() if a == ""} == BY_ITSELF
    assert {s for s, a in actions.items() if a == "hazard.rectify"} == RECTIFIERS
    assert {s for s, a in actions.items() if a == "hazard.command"} == COMMANDING
    assert not RECTIFIERS & {HazardStep.CLOSE, HazardStep.INSPECT, HazardStep.LOOK_BACK, HazardStep.UNSUBSTANTIATE}


def test_whatever_ends_a_case_brings_evidence() -> None:
    for (before, step), after in TABLE.items():
        if after in OVER and before is not after:
            assert "evidence" in NEEDS[step]


def test_the_page_offers_only_what_the_table_knows() -> None:
    for state, offered in STEPS.items():
        for step in offered:
            assert (HazardState(state), HazardStep(step.event)) in TABLE
            assert step.action == action_of(HazardStep(step.event))
            asked = {ask.name for ask in step.asks if ask.required}
            assert set(NEEDS.get(HazardStep(step.event), ())) <= asked | {"evidence"} if asked else True


class Case(RuleBasedStateMachine):
    """A case that anybody pushes about."""

    def __init__(self) -> None:
        super().__init__()
        self.state = HazardState.LISTED
        self.taken: list[HazardStep] = []

    @rule(step=st.sampled_from(HazardStep))
    def push(self, step: HazardStep) -> None:
        try:
            after = next_state(self.state, step)
        except StepError:
            return
        if self.state is HazardState.UNSUBSTANTIATED:
            raise AssertionError("what is not substantiated stays so")
        self.state = after
        self.taken.append(step)

    @invariant()
    def nothing_but_a_fact_closes_what_was_not_handed_over_received_and_begun(self) -> None:
        if self.state is HazardState.CLOSED and HazardStep.SELF_CLOSE not in self.taken:
            order: list[Any] = [HazardStep.HAND_OVER, HazardStep.RECEIPT, HazardStep.START]
            at = 0
            for step in self.taken:
                if at < len(order) and step is order[at]:
                    at += 1
            assert at == len(order)

    @invariant()
    def a_re_checked_case_was_applied_for(self) -> None:
        if HazardStep.CLOSE in self.taken:
            assert HazardStep.APPLY in self.taken[: self.taken.index(HazardStep.CLOSE)]

    @invariant()
    def only_a_reopening_leads_back_from_the_end(self) -> None:
        ends = [n for n, s in enumerate(self.taken) if s in (HazardStep.CLOSE, HazardStep.SELF_CLOSE)]
        for one, other in pairwise(ends):
            assert HazardStep.REOPEN in self.taken[one:other]


TestCase = Case.TestCase
TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
