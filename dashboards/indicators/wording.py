"""What may and may not be concluded (结论用语), beside each number. Pure; zh and en.

Chinese texts never say that deaths are allowed: they say 距目标余量.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.indicators.fatality import Fatality


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence of what the number says, one of what it cannot say."""

    zh: str
    en: str
    limits_zh: str
    limits_en: str


def margin(f: Fatality) -> tuple[str, str]:
    """距目标余量 in words."""
    if f.exceeded_by:
        return f"已超出目标 {f.exceeded_by} 人", f"over the target by {f.exceeded_by}"
    return f"距目标余量 {f.allowed_remaining} 人", f"margin to the target: {f.allowed_remaining}"


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
