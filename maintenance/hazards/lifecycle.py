"""一单四制 as a table: which step leads on from which state.

清单 → 交办 → 签收 → 整改 → 申请销号 → 复查 → 销号. 重大 and supervised hazards, and 较大 ones, take all four duties; a 一般 hazard
is 自查自改: its responsible unit may close it by a verified fact, and a drawn sample is looked at again (回头看).
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
    SEND_BACK = "send_back"
    """退回交办: the unit says that it is not the one responsible"""
    RECEIPT = "receipt"
    """签收"""
    START = "start"
    """开始整改"""
    PROGRESS = "progress"
    """进展"""
    APPLY = "apply"
    """申请销号"""
    SELF_CLOSE = "self_close"
    """自查自改销号, by a verified fact"""
    INSPECT = "inspect"
    """现场复查 by the first officer"""
    RETURN = "return"
    """退回"""
    CLOSE = "close"
    """复查销号"""
    LOOK_BACK = "look_back"
    """回头看"""
    REOPEN = "reopen"
    """重新打开"""
    UNSUBSTANTIATE = "unsubstantiate"
    """不成立"""
    ASK_EXTENSION = "ask_extension"
    """申请延期"""
    GRANT_EXTENSION = "grant_extension"
    """同意延期"""
    REFUSE_EXTENSION = "refuse_extension"
    """不同意延期"""
    REGRADE = "regrade"
    """调整等级"""
    ASSESS = "assess"
    """风险评价"""
    STOP_USE = "stop_use"
    """停用"""
    RESUME_USE = "resume_use"
    """恢复使用"""
    ORDER = "order"
    """监察指令"""
    NOTIFY = "notify"
    """通报"""
    INTERVIEW = "interview"
    """约谈"""
    SUPERVISE = "supervise"
    """挂牌督办"""
    UNSUPERVISE = "unsupervise"
    """解除督办"""
    OVERDUE = "overdue"
    """逾期, by itself"""
    LATE = "late"
    """环节超时, by itself"""
    SEEN = "seen"
    """再次发现, by itself"""


S, E = HazardState, HazardStep
STATE_ZH: dict[HazardState, str] = {
    S.LISTED: "已列清单", S.HANDED_OVER: "已交办", S.RECEIPTED: "已签收", S.RECTIFYING: "整改中", S.RECHECK: "待复查",
    S.CLOSED: "已销号", S.UNSUBSTANTIATED: "不成立",
}  # fmt: skip
STEP_ZH: dict[HazardStep, str] = {
    E.HAND_OVER: "交办", E.SEND_BACK: "退回交办", E.RECEIPT: "签收", E.START: "开始整改", E.PROGRESS: "登记进展", E.APPLY: "申请销号",
    E.SELF_CLOSE: "自查自改销号", E.INSPECT: "登记现场复查", E.RETURN: "退回整改", E.CLOSE: "复查销号", E.LOOK_BACK: "回头看",
    E.REOPEN: "重新打开", E.UNSUBSTANTIATE: "认定不成立", E.ASK_EXTENSION: "申请延期", E.GRANT_EXTENSION: "同意延期",
    E.REFUSE_EXTENSION: "不同意延期", E.REGRADE: "调整等级", E.ASSESS: "风险评价", E.STOP_USE: "停用", E.RESUME_USE: "恢复使用",
    E.ORDER: "监察指令", E.NOTIFY: "通报", E.INTERVIEW: "约谈", E.SUPERVISE: "挂牌督办", E.UNSUPERVISE: "解除督办",
    E.OVERDUE: "逾期提示", E.LATE: "超时提示", E.SEEN: "再次发现",
}  # fmt: skip
"""What states and steps are called where somebody is told why a step is not possible."""
OPEN = (S.LISTED, S.HANDED_OVER, S.RECEIPTED, S.RECTIFYING, S.RECHECK)
OVER = frozenset({S.CLOSED, S.UNSUBSTANTIATED})
STAYING = (
    E.REGRADE,
    E.ASSESS,
    E.STOP_USE,
    E.RESUME_USE,
    E.ORDER,
    E.NOTIFY,
    E.INTERVIEW,
    E.SUPERVISE,
    E.UNSUPERVISE,
    E.LATE,
    E.SEEN,
)
"""What is possible with every open hazard and moves none."""
TABLE: dict[tuple[HazardState, HazardStep], HazardState] = {
    (S.LISTED, E.HAND_OVER): S.HANDED_OVER,
    **{(state, E.HAND_OVER): S.HANDED_OVER for state in (S.HANDED_OVER, S.RECEIPTED, S.RECTIFYING)},  # 改派
    (S.HANDED_OVER, E.SEND_BACK): S.LISTED,
    (S.HANDED_OVER, E.RECEIPT): S.RECEIPTED,
    (S.RECEIPTED, E.START): S.RECTIFYING,
    (S.RECTIFYING, E.PROGRESS): S.RECTIFYING,
    (S.RECTIFYING, E.APPLY): S.RECHECK,
    # what the platform sees to be put right is put right, whether or not its unit had signed for the hand-over; once it has
    # asked for a re-check, the officer decides
    **{(state, E.SELF_CLOSE): S.CLOSED for state in (S.LISTED, S.HANDED_OVER, S.RECEIPTED, S.RECTIFYING)},
    (S.RECHECK, E.INSPECT): S.RECHECK,
    (S.RECHECK, E.RETURN): S.RECTIFYING,
    (S.RECHECK, E.CLOSE): S.CLOSED,
    (S.CLOSED, E.LOOK_BACK): S.CLOSED,
    (S.CLOSED, E.REOPEN): S.RECTIFYING,
    **{(state, E.UNSUBSTANTIATE): S.UNSUBSTANTIATED for state in (S.LISTED, S.HANDED_OVER, S.RECEIPTED)},
    **{(state, step): state for state in (S.RECEIPTED, S.RECTIFYING)
       for step in (E.ASK_EXTENSION, E.GRANT_EXTENSION, E.REFUSE_EXTENSION)},
    **{(state, E.OVERDUE): state for state in (S.HANDED_OVER, S.RECEIPTED, S.RECTIFYING)},
    **{(state, step): state for state in OPEN for step in STAYING},
}  # fmt: skip

NEEDS: dict[HazardStep, tuple[str, ...]] = {
    E.HAND_OVER: ("responsible_org_id", "measures", "due_at"),
    E.SEND_BACK: ("evidence",),
    E.START: ("measures",),
    E.PROGRESS: ("evidence",),
    E.APPLY: ("evidence",),
    E.SELF_CLOSE: ("evidence",),
    E.INSPECT: ("evidence", "officer"),
    E.RETURN: ("evidence",),
    E.CLOSE: ("evidence", "officers"),
    E.LOOK_BACK: ("evidence", "officers"),
    E.REOPEN: ("evidence",),
    E.UNSUBSTANTIATE: ("evidence",),
    E.ASK_EXTENSION: ("until", "evidence"),
    E.REGRADE: ("grade", "evidence"),
    E.ASSESS: ("method",),
    E.STOP_USE: ("evidence",),
    E.RESUME_USE: ("evidence",),
    E.ORDER: ("measures", "officers"),
    E.NOTIFY: ("scope",),
    E.INTERVIEW: ("evidence",),
}
"""What a step must bring along: nothing is closed without evidence."""
REASONED = frozenset(
    {
        E.SEND_BACK,
        E.GRANT_EXTENSION,
        E.REFUSE_EXTENSION,
        E.REGRADE,
        E.NOTIFY,
        E.INTERVIEW,
        E.SUPERVISE,
        E.UNSUPERVISE,
        E.ORDER,
    }
)
"""Steps that say why."""
FULL_DUTIES = ("responsible_person", "funds", "plan", "officers")
"""五落实 and two officers: what a hand-over of a major or supervised hazard names besides unit, measures and deadline."""
TWO_OFFICERS = frozenset({E.HAND_OVER, E.ORDER, E.NOTIFY, E.INTERVIEW, E.SUPERVISE, E.CLOSE, E.LOOK_BACK})
"""Where officers are named they are two, each with the number of his certificate."""

RECTIFIERS = frozenset({E.SEND_BACK, E.RECEIPT, E.START, E.PROGRESS, E.APPLY, E.SELF_CLOSE, E.ASK_EXTENSION})
"""Steps of the responsible unit."""
PRESSING = frozenset(
    {E.UNSUBSTANTIATE, E.NOTIFY, E.INTERVIEW, E.GRANT_EXTENSION, E.REFUSE_EXTENSION, E.ASSESS, E.REGRADE}
)
"""Steps of the inspector and of his leaders."""
COMMANDING = frozenset({E.SUPERVISE, E.UNSUPERVISE})
"""Steps of the leaders only."""
BY_ITSELF = frozenset({E.OVERDUE, E.LATE, E.SEEN})
"""What nobody does: clocks and sources."""


def action_of(step: HazardStep) -> str:
    """The action of the access table that a step asks for; "" for what nobody does by hand."""
    if step in BY_ITSELF:
        return ""
    if step in RECTIFIERS:
        return "hazard.rectify"
    if step in COMMANDING:
        return "hazard.command"
    return "hazard.press" if step in PRESSING else "hazard.supervise"


def takes_full_duties(grade: str, supervised: bool) -> bool:  # two facts of a hazard, in their order
    """Whether all of 五落实, both officers' own entries and photographs before and after are asked for.

    >>> takes_full_duties("serious", False)
    False
    """
    return grade == "major" or supervised


def next_state(state: HazardState, step: HazardStep) -> HazardState:
    """Where ``step`` leads from ``state``.

    Raises
    ------
    StepError
        The state does not know the step.
    """
    found = TABLE.get((state, step))
    if found is None:
        allowed = [e for s, e in TABLE if s is state and e not in BY_ITSELF]
        raise StepError(
            f"{STATE_ZH[state]}的隐患不能{STEP_ZH[step]}，可以：{'、'.join(STEP_ZH[e] for e in allowed) or '无'}"
            f" ({step.value} is not possible while it is {state.value}; possible: {', '.join(e.value for e in allowed) or 'nothing'})"
        )
    return found
