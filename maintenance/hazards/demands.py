"""What each step asks before it is taken, beyond the table of states. Raises ``StepError`` with what to do."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from equipment.access.model import Asker, Role
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection
from maintenance.errors import StepError
from maintenance.hazards.lifecycle import FULL_DUTIES, NEEDS, REASONED, RECTIFIERS, TWO_OFFICERS, HazardStep
from maintenance.hazards.model import Hazard, Step
from maintenance.leads import QUERIES

OFFICERS = 2
"""At least two officers act (总局令第57号)."""
SEPARATORS = re.compile(r"[、,，;；\n]+")
OFFICER = re.compile(r"^(?P<name>[^\s\d]{2,20})\s*[（(]?\s*(?P<badge>[A-Za-z0-9-]{2,20})\s*[)）]?$")
WORDS = {
    "responsible_org_id": "责任单位", "measures": "整改措施", "due_at": "整改期限", "evidence": "证据", "officers": "执法人员（两人，含执法证号）",
    "officer": "复查人员", "responsible_person": "责任人", "funds": "整改资金", "plan": "应急预案",
    "until": "申请延至", "grade": "等级", "method": "评价方法", "scope": "通报范围",
}  # fmt: skip


def check(conn: Connection, hazard: Hazard, step: Step, asker: Asker) -> None:
    """Everything a step asks of what it brings along and of who takes it.

    Raises
    ------
    StepError
    """
    wanted = NEEDS.get(step.event, ())
    if step.event is HazardStep.HAND_OVER and hazard.full_duties:
        wanted += FULL_DUTIES
    missing = [WORDS[name] for name in wanted if not str(step.detail.get(name) or "").strip()]
    if step.event in REASONED and not (step.reason or "").strip():
        missing.append("理由")
    if missing:
        raise StepError(f"请补充 {'、'.join(missing)} (missing)")
    if step.event in RECTIFIERS and asker.organisation_id not in _rectifiers(conn, hazard, step):
        raise StepError("只有责任单位可以办理此步骤 (only the responsible unit takes this step)")
    if lightens(hazard, step) and asker.role is not Role.REGULATOR:
        raise StepError(
            "重大隐患降级或认定不成立，须由监管负责人办理 (only a leader of the authority lightens a major hazard)"
        )
    if step.event in TWO_OFFICERS and step.detail.get("officers"):
        officers_of(str(step.detail["officers"]), OFFICERS)
    match step.event:
        case HazardStep.HAND_OVER:
            _one_of_its_own(conn, hazard, step)
        case HazardStep.CLOSE:
            _recheck(conn, hazard, step, asker)
        case HazardStep.LOOK_BACK if hazard.look_back != "due":
            raise StepError("该隐患未被抽中回头看 (it was not drawn for a look back)")
        case HazardStep.INSPECT:
            officers_of(str(step.detail["officer"]), 1)
        case HazardStep.SELF_CLOSE:
            _own_correction(hazard)
        case HazardStep.GRANT_EXTENSION | HazardStep.REFUSE_EXTENSION if hazard.extension_until is None:
            raise StepError("没有待批准的延期申请 (no extension was asked for)")
        case HazardStep.SUPERVISE if hazard.supervised_at is not None:
            raise StepError("已在挂牌督办 (supervised already)")
        case HazardStep.UNSUPERVISE if hazard.supervised_at is None:
            raise StepError("未挂牌督办 (not supervised)")
        case HazardStep.STOP_USE if hazard.stop_use:
            raise StepError("已要求停用 (use is stopped already)")
        case HazardStep.RESUME_USE if not hazard.stop_use:
            raise StepError("未要求停用 (use is not stopped)")
        case _:
            pass


def lightens(hazard: Hazard, step: Step) -> bool:
    """Whether a major hazard would cease to be one without a re-check."""
    down = step.event is HazardStep.REGRADE and str(step.detail.get("grade")) != "major"
    return hazard.grade == "major" and (down or step.event is HazardStep.UNSUBSTANTIATE)


def _one_of_its_own(conn: Connection, hazard: Hazard, step: Step) -> None:
    text = str(step.detail["responsible_org_id"])
    known = conn.execute(QUERIES.parties_of, (hazard.id,)).fetchone() or ()
    if not text.isdigit() or int(text) not in known:
        raise StepError(
            "责任单位须为该设备的使用单位或维保单位 (the responsible unit is the use-unit or the maintenance firm of it)"
        )


def officers_of(text: str, least: int) -> list[dict[str, str]]:
    """姓名 and 执法证号 of each officer.

    >>> officers_of("李四 W1001、王五 W1002", 2)[1]
    {'name': '王五', 'badge': 'W1002'}

    Raises
    ------
    StepError
        Fewer than ``least`` different ones, or one without the number of his certificate.
    """
    found = {}
    for part in (p.strip() for p in SEPARATORS.split(text)):
        if not part:
            continue
        match = OFFICER.match(part)
        if match is None:
            raise StepError(f"请写明姓名和执法证号，例如 李四 W1001，收到 {part!r} (name and badge number)")
        found[match["badge"]] = match.groupdict()
    if len(found) < least:
        raise StepError(f"执法人员须不少于 {least} 人，请以顿号分隔填写姓名和执法证号 (two officers at least)")
    return list(found.values())


def _recheck(conn: Connection, hazard: Hazard, step: Step, asker: Asker) -> None:
    row = conn.execute(QUERIES.who_applied, (hazard.id,)).fetchone()
    if row is not None and row[0] == asker.account_id:
        raise StepError("申请人不能自行复查销号 (whoever applied cannot re-check)")
    if not hazard.full_duties:
        return
    others = conn.execute(QUERIES.inspected_by_another, (hazard.id, asker.account_id, hazard.id)).fetchone()
    if others is None:
        raise StepError(
            "须先由另一名执法人员以本人账号登记现场复查 (another officer first enters his re-check from his own account)"
        )
    stages = {r[0] for r in conn.execute(QUERIES.photo_stages, (hazard.id,))}
    if not {"before", "after"} <= stages:
        raise StepError("须有整改前、整改后照片 (photographs before and after are needed)")


def _rectifiers(conn: Connection, hazard: Hazard, step: Step) -> tuple[int | None, ...]:
    """Who may rectify: the responsible unit; before the hand-over named one, the use-unit and the firm of the subject."""
    if hazard.responsible_org_id is not None or step.event is not HazardStep.SELF_CLOSE:
        return (hazard.responsible_org_id,)
    return tuple(conn.execute(QUERIES.parties_of, (hazard.id,)).fetchone() or ())


def _own_correction(hazard: Hazard) -> None:
    if hazard.reopened:
        raise StepError("曾重新打开的隐患须经复查销号 (what was opened again is closed by a re-check only)")
    if hazard.grade != "general" or hazard.supervised_at is not None or hazard.stop_use:
        raise StepError(
            "只有一般且未督办、未停用的隐患可以自查自改销号 (only a general hazard is closed by its own unit)"
        )


def deadline_of(text: str, now: datetime) -> datetime:
    """The end of a day of the city, or an exact time; it lies ahead.

    Raises
    ------
    StepError
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise StepError(f"期限 {text!r} 不是日期，例如 2026-12-01 (not a date)") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=SHANGHAI)
        if moment.hour == moment.minute == 0:
            moment += timedelta(days=1) - timedelta(seconds=1)
    if moment <= now:
        raise StepError("期限已过 (the deadline lies in the past)")
    return moment
