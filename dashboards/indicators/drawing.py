"""The data of the board's charts (图): what charts.js draws and what a table beside it says. Pure."""

from __future__ import annotations

from typing import Any

from dashboards.i18n import gettext as _
from dashboards.indicators.facts import Facts
from dashboards.indicators.monitor import CusumChart, FunnelPoint, IntervalChart, Monitor
from dashboards.indicators.standing import Leading

DIGITS = 4


def _round(values: Any) -> list[Any]:
    return [None if v is None else round(float(v), DIGITS) for v in values]


def years(monitor: Monitor) -> dict[str, Any] | None:
    """Rate by year with exact intervals."""
    shown = [(f.inputs.last.year, f.statistics) for f in monitor.years if f.statistics is not None]
    if not shown:
        return None
    return {
        "labels": [str(y) for y, _s in shown], "unit": _("per 10,000 and year"),
        "rate": _round(s.rate_per_10k for _y, s in shown), "low": _round(s.ci95_low for _y, s in shown),
        "high": _round(s.ci95_high for _y, s in shown), "rate_name": _("rate"), "interval_name": _("95%% interval") % {},
        "target": {"name": _("target %(t)s") % {"t": f"{monitor.target:g}"}, "value": monitor.target},
    }  # fmt: skip


def funnel(points: tuple[FunnelPoint, ...], target: float, language: str) -> dict[str, Any]:
    """Districts over their exposure, with stepped exact limits."""
    ordered = sorted(points, key=lambda p: p.exposure)
    return {
        "unit": _("deaths per 10,000 and year"), "x": _("exposure, 10,000 unit-years"),
        "points": [
            {"name": p.place.zh if language == "zh-CN" else p.place.en, "x": round(p.exposure, DIGITS), "y": round(p.rate, DIGITS), "out": p.signals}
            for p in ordered
        ],
        "limits": [
            {"name": "95%", "high": [[round(p.exposure, DIGITS), round(p.limits_95.high, DIGITS)] for p in ordered]},
            {"name": "99.8%", "high": [[round(p.exposure, DIGITS), round(p.limits_998.high, DIGITS)] for p in ordered]},
        ],
        "target": {"name": _("target %(t)s") % {"t": f"{target:g}"}, "value": target},
    }  # fmt: skip


def cusum(chart: CusumChart) -> dict[str, Any]:
    """The path with its limit."""
    return {
        "labels": [m.strftime("%Y-%m") for m in chart.months], "unit": "S", "name": _("cumulative sum"),
        "values": _round(chart.path), "counts": list(chart.counts), "signals": list(chart.signals),
        "limit": {"name": f"h = {chart.design.h:g}", "value": chart.design.h},
    }  # fmt: skip


def intervals(chart: IntervalChart) -> dict[str, Any] | None:
    """Days between events with their limits."""
    if chart.limits is None:
        return None
    limits = chart.limits
    return {
        "labels": [d.isoformat() for d in chart.until], "unit": _("days"), "name": _("days between"),
        "values": list(chart.days), "signals": [i for i, d in enumerate(chart.days) if not limits.low <= d <= limits.high],
        "centre": round(limits.centre, 1), "low": [round(limits.low, 2)] * len(chart.days),
        "high": [round(limits.high, 1)] * len(chart.days), "limit_name": _("control limits"), "centre_name": _("centre"),
    }  # fmt: skip


def leading(item: Leading) -> dict[str, Any]:
    """u chart of one leading indicator."""
    return {
        "labels": [m.strftime("%Y-%m") for m in item.months], "unit": _("per 1,000 lifts"), "name": _("in the month"),
        "values": _round(item.rates), "signals": list(item.signals), "centre": round(item.limits[0].centre, DIGITS),
        "low": _round(b.low for b in item.limits), "high": _round(b.high for b in item.limits),
        "limit_name": _("control limits"), "centre_name": _("centre"),
    }  # fmt: skip


def reference(facts: Facts, area: str) -> dict[str, Any] | None:
    """Crude rate and published rate of a reference area by year."""
    figures = facts.reference_of(area)
    usable = [
        y for y in sorted(figures) if {"deaths", "units_10k"} <= set(figures[y]) or "published_rate" in figures[y]
    ]
    if not usable:
        return None
    crude, printed = [], []
    for y in usable:
        f = figures[y]
        both = {"deaths", "units_10k"} <= set(f)
        crude.append(round(f["deaths"].value / f["units_10k"].value, DIGITS) if both else None)
        printed.append(f["published_rate"].value if "published_rate" in f else None)
    return {
        "labels": [str(y) for y in usable], "unit": _("per 10,000"),
        "series": [{"name": _("deaths divided by published units"), "values": crude}, {"name": _("published rate"), "values": printed}],
    }  # fmt: skip
