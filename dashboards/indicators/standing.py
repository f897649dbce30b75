"""Where each target stands (达标情况), and the leading indicators (领先指标). Pure."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil

from dashboards.indicators import charts, poisson
from dashboards.indicators.definitions import (
    CoverageDefinition,
    LeadingDefinition,
    coverage_definitions,
    leading_definitions,
)
from dashboards.indicators.facts import Facts, Focus
from dashboards.indicators.monitor import months_back

PER_LIFTS = 1_000
TREND_MONTHS = 13
LIFTS = ("lift", "escalator")


@dataclass(frozen=True, slots=True)
class Coverage:
    """One target. ``of`` is the population without ``excluded``; the three stages count everybody who reached them."""

    definition: CoverageDefinition
    of: int
    connected: int
    enabled: int
    effective: int
    excluded: int

    @property
    def share(self) -> float | None:
        """有效 share; None when there is nothing to cover: not 0 % and not 100 %."""
        return self.effective / self.of if self.of else None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached."""
        return None if self.share is None else self.share >= self.definition.target

    @property
    def short(self) -> int:
        """Units that are missing to the target."""
        return max(0, ceil(round(self.definition.target * self.of, 6)) - self.effective)


def coverages(facts: Facts, focus: Focus) -> list[Coverage]:
    """Every coverage target of a place and kind."""
    found = []
    for definition in coverage_definitions():
        at = [facts.count(focus, f"stage.{definition.id}.{stage}") for stage in range(4)]
        excluded = facts.count(focus, f"stage.{definition.id}.-1")
        found.append(Coverage(definition, sum(at), sum(at[1:]), sum(at[2:]), at[3], excluded))
    return found


@dataclass(frozen=True, slots=True)
class Moved:
    """What moved a coverage since the month began: lifts that reached 有效 or lost it, came into use or went."""

    definition: CoverageDefinition
    gained: int
    lost: int
    entered_covered: int
    entered_open: int
    left_covered: int
    left_open: int
    mostly: tuple[tuple[str, int], ...]
    """Districts with the largest net movement: id and gained minus lost."""

    @property
    def net(self) -> int:
        """Change of the number of effective units."""
        return self.gained - self.lost + self.entered_covered - self.left_covered

    @property
    def any(self) -> bool:
        """Whether anything moved at all."""
        return any((self.gained, self.lost, self.entered_covered, self.entered_open, self.left_covered, self.left_open))


def movements(facts: Facts, focus: Focus) -> list[Moved]:
    """What moved since the month of the cut began, per target."""
    parts = ("gained", "lost", "entered_covered", "entered_open", "left_covered", "left_open")
    found = []
    for definition in coverage_definitions():
        numbers = [facts.count(focus, f"moved.{definition.id}.{part}") for part in parts]
        nets = []
        for place in facts.districts:
            inner = Focus(place, focus.kind)
            net = facts.count(inner, f"moved.{definition.id}.gained") - facts.count(
                inner, f"moved.{definition.id}.lost"
            )
            if net and place.path.startswith(focus.place.path):
                nets.append((place.id, net))
        found.append(
            Moved(
                definition,
                numbers[0],
                numbers[1],
                numbers[2],
                numbers[3],
                numbers[4],
                numbers[5],
                tuple(sorted(nets, key=lambda n: -abs(n[1]))[:3]),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Leading:
    """One leading indicator: counts per month and u-chart limits per 1,000 lifts; the last month may be a part of one.

    ``months`` are those that were counted: of a stock, those with a data cut.
    """

    definition: LeadingDefinition
    months: tuple[date, ...]
    counts: tuple[int, ...]
    rates: tuple[float, ...]
    limits: tuple[charts.Limits, ...]
    elapsed: float
    p_against_last: float | None
    """Exact p-value that this month's rate is last month's; None without lifts."""

    @property
    def signals(self) -> tuple[int, ...]:
        """Positions outside the limits."""
        return tuple(
            i for i, (r, b) in enumerate(zip(self.rates, self.limits, strict=True)) if not b.low <= r <= b.high
        )


def lifts_in_use(facts: Facts, focus: Focus, year: int) -> int:
    """Lifts and escalators in use by the end of a year (of the running one: now)."""
    return sum(e.in_use for e in facts.exposures_of(focus, year) if e.kind in LIFTS)


def leading(facts: Facts, focus: Focus) -> list[Leading]:
    """The leading indicators of a place, with the units of each year as exposure; none without lifts."""
    # before the first event of any kind the platform did not count: those months are missing, not zero
    began = min((at for _, _, at in facts.months), default=min(facts.cut.day, facts.day).replace(day=1))
    months = [m for m in months_back(facts.day, TREND_MONTHS) if m >= began]
    lifts = {y: lifts_in_use(facts, Focus(focus.place), y) for y in {m.year for m in months}}
    if any(lifts[m.year] == 0 for m in months):
        months = [m for m in months if lifts[m.year]]
    if not months:
        return []
    elapsed = facts.day.day / monthrange(facts.day.year, facts.day.month)[1]
    found = []
    for definition in leading_definitions():
        own = [m for m in months if not definition.stock or facts.counted(definition.measure, m)]
        if not own:
            continue
        # a stock is not of the days that have passed, and this month's is mostly last month's: no test against it
        parts = [elapsed if m == months[-1] and not definition.stock else 1.0 for m in own]
        exposures = [lifts[m.year] / PER_LIFTS * part for m, part in zip(own, parts, strict=True)]
        counts = [facts.month(focus.place, definition.measure, m) for m in own]
        rates = tuple(c / e for c, e in zip(counts, exposures, strict=True))
        p = None
        if len(counts) > 1 and not definition.stock:
            p = poisson.compare(counts[-1], exposures[-1], counts[-2], exposures[-2])
        found.append(Leading(definition, tuple(own), tuple(counts), rates, _limits(counts, exposures), elapsed, p))
    return found


def _limits(counts: Sequence[int], exposures: Sequence[float]) -> tuple[charts.Limits, ...]:
    """Limits from the finished months where there are any: the running month must not judge itself."""
    finished = slice(None, -1) if len(counts) > 1 else slice(None)
    centre = charts.u_limits(counts[finished], exposures[finished])[0].centre
    return tuple(charts.u_limit(centre, exposure) for exposure in exposures)
