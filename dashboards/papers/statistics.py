"""应急统计 as a document: every figure with its definition, zh-CN. Pure."""

from __future__ import annotations

from datetime import timedelta

from alarms.statistics.figures import BINS, Figures, Group, Times
from alarms.statistics.load import (
    ACCEPTABLE_PER_HOUR,
    BASIS_DAYS,
    MANAGEABLE_PER_HOUR,
    Load,
)
from alarms.statistics.model import Case, Nature, Start
from alarms.statistics.store import Statistics
from dashboards.reports.model import Cell, Document, Section, Table
from equipment.foundation.clock import SHANGHAI

UNKNOWN = "未知"
STARTS_ZH = {Start.REPORTED: "报警→到达", Start.DISPATCHED: "派单→到达"}
NATURES_ZH = {Nature.REAL: "实际事件", Nature.SUPPLEMENT: "补录", Nature.DRILL: "演练", Nature.TEST: "测试"}
KINDS_ZH = {"entrapment": "困人", "fault": "故障", "complaint": "投诉", "consultation": "咨询", "self_release": "自行脱困",
            "false_alarm": "误报", "other": "其他", "unknown": "未知"}  # fmt: skip
SOURCES_ZH = {"call": "96366 来电", "alarm": "传感器", "qr": "扫码"}
LEVELS_ZH = {1: "一级（签约维保单位）", 2: "二级（救援站）", 3: "三级（119/110）", None: "未派单"}
MODES_ZH = {"firm": "维保解救", "property": "物业解救", "self": "自行脱困", "station": "救援站解救", "fire_brigade": "消防解救",
            "other": "其他", None: UNKNOWN}  # fmt: skip
CAUSES_ZH = {
    "1": "人为",
    "2": "外部",
    "3": "门系统",
    "4": "曳引系统",
    "5": "控制系统",
    "6": "安全保护装置",
    "7": "其他",
}
GROUPS_ZH = {"district": "辖区", "firm": "维保单位", "maker": "制造单位", "age": "梯龄", "hour": "时段"}
SEVERITIES_ZH = {"critical": "紧急", "high": "重要", "medium": "次要", "low": "提示"}
LATE_ROWS = 200


def minutes(span: timedelta | float | None) -> str:
    """``12 分 05 秒``, or 未知."""
    if span is None:
        return UNKNOWN
    whole = round(span.total_seconds() if isinstance(span, timedelta) else span)
    return f"{whole // 60} 分 {whole % 60:02d} 秒"


def percent(share: float | None, digits: int = 1) -> str:
    """A share, or 未知."""
    return UNKNOWN if share is None else f"{share * 100:.{digits}f}%"


def cause(code: str | None) -> str:
    """The first level of the classification of causes, with the code."""
    if not code:
        return UNKNOWN
    return f"{CAUSES_ZH.get(code[0], UNKNOWN)}（{code}）"


def compose(found: Statistics, place: str, title: str = "电梯应急处置统计") -> Document:
    """The whole document of a period."""
    f = found.figures
    facts = (
        ("统计期", f"{f.period.first.isoformat()} 至 {f.period.last.isoformat()}（{f.period.days} 天）"),
        ("数据时间", f"{found.read_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"),
        ("范围", place),
        ("统计对象", "经人员确认的实际事件；传感器线索未经确认的、演练、测试和补录不计入"),
        ("在用电梯", UNKNOWN if f.lifts is None else f"{f.lifts} 台（期末日，电梯、自动扶梯和自动人行道）"),
    )
    sections = (
        _summary(found), _times(f), _levels(f), _causes(f), *(_group(f, n) for n in ("district", "firm", "maker")), _age_hour(f),
        _late(f), _load(found.load),
    )  # fmt: skip
    return Document(title, f"{f.period.first:%Y-%m-%d} 至 {f.period.last:%Y-%m-%d}", facts, sections)


def _rate(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value * 100:.3f}%"


def _summary(found: Statistics) -> Section:
    f = found.figures
    words = [
        (
            f"困人 {f.entrapments} 起，解救 {f.people_freed} 人"
            + (f"（其中 {f.people_unknown} 起人数未记录，未计入人数）" if f.people_unknown else "")
            + f"；困人率 {_rate(f.rate())}（困人起数 ÷ {f.period.months:.2f} 个月 ÷ 在用电梯），日困人率 {_rate(f.daily_rate())}。"
        ),
        (
            f"另有补录困人 {f.supplements} 起，不计入以上各数；连同补录的困人率为 {_rate(f.rate(f.entrapments + f.supplements))}。"
            f"未计入的传感器线索：自动消除 {found.leads.auto_cleared} 起，误报 {found.leads.false_alarms} 起，"
            f"尚未核实 {found.leads.unconfirmed} 起。"
        ),
    ]
    rows: list[tuple[Cell, ...]] = [("性质", NATURES_ZH[n], f.by_nature[n]) for n in NATURES_ZH]
    rows += [("类型", KINDS_ZH.get(k, k), n) for k, n in sorted(f.by_kind.items(), key=lambda x: (-x[1], x[0]))]
    rows += [("困人首报来源", SOURCES_ZH[s], f.by_source.get(s, 0)) for s in SOURCES_ZH]
    return Section("概况", tuple(words), Table(("分组", "项目", "起数"), tuple(rows)))


def _bins(name: str, t: Times) -> tuple[Cell, ...]:
    return (name, t.known, t.missing, minutes(t.mean_seconds), percent(t.share_in_time, 2), *t.bins)


def _times(f: Figures) -> Section:
    rows = (
        *(_bins(STARTS_ZH[start], f.arrival[start]) for start in Start), _bins("到达→解救", f.release),
    )  # fmt: skip
    columns = ("时段", "有记录", "缺失或不可能", "平均", "≤30 分占比", *(f"{a}–{b} 分" for a, b in BINS), "≥30 分")
    note = "30 分钟时限的起点有报警和派单两种，公布口径多未写明，两者并列；分档为左闭右开，按秒计算，恰为 30 分 00 秒计入末档但不算超时。"
    return Section("到达与解救用时（困人）", (note,), Table(columns, rows))


def _levels(f: Figures) -> Section:
    rows: list[tuple[Cell, ...]] = [
        ("响应级别", LEVELS_ZH[level], f.levels.get(level, 0), percent(_share(f.levels.get(level, 0), f.entrapments), 2))
        for level in (1, 2, 3, None)
    ]  # fmt: skip
    rows += [
        ("解救方式", MODES_ZH[m], f.release_modes.get(m, 0), percent(_share(f.release_modes.get(m, 0), f.entrapments), 2))
        for m in MODES_ZH if f.release_modes.get(m)
    ]  # fmt: skip
    note = "级别按最先到达者所属的派单级别计，无人到达的按最高派单级别计；每起只计一级，各级之和等于困人起数。"
    return Section("响应级别与解救方式", (note,), Table(("分组", "项目", "起数", "占比"), tuple(rows)))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _causes(f: Figures) -> Section:
    ordered = sorted(f.causes.items(), key=lambda x: (-x[1], x[0] or ""))
    rows: tuple[tuple[Cell, ...], ...] = tuple((cause(c), n, percent(_share(n, f.entrapments), 2)) for c, n in ordered)
    return (
        Section("原因（困人）", (), Table(("原因", "起数", "占比"), rows))
        if rows
        else Section("原因（困人）", ("没有困人事件。",))
    )


def _row(group: Group) -> tuple[Cell, ...]:
    return (
        group.name, group.entrapments, group.people, minutes(group.from_report.mean_seconds), minutes(group.from_order.mean_seconds),
        group.from_order.known - group.from_order.in_time, minutes(group.release.mean_seconds),
    )  # fmt: skip


GROUP_COLUMNS = ("困人起数", "解救人数", "报警→到达平均", "派单→到达平均", "派单起超 30 分", "到达→解救平均")


def _group(f: Figures, name: str) -> Section:
    title = f"按{GROUPS_ZH[name]}（困人）"
    rows = tuple(_row(g) for g in f.groups[name])
    return (
        Section(title, (), Table((GROUPS_ZH[name], *GROUP_COLUMNS), rows))
        if rows
        else Section(title, ("没有困人事件。",))
    )


def _age_hour(f: Figures) -> Section:
    rows = tuple((GROUPS_ZH[n], *_row(g)) for n in ("age", "hour") for g in f.groups[n])
    title = "按梯龄和时段（困人）"
    return (
        Section(title, (), Table(("分组", "项目", *GROUP_COLUMNS), rows))
        if rows
        else Section(title, ("没有困人事件。",))
    )


def _late(f: Figures) -> Section:
    both: dict[int, Case] = {c.id: c for start in Start for c in f.late[start]}
    counts = "，".join(f"{STARTS_ZH[s]} {len(f.late[s])} 起" for s in Start)
    ordered = sorted(both.values(), key=lambda c: c.reported_at)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (c.number, c.place, c.firm or UNKNOWN, f"{c.reported_at.astimezone(SHANGHAI):%m-%d %H:%M:%S}", minutes(c.arrival(Start.REPORTED)),
         minutes(c.arrival(Start.DISPATCHED)))
        for c in ordered[:LATE_ROWS]
    )  # fmt: skip
    words = [f"超过 30 分钟到达：{counts}。"]
    if len(ordered) > LATE_ROWS:
        words.append(f"表中列出最早的 {LATE_ROWS} 起，共 {len(ordered)} 起。")
    columns = ("编号", "地点", "维保单位", "报警时间", STARTS_ZH[Start.REPORTED], STARTS_ZH[Start.DISPATCHED])
    return Section("超过 30 分钟到达", tuple(words), Table(columns, rows) if rows else None)


def _load(x: Load) -> Section:
    words = [
        (
            f"通告 {x.annunciations} 次"
            + (f"，每坐席每小时 {x.per_hour:.2f} 次" if x.per_hour is not None else "，没有坐席操作记录，无法按坐席平均")
            + f"（≤ {ACCEPTABLE_PER_HOUR} 可接受，≤ {MANAGEABLE_PER_HOUR} 为上限）；最忙 10 分钟每坐席 {x.busiest:.1f} 次（≤ 10）；"
            f"超过 10 次的 10 分钟占 {percent(x.over_share, 2)}（< 1%）；报警泛滥 {x.floods} 次，占时 {percent(x.flood_share, 2)}（< 1%）；"
            f"前十条规则占 {percent(x.top_share)}（≤ 5%）。"
        ),
        "按 ISA-18.2-2016 第 16 条；坐席在某小时有操作即计为在岗" + (f"；其间无人在岗的通告 {x.unattended} 次。" if x.unattended else "。"),
    ]  # fmt: skip
    if x.severities:
        words.append(
            "按级别："
            + "，".join(
                f"{SEVERITIES_ZH.get(s, s)} {n}（{percent(_share(n, x.annunciations))}）" for s, n in x.severities
            )
            + "。"
        )
    if x.days < BASIS_DAYS:
        words.append(f"统计期不足 {BASIS_DAYS} 天，不宜据此评价。")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            s.name, s.hours, s.taken, minutes(s.mean_take_seconds), s.acts, round(s.rung, 1), round(s.per_hour, 2),
            round(s.busiest, 1), percent(s.over_share, 2),
        )
        for s in x.seats
    )  # fmt: skip
    columns = (
        "坐席", "在岗小时", "接警", "平均接警用时", "操作次数", "分担通告", "每小时通告", "最忙 10 分钟", "超 10 次占比",
    )  # fmt: skip
    return Section("坐席负荷（ISA-18.2）", tuple(words), Table(columns, rows) if rows else None)
