"""维保变更 as a table: the new firm claims, the use-unit confirms, the old firm may object; nobody is without a firm.

Until TAKEN_OVER the old firm answers for rescue, whatever has been said: ``unit.firm_org_id`` does not change before.
A lift that has no firm is cleared as soon as the use-unit confirms.
"""

from __future__ import annotations

from enum import Enum

from equipment.errors import FirmChangeStepError


class State(Enum):
    """Where a change of firm stands."""

    CLAIMED = "claimed"
    """新单位已申报."""
    CONFIRMED = "confirmed"
    """使用单位已确认; the old firm may object until its term is over."""
    OBJECTED = "objected"
    """原单位有异议; the authority decides."""
    CLEARED = "cleared"
    """无异议; the new firm has to take over on site."""
    TAKEN_OVER = "taken_over"
    """已接管: from now on the new firm answers for rescue."""
    REFUSED = "refused"
    """使用单位不同意."""
    REJECTED = "rejected"
    """异议成立."""
    WITHDRAWN = "withdrawn"
    """新单位撤回."""


class Event(Enum):
    """What happens to it."""

    CONFIRM = "confirm"
    REFUSE = "refuse"
    AGREE = "agree"
    OBJECT = "object"
    LAPSE = "lapse"
    DISMISS = "dismiss"
    UPHOLD = "uphold"
    TAKE_OVER = "take_over"
    WITHDRAW = "withdraw"


class Party(Enum):
    """Who does it."""

    NEW_FIRM = "new_firm"
    OLD_FIRM = "old_firm"
    USE_UNIT = "use_unit"
    AUTHORITY = "authority"
    CLOCK = "clock"
    """The term for objections is over."""


ACTORS: dict[Event, Party] = {
    Event.CONFIRM: Party.USE_UNIT,
    Event.REFUSE: Party.USE_UNIT,
    Event.AGREE: Party.OLD_FIRM,
    Event.OBJECT: Party.OLD_FIRM,
    Event.LAPSE: Party.CLOCK,
    Event.DISMISS: Party.AUTHORITY,
    Event.UPHOLD: Party.AUTHORITY,
    Event.TAKE_OVER: Party.NEW_FIRM,
    Event.WITHDRAW: Party.NEW_FIRM,
}
"""Each event belongs to one party."""

TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.CLAIMED, Event.CONFIRM): State.CONFIRMED,
    (State.CLAIMED, Event.REFUSE): State.REFUSED,
    (State.CLAIMED, Event.WITHDRAW): State.WITHDRAWN,
    (State.CONFIRMED, Event.AGREE): State.CLEARED,
    (State.CONFIRMED, Event.OBJECT): State.OBJECTED,
    (State.CONFIRMED, Event.LAPSE): State.CLEARED,
    (State.CONFIRMED, Event.WITHDRAW): State.WITHDRAWN,
    (State.OBJECTED, Event.DISMISS): State.CLEARED,
    (State.OBJECTED, Event.UPHOLD): State.REJECTED,
    (State.OBJECTED, Event.WITHDRAW): State.WITHDRAWN,
    (State.CLEARED, Event.TAKE_OVER): State.TAKEN_OVER,
    (State.CLEARED, Event.WITHDRAW): State.WITHDRAWN,
}
OPEN = frozenset({State.CLAIMED, State.CONFIRMED, State.OBJECTED, State.CLEARED})
NEEDS_REASON = frozenset({Event.REFUSE, Event.OBJECT, Event.DISMISS, Event.UPHOLD, Event.WITHDRAW})


def step(state: State, event: Event) -> State:
    """The state after ``event``.

    Raises
    ------
    FirmChangeStepError
        It cannot happen in this state.
    """
    after = TRANSITIONS.get((state, event))
    if after is None:
        raise FirmChangeStepError(f"维保变更处于 {state.value}，不能 {event.value} (not possible in this state)")
    return after
