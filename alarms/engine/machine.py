"""The timers of rules: one step function for every rule at once, over pairs of a rule and a unit.

Most pairs are normal and their condition is false: nothing can happen there, and they are never looked at. The others
are taken out of the state into arrays, stepped through their samples in order, and put back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from alarms.engine.samples import Slots, Times
from alarms.engine.state import ACTIVE, CLEARING, NORMAL, PENDING, RULE_ARRAYS, SECOND_US, Fixed, KindState, where_true
from alarms.rules.model import Schedule

Mask = npt.NDArray[np.bool_]
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
MONDAY = 3
"""1970-01-01 was a Thursday, day 3 of a week that begins on Monday."""


class Happening(IntEnum):
    """What a step finds."""

    RAISED = 0
    CLEARED = 1
    ESCALATED = 2


@dataclass(slots=True)
class Found:
    """Some pairs to which the same thing happened."""

    what: Happening
    rows: Slots
    slots: Slots
    at_us: Times
    """When: a deadline, or the time of the sample."""
    started_us: Times
    level: npt.NDArray[np.int8]
    late: Mask
    sample: Slots
    """Index of the sample whose values were in force; -1: those held before the batch."""


@dataclass(slots=True)
class Pairs:
    """Rules and units, with the state of each pair; ``rows`` and ``slots`` have one entry per pair."""

    fixed: Fixed
    rows: Slots
    slots: Slots
    state: dict[str, npt.NDArray[Any]]
    on_delay_us: Times
    off_delay_us: Times
    found: list[Found] = field(default_factory=list)

    @classmethod
    def of(cls, state: KindState, rows: Slots, slots: Slots) -> Pairs:
        """Take pairs out of the state."""
        flat = rows * state.size + slots
        taken = {name: state.arrays[name].reshape(-1).take(flat) for name in RULE_ARRAYS}
        limits = state.fixed.limits
        return cls(
            state.fixed, rows, slots, taken, state.fixed.on_delay_us.reshape(-1).take(flat), limits.off_delay_us[rows]
        )

    def put_back(self, state: KindState) -> None:
        """Put the pairs back."""
        flat = self.rows * state.size + self.slots
        for name, values in self.state.items():
            state.arrays[name].reshape(-1)[flat] = values

    def _tell(self, what: Happening, chosen: Slots, at_us: Times, sample: Slots) -> None:
        self.found.append(
            Found(
                what, self.rows[chosen], self.slots[chosen], at_us, self.state["since_us"][chosen].astype(np.int64),
                self.state["level"][chosen].astype(np.int8), self.state["late"][chosen].astype(np.bool_), sample,
            )
        )  # fmt: skip

    def expire(self, chosen: Slots, until_us: Times, sample: Slots) -> None:
        """Fire what ran out by ``until_us``, each at its own deadline.

        Parameters
        ----------
        chosen
            Pairs, each once; ``until_us`` and ``sample`` (values in force) have one entry per chosen pair.
        """
        phase = self.state["phase"][chosen]
        busy = phase != NORMAL
        if not busy.any():
            return
        if not busy.all():
            chosen, until_us, sample, phase = chosen[busy], until_us[busy], sample[busy], phase[busy]
        deadline = self.state["since_us"][chosen] + self.on_delay_us[chosen]
        ripe = (phase == PENDING) & (deadline <= until_us)
        if ripe.any():
            self._raise(chosen[ripe], deadline[ripe], sample[ripe])
        self._escalate_by_time(chosen, until_us, sample)
        ending = self.state["clearing_us"][chosen] + self.off_delay_us[chosen]
        ended = (self.state["phase"][chosen] == CLEARING) & (ending <= until_us)
        if ended.any():
            self._clear(chosen[ended], ending[ended], sample[ended])

    def _raise(self, chosen: Slots, at_us: Times, sample: Slots) -> None:
        allowed = self.in_schedule(chosen, at_us)
        if not allowed.all():
            self.state["phase"][chosen[~allowed]] = NORMAL
            chosen, at_us, sample = chosen[allowed], at_us[allowed], sample[allowed]
        self.state["phase"][chosen] = ACTIVE
        self.state["raised_us"][chosen] = at_us
        self.state["level"][chosen] = 0
        self._tell(Happening.RAISED, chosen, at_us, sample)

    def _clear(self, chosen: Slots, at_us: Times, sample: Slots) -> None:
        self.state["phase"][chosen] = NORMAL
        self._tell(Happening.CLEARED, chosen, at_us, sample)

    def _escalate_by_time(self, chosen: Slots, until_us: Times, sample: Slots) -> None:
        steps = self.fixed.limits.steps_us
        for _ in range(steps.shape[1] - 1):
            phase = self.state["phase"][chosen]
            level = np.minimum(self.state["level"][chosen].astype(np.intp), steps.shape[1] - 1)
            deadline = self.state["raised_us"][chosen] + steps[self.rows[chosen], level]
            ending = self.state["clearing_us"][chosen] + self.off_delay_us[chosen]
            due = (phase == ACTIVE) | ((phase == CLEARING) & (deadline < ending))
            due &= deadline <= until_us
            if not due.any():
                return
            self.escalate(chosen[due], level[due] + 1, deadline[due], sample[due])

    def escalate(self, chosen: Slots, level: npt.NDArray[np.intp], at_us: Times, sample: Slots) -> None:
        """Raise the severity of active alarms to a step of their rule."""
        self.state["level"][chosen] = level
        self._tell(Happening.ESCALATED, chosen, at_us, sample)

    def take(self, chosen: Slots, at_us: Times, sample: Slots, said: Said, late: Mask) -> None:
        """Take in what the conditions say at one sample of each chosen pair."""
        phase = self.state["phase"][chosen]
        begins = (phase == NORMAL) & said.true
        if begins.any():
            begins[begins] = self.in_schedule(chosen[begins], at_us[begins])
            where = chosen[begins]
            self.state["phase"][where] = PENDING
            self.state["since_us"][where] = at_us[begins]
            self.state["late"][where] = late[begins]
            phase = self.state["phase"][chosen]
        pending = phase == PENDING
        if pending.any():
            now = pending & said.true & ((self.on_delay_us[chosen] == 0) | said.repeated)
            if now.any():
                self._raise(chosen[now], at_us[now], sample[now])
            ends = pending & said.false
            self.state["phase"][chosen[ends]] = NORMAL
        returns = (phase == CLEARING) & (said.true | said.not_over)
        self.state["phase"][chosen[returns]] = ACTIVE
        starts = (phase == ACTIVE) & said.over & ~said.true
        if starts.any():
            where = chosen[starts]
            self.state["phase"][where] = CLEARING
            self.state["clearing_us"][where] = at_us[starts]
            at_once = self.off_delay_us[where] == 0
            if at_once.any():
                self._clear(where[at_once], at_us[starts][at_once], sample[starts][at_once])

    def in_schedule(self, chosen: Slots, at_us: Times) -> Mask:
        """Whether the rule of each pair may raise at that time."""
        allowed = np.ones(len(chosen), dtype=np.bool_)
        for row, schedule in self.fixed.limits.scheduled:
            mine = self.rows[chosen] == row
            if mine.any():
                allowed[mine] = in_schedule(schedule, at_us[mine])
        return allowed


@dataclass(frozen=True, slots=True)
class Said:
    """What the conditions of some pairs say at one sample of each."""

    true: Mask
    false: Mask
    over: Mask
    """The clear condition holds."""
    not_over: Mask
    """It definitely does not: an off-delay that runs is stopped."""
    repeated: Mask
    """The condition began often enough."""


def in_schedule(schedule: Schedule, at_us: Times) -> Mask:
    """Whether times lie in the days and hours of a schedule, by the clock of its zone.

    >>> from datetime import time
    >>> night = Schedule("Asia/Shanghai", frozenset({0}), time(22), time(6))
    >>> in_schedule(night, np.array([1_772_460_000_000_000, 1_772_488_800_000_000]))  # Mon 22:00, Tue 06:00
    array([ True, False])
    """
    zone = ZoneInfo(schedule.zone)
    hours, place = np.unique(at_us // HOUR_US, return_inverse=True)
    offsets = np.array(
        [
            (datetime.fromtimestamp(int(hour) * 3_600, UTC).astimezone(zone).utcoffset() or timedelta()).total_seconds()
            for hour in hours
        ],
        dtype=np.int64,
    )
    local = at_us + offsets[place] * SECOND_US
    day, clock = local // DAY_US, local % DAY_US
    begin = (schedule.begin.hour * 3_600 + schedule.begin.minute * 60 + schedule.begin.second) * SECOND_US
    end = (schedule.end.hour * 3_600 + schedule.end.minute * 60 + schedule.end.second) * SECOND_US
    days = np.zeros(7, dtype=np.bool_)
    days[list(schedule.days)] = True
    weekday = (day + MONDAY) % 7
    if begin < end:
        inside: Mask = days[weekday] & (clock >= begin) & (clock < end)
        return inside
    overnight: Mask = (days[weekday] & (clock >= begin)) | (days[(weekday - 1) % 7] & (clock < end))
    return overnight


def busy_pairs(state: KindState, slots: Slots | None = None) -> tuple[Slots, Slots]:
    """Pairs whose timers run or whose alarm is active, without rules of silence."""
    phase = state.arrays["phase"]
    looked = phase if slots is None else phase.take(slots, axis=1)
    rows, places = where_true(looked != NORMAL)
    keep = ~state.fixed.limits.silent[rows]
    return rows[keep], places[keep] if slots is None else slots[places[keep]]


def due(state: KindState, now_us: int) -> tuple[Slots, Slots]:
    """Pairs with a deadline that has passed."""
    rows, slots = busy_pairs(state)
    if not len(rows):
        return rows, slots
    pairs = Pairs.of(state, rows, slots)
    phase = pairs.state["phase"]
    steps = state.fixed.limits.steps_us
    level = np.minimum(pairs.state["level"].astype(np.intp), steps.shape[1] - 1)
    ripe = (phase == PENDING) & (pairs.state["since_us"] + pairs.on_delay_us <= now_us)
    ripe |= (phase == CLEARING) & (pairs.state["clearing_us"] + pairs.off_delay_us <= now_us)
    ripe |= (phase >= ACTIVE) & (pairs.state["raised_us"] + steps[rows, level] <= now_us)
    return rows[ripe], slots[ripe]


def ordered(found: Sequence[Found]) -> list[tuple[int, int, int]]:
    """(time, part, place) of everything found, in order of time; within one time in the order of finding."""
    return sorted((int(at), part, place) for part, group in enumerate(found) for place, at in enumerate(group.at_us))
