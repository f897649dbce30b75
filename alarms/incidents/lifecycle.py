"""The life of an incident as a table, and the order of its milestones.

报警 → (待核实) → 接警 → 派单 → 应答 → 到达 → 解救 → 回访 → 办结.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from alarms.errors import ImpossibleOrderError, TransitionError
from alarms.incidents.model import Incident, IncidentEvent, IncidentState

S, E = IncidentState, IncidentEvent

OVER = frozenset({S.CLOSED, S.CANCELLED, S.AUTO_CLEARED, S.MERGED})
"""Nothing more happens, except a note."""
OPEN = tuple(s for s in S if s not in OVER)
BEFORE_FREED = (S.VERIFYING, S.ACCEPTED, S.DISPATCHED, S.ANSWERED, S.ARRIVED)
CLOCK_SKEW = timedelta(seconds=5)
"""How far in the future a reported time may lie: a firm's phone runs a little ahead."""

TABLE: dict[tuple[IncidentState, IncidentEvent], IncidentState] = {
    **{(state, E.ACCEPT): state for state in BEFORE_FREED},
    (S.VERIFYING, E.CONFIRM): S.ACCEPTED,
    # a call says what we knew: the state stays
    **{(state, E.CONFIRM): state for state in (S.ACCEPTED, S.DISPATCHED, S.ANSWERED, S.ARRIVED)},
    (S.VERIFYING, E.UNANSWERED): S.DISPATCHED,
    **{(state, E.SELF_RELEASE): S.FREED for state in BEFORE_FREED},
    (S.VERIFYING, E.DISPATCH): S.DISPATCHED,
    (S.ACCEPTED, E.DISPATCH): S.DISPATCHED,
    (S.DISPATCHED, E.ANSWER): S.ANSWERED,
    # whoever is on his way has taken the order
    (S.DISPATCHED, E.DEPART): S.ANSWERED,
    (S.ANSWERED, E.DEPART): S.ANSWERED,
    (S.DISPATCHED, E.REFUSE): S.DISPATCHED,
    (S.ANSWERED, E.REFUSE): S.DISPATCHED,
    (S.DISPATCHED, E.ESCALATE): S.DISPATCHED,
    (S.ANSWERED, E.ESCALATE): S.DISPATCHED,
    # those on site ask for more help, and stay
    (S.ARRIVED, E.ESCALATE): S.ARRIVED,
    (S.DISPATCHED, E.ARRIVE): S.ARRIVED,
    (S.ANSWERED, E.ARRIVE): S.ARRIVED,
    **{(state, E.FREE): S.FREED for state in (S.ACCEPTED, S.DISPATCHED, S.ANSWERED, S.ARRIVED)},
    (S.FREED, E.CALL_BACK): S.CALLED_BACK,
    (S.CALLED_BACK, E.CLOSE): S.CLOSED,
    **{(state, E.CANCEL): S.CANCELLED for state in BEFORE_FREED},
    (S.VERIFYING, E.CLEAR): S.AUTO_CLEARED,
    # a person has confirmed it or help is on its way: the sensor no longer decides
    **{(state, E.CLEAR): state for state in OPEN if state is not S.VERIFYING},
    **{(state, E.NOTE): state for state in S},
    **{(state, E.MERGE): S.MERGED for state in OPEN},
    **{(state, E.SPLIT): state for state in OPEN},
    **{(state, E.ASK): state for state in OPEN},
    **{(state, E.REASSURE): state for state in BEFORE_FREED},
    (S.ACCEPTED, E.SETTLE): S.CLOSED,
}

MILESTONE: dict[IncidentEvent, str] = {
    E.ACCEPT: "accepted_at",
    E.DISPATCH: "dispatched_at",
    E.UNANSWERED: "dispatched_at",
    E.DEPART: "departed_at",
    E.ARRIVE: "arrived_at",
    E.FREE: "freed_at",
    E.SELF_RELEASE: "freed_at",
    E.CALL_BACK: "called_back_at",
    E.CLOSE: "closed_at",
    E.SETTLE: "closed_at",
    E.MERGE: "closed_at",
    E.CANCEL: "closed_at",
    E.CLEAR: "closed_at",
}
"""The column that keeps when it happened."""

FOLLOWS: dict[IncidentEvent, tuple[str, ...]] = {
    E.DEPART: ("dispatched_at",),
    E.ARRIVE: ("dispatched_at",),
    E.FREE: ("arrived_at", "dispatched_at"),
    E.CALL_BACK: ("freed_at",),
    E.CLOSE: ("called_back_at",),
}
"""Milestones that it cannot precede."""

CHINESE = {
    "dispatched_at": "派单", "arrived_at": "到达", "freed_at": "解救", "called_back_at": "回访", "began_at": "报警",
    "departed_at": "出发",
}  # fmt: skip

STATE_ZH = {
    S.VERIFYING: "待核实", S.ACCEPTED: "已接警", S.DISPATCHED: "已派单", S.ANSWERED: "已应答", S.ARRIVED: "已到达",
    S.FREED: "已解救", S.CALLED_BACK: "已回访", S.CLOSED: "已办结", S.CANCELLED: "已撤销", S.AUTO_CLEARED: "已自动消除",
    S.MERGED: "已合并",
}  # fmt: skip
EVENT_ZH = {
    E.ACCEPT: "接警", E.CONFIRM: "核实属实", E.UNANSWERED: "按无人应答处理", E.SELF_RELEASE: "登记自行脱困", E.DISPATCH: "派单",
    E.ANSWER: "应答", E.REFUSE: "拒单", E.ESCALATE: "升级", E.ARRIVE: "登记到达", E.FREE: "登记解救", E.CALL_BACK: "回访",
    E.CLOSE: "办结", E.CANCEL: "撤销", E.CLEAR: "由传感器消除", E.NOTE: "备注", E.DEPART: "登记出发", E.MERGE: "合并",
    E.SPLIT: "拆分", E.ASK: "填写询问卡", E.REASSURE: "安抚回拨", E.SETTLE: "直接办结",
}  # fmt: skip
"""As the seat says it, for the reason of a refusal."""
STORY_ZH = {"opened": "开启", "joined": "并入来源", "located": "确认电梯", "merged": "合并", "rang": "外呼"}
"""Words of the story that are no event of the table."""


def event_zh(name: str) -> str:
    """An entry of an incident's story in Chinese."""
    return STORY_ZH.get(name) or {e.value: zh for e, zh in EVENT_ZH.items()}.get(name, name)


def next_state(state: IncidentState, event: IncidentEvent) -> IncidentState:
    """Where ``event`` leads from ``state``.

    Raises
    ------
    TransitionError
        The state does not know the event.
    """
    found = TABLE.get((state, event))
    if found is None:
        allowed = [e for s, e in TABLE if s is state]
        raise TransitionError(
            f"事件{STATE_ZH[state]}，不能{EVENT_ZH[event]}；可以：{'、'.join(EVENT_ZH[e] for e in allowed)}"
            f" ({event.value} is not possible while the incident is {state.value};"
            f" possible: {', '.join(e.value for e in allowed)})"
        )
    return found


def lawful_time(incident: Incident, event: IncidentEvent, told: datetime | None, now: datetime) -> datetime:
    """When ``event`` happened: as told, or now.

    What is told must follow what it follows. Our own clock may have been set back since then: then the milestone is
    put at the one before it, because help must not be refused for a clock's sake.

    Raises
    ------
    ImpossibleOrderError
        With what the time told would precede, or that it lies in the future.
    """
    columns = (*FOLLOWS.get(event, ()), "began_at")
    earlier: list[tuple[str, datetime]] = [(c, at) for c in columns if (at := getattr(incident, c)) is not None]
    if told is None:
        return max([now, *(at for _, at in earlier)])
    if told > now + CLOCK_SKEW:
        raise ImpossibleOrderError(f"{told.isoformat()} 在将来 (lies in the future): check the time")
    for column, at in earlier:
        if told < at - CLOCK_SKEW:
            raise ImpossibleOrderError(
                f"不能早于{CHINESE[column]}时间 {at.isoformat()} (cannot precede {column.removesuffix('_at')})"
            )
    return told
