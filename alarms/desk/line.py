"""来电 on the line as a table: ringing, claimed by a seat, ended, or abandoned before anybody took it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from alarms.errors import TransitionError


class LineState(Enum):
    """Where a call on the line stands."""

    RINGING = "ringing"
    CLAIMED = "claimed"
    ENDED = "ended"
    ABANDONED = "abandoned"


class LineEvent(Enum):
    """What the call centre, a seat or the clock says of it."""

    RINGING = "ringing"
    CLAIMED = "claimed"
    ENDED = "ended"
    ABANDONED = "abandoned"
    TAKE = "take"
    RELEASE = "release"
    STALE = "stale"


S, E = LineState, LineEvent
TABLE: dict[tuple[LineState, LineEvent], LineState] = {
    (S.RINGING, E.RINGING): S.RINGING,
    (S.RINGING, E.CLAIMED): S.CLAIMED,
    (S.RINGING, E.TAKE): S.CLAIMED,
    # hung up on nobody: the call is missed
    (S.RINGING, E.ENDED): S.ABANDONED,
    (S.RINGING, E.ABANDONED): S.ABANDONED,
    (S.CLAIMED, E.CLAIMED): S.CLAIMED,
    (S.CLAIMED, E.TAKE): S.CLAIMED,
    (S.CLAIMED, E.RELEASE): S.RINGING,
    (S.CLAIMED, E.STALE): S.RINGING,
    (S.CLAIMED, E.ENDED): S.ENDED,
    (S.CLAIMED, E.ABANDONED): S.ENDED,
    # deliveries come in any order: what comes after the end changes nothing
    (S.CLAIMED, E.RINGING): S.CLAIMED,
    **{
        (state, event): state
        for state in (S.ENDED, S.ABANDONED)
        for event in (E.RINGING, E.CLAIMED, E.ENDED, E.ABANDONED)
    },
}
FIRST = {E.RINGING: S.RINGING, E.CLAIMED: S.CLAIMED, E.ENDED: S.ABANDONED, E.ABANDONED: S.ABANDONED}
"""Where a call begins whose first delivery we get is this one."""
TOLD = frozenset(FIRST)
"""Events that the call centre tells."""


def next_state(state: LineState | None, event: LineEvent) -> LineState:
    """Where ``event`` leads; ``state`` None: nobody has told of the call yet.

    Raises
    ------
    TransitionError
        A seat wants what the line does not allow.
    """
    found = FIRST.get(event) if state is None else TABLE.get((state, event))
    if found is None:
        raise TransitionError(
            f"来电已{'结束' if state in (S.ENDED, S.ABANDONED) else '不在可操作状态'} ({event.value} is not possible now)"
        )
    return found


@dataclass(frozen=True, slots=True)
class LineCall:
    """One call on the line, as seats see it."""

    id: int
    source: str
    external_id: str
    caller: str | None
    called: str
    state: LineState
    rang_at: datetime
    claimed_at: datetime | None
    claimed_by: int | None
    seen_at: datetime | None
    ended_at: datetime | None
    dropped: bool
    returned_at: datetime | None
    unit_no: int | None
    incident_id: int | None
    version: int
    claimed_name: str | None = None
    incident_number: str | None = None

    @property
    def missed(self) -> bool:
        """Nobody took it, or it broke off; and nobody has rung back."""
        return (self.state is LineState.ABANDONED or self.dropped) and self.returned_at is None


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One delivery of the call centre."""

    source: str
    call: str
    event: LineEvent
    at: datetime
    called: str
    caller: str | None = None
    reason: str | None = None
