"""Drawings of the report (插图) as SVG: for the page, for print and for the PDF alike. Black on white, told apart by form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from dashboards.indicators.monitor import Monitor
from dashboards.indicators.standing import Leading

WIDTH, HEIGHT = 640.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 16.0, 30.0
INK, GREY, PAPER = "#161b1f", "#5e6a72", "#ffffff"


def _scale(values: Sequence[float]) -> float:
    top = max([v for v in values if v > 0], default=1.0)
    step = 10.0 ** math.floor(math.log10(top))
    return next(step * m for m in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12) if step * m >= top)


def _frame(labels: Sequence[str], top: float, unit: str) -> tuple[list[str], list[float]]:
    inner, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    xs = [LEFT + inner * (i + 0.5) / len(labels) for i in range(len(labels))]
    parts = []
    for part in range(5):
        y = TOP + high * part / 4
        parts.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{GREY}" stroke-width="0.4"/>'
        )
        parts.append(_text(LEFT - 6, y + 4, f"{top * (4 - part) / 4:.3g}", "end"))
    every = max(1, round(len(labels) / 8))
    parts += [
        _text(x, HEIGHT - 10, label, "middle")
        for i, (x, label) in enumerate(zip(xs, labels, strict=True))
        if i % every == 0
    ]
    parts.append(_text(LEFT, TOP - 5, unit, "start"))
    return parts, xs


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" fill="{INK}" text-anchor="{anchor}" font-family="Noto Sans CJK SC, Noto Sans SC, sans-serif">{escape(text)}</text>'


def _svg(parts: Sequence[str], title: str) -> str:
    box = f'viewBox="0 0 {WIDTH:g} {HEIGHT:g}" width="{WIDTH:g}" height="{HEIGHT:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{escape(title)}">'
    ground = f'<rect width="{WIDTH:g}" height="{HEIGHT:g}" fill="{PAPER}"/>'
    return "".join((head, f"<title>{escape(title)}</title>", ground, *parts, "</svg>"))


def _y(value: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(value, top) / top)


def _dashed(y: float, label: str) -> str:
    return (
        f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{INK}" stroke-width="1" stroke-dasharray="6 4"/>'
        + _text(WIDTH - RIGHT, y - 4, label, "end")
    )


def intervals(monitor: Monitor) -> str:
    """Rate by year with exact intervals and the target; empty without units."""
    shown = [(str(f.inputs.last.year), f.statistics) for f in monitor.years if f.statistics is not None]
    if not shown:
        return ""
    top = _scale([s.ci95_high for _y0, s in shown] + [monitor.target])
    parts, xs = _frame([label for label, _s in shown], top, "每万台·年")
    for x, (_label, s) in zip(xs, shown, strict=True):
        low, high, at = _y(s.ci95_low, top), _y(s.ci95_high, top), _y(s.rate_per_10k, top)
        parts += [
            f'<path d="M{x:.1f} {low:.1f}V{high:.1f}M{x - 5:.1f} {low:.1f}h10M{x - 5:.1f} {high:.1f}h10" stroke="{INK}" stroke-width="1.2" fill="none"/>',
            f'<path d="M{x:.1f} {at - 5:.1f}l5 5l-5 5l-5 -5z" fill="{INK}"/>',
        ]
    parts.append(_dashed(_y(monitor.target, top), f"目标 {monitor.target:g}"))
    return _svg(parts, "各年万台死亡率及 95% 精确区间")


def trend(item: Leading) -> str:
    """Rates per month with their control limits."""
    top = _scale([*item.rates, *(b.high for b in item.limits)])
    parts, xs = _frame([m.strftime("%Y-%m") for m in item.months], top, f"每千台 {item.definition.zh}")
    line = " ".join(f"{x:.1f},{_y(r, top):.1f}" for x, r in zip(xs, item.rates, strict=True))
    high = " ".join(f"{x:.1f},{_y(b.high, top):.1f}" for x, b in zip(xs, item.limits, strict=True))
    low = " ".join(f"{x:.1f},{_y(b.low, top):.1f}" for x, b in zip(xs, item.limits, strict=True))
    parts += [
        f'<polyline points="{p}" fill="none" stroke="{GREY}" stroke-width="1" stroke-dasharray="5 4"/>'
        for p in (high, low)
    ]
    parts.append(f'<polyline points="{line}" fill="none" stroke="{INK}" stroke-width="1.6"/>')
    for i, (x, r) in enumerate(zip(xs, item.rates, strict=True)):
        y = _y(r, top)
        parts.append(
            f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z" fill="#a94100" stroke="{INK}"/>'
            if i in item.signals
            else f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{INK}"/>'
        )
    return _svg(parts, f"{item.definition.zh}，每千台每月，虚线为控制限")
