"""Rule state as bytes, per shard, per rule; and back.

A rule that is new since the checkpoint starts normal; the state of a rule that is gone is dropped; the others go on:
an edit of one rule never resets another. A rule with a new version starts normal too.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np

from alarms.engine.state import KindState
from alarms.errors import StateFormatError

FORMAT = 1
RULE_ARRAYS = ("phase", "since_us", "clearing_us", "late")
UNIT_ARRAYS = ("code_bits", "codes_us", "newest_us", "heard_us", "no_signal")


def encode(states: Mapping[str, KindState], shard: int) -> bytes:
    """The part of the state that belongs to one shard."""
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {}
    for name, state in states.items():
        chosen = np.flatnonzero(state.shard == shard)
        arrays[f"{name}/unit_no"] = state.unit_no[chosen]
        for array in UNIT_ARRAYS:
            arrays[f"{name}/{array}"] = getattr(state, array)[chosen]
        for signal, values in state.values.items():
            arrays[f"{name}/value/{signal}"] = values[chosen]
            arrays[f"{name}/time/{signal}"] = state.times[signal][chosen]
        for rule in state.rules:
            for array in RULE_ARRAYS:
                key = f"{name}/rule/{rule.id}@{rule.version}/{array}"
                arrays[key] = getattr(state.rule_states[rule.id], array)[chosen]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def restore(states: Mapping[str, KindState], saved: bytes, version: int) -> None:
    """Put one shard's saved state back; units that are gone are dropped.

    Raises
    ------
    StateFormatError
        The bytes are of another format.
    """
    if version != FORMAT:
        raise StateFormatError(f"saved state has format {version}, this version reads {FORMAT}")
    with np.load(io.BytesIO(saved), allow_pickle=False) as arrays:
        for name, state in states.items():
            if f"{name}/unit_no" not in arrays:
                continue
            units = arrays[f"{name}/unit_no"].tolist()
            known = np.array([i for i, no in enumerate(units) if no in state.slot_of], dtype=np.intp)
            slots = np.array([state.slot_of[units[i]] for i in known], dtype=np.intp)
            _restore_kind(state, name, arrays, known, slots)


def _restore_kind(state: KindState, name: str, arrays: Mapping[str, object], known: object, slots: object) -> None:
    def put(target: object, key: str) -> None:
        if key in arrays:
            target[slots] = arrays[key][known]  # type: ignore[index]

    for array in UNIT_ARRAYS:
        put(getattr(state, array), f"{name}/{array}")
    for signal, values in state.values.items():
        put(values, f"{name}/value/{signal}")
        put(state.times[signal], f"{name}/time/{signal}")
    for rule in state.rules:
        for array in RULE_ARRAYS:
            put(getattr(state.rule_states[rule.id], array), f"{name}/rule/{rule.id}@{rule.version}/{array}")
