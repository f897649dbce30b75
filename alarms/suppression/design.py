"""设计抑制 ends with what suppressed it: after an inspection or a test, what is still present pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from alarms import store
from alarms.engine.state import KindState
from alarms.engine.views import MomentView
from alarms.lifecycle import AlarmState
from equipment.foundation.database import Connection
from equipment.registry.model import UnitSummary
from ingest.decode import to_us

REASON = "抑制条件已结束 (what suppressed it is over)"


def still_suppressed(state: KindState, row: int, slot: int, now_us: int) -> bool:
    """Whether the rule's own condition still says so of the unit, on what is held; unknown is no reason to be silent."""
    outputs = state.fixed.program.outputs[row]
    if outputs.suppress is None:
        return False
    view = MomentView(state, np.array([slot]), np.array([now_us]))
    return bool(np.all(state.fixed.program.look(outputs, view)[outputs.suppress].true))


def release_over(
    conn: Connection,
    states: Mapping[str, KindState],
    units: Mapping[int, UnitSummary],
    shards: Sequence[int],
    now: datetime,
) -> int:
    """Release every alarm of these shards whose suppressing condition has ended; returns how many.

    A person's press is over the moment it is made: it is not called up again by the end of a test call.
    """
    released = 0
    for key, unit_no, rule_id, version in conn.execute(store.QUERIES.suppressed_by_design, (list(shards),)).fetchall():
        unit = units.get(unit_no)
        state = None if unit is None else states.get(unit.kind)
        if state is None:
            continue
        row = next((i for i, r in enumerate(state.rules) if r.id == rule_id and r.version == version), None)
        if row is None or state.rules[row].momentary:
            continue
        if still_suppressed(state, row, int(state.fixed.slot_of[unit_no]), to_us(now)):
            continue
        # one that somebody holds is looked at again the next time: the worker waits for nobody here
        if conn.execute(store.QUERIES.hold_if_free, (key,)).fetchone() is None:
            continue
        alarm = store.lock(conn, key)
        if alarm is not None and alarm.state is AlarmState.SUPPRESSED_BY_DESIGN and alarm.inhibited_by is None:
            store.release(conn, alarm, now, None, REASON)
            released += 1
    return released
