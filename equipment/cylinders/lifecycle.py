"""The life of a cylinder as a table: 空瓶 → 充前检查 → 充装中 → 满瓶 → 已配送 → 空瓶, and everything beside it."""

from __future__ import annotations

from enum import Enum

from equipment.errors import CylinderStepError


class CylinderState(Enum):
    """Where a cylinder stands."""

    EMPTY = "empty"
    """空瓶."""
    CHECKED = "checked"
    """充前检查合格."""
    FILLING = "filling"
    """充装中."""
    FULL = "full"
    """满瓶: filled, and passed the check after it."""
    DELIVERED = "delivered"
    """已配送."""
    INSPECTION = "inspection"
    """送检."""
    REPAIR = "repair"
    """返修处置: also one that failed a check, until somebody has seen to it."""
    LOST = "lost"
    """丢失."""
    FROZEN = "frozen"
    """冻结: by the authority; goes back to where it stood."""
    SCRAPPED = "scrapped"
    """报废: its code is void."""


class CylinderEvent(Enum):
    """What can happen to it."""

    CHECK = "check"
    """充前检查合格."""
    CHECK_FAILED = "check_failed"
    """充前检查不合格."""
    BEGIN = "begin"
    """开始充装."""
    FINISH = "finish"
    """充后检查合格."""
    FINISH_FAILED = "finish_failed"
    """充后检查不合格: it leaks or is overfilled."""
    ABORT = "abort"
    """中止."""
    DELIVER = "deliver"
    """出库配送."""
    RETURN = "return"
    """空瓶回收."""
    SEND_INSPECTION = "send_inspection"
    """送检."""
    PASS_INSPECTION = "pass_inspection"  # noqa: S105  # an event, no password
    """检验合格."""
    FAIL_INSPECTION = "fail_inspection"
    """检验不合格."""
    SEND_REPAIR = "send_repair"
    """返修."""
    REPAIRED = "repaired"
    """处置完成."""
    LOSE = "lose"
    """报失."""
    FIND = "find"
    """找回: what happened to it meanwhile is not known, so it is inspected."""
    FREEZE = "freeze"
    """冻结."""
    UNFREEZE = "unfreeze"
    """解冻."""
    SCRAP = "scrap"
    """报废."""
    TRANSFER = "transfer"
    """过户: taken over by another station."""
    CORRECT = "correct"
    """更正 of what was registered wrongly."""


S, E = CylinderState, CylinderEvent
BACK = None
"""Leads back to where the cylinder stood before it was frozen."""

TABLE: dict[tuple[CylinderState, CylinderEvent], CylinderState | None] = {
    (S.EMPTY, E.CHECK): S.CHECKED,
    (S.EMPTY, E.CHECK_FAILED): S.REPAIR,
    (S.CHECKED, E.CHECK): S.CHECKED,
    (S.CHECKED, E.CHECK_FAILED): S.REPAIR,
    (S.CHECKED, E.BEGIN): S.FILLING,
    (S.CHECKED, E.ABORT): S.EMPTY,
    (S.FILLING, E.FINISH): S.FULL,
    (S.FILLING, E.FINISH_FAILED): S.REPAIR,
    # how much is in it is not known
    (S.FILLING, E.ABORT): S.REPAIR,
    (S.FULL, E.DELIVER): S.DELIVERED,
    (S.DELIVERED, E.RETURN): S.EMPTY,
    **{(state, E.SEND_INSPECTION): S.INSPECTION for state in (S.EMPTY, S.CHECKED, S.REPAIR)},
    (S.INSPECTION, E.PASS_INSPECTION): S.EMPTY,
    (S.INSPECTION, E.FAIL_INSPECTION): S.REPAIR,
    **{(state, E.SEND_REPAIR): S.REPAIR for state in (S.EMPTY, S.CHECKED, S.FULL)},
    (S.REPAIR, E.REPAIRED): S.EMPTY,
    **{(state, E.LOSE): S.LOST for state in (S.EMPTY, S.CHECKED, S.FULL, S.DELIVERED, S.INSPECTION, S.REPAIR)},
    (S.LOST, E.FIND): S.INSPECTION,
    **{(state, E.FREEZE): S.FROZEN for state in S if state not in (S.FROZEN, S.SCRAPPED)},
    (S.FROZEN, E.UNFREEZE): BACK,
    (S.EMPTY, E.TRANSFER): S.EMPTY,
    **{(state, E.CORRECT): state for state in S if state is not S.SCRAPPED},
    **{(state, E.SCRAP): S.SCRAPPED for state in (S.EMPTY, S.INSPECTION, S.REPAIR, S.LOST)},
}

SUPERVISORS = frozenset({E.FREEZE, E.UNFREEZE})
"""Events of the authority; the others are the station's."""
APART = frozenset({E.TRANSFER, E.CORRECT})
"""Events that come with a transfer or a correction, which say more than that they happened."""
WITH_A_FILL = frozenset({E.FINISH, E.FINISH_FAILED})
"""Events that only a fill record brings along."""
NEEDS_REASON = frozenset({E.CHECK_FAILED, E.ABORT, E.FAIL_INSPECTION, E.SEND_REPAIR, E.REPAIRED, E.LOSE, E.FIND, E.FREEZE,
                          E.UNFREEZE, E.SCRAP})  # fmt: skip
FILL_PATHS: dict[CylinderState, tuple[CylinderEvent, ...]] = {
    S.EMPTY: (E.CHECK, E.BEGIN),
    S.CHECKED: (E.BEGIN,),
    S.FILLING: (),
}
"""From which states a cylinder may be filled, and what lies between there and the end of the fill."""


def next_state(state: CylinderState, event: CylinderEvent, before: CylinderState | None = None) -> CylinderState:
    """Where ``event`` leads from ``state``; ``before`` is where a frozen cylinder stood.

    Raises
    ------
    CylinderStepError
        The state does not know the event.
    """
    if (state, event) not in TABLE:
        allowed = [e.value for s, e in TABLE if s is state]
        raise CylinderStepError(
            f"气瓶状态为 {state.value}，不能 {event.value} (not possible in this state); possible: {', '.join(allowed) or 'nothing'}"
        )
    found = TABLE[state, event]
    if found is not BACK:
        return found
    if before is None:
        raise CylinderStepError("冻结前的状态未知 (where it stood before is not known): send it to inspection")
    return before


def after_fill(state: CylinderState, *, passed: bool) -> CylinderState:
    """Where a fill leaves a cylinder that stood in a fillable state.

    Raises
    ------
    CylinderStepError
        The state is not fillable.
    """
    for event in (*FILL_PATHS.get(state, ()), E.FINISH if passed else E.FINISH_FAILED):
        state = next_state(state, event)
    return state
