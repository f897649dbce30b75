"""The fatality monitor (死亡率监测): everything that can honestly be said of few deaths. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from dashboards.indicators import charts, cusum, poisson
from dashboards.indicators.counting import Verdict
from dashboards.indicators.definitions import (
    PER,
    FatalityDefinition,
    fatality_definition,
    fatality_definitions,
    monitor_settings,
    prior_definition,
)
from dashboards.indicators.errors import UnreachableDesignError
from dashboards.indicators.facts import Facts, Focus, Place
from dashboards.indicators.fatality import PLAN_TARGET, probability_year_above_target
from dashboards.indicators.figures import Figure, YearEnd, denominators, figure_of, year_end
from dashboards.indicators.poisson import Dispersion, GammaPrior
from equipment.foundation.clock import SHANGHAI

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Prior:
    """先验, stated: which rate, of where and when, and what it weighs [万台·年]."""

    area: str
    year: int
    rate: float
    strength: float
    belief: GammaPrior


@dataclass(frozen=True, slots=True)
class FunnelPoint:
    """One district. ``limits_95`` and ``limits_998`` are exact for its own exposure [万台·年]."""

    place: Place
    deaths: int
    exposure: float
    rate: float
    limits_95: poisson.Interval
    limits_998: poisson.Interval

    @property
    def signals(self) -> bool:
        """Above the outer limit."""
        return self.rate > self.limits_998.high


@dataclass(frozen=True, slots=True)
class CusumChart:
    """累积和 of deaths per month, with the run lengths of its limits. ``signals`` are positions in ``months``."""

    design: cusum.Design
    months: tuple[date, ...]
    counts: tuple[int, ...]
    path: tuple[float, ...]
    signals: tuple[int, ...]
    in_control: float
    out_of_control: float


@dataclass(frozen=True, slots=True)
class IntervalChart:
    """t or g chart: days between events, and its limits; ``open_days`` since the last event, which is no interval yet.

    ``runs`` is None while there are too few intervals for the run rules.
    """

    days: tuple[int, ...]
    until: tuple[date, ...]
    limits: charts.Limits | None
    open_days: int | None
    runs: charts.Runs | None


@dataclass(frozen=True, slots=True)
class Monitor:
    """All of it, for one focus."""

    focus: Focus
    target: float
    main: Figure
    candidates: tuple[Figure, ...]
    years: tuple[Figure, ...]
    year_end: YearEnd | None
    prior: Prior | None
    p_with_prior: float | None
    above_with_prior: float | None
    funnel: tuple[FunnelPoint, ...]
    cusum: CusumChart | None
    t_chart: IntervalChart
    g_chart: IntervalChart
    clustering: float
    dispersion: Dispersion | None
    verdicts: tuple[Verdict, ...]


def stated_prior(facts: Facts) -> Prior | None:
    """The prior of the newest reference year that has deaths and units; None without reference figures."""
    wanted = prior_definition()
    for year, figures in sorted(facts.reference_of(wanted.area).items(), reverse=True):
        if year < facts.day.year and {"deaths", "units_10k"} <= set(figures) and figures["deaths"].value > 0:
            rate = figures["deaths"].value / figures["units_10k"].value
            return Prior(wanted.area, year, rate, wanted.strength, GammaPrior.from_rate(rate, wanted.strength))
    return None


def funnel(facts: Facts, focus: Focus, definition: FatalityDefinition, target: float) -> tuple[FunnelPoint, ...]:
    """Districts over the years shown, against exact limits around the target rate."""
    found = []
    for place in facts.districts:
        if not place.path.startswith(focus.place.path):
            continue
        deaths, exposure = 0, 0.0
        for figure in _years(facts, Focus(place, focus.kind), definition):
            deaths += figure.deaths
            exposure += float(figure.statistics.exposure) if figure.statistics else 0.0
        if exposure > 0:
            inner = charts.funnel_limits(exposure, target, charts.TAIL_95)
            outer = charts.funnel_limits(exposure, target, charts.TAIL_998)
            found.append(FunnelPoint(place, deaths, exposure, deaths / exposure, inner, outer))
    return tuple(found)


def _yearly(definition: FatalityDefinition) -> FatalityDefinition:
    """The same counting year by year, for trends: a rolling or multi-year definition would count a death twice."""
    return definition if definition.period == "calendar_year" else fatality_definition("in_use")


def _years(facts: Facts, focus: Focus, definition: FatalityDefinition) -> list[Figure]:
    year = facts.day.year
    return [
        figure_of(facts, focus, _yearly(definition), y) for y in range(year - monitor_settings().years + 1, year + 1)
    ]


def months_back(day: date, count: int) -> list[date]:
    """First days of the ``count`` months that end with the month of ``day``, oldest first."""
    first = day.year * MONTHS + day.month - count
    return [date(n // MONTHS, n % MONTHS + 1, 1) for n in range(first, first + count)]


def cusum_chart(
    facts: Facts, focus: Focus, verdicts: Sequence[Verdict], definition: FatalityDefinition, target: float
) -> CusumChart | None:
    """None without units, or where no limit gives the wanted run length."""
    settings = monitor_settings()
    months = months_back(facts.day, settings.months)
    definition = _yearly(definition)
    monthly = {y: float(denominators(facts, focus, definition, y)[0]) / PER / MONTHS for y in {m.year for m in months}}
    now = monthly[facts.day.year]
    if now <= 0 or target <= 0:
        return None
    try:
        design = cusum.design(target, target * settings.factor, now, settings.arl0)
    except UnreachableDesignError:
        return None
    counts = [0] * len(months)
    for verdict in verdicts:
        day = verdict.accident.occurred_at.astimezone(SHANGHAI).date().replace(day=1)
        if verdict.counted and day in months:
            counts[months.index(day)] += verdict.accident.deaths
    ks = [design.k * monthly[m.year] / now for m in months]
    path = cusum.path(counts, ks, design.h)
    signals = tuple(i for i, s in enumerate(path) if s >= design.h)
    return CusumChart(design, tuple(months), tuple(counts), tuple(path), signals, target, target * settings.factor)


def _between(days: Sequence[date], today: date) -> tuple[tuple[int, ...], tuple[date, ...], int | None]:
    gaps = tuple((b - a).days for a, b in pairwise(days))
    return gaps, tuple(days[1:]), (today - days[-1]).days if days else None


def interval_charts(verdicts: Sequence[Verdict], today: date) -> tuple[IntervalChart, IntervalChart]:
    """t chart of fatal accidents, and g chart of counted accidents; both in days between."""
    days = [v.accident.occurred_at.astimezone(SHANGHAI).date() for v in verdicts if v.counted]
    fatal = [v.accident.occurred_at.astimezone(SHANGHAI).date() for v in verdicts if v.counted and v.accident.deaths]
    t_days, t_until, t_open = _between(fatal, today)
    g_days, g_until, g_open = _between(days, today)
    return (
        IntervalChart(
            t_days, t_until, charts.t_limits(t_days) if t_days else None, t_open, charts.runs_about_median(t_days)
        ),
        IntervalChart(
            g_days, g_until, charts.g_limits(g_days) if g_days else None, g_open, charts.runs_about_median(g_days)
        ),
    )


def watch(
    facts: Facts, focus: Focus, definition: FatalityDefinition, target: float = PLAN_TARGET, year: int | None = None
) -> Monitor:
    """Everything about one place and kind."""
    year = year or facts.day.year
    main = figure_of(facts, focus, definition, year, target=target)
    years = tuple(_years(facts, focus, definition))
    since = date(year - monitor_settings().years + 1, 1, 1)
    verdicts = tuple(
        v for figure in years for v in figure.verdicts if v.accident.occurred_at.astimezone(SHANGHAI).date() >= since
    )
    # 距目标余量 is one of the calendar year, whatever the period of the definition
    running = figure_of(facts, focus, _yearly(definition), year, target=target)
    end = year_end(running, year, facts.day, target=target)
    prior = stated_prior(facts)
    p_prior = above = None
    if prior is not None and running.statistics is not None:
        after = poisson.posterior(running.deaths, running.statistics.exposure, prior.belief)
        p_prior = poisson.probability_at_or_below(target, after)
        if end is not None and end.elapsed > 0:
            above = probability_year_above_target(
                running.deaths, running.units, end.elapsed, target=target, prior=prior.belief
            )
    t_chart, g_chart = interval_charts(verdicts, facts.day)
    whole = [f for f in years if f.statistics is not None]
    return Monitor(
        focus=focus, target=target, main=main,
        candidates=tuple(figure_of(facts, focus, d, year, target=target) for d in fatality_definitions()),
        years=years, year_end=end, prior=prior, p_with_prior=p_prior, above_with_prior=above,
        funnel=funnel(facts, focus, definition, target),
        cusum=cusum_chart(facts, focus, verdicts, definition, target),
        t_chart=t_chart, g_chart=g_chart,
        clustering=poisson.clustering([v.accident.deaths for v in verdicts if v.counted]),
        dispersion=poisson.dispersion(
            [f.deaths for f in whole], [f.statistics.exposure for f in whole if f.statistics]
        ),
        verdicts=verdicts,
    )  # fmt: skip
