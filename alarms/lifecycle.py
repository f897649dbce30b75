"""The life of an alarm by ISA-18.2 / IEC 62682, as a table.

The letters are the standard's. Whether the condition holds (``active``) is kept apart from the state, because a shelved
or suppressed alarm goes on being judged and, when released, goes where its condition says.
"""

from __future__ import annotations

from enum import Enum

from alarms.errors import TransitionError


class AlarmState(Enum):
    """States A to I."""

    NORMAL = "normal"
    """A 正常"""
    UNACKNOWLEDGED = "unacknowledged"
    """B 未确认"""
    ACKNOWLEDGED = "acknowledged"
    """C 已确认"""
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    """D 已恢复未确认"""
    LATCHED_UNACKNOWLEDGED = "latched_unacknowledged"
    """E 锁存未确认"""
    LATCHED_ACKNOWLEDGED = "latched_acknowledged"
    """F 锁存已确认"""
    SHELVED = "shelved"
    """G 搁置"""
    SUPPRESSED_BY_DESIGN = "suppressed_by_design"
    """H 设计抑制"""
    OUT_OF_SERVICE = "out_of_service"
    """I 停用"""


class AlarmEvent(Enum):
    """What can happen to an alarm."""

    CLEAR = "clear"
    CLEAR_LATCHED = "clear_latched"
    """The condition ended and the rule latches."""
    RETURN = "return"
    """The condition came back, or the severity rose."""
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    SHELVE = "shelve"
    RELEASE_ACTIVE = "release_active"
    """Un-shelved, no longer suppressed, or back in service, while the condition holds."""
    RELEASE_NORMAL = "release_normal"
    """The same, once the condition is over."""
    RELEASE_LATCHED = "release_latched"
    """The same, once the condition is over, where the rule latches: somebody must still look at it on site."""
    SUPPRESS = "suppress"
    """Another alarm explains it: inhibited by its group or its cause."""
    TAKE_OUT_OF_SERVICE = "take_out_of_service"
    WITHDRAW = "withdraw"
    """A sample that came out of order shows that it never was."""


S, E = AlarmState, AlarmEvent
OPEN = (S.UNACKNOWLEDGED, S.ACKNOWLEDGED, S.RETURNED_UNACKNOWLEDGED, S.LATCHED_UNACKNOWLEDGED, S.LATCHED_ACKNOWLEDGED)
HIDDEN = (S.SHELVED, S.SUPPRESSED_BY_DESIGN, S.OUT_OF_SERVICE)

TABLE: dict[tuple[AlarmState, AlarmEvent], AlarmState] = {
    (S.UNACKNOWLEDGED, E.ACKNOWLEDGE): S.ACKNOWLEDGED,
    (S.UNACKNOWLEDGED, E.CLEAR): S.RETURNED_UNACKNOWLEDGED,
    (S.UNACKNOWLEDGED, E.CLEAR_LATCHED): S.LATCHED_UNACKNOWLEDGED,
    (S.UNACKNOWLEDGED, E.RETURN): S.UNACKNOWLEDGED,
    (S.ACKNOWLEDGED, E.CLEAR): S.NORMAL,
    (S.ACKNOWLEDGED, E.CLEAR_LATCHED): S.LATCHED_ACKNOWLEDGED,
    (S.ACKNOWLEDGED, E.RETURN): S.UNACKNOWLEDGED,
    (S.RETURNED_UNACKNOWLEDGED, E.ACKNOWLEDGE): S.NORMAL,
    (S.RETURNED_UNACKNOWLEDGED, E.RETURN): S.UNACKNOWLEDGED,
    (S.LATCHED_UNACKNOWLEDGED, E.ACKNOWLEDGE): S.LATCHED_ACKNOWLEDGED,
    (S.LATCHED_UNACKNOWLEDGED, E.RETURN): S.UNACKNOWLEDGED,
    (S.LATCHED_ACKNOWLEDGED, E.RESET): S.NORMAL,
    (S.LATCHED_ACKNOWLEDGED, E.RETURN): S.UNACKNOWLEDGED,
    **{(state, E.SHELVE): S.SHELVED for state in OPEN},
    **{(state, E.SUPPRESS): S.SUPPRESSED_BY_DESIGN for state in OPEN},
    **{(state, E.TAKE_OUT_OF_SERVICE): S.OUT_OF_SERVICE for state in (*OPEN, S.SHELVED, S.SUPPRESSED_BY_DESIGN)},
    **{(state, E.RELEASE_ACTIVE): S.UNACKNOWLEDGED for state in HIDDEN},
    **{(state, E.RELEASE_NORMAL): S.NORMAL for state in HIDDEN},
    **{(state, E.RELEASE_LATCHED): S.LATCHED_UNACKNOWLEDGED for state in HIDDEN},
    (S.NORMAL, E.RETURN): S.UNACKNOWLEDGED,
    # what never was need not be reset, but who was called is told
    (S.UNACKNOWLEDGED, E.WITHDRAW): S.RETURNED_UNACKNOWLEDGED,
    (S.RETURNED_UNACKNOWLEDGED, E.WITHDRAW): S.RETURNED_UNACKNOWLEDGED,
    (S.LATCHED_UNACKNOWLEDGED, E.WITHDRAW): S.RETURNED_UNACKNOWLEDGED,
    (S.ACKNOWLEDGED, E.WITHDRAW): S.NORMAL,
    (S.LATCHED_ACKNOWLEDGED, E.WITHDRAW): S.NORMAL,
    (S.NORMAL, E.WITHDRAW): S.NORMAL,
    **{(state, E.WITHDRAW): state for state in HIDDEN},
    # a hidden alarm is judged on, but stays hidden until it is released
    **{(state, event): state for state in HIDDEN for event in (E.CLEAR, E.CLEAR_LATCHED, E.RETURN)},
}


def next_state(state: AlarmState, event: AlarmEvent) -> AlarmState:
    """Where ``event`` leads from ``state``.

    Raises
    ------
    TransitionError
        The state does not know the event.
    """
    found = TABLE.get((state, event))
    if found is None:
        allowed = sorted(e.value for s, e in TABLE if s is state)
        raise TransitionError(
            f"{event.value} is not possible while {state.value}; possible: {', '.join(allowed) or 'nothing'}"
        )
    return found
