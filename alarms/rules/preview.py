"""What a rule would do to the units as they are now, before it is put in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from alarms.engine.state import empty_state
from alarms.engine.views import MomentView
from alarms.rules.applicability import Applies, applies
from alarms.rules.model import Rule
from equipment.catalogue.load import load_catalogue
from equipment.registry.model import UnitSummary
from ingest.decode import to_us
from ingest.read import Held


@dataclass(frozen=True, slots=True)
class Preview:
    """Units by whether the rule watches them; of those looked at, what its condition says now."""

    applicable: Mapping[Applies, int]
    looked_at: int
    holds: tuple[str, ...]
    """Ids of units whose condition holds."""
    fails: int
    unknown: int


def counted(rule: Rule, units: Sequence[UnitSummary]) -> dict[Applies, int]:
    """Units of the rule's kind by whether it watches them."""
    found = Counter(applies(rule, unit) for unit in units if unit.kind == rule.kind)
    return {way: found[way] for way in Applies}


def preview(
    rule: Rule,
    units: Sequence[UnitSummary],
    latest: Mapping[int, Mapping[str, Held]],
    now: datetime,
    settings: Mapping[tuple[str, str], float] | None = None,
) -> Preview:
    """Judge the newest values of some units; windows and codes have no past here, so what needs them is unknown.

    Parameters
    ----------
    latest
        Newest values by signal, by unit number.
    settings
        Limits by jurisdiction and name; without any, the rules' own defaults hold.
    """
    kind = load_catalogue().kind(rule.kind)
    chosen = [
        unit for unit in units if unit.no in latest and unit.kind == rule.kind and applies(rule, unit) is Applies.YES
    ]
    if kind is None or rule.condition is None or not chosen:
        return Preview(counted(rule, units), 0, (), 0, 0)
    state = empty_state(kind, [rule], chosen, settings)
    for slot, unit in enumerate(chosen):
        for row, signal in enumerate(state.fixed.signals):
            held = latest[unit.no].get(signal)
            if held is not None:
                state.arrays["held"][row, slot] = float(held.value)
                state.arrays["held_us"][row, slot] = to_us(held.at)
    view = MomentView(state, np.arange(len(chosen)), np.full(len(chosen), to_us(now)))
    said = state.fixed.program.condition_of(0, view)
    true, false = (np.broadcast_to(mask, (len(chosen),)) for mask in (said.true, said.false))
    holds = tuple(unit.id for unit, yes in zip(chosen, true, strict=True) if yes)
    return Preview(counted(rule, units), len(chosen), holds, int(false.sum()), int((~true & ~false).sum()))
