"""What may and may not be concluded (结论用语), beside each number. Pure; zh and en.

Chinese texts never say that deaths are allowed: they say 距目标余量.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.indicators.charts import FEWEST_FOR_RUNS
from dashboards.indicators.fatality import Fatality
from dashboards.indicators.figures import YearEnd
from dashboards.indicators.monitor import CusumChart, FunnelPoint, IntervalChart, Monitor, Prior
from dashboards.indicators.standing import Leading


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence of what the number says, one of what it cannot say."""

    zh: str
    en: str
    limits_zh: str
    limits_en: str

    def said(self, language: str) -> str:
        """What it says."""
        return self.zh if language == "zh-CN" else self.en

    def limits(self, language: str) -> str:
        """What it cannot say."""
        return self.limits_zh if language == "zh-CN" else self.limits_en


def _p(value: float) -> str:
    """A p-value as it is read: no more digits than it has meaning."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def margin(remaining: int, exceeded_by: int) -> tuple[str, str]:
    """距目标余量 in words."""
    if exceeded_by:
        return f"已超出目标 {exceeded_by} 人", f"over the target by {exceeded_by}"
    return f"距目标余量 {remaining} 人", f"margin to the target: {remaining}"


def conclude(f: Fatality) -> Words:
    """The verdict that the exact interval allows, and no stronger one."""
    probability = f"{f.p_at_or_below_target:.0%}"
    step_zh = f"本期规模下每 1 人死亡使万台死亡率变动 {f.rate_of_one_death:.2f}"
    step_en = f"at this size one death moves the rate by {f.rate_of_one_death:.2f}"
    if f.ci95_low > f.target:
        zh, en = "实际死亡率高于目标，不能用偶然解释", "the true rate is above the target; chance does not explain it"
    elif f.ci95_high <= f.target:
        zh, en = "实际死亡率达到目标，有统计依据", "the true rate meets the target, and the numbers carry that"
    elif f.deaths == 0:
        zh = "没有死亡，但不足以证明实际死亡率达到目标"
        en = "no death, which is no proof that the true rate meets the target"
    else:
        zh = "区间跨越目标，不能判断实际死亡率高于或低于目标"
        en = "the interval spans the target: it cannot be said on which side the true rate lies"
    return Words(
        f"{zh}；达到目标的概率为 {probability}。",
        f"{en}; the probability that it does is {probability}.",
        f"{step_zh}；不宜据此做单年排名或环比评价。",
        f"{step_en}; do not rank areas or compare single years by it.",
    )


def ending(end: YearEnd, prior: Prior | None, above_with_prior: float | None) -> Words:
    """距目标余量 and how the year may end."""
    zh, en = margin(end.remaining, end.exceeded_by)
    chance = "" if end.above is None else f"；全年超出目标的概率 {end.above:.0%}（Jeffreys 先验）"
    chance_en = (
        "" if end.above is None else f"; probability to end the year above the target {end.above:.0%} (Jeffreys prior)"
    )
    if prior is not None and above_with_prior is not None:
        stated = f"{prior.area} {prior.year} 年 {prior.rate:.4f}，权重 {prior.strength:g} 万台·年"
        chance += f"，{above_with_prior:.0%}（先验 {stated}）"
        chance_en += (
            f", {above_with_prior:.0%} (prior: national {prior.year} rate {prior.rate:.4f}, weight {prior.strength:g})"
        )
    return Words(
        f"{zh}{chance}。",
        f"{en}{chance_en}.",
        "概率随先验变化；先验是选择，不是数据。余量为 0 只说明再有 1 人死亡即超出，不说明当前不安全。",
        "The probability depends on the prior, which is a choice and not data. A margin of 0 only says that one more death exceeds the target.",
    )


def of_funnel(points: tuple[FunnelPoint, ...]) -> Words:
    """Which districts lie outside, if any."""
    outside = [p for p in points if p.signals]
    if outside:
        zh = f"{'、'.join(p.place.zh for p in outside)}超出 99.8% 精确限，与目标的差异不能用偶然解释。"
        en = f"{', '.join(p.place.en for p in outside)} lie above the exact 99.8 % limit: more than chance."
    else:
        zh, en = (
            "没有区县超出 99.8% 精确限：区县之间的差别可以用偶然解释。",
            "No district lies above the exact 99.8 % limit: the differences can be chance.",
        )
    return Words(
        zh,
        en,
        "限内的区县不能排名；限内不等于达标。",
        "Districts inside the limits must not be ranked; inside does not mean that the target is met.",
    )


def of_cusum(chart: CusumChart) -> Words:
    """The chart's state with its run lengths."""
    lengths = f"ARL0 {chart.design.arl0:.0f} 个月、ARL1 {chart.design.arl1:.0f} 个月"
    if chart.signals and chart.signals[-1] == len(chart.path) - 1:
        zh, en = "本月累积和触限，应查明原因。", "The chart signals this month: look for the cause."
    elif chart.signals:
        month = chart.months[chart.signals[-1]]
        zh, en = f"最近一次触限在 {month:%Y-%m}，此后未触限。", f"The last signal was in {month:%Y-%m}; none since."
    else:
        zh, en = "累积和未触限。", "The chart has not signalled."
    return Words(
        zh, en,
        f"限值 h = {chart.design.h:g}、参考值 k = {chart.design.k:.4g} 对应 {lengths}：平均每 {chart.design.arl0:.0f} 个月误报一次，"
        f"死亡率升到目标 {chart.out_of_control / chart.in_control:g} 倍后平均 {chart.design.arl1:.0f} 个月才触限，未触限不证明没有恶化。",
        f"h = {chart.design.h:g}, k = {chart.design.k:.4g}: one false signal in {chart.design.arl0:.0f} months; a rate "
        f"{chart.out_of_control / chart.in_control:g} times the target is found after {chart.design.arl1:.0f} months on average, so no signal is no proof.",
    )  # fmt: skip


def of_intervals(chart: IntervalChart, what_zh: str, what_en: str) -> Words:
    """Days between events."""
    if chart.limits is None or len(chart.days) < 4:
        since = "" if chart.open_days is None else f"距最近一次 {chart.open_days} 天。"
        since_en = "" if chart.open_days is None else f" {chart.open_days} days since the last one."
        return Words(
            f"{what_zh}只有 {len(chart.days)} 个间隔，不足以判断。{since}", f"{len(chart.days)} intervals between {what_en}: too few to judge.{since_en}",
            "至少 4 个间隔后控制限才有意义。", "Limits mean something from 4 intervals on.",
        )  # fmt: skip
    short = [d for d in chart.days if d < chart.limits.low]
    long = chart.open_days is not None and chart.open_days > chart.limits.high
    if short:
        zh, en = (
            f"{what_zh}有 {len(short)} 个间隔短于下限，发生变密。",
            f"{len(short)} intervals between {what_en} are shorter than the limit: they come closer.",
        )
    elif long:
        zh, en = (
            f"距最近一次已 {chart.open_days} 天，超过上限，确有改善。",
            f"{chart.open_days} days since the last one, above the limit: an improvement.",
        )
    else:
        zh, en = f"{what_zh}间隔均在限内。", f"Intervals between {what_en} lie within the limits."
    runs_zh, runs_en = _of_runs(chart)
    return Words(
        zh + runs_zh, en + runs_en, "限值按指数（几何）分布计算；链检验只看间隔在中位数哪一侧，不假定分布。",
        "Limits are those of the exponential (geometric) distribution; the run rules look only at the side of the median and assume none.",
    )  # fmt: skip


def _of_runs(chart: IntervalChart) -> tuple[str, str]:
    """The run rules, or why they say nothing."""
    r = chart.runs
    if r is None:
        return (
            f"不足 {FEWEST_FOR_RUNS} 个可用间隔，不作链检验。",
            f" Fewer than {FEWEST_FOR_RUNS} useful intervals: no run rules.",
        )
    zh = f"链检验：最长连续 {r.longest} 个在中位数同侧（上限 {r.longest_allowed}），穿越 {r.crossings} 次（下限 {r.crossings_needed}）"
    en = f" Runs: {r.longest} in a row on one side of the median (at most {r.longest_allowed}), {r.crossings} crossings (at least {r.crossings_needed})"
    if r.signals:
        return f"{zh}，间隔水平有过持续变化，应查明原因。", f"{en}: the level has shifted, look for the cause."
    return f"{zh}，未见持续变化。", f"{en}: no shift is seen."


def of_dispersion(monitor: Monitor) -> Words:
    """Whether the Poisson model fits."""
    zh = f"聚集指数 {monitor.clustering:.2f}" + (
        "（死亡集中于少数事故，区间偏窄，宜同时看事故起数）" if monitor.clustering > 1 else "（每起死亡事故 1 人）"
    )
    en = f"clustering index {monitor.clustering:.2f}" + (
        " (deaths cluster in accidents: the interval is too narrow)"
        if monitor.clustering > 1
        else " (one death per fatal accident)"
    )
    test = monitor.dispersion
    if test is None:
        return Words(f"{zh}；年度离散度无从检验（没有死亡或不足两年）。", f"{en}; the scatter of years cannot be tested (no death, or fewer than two years).",
                     "未检出不等于没有过离散。", "Not found is not absent.")  # fmt: skip
    verdict = "未见过离散" if test.p_value >= 0.05 else "存在过离散"
    return Words(
        f"{zh}；年度离散度 {test.index:.2f}（χ² = {test.chi_square:.2f}，自由度 {test.degrees}，{_p(test.p_value)}），{verdict}。",
        f"{en}; scatter of years {test.index:.2f} (chi-square {test.chi_square:.2f}, {test.degrees} degrees, {_p(test.p_value)}).",
        "年数少时检验效力低，未检出不等于没有。", "With few years the test has little power: not found is not absent.",
    )  # fmt: skip


def of_leading(item: Leading) -> Words:
    """Signal or noise, for this month against the last and against the limits."""
    last = len(item.months) - 1
    now = f"{item.rates[last]:.2f}"
    inside = last not in item.signals
    p = item.p_against_last
    against_zh = (
        ""
        if p is None
        else (f"与上月相比差异可用偶然解释（{_p(p)}）" if p >= 0.05 else f"与上月相比确有变化（{_p(p)}）")
    )
    against_en = (
        ""
        if p is None
        else (
            f"against last month: chance explains it ({_p(p)})"
            if p >= 0.05
            else f"against last month: a real change ({_p(p)})"
        )
    )
    when_zh, when_en = ("当前存量", "open now") if item.definition.stock else ("本月至今", "this month so far")
    zh = f"{when_zh}每千台 {now}，{'在控制限内' if inside else '超出控制限，应查明原因'}{'；' + against_zh if against_zh else ''}。"
    en = f"{now} per 1,000 lifts {when_en}, {'within the limits' if inside else 'outside the limits: look for the cause'}{'; ' + against_en if against_en else ''}."
    if item.definition.stock:
        limits = (
            "存量逐月延续，各月不独立：控制限只作提示，看走向。",
            "A stock goes on from month to month: the limits are a hint, look at the course.",
        )
    elif item.definition.measure == "entrapments":
        limits = (
            "只计人或来电确认的事件；装了传感器的电梯不会因此显得更差。",
            "Only what a person or a call has confirmed.",
        )
    else:
        limits = ("月份未结束，按已过天数折算。", "The running month counts its elapsed days.")
    return Words(zh, en, *limits)
