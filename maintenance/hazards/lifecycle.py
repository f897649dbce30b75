"""一单四制 as a table: which step leads on from which state.

清单 → 交办 → 签收 → 整改 → 申请销号 → 复查 → 销号.
"""

from __future__ import annotations

from enum import Enum

from maintenance.errors import StepError


class HazardState(Enum):
    """Where a hazard stands."""

    LISTED = "listed"
    """已列清单"""
    HANDED_OVER = "handed_over"
    """已交办"""
    RECEIPTED = "receipted"
    """已签收"""
    RECTIFYING = "rectifying"
    """整改中"""
    RECHECK = "recheck"
    """待复查"""
    CLOSED = "closed"
    """已销号"""
    UNSUBSTANTIATED = "unsubstantiated"
    """不成立"""


class HazardStep(Enum):
    """What can be done with it."""

    HAND_OVER = "hand_over"
    """交办"""
    RECEIPT = "receipt"
    """签收"""
    START = "start"
    """开始整改"""
    PROGRESS = "progress"
    """进展"""
    APPLY = "apply"
    """申请销号"""
    RETURN = "return"
    """退回"""
    CLOSE = "close"
    """复查销号"""
    REOPEN = "reopen"
    """重新打开"""
    UNSUBSTANTIATE = "unsubstantiate"
    """不成立"""


S, E = HazardState, HazardStep
TABLE: dict[tuple[HazardState, HazardStep], HazardState] = {
    (S.LISTED, E.HAND_OVER): S.HANDED_OVER,
    (S.HANDED_OVER, E.RECEIPT): S.RECEIPTED,
    (S.RECEIPTED, E.START): S.RECTIFYING,
    (S.RECTIFYING, E.PROGRESS): S.RECTIFYING,
    (S.RECTIFYING, E.APPLY): S.RECHECK,
    (S.RECHECK, E.RETURN): S.RECTIFYING,
    (S.RECHECK, E.CLOSE): S.CLOSED,
    (S.CLOSED, E.REOPEN): S.RECTIFYING,
    **{(state, E.UNSUBSTANTIATE): S.UNSUBSTANTIATED for state in (S.LISTED, S.HANDED_OVER, S.RECEIPTED)},
}

NEEDS: dict[HazardStep, tuple[str, ...]] = {
    E.HAND_OVER: ("responsible_org_id", "measures", "due_at"),
    E.START: ("measures",),
    E.PROGRESS: ("evidence",),
    E.APPLY: ("evidence",),
    E.RETURN: ("evidence",),
    E.CLOSE: ("evidence", "officers"),
    E.REOPEN: ("evidence",),
    E.UNSUBSTANTIATE: ("evidence",),
}
"""What a step must bring along: nothing is closed without evidence."""

RECTIFIERS = frozenset({E.RECEIPT, E.START, E.PROGRESS, E.APPLY})
"""Steps of the responsible unit; the others are the supervisor's."""


def next_state(state: HazardState, step: HazardStep) -> HazardState:
    """Where ``step`` leads from ``state``.

    Raises
    ------
    StepError
        The state does not know the step.
    """
    found = TABLE.get((state, step))
    if found is None:
        allowed = [e.value for s, e in TABLE if s is state]
        raise StepError(
            f"{step.value} is not possible while the hazard is {state.value}; possible: {', '.join(allowed) or 'nothing'}"
        )
    return found
