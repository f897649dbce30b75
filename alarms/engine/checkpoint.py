"""Rule state as bytes, per shard, per rule; and back.

A rule that is new since the checkpoint starts normal; the state of a rule that is gone is dropped; the others go on: an
edit of one rule never resets another. An edited rule starts normal too. What is as in the beginning is not written.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from alarms.engine.samples import Samples, Slots
from alarms.engine.state import RULE_ARRAYS, UNIT_ARRAYS, KindState
from alarms.engine.windows import NONE_YET
from alarms.errors import StateFormatError

FORMAT = 2
FASTEST = 1
Part = npt.NDArray[Any]


def parts(state: KindState) -> Iterator[tuple[str, Part]]:
    """Every array with the name under which it is saved: a row per signal and per rule, views on the state."""
    for row, signal in enumerate(state.fixed.signals):
        for array in ("held", "held_us"):
            yield f"{array}/{signal}", state.arrays[array][row]
    for row, rule in enumerate(state.rules):
        for array in RULE_ARRAYS:
            yield f"{array}/{rule.key}", state.arrays[array][row]
    for array in UNIT_ARRAYS:
        yield array, state.arrays[array]
    for memory in state.fixed.windows:
        for array in memory.empty(0):
            yield array, state.arrays[array]


def empty_value(name: str) -> Any:
    """What stands in an array where nothing has happened yet."""
    if name.startswith("held/") or name.endswith(("/sum", "/last")):
        return np.nan
    return NONE_YET if name.endswith(("/slice", "/known", "/latest")) else 0


def encode(states: Mapping[str, KindState], shard: int) -> bytes:
    """The part of the state that belongs to one shard."""
    written: dict[str, Part] = {}
    for kind, state in states.items():
        slots = np.flatnonzero(state.fixed.shard == shard)
        if not len(slots):
            continue
        written[f"{kind}:unit_no"] = state.fixed.unit_no[slots]
        for name, array in parts(state):
            values = array[..., slots]
            empty = empty_value(name)
            differs = ~np.isnan(values) if np.isnan(empty) else values != empty
            if differs.any():
                written[f"{kind}:{name}"] = values
    buffer = io.BytesIO()
    np.savez(buffer, **written)  # type: ignore[arg-type]
    return zlib.compress(buffer.getvalue(), FASTEST)


def restore(states: Mapping[str, KindState], saved: bytes, version: int) -> None:
    """Put one shard's saved state back; units that are gone are dropped.

    Raises
    ------
    StateFormatError
        The bytes are of another format.
    """
    if version != FORMAT:
        raise StateFormatError(f"saved state has format {version}, this version reads {FORMAT}")
    with np.load(io.BytesIO(zlib.decompress(saved)), allow_pickle=False) as arrays:
        for kind, state in states.items():
            if f"{kind}:unit_no" in arrays:
                _restore_kind(state, kind, arrays)


def _restore_kind(state: KindState, kind: str, arrays: Any) -> None:
    here, there = _common(arrays[f"{kind}:unit_no"], state)
    for name, array in parts(state):
        key = f"{kind}:{name}"
        array[..., here] = arrays[key][..., there] if key in arrays else empty_value(name)


def _common(numbers: Part, state: KindState) -> tuple[Slots, Slots]:
    """Slots here and places there of the units that both know."""
    slot_of = state.fixed.slot_of
    slots = np.where(numbers < len(slot_of), slot_of[np.minimum(numbers, max(len(slot_of) - 1, 0))], -1) if len(slot_of) else np.full(len(numbers), -1)  # fmt: skip
    there = np.flatnonzero(slots >= 0)
    return slots[there].astype(np.intp), there


def carry(old: KindState, new: KindState) -> None:
    """Take over what an older state of the kind knows: units and rules may have come, gone or been edited."""
    here, there = _common(old.fixed.unit_no, new)
    known = dict(parts(old))
    for name, array in parts(new):
        if name in known:
            array[..., here] = known[name][..., there]


def carry_history(old: KindState, new: KindState) -> None:
    """The same rules over other units: the state and its short history go on under their new places."""
    carry(old, new)
    past = old.history
    if past is None:
        return
    new.remember()
    following = new.history
    if following is None:
        return
    carry(past.older, following.older)
    carry(past.newer, following.newer)
    here, there = _common(old.fixed.unit_no, new)
    place = np.full(old.size, -1, dtype=np.intp)
    place[there] = here
    for kept, samples in zip(following.samples, past.samples, strict=True):
        kept += [_moved(part, place) for part in samples]
    for told, before in zip(following.told, past.told, strict=True):
        told.update(before)
    following.ticked_us = past.ticked_us


def _moved(part: Samples, place: Slots) -> Samples:
    slots = place[part.slots]
    moved = replace(part, slots=slots)
    return moved if (slots >= 0).all() else moved.take(np.flatnonzero(slots >= 0))
