"""The text of a report (月报, 年报) from the board: the same numbers, in sentences and tables, zh-CN. Pure."""

from __future__ import annotations

from dashboards.indicators import wording
from dashboards.indicators.board import Board
from dashboards.indicators.definitions import UNDECIDED_ZH
from dashboards.reports import pictures
from dashboards.reports.model import Cell, Document, ReportKind, ReportPeriod, Section, Table
from equipment.foundation.clock import SHANGHAI

UNKNOWN = "未知"
KINDS_ZH = {"lift": "电梯", "escalator": "自动扶梯和自动人行道", "boiler": "锅炉", "pressure_vessel": "压力容器", "crane": "起重机械",
            "ropeway": "客运索道", "amusement_ride": "大型游乐设施", "vehicle": "场（厂）内专用机动车辆", "pressure_pipe": "压力管道"}  # fmt: skip
LEVELS_ZH = {"below": "未达等级", "general": "一般", "larger": "较大", "major": "重大", "extraordinary": "特别重大"}


def percent(share: float | None) -> str:
    """A share as the board prints it."""
    return UNKNOWN if share is None else f"{share * 100:.1f}%"


def compose(board: Board, period: ReportPeriod, city: str) -> Document:
    """The report of a period from the board as of its last day."""
    cut = board.facts.cut.cut_at.astimezone(SHANGHAI)
    known = board.facts.known_at.astimezone(SHANGHAI)
    name = "月报" if period.kind is ReportKind.MONTHLY else "年报"
    place = board.focus.place.zh or city
    definition = board.definition.zh
    chosen = board.official
    facts = (
        ("报告期", f"{period.first.isoformat()} 至 {period.last.isoformat()}"),
        ("数据截止", f"{known:%Y-%m-%d %H:%M:%S}"),
        ("台账快照", f"{cut:%Y-%m-%d %H:%M:%S}"),
        ("指标口径", f"{definition}（{chosen.document_no}，{chosen.approved_by}批准）" if chosen else f"{UNDECIDED_ZH}：暂按“{definition}”计算"),
    )  # fmt: skip
    sections = (
        _fatality(board, period), _candidates(board), _coverage(board), _changes(board), _leading(board), _accidents(board, period),
        _risks(board), _method(board),
    )  # fmt: skip
    return Document(f"{place}特种设备安全{name}", period.zh, facts, sections)


def _fatality(board: Board, period: ReportPeriod) -> Section:
    m, f = board.monitor, board.main.statistics
    if f is None or board.main.printed is None:
        return Section("万台死亡率", ("没有在用设备，无法计算万台死亡率。",))
    words = [
        (
            f"本年截至 {board.main.inputs.last.isoformat()}，计入死亡 {board.main.deaths} 人，万台死亡率 {board.main.printed}"
            f"（目标 ≤ {m.target:g}），95% 精确区间 {f.ci95_low:.3f}—{f.ci95_high:.3f}。"
        ),
        wording.conclude(f).zh + wording.conclude(f).limits_zh,
    ]
    if m.year_end is not None:
        words.append(wording.ending(m.year_end, m.prior, m.above_with_prior).zh)
    words.append(wording.of_dispersion(m).zh)
    rows: list[tuple[Cell, ...]] = [
        (str(x.inputs.last.year), x.deaths, round(x.units), round(x.statistics.rate_per_10k, 4), round(x.statistics.ci95_low, 4), round(x.statistics.ci95_high, 4))
        for x in m.years
        if x.statistics is not None
    ]  # fmt: skip
    columns = ("年份", "死亡人数", "台数", "每万台·年", "区间下限", "区间上限")
    return Section("万台死亡率", tuple(words), Table(columns, tuple(rows)), pictures.intervals(m))


def _candidates(board: Board) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for c in board.monitor.candidates:
        missing = c.printed is None or (c.definition.cylinders and not c.inputs.cylinders)
        official = board.official is not None and board.official.definition.id == c.definition.id
        rows.append((
            ("【正式口径】" if official else "") + c.definition.zh, UNKNOWN if missing else str(c.printed), c.deaths, round(c.units), c.definition.mark,
        ))  # fmt: skip
    note = "同一组死亡在各候选口径下的数值；与其他地区比较须先核对口径。"
    return Section("各候选口径对照", (note,), Table(("口径", "数值", "死亡人数", "台数", "核实标记"), tuple(rows)))


def _coverage(board: Board) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for c, moved in zip(board.coverages, board.movements, strict=True):
        state = UNKNOWN if c.met is None else "达标" if c.met else "未达标" if c.connected else "尚无登记"
        rows.append((
            c.definition.zh, f"≥ {c.definition.target * 100:.0f}%", percent(c.share), state, c.of, c.connected, c.enabled, c.effective,
            c.short if c.of else UNKNOWN, moved.net, c.excluded,
        ))  # fmt: skip
    columns = ("指标", "目标", "有效率", "状态", "应覆盖", "已接入", "已启用", "有效", "距目标差", "本月净变化", "排除")
    return Section(
        "覆盖率目标", ("已接入不等于已启用，已启用不等于有效；达标按“有效”判定。",), Table(columns, tuple(rows))
    )


def _changes(board: Board) -> Section:
    words = []
    for x in board.movements:
        if x.any:
            where = "、".join(f"{board.facts.place(i).zh} {net:+d}" for i, net in x.mostly)
            words.append(
                f"{x.definition.zh}：本月新增有效 {x.gained}，失效 {x.lost}，新投用 {x.entered_covered + x.entered_open}（其中有效 {x.entered_covered}），"
                f"退出 {x.left_covered + x.left_open}，净变化 {x.net:+d}" + (f"；主要在 {where}。" if where else "。")
            )
    return Section("本月变化及原因", tuple(words) or ("本月各覆盖率没有变化。",))


def _leading(board: Board) -> Section:
    if not board.leading:
        return Section("领先指标", ("没有在用电梯，无法计算。",))
    words = tuple(f"{x.definition.zh}：{wording.of_leading(x).zh}" for x in board.leading)
    counts = [dict(zip(x.months, x.counts, strict=True)) for x in board.leading]
    months = sorted({m for x in board.leading for m in x.months})
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (m.strftime("%Y-%m"), *(c.get(m, UNKNOWN) for c in counts)) for m in months
    )
    return Section(
        "领先指标",
        words,
        Table(("月份", *(x.definition.zh.split("（")[0] for x in board.leading)), rows),
        pictures.trend(board.leading[0]),
    )


def _accidents(board: Board, period: ReportPeriod) -> Section:
    within = [
        a for a in board.facts.accidents_of(board.focus)
        if period.first <= a.occurred_at.astimezone(SHANGHAI).date() <= period.last
    ]  # fmt: skip
    if not within:
        return Section("报告期内事故", ("报告期内没有登记的事故。",))
    rows: list[tuple[Cell, ...]] = [
        (a.number, f"{a.occurred_at.astimezone(SHANGHAI):%Y-%m-%d}", KINDS_ZH.get(a.kind, a.kind), LEVELS_ZH[a.level.value], a.deaths,
         a.serious_injuries, board.verdict_of(a).zh)
        for a in within
    ]  # fmt: skip
    return Section(
        "报告期内事故", (), Table(("编号", "发生日期", "设备", "等级", "30 日内死亡", "重伤", "是否计入"), tuple(rows))
    )


def _risks(board: Board) -> Section:
    words = (f"未销号重大隐患 {board.open_major_hazards} 项，逾期隐患 {board.overdue_hazards} 项。",)
    rows = tuple((r.name, r.district_zh, int(r.majors), int(r.entrapments), int(r.alarms)) for r in board.risks)
    table = Table(("设备", "辖区", "未销号重大隐患", "近 30 日困人", "未结束紧急报警"), rows) if rows else None
    return Section("风险最高的设备", words, table)


def _method(board: Board) -> Section:
    chart = board.monitor.cusum
    words = [
        "区间为 Garwood 精确区间；达到目标的概率按伽马-泊松模型计算，先验已注明。单年数值随 1 人死亡大幅波动，不宜据此排名或作环比评价。"
    ]
    if chart is not None:
        words.append(wording.of_cusum(chart).zh + wording.of_cusum(chart).limits_zh)
    words.append(wording.of_funnel(board.monitor.funnel).zh + wording.of_funnel(board.monitor.funnel).limits_zh)
    for intervals, what in ((board.monitor.t_chart, "死亡事故之间"), (board.monitor.g_chart, "计入事故之间")):
        said = wording.of_intervals(intervals, what, "")
        words.append(said.zh + said.limits_zh)
    return Section("方法与可下的结论", tuple(words))
