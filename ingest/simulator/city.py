"""The script of a run: who sends what, when. Open loop: time decides, not how fast the broker is."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
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
    outgoing: tuple[Outgoing, ...] = field(compare=False)


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
        self._seq = FIRST_SEQ
        self._bad = 0
        self._trapped: dict[str, float] = {}
        self._due: list[_Due] = []
        self._order = 0
        self._next_entrapment, self._next_fault, self._next_bad = ENTRAPMENT_AT, ENTRAPMENT_AT + 2, BAD_FROM
        if self._lifts[0].kind == "lift":
            self._begin()

    def _begin(self) -> None:
        button, fast = self._lifts[0], self._lifts[1 % len(self._lifts)]
        self._plan(BUTTON_AT, messages.event(button, self._epoch + BUTTON_AT, self._number(), ["90"]))
        self._plan(BUTTON_AT + 30, messages.event(button, self._epoch + BUTTON_AT + 30, self._number(), []))
        at = self._epoch + OVERSPEED_AT
        self._plan(OVERSPEED_AT, messages.telemetry(fast, at, self._number(), behaviour.overspeed(fast, at)))

    def until(self, t: float) -> list[Outgoing]:
        """Everything that is to be published up to ``t``."""
        found: list[Outgoing] = []
        while True:
            regular = self._sent * self._gap
            if self._due and self._due[0].at <= min(t, regular):
                found += heapq.heappop(self._due).outgoing
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
        outgoing = messages.telemetry(machine, self._epoch + t, self._number(), self._values(machine, t))
        return [outgoing, outgoing] if chance > 1 - DUPLICATE_SHARE else [outgoing]

    def _bad_input(self, t: float) -> list[Outgoing]:
        make = BAD[self._bad % len(BAD)]
        self._bad += 1
        self._next_bad = t + (BAD_EVERY_SECONDS if self._bad < len(BAD) else BAD_LATER_SECONDS)
        return list(make(self._rng.choice(self._lifts), self._epoch + t, self._number(), self._rng))

    def _values(self, machine: Machine, t: float) -> behaviour.Values:
        if self._trapped.get(machine.id, 0.0) > t:
            return behaviour.trapped(machine, self._epoch + t)
        return MODELS[machine.kind](machine, self._epoch + t)

    def _entrap(self, t: float) -> None:
        """Somebody is trapped from now on; the car reports it at once and is silent about it no longer than others."""
        machine = self._rng.choice(self._lifts[2:] or self._lifts)
        self._trapped[machine.id] = t + FREED_AFTER_SECONDS
        at = self._epoch + t
        self._plan(t, messages.telemetry(machine, at, self._number(), behaviour.trapped(machine, at)))
        end = at + FREED_AFTER_SECONDS
        self._plan(
            t + FREED_AFTER_SECONDS, messages.telemetry(machine, end, self._number(), behaviour.freed(machine, end))
        )

    def _fault(self, t: float) -> None:
        machine, code = self._rng.choice(self._lifts), self._rng.choice(FAULT_CODES)
        self._plan(t, messages.event(machine, self._epoch + t, self._number(), [code]))
        end = t + FAULT_LASTS_SECONDS
        self._plan(end, messages.event(machine, self._epoch + end, self._number(), []))

    def _plan(self, t: float, *outgoing: Outgoing) -> None:
        self._order += 1
        heapq.heappush(self._due, _Due(t, self._order, outgoing))

    def _number(self) -> int:
        self._seq += 1
        return self._seq
