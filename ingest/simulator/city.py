"""The script of a run: who sends what, when. Open loop: time decides, not how fast the broker is."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ingest.simulator import behaviour, messages
from ingest.simulator.behaviour import FREED_AFTER_SECONDS, MODELS, Machine
from ingest.simulator.messages import BAD, Outgoing

BUTTON_AT, OVERSPEED_AT, ENTRAPMENT_AT = 1.0, 2.0, 3.0
"""Seconds into the run. The first two raise undelayed alarms, the third one after the rule's own delay."""
ENTRAPMENT_EVERY_SECONDS = 150.0
FAULT_EVERY_SECONDS = 25.0
FAULT_CODES = ("02", "03", "07", "41")
FAULT_LASTS_SECONDS = 40.0
DUPLICATE_SHARE = 0.01
BAD_FROM, BAD_EVERY_SECONDS = 4.0, 0.8
BAD_LATER_SECONDS = 20.0
"""Each kind of bad input once at first, then one now and then."""
FIRST_SEQ = 1


@dataclass(order=True)
class _Due:
    at: float
    order: int
    make: Callable[[], Outgoing] = field(compare=False)


class CityScript:
    """Messages of a city in order of time; ``t`` is seconds into the run, ``epoch`` the Unix time of its beginning [s]."""

    def __init__(self, machines: Sequence[Machine], rate: float, epoch: float, seed: int) -> None:
        if not machines:
            raise ValueError("a city without terminals sends nothing")
        self._machines = list(machines)
        self._rng = random.Random(seed)  # noqa: S311  # the same seed makes the same run
        self._rng.shuffle(self._machines)
        self._lifts = [m for m in self._machines if m.kind == "lift"] or self._machines
        self._gap = 1.0 / rate
        self._epoch = epoch
        self._sent = 0
        self._seq: dict[str, int] = {}
        self._bad = 0
        self._trapped: dict[str, float] = {}
        self._due: list[_Due] = []
        self._order = 0
        self._next_entrapment, self._next_fault, self._next_bad = ENTRAPMENT_AT, ENTRAPMENT_AT + 2, BAD_FROM
        if self._lifts[0].kind == "lift":
            self._begin()

    def _begin(self) -> None:
        button, fast = self._lifts[0], self._lifts[1 % len(self._lifts)]
        self._plan_event(BUTTON_AT, button, ["90"])
        self._plan_event(BUTTON_AT + 30, button, [])
        self._plan_values(OVERSPEED_AT, fast, behaviour.overspeed)

    def until(self, t: float) -> list[Outgoing]:
        """Everything that is to be published up to ``t``."""
        found: list[Outgoing] = []
        while True:
            regular = self._sent * self._gap
            if self._due and self._due[0].at <= min(t, regular):
                found.append(heapq.heappop(self._due).make())
            elif regular <= t:
                found += self._regular(regular)
                self._sent += 1
            else:
                return found

    def _regular(self, t: float) -> list[Outgoing]:
        if t >= self._next_entrapment and self._lifts[0].kind == "lift":
            self._next_entrapment += ENTRAPMENT_EVERY_SECONDS
            self._entrap(t)
        if t >= self._next_fault and self._lifts[0].kind == "lift":
            self._next_fault += FAULT_EVERY_SECONDS
            self._fault(t)
        if t >= self._next_bad and self._lifts[0].kind == "lift":
            return self._bad_input(t)
        machine = self._machines[self._sent % len(self._machines)]
        chance = self._rng.random()
        outgoing = messages.telemetry(machine, self._epoch + t, self._number(machine), self._values(machine, t))
        return [outgoing, outgoing] if chance > 1 - DUPLICATE_SHARE else [outgoing]

    def _bad_input(self, t: float) -> list[Outgoing]:
        make = BAD[self._bad % len(BAD)]
        self._bad += 1
        self._next_bad = t + (BAD_EVERY_SECONDS if self._bad < len(BAD) else BAD_LATER_SECONDS)
        machine = self._rng.choice(self._lifts)
        # what is refused uses up no number: the terminal counts what it measures
        return list(make(machine, self._epoch + t, self._seq.get(machine.id, FIRST_SEQ), self._rng))

    def _values(self, machine: Machine, t: float) -> behaviour.Values:
        if self._trapped.get(machine.id, 0.0) > t:
            return behaviour.trapped(machine, self._epoch + t)
        return MODELS[machine.kind](machine, self._epoch + t)

    def _entrap(self, t: float) -> None:
        """Somebody is trapped from now on; the car reports it at once and is silent about it no longer than others."""
        machine = self._rng.choice(self._lifts[2:] or self._lifts)
        self._trapped[machine.id] = t + FREED_AFTER_SECONDS
        self._plan_values(t, machine, behaviour.trapped)
        self._plan_values(t + FREED_AFTER_SECONDS, machine, behaviour.freed)

    def _fault(self, t: float) -> None:
        machine, code = self._rng.choice(self._lifts), self._rng.choice(FAULT_CODES)
        self._plan_event(t, machine, [code])
        self._plan_event(t + FAULT_LASTS_SECONDS, machine, [])

    def _plan_event(self, t: float, machine: Machine, codes: list[str]) -> None:
        at = self._epoch + t
        self._plan(t, lambda: messages.event(machine, at, self._number(machine), codes))

    def _plan_values(self, t: float, machine: Machine, model: Callable[[Machine, float], behaviour.Values]) -> None:
        at = self._epoch + t
        self._plan(t, lambda: messages.telemetry(machine, at, self._number(machine), model(machine, at)))

    def _plan(self, t: float, make: Callable[[], Outgoing]) -> None:
        self._order += 1
        heapq.heappush(self._due, _Due(t, self._order, make))

    def _number(self, machine: Machine) -> int:
        """The terminal's next number, given when it sends, as a terminal does."""
        self._seq[machine.id] = self._seq.get(machine.id, FIRST_SEQ) + 1
        return self._seq[machine.id]
