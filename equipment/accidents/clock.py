"""报告时限: who had to be told by when, and whether he was. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from equipment.accidents.model import Accident, Casualty, NewAccident, Outcome
from equipment.accidents.register import LEVELS, Register, Step, register
from equipment.errors import InvalidAccidentError
from equipment.foundation.clock import SHANGHAI


@dataclass(frozen=True, slots=True)
class Deadline:
    """One report upward. ``done_at`` None: not made yet; ``due_at`` then runs from when the step before was due."""

    step: Step
    due_at: datetime
    done_at: datetime | None

    def state(self, now: datetime) -> str:
        """in_time, late, running or overdue; the very moment of the deadline is still in time."""
        if self.done_at is not None:
            return "in_time" if self.done_at <= self.due_at else "late"
        return "running" if now <= self.due_at else "overdue"


def reporting_clock(
    accident: Accident, reports: Mapping[str, datetime], rules: Register | None = None
) -> list[Deadline]:
    """The reports an accident needs, in order, each within its time of the step before it.

    Parameters
    ----------
    reports
        When each recipient was told (``county`` is the entry's own ``reported_at`` unless given). A report that skipped
        levels (允许越级) also answers for those below it.
    """
    rules = rules or register()
    wanted = [s for s in rules.steps if LEVELS.index(accident.level) >= LEVELS.index(s.from_level)]
    told = {"county": accident.reported_at, **reports}
    found: list[Deadline] = []
    before = accident.known_at or accident.occurred_at
    for position, step in enumerate(wanted):
        due = before + step.within
        above = [told[s.to] for s in wanted[position:] if s.to in told]
        done = told.get(step.to) or (min(above) if above else None)
        found.append(Deadline(step, due, done))
        before = done or due
    return found


def counts_as_death_of(occurred_at: datetime, died_at: datetime, rules: Register | None = None) -> bool:
    """Whether a death lies within the days that count, by the city's calendar; the last day is included.

    >>> from datetime import UTC
    >>> counts_as_death_of(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, 15, 0, tzinfo=UTC))
    True
    """
    day = occurred_at.astimezone(SHANGHAI).date()
    return died_at.astimezone(SHANGHAI).date() <= day + timedelta(days=(rules or register()).death_days)


def with_casualty(accident: NewAccident, casualty: Casualty, rules: Register | None = None) -> NewAccident:
    """The entry after one person's condition changed; a death after 30 days is kept, and does not count.

    Raises
    ------
    InvalidAccidentError
        Nobody is in the condition that the change starts from, or it lies before the accident.
    """
    if casualty.at < accident.occurred_at:
        raise InvalidAccidentError("伤亡变化不能早于事故发生 (a casualty cannot change before the accident)")
    numbers = {"serious_injuries": accident.serious_injuries, "minor_injuries": accident.minor_injuries,
               "deaths": accident.deaths, "later_deaths": accident.later_deaths}  # fmt: skip
    field_of = {Outcome.SERIOUS: "serious_injuries", Outcome.MINOR: "minor_injuries", Outcome.DEATH: "deaths"}
    if casualty.before is Outcome.DEATH:
        raise InvalidAccidentError(
            "死亡登记有误请用更正 (a death that was entered by mistake is corrected, not followed up)"
        )
    if casualty.before in field_of:
        name = field_of[casualty.before]
        if numbers[name] < 1:
            raise InvalidAccidentError("登记中没有处于该伤情的人员 (nobody is registered in that condition)")
        numbers[name] -= 1
    if casualty.after in field_of:
        name = field_of[casualty.after]
        late = casualty.after is Outcome.DEATH and not counts_as_death_of(accident.occurred_at, casualty.at, rules)
        numbers["later_deaths" if late else name] += 1
    return replace(
        accident, deaths=numbers["deaths"], later_deaths=numbers["later_deaths"],
        serious_injuries=numbers["serious_injuries"], minor_injuries=numbers["minor_injuries"],
    )  # fmt: skip
