"""坐席负荷 by ISA-18.2-2016 §16: what rang the desk, shared by the seats that were at work. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alarms.storms.flood import STARTS_ABOVE, WINDOW, floods

ACCEPTABLE_PER_HOUR, MANAGEABLE_PER_HOUR = 6, 12
"""Very likely acceptable, and the most that can be managed [annunciations per seat and hour]."""
INTERVALS_PER_HOUR = 6
BASIS_DAYS = 30
"""Below so many days the figures are no basis for a judgement."""


@dataclass(frozen=True, slots=True)
class Annunciation:
    """One time the desk was rung."""

    at: datetime
    severity: str
    rule: str


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a seat did; ``since_opened`` [s] since the incident was opened."""

    account: int
    name: str
    at: datetime
    event: str
    since_opened: float


@dataclass(frozen=True, slots=True)
class SeatLoad:
    """One seat: hours in which it did something, incidents it took, mean time until it took them [s].

    ``rung``: its share of what rang in those hours, where each annunciation is borne alike by the seats at work.
    ``busiest``: the most of its ten-minute intervals; ``over_share``: share of those intervals with more than ten.
    """

    name: str
    hours: int
    taken: int
    mean_take_seconds: float | None
    acts: int
    rung: float
    busiest: float
    over_share: float

    @property
    def per_hour(self) -> float:
        """Annunciations per hour at work; ISA-18.2: 6 are acceptable, 12 the most that can be managed."""
        return self.rung / self.hours


@dataclass(frozen=True, slots=True)
class Load:
    """The desk's load; ``per_hour`` is per seat, over the hours in which a seat was at work.

    ``unattended`` rang while no seat did anything within that hour: shown, never divided away.
    """

    annunciations: int
    per_hour: float | None
    busiest: float
    over_share: float
    floods: int
    flood_share: float
    unattended: int
    severities: tuple[tuple[str, int], ...]
    rules: tuple[tuple[str, int], ...]
    seats: tuple[SeatLoad, ...]
    days: float

    @property
    def top_share(self) -> float | None:
        """Share of the ten rules that ring most."""
        return sum(n for _, n in self.rules) / self.annunciations if self.annunciations else None


def hour_of(moment: datetime) -> datetime:
    """The full hour before."""
    return moment.replace(minute=0, second=0, microsecond=0)


def interval_of(moment: datetime) -> datetime:
    """The ten minutes by the clock in which a moment lies."""
    return moment.replace(minute=moment.minute // 10 * 10, second=0, microsecond=0)


def load(rung: Sequence[Annunciation], acts: Sequence[Act], since: datetime, until: datetime) -> Load:
    """The load of a period; both lists in order of time."""
    working: dict[datetime, set[int]] = {}
    for act in acts:
        working.setdefault(hour_of(act.at), set()).add(act.account)
    seat_hours = sum(len(s) for s in working.values())
    attended = [a for a in rung if hour_of(a.at) in working]
    intervals = Counter(interval_of(a.at) for a in rung)
    per_seat = {at: n / max(1, len(working.get(hour_of(at), ()))) for at, n in intervals.items()}
    span = until - since
    found = floods([a.at for a in rung], until)
    flooded = sum(((f.ended_at or until) - f.started_at for f in found), timedelta())
    return Load(
        annunciations=len(rung),
        per_hour=len(attended) / seat_hours if seat_hours else None,
        busiest=max(per_seat.values(), default=0.0),
        over_share=sum(n > STARTS_ABOVE for n in per_seat.values()) / max(1.0, span / WINDOW),
        floods=len(found),
        flood_share=flooded / span if span else 0.0,
        unattended=len(rung) - len(attended),
        severities=tuple(sorted(Counter(a.severity for a in rung).items())),
        rules=tuple(Counter(a.rule for a in rung).most_common(10)),
        seats=_seats(acts, working, intervals),
        days=span / timedelta(days=1),
    )


def _seats(
    acts: Sequence[Act], working: Mapping[datetime, set[int]], intervals: Mapping[datetime, int]
) -> tuple[SeatLoad, ...]:
    rows = []
    for account in sorted({a.account for a in acts}):
        own = [a for a in acts if a.account == account]
        takes = [a.since_opened for a in own if a.event == "accept"]
        mean = sum(takes) / len(takes) if takes else None
        hours = len({hour_of(a.at) for a in own})
        borne = [n / len(seats) for at, n in intervals.items() if account in (seats := working.get(hour_of(at), set()))]
        over = sum(n > STARTS_ABOVE for n in borne) / (hours * INTERVALS_PER_HOUR)
        rows.append(
            SeatLoad(own[-1].name, hours, len(takes), mean, len(own), sum(borne), max(borne, default=0.0), over)
        )
    return tuple(rows)
