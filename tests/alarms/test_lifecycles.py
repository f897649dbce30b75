"""The tables of alarms, incidents and hazards: every step leads somewhere lawful, and what is over stays over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alarms import lifecycle as alarm
from alarms.errors import TransitionError
from alarms.incidents import lifecycle as incident
from alarms.incidents.model import IncidentEvent, IncidentState
from alarms.lifecycle import AlarmEvent, AlarmState
from maintenance.errors import StepError
from maintenance.hazards import lifecycle as hazard
from maintenance.hazards.lifecycle import HazardState, HazardStep

OVER: dict[Any, set[Any]] = {
    incident: set(incident.OVER),
    hazard: {HazardState.UNSUBSTANTIATED},
}


def reachable(table: dict[tuple[Any, Any], Any], start: set[Any]) -> set[Any]:
    found = set(start)
    while True:
        more = {after for (before, _), after in table.items() if before in found} - found
        if not more:
            return found
        found |= more


def test_every_state_can_be_reached() -> None:
    starts = {AlarmState.UNACKNOWLEDGED, AlarmState.SUPPRESSED_BY_DESIGN}
    assert reachable(dict(alarm.TABLE), starts) == set(AlarmState)
    opened = {IncidentState.VERIFYING, IncidentState.ACCEPTED}
    assert reachable(dict(incident.TABLE), opened) == set(IncidentState)
    assert reachable(dict(hazard.TABLE), {HazardState.LISTED}) == set(HazardState)


@given(
    st.lists(st.sampled_from(IncidentEvent), max_size=30),
    st.sampled_from([IncidentState.VERIFYING, IncidentState.ACCEPTED]),
)
def test_an_incident_that_is_over_knows_only_notes(events: list[IncidentEvent], start: IncidentState) -> None:
    state = start
    for event in events:
        try:
            after = incident.next_state(state, event)
        except TransitionError:
            continue
        if state in incident.OVER:
            assert after is state
            assert event is IncidentEvent.NOTE
        state = after


@given(st.lists(st.sampled_from(IncidentEvent), max_size=40))
def test_nobody_is_closed_before_he_is_freed_and_called_back(events: list[IncidentEvent]) -> None:
    state, done = IncidentState.VERIFYING, set()
    for event in events:
        try:
            state = incident.next_state(state, event)
        except TransitionError:
            continue
        done.add(event)
    # a complaint that is settled on the phone frees nobody; whether it is one, its kind decides
    if state is IncidentState.CLOSED and IncidentEvent.SETTLE not in done:
        assert IncidentEvent.CALL_BACK in done
        assert done & {IncidentEvent.FREE, IncidentEvent.SELF_RELEASE}


@given(st.lists(st.sampled_from(IncidentEvent), max_size=40))
def test_a_sensor_never_ends_what_a_person_has_confirmed(events: list[IncidentEvent]) -> None:
    state, confirmed = IncidentState.VERIFYING, False
    for event in events:
        try:
            after = incident.next_state(state, event)
        except TransitionError:
            continue
        confirmed = confirmed or event is IncidentEvent.CONFIRM
        if event is IncidentEvent.CLEAR and confirmed:
            assert after is state
        state = after


@given(st.lists(st.sampled_from(HazardStep), max_size=40))
def test_a_hazard_is_closed_only_by_a_recheck_or_a_verified_fact(steps: list[HazardStep]) -> None:
    state, before = HazardState.LISTED, HazardState.LISTED
    for step in steps:
        try:
            after = hazard.next_state(state, step)
        except StepError:
            continue
        before, state = state, after
        if state is HazardState.CLOSED and before is not HazardState.CLOSED:
            assert (before is HazardState.RECHECK) is (step is not HazardStep.SELF_CLOSE)
            assert {"evidence", *(("officers",) if before is HazardState.RECHECK else ())} <= set(hazard.NEEDS[step])


@given(st.lists(st.sampled_from(AlarmEvent), max_size=40))
def test_an_alarm_becomes_normal_only_when_somebody_knew_of_it_or_it_was_hidden(events: list[AlarmEvent]) -> None:
    state, known = AlarmState.UNACKNOWLEDGED, False
    for event in events:
        try:
            after = alarm.next_state(state, event)
        except TransitionError:
            continue
        if event is AlarmEvent.RETURN:
            known = False
        if event is AlarmEvent.ACKNOWLEDGE or state in alarm.HIDDEN:
            known = True
        if after is AlarmState.NORMAL:
            assert known
        if event is AlarmEvent.RELEASE_ACTIVE:
            known = False
        state = after


@pytest.mark.parametrize("state", [AlarmState.LATCHED_UNACKNOWLEDGED, AlarmState.UNACKNOWLEDGED])
def test_a_reset_of_what_nobody_has_acknowledged_is_refused_with_the_reason(state: AlarmState) -> None:
    with pytest.raises(TransitionError, match=r"possible: .*acknowledge"):
        alarm.next_state(state, AlarmEvent.RESET)
