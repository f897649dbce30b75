"""Compares alarms with what people reported of the same units: precision, recall, lead time, and what nobody can know.

An alarm without a report is not thereby false, and a report without an alarm of a silent device is not thereby missed:
each has its own count.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from alarms.backtest.model import Event, Matching, WouldBe
from ingest.decode import to_us

SECOND_US = 1_000_000
MONTH_DAYS = 30.4375
LEADS = (("after", None, 0.0), ("to_1_min", 0.0, 60.0), ("to_5_min", 60.0, 300.0), ("to_15_min", 300.0, 900.0),
         ("over_15_min", 900.0, None))  # fmt: skip
"""Classes of the lead time [s]: the alarm came after the report, or so long before it; the lower end belongs to a class."""
COUNTED = {"entrapment": frozenset({"entrapment"}), "fault": frozenset({"entrapment", "fault"})}
"""Reports that confirm an alarm, by the kind of incident that it opens; one that opens none is compared with all."""
ALL = frozenset({"entrapment", "fault"})


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of which time everything is known [µs]: alarms from ``begin_us`` to ``end_us``, reports until ``known_us``."""

    begin_us: int
    end_us: int
    known_us: int


@dataclass(slots=True)
class Score:
    """One rule, or several together.

    alarms = confirmed + unconfirmed + pending; suppressed ones are apart. events = answered + missed + silent + edge.
    """

    units: int = 0
    """Units that it watches."""
    alarms: int = 0
    suppressed: int = 0
    confirmed: int = 0
    """A report lies within the window."""
    unconfirmed: int = 0
    """No report within the window: false, or nobody called."""
    pending: int = 0
    """The window is not over yet."""
    events: int = 0
    answered: int = 0
    missed: int = 0
    """The device was heard, and no alarm came."""
    silent: int = 0
    """The device said nothing before the report: unknown."""
    edge: int = 0
    """No alarm, but the window reaches beyond the period: unknown."""
    leads_seconds: list[float] = field(default_factory=list)
    """Report minus first alarm, one for each answered report [s]; negative: the alarm came later."""

    @property
    def precision(self) -> float | None:
        """Confirmed share of judged alarms; None where there is none."""
        judged = self.confirmed + self.unconfirmed
        return self.confirmed / judged if judged else None

    @property
    def recall(self) -> float | None:
        """Answered share of the reports that could have been answered; None where there is none."""
        known = self.answered + self.missed
        return self.answered / known if known else None

    def rate(self, days: float) -> float | None:
        """Alarms per unit and month."""
        return self.alarms / (self.units * days / MONTH_DAYS) if self.units and days else None

    def leads(self) -> dict[str, int]:
        """How many lead times lie in each class."""
        return {
            name: sum((low is None or lead >= low) and (high is None or lead < high) for lead in self.leads_seconds)
            for name, low, high in LEADS
        }

    def plain(self, days: float) -> dict[str, object]:
        """As JSON says it."""
        ordered = sorted(self.leads_seconds)
        return {
            "units": self.units, "alarms": self.alarms, "suppressed": self.suppressed,
            "per_unit_month": _rounded(self.rate(days)), "confirmed": self.confirmed,
            "unconfirmed": self.unconfirmed, "pending": self.pending, "precision": _rounded(self.precision),
            "events": self.events, "answered": self.answered, "missed": self.missed, "silent": self.silent,
            "edge": self.edge, "recall": _rounded(self.recall),
            "lead_median_seconds": _rounded(statistics.median(ordered)) if ordered else None,
            "lead_least_seconds": ordered[0] if ordered else None,
            "lead_greatest_seconds": ordered[-1] if ordered else None, "leads": self.leads(),
        }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def score(
    alarms: Sequence[WouldBe], events: Sequence[Event], matching: Matching, bounds: Bounds, silent: Collection[str],
    vouched: Collection[tuple[int, int]] = frozenset(),
) -> Score:  # fmt: skip
    """Compare alarms with reports of the units that are watched; who calls does not matter here.

    Parameters
    ----------
    alarms, events
        Of the same units, in any order.
    silent
        Sources of events before which the device was not heard.
    vouched
        Unit and time of raising of alarms that a person confirmed at the desk, called or not.
    """
    found = Score()
    before, after = int(matching.before_seconds * SECOND_US), int(matching.after_seconds * SECOND_US)
    raised: Mapping[int, list[int]] = defaultdict(list)
    reported: Mapping[int, list[int]] = defaultdict(list)
    for event in events:
        reported[event.unit_no].append(to_us(event.reported_at))
    for alarm in alarms:
        if alarm.suppressed:
            found.suppressed += 1
            continue
        found.alarms += 1
        raised[alarm.unit_no].append(alarm.raised_us)
        told = any(at - before <= alarm.raised_us <= at + after for at in reported[alarm.unit_no])
        if told or (alarm.unit_no, alarm.raised_us) in vouched:
            found.confirmed += 1
        elif alarm.raised_us + before >= bounds.known_us:
            found.pending += 1
        else:
            found.unconfirmed += 1
    for event in events:
        at = to_us(event.reported_at)
        if not bounds.begin_us <= at < bounds.end_us:
            continue
        found.events += 1
        mine = [us for us in raised[event.unit_no] if at - before <= us <= at + after]
        if mine:
            found.answered += 1
            found.leads_seconds.append((at - min(mine)) / SECOND_US)
        elif event.source in silent:
            found.silent += 1
        elif at - before < bounds.begin_us or at + after >= bounds.end_us:
            found.edge += 1
        else:
            found.missed += 1
    return found


def counted_for(incident_kind: str | None) -> frozenset[str]:
    """Kinds of reports that an alarm is compared with."""
    return ALL if incident_kind is None else COUNTED.get(incident_kind, ALL)
