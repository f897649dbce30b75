"""What every rule of the pack promises, whatever is sent: found by generated sequences.

Deterministic; independent of the size of batches and of ticks; final state and confirmed alarms independent of the
order of arrival; recovered equal to uninterrupted; unknown never normal and never alarming.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.engine import checkpoint
from alarms.engine.reorder import recollect
from alarms.engine.state import KindState, Phase, empty_state
from alarms.engine.telling import Transition
from alarms.rules.load import load_pack
from alarms.rules.model import Rule
from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Signal, SignalType
from tests.alarms.engine.script import SECOND, ZERO_US, Sample, Script, columns, unit

PACK = load_pack()
KINDS = sorted(PACK.by_kind)
UNITS = 3
LONGEST = 400
"""Seconds of a script: shorter than any signal is held, so that nothing grows stale by itself."""
JUDGED = ("phase", "since_us", "clearing_us", "raised_us", "level", "late")
FEW = settings(max_examples=25, deadline=None)


def interesting(signal: Signal, kind: str) -> st.SearchStrategy[Any]:
    """Values at, about and far from the limits of the rules; now and then null."""
    match signal.type:
        case SignalType.BOOL:
            values: st.SearchStrategy[Any] = st.booleans()
        case SignalType.ENUM:
            values = st.sampled_from(sorted(signal.values or {}))
        case SignalType.INT:
            values = st.integers(0, 20)
        case _:
            limits = {"speed_m_s": [0, 0.5, 0.6, 1, 2.9, 6], "speed_km_h": [0, 9.5, 12]}.get(signal.name)
            values = st.sampled_from(limits or [-80, -60, 0, 0.1, 1, 1.3, 2, 14, 16, 39, 41, 100, 115, 200])
    return st.one_of(st.none(), values, values, values, values)


@st.composite
def scripts(draw: st.DrawFn, kind: str, least: int = 1, most: int = 12) -> list[Sample]:
    """Samples in order of time, of few units, at whole seconds, each with some of the signals."""
    found = load_catalogue().kind(kind)
    assert found is not None
    signals = [s for s in found.signals if s.type is not SignalType.TEXT]
    codes = sorted({c for rule in PACK.by_kind[kind] for e in rule.expressions for c in e.codes})
    times = sorted(draw(st.lists(st.integers(0, LONGEST), min_size=least, max_size=most, unique=True)))
    samples = []
    for number, at in enumerate(times):
        chosen = draw(st.lists(st.sampled_from(signals), min_size=1, unique_by=lambda s: s.name))
        values = {s.name: draw(interesting(s, kind)) for s in chosen}
        said = draw(st.none() | st.lists(st.sampled_from(codes), max_size=2, unique=True)) if codes else None
        samples.append(Sample(draw(st.integers(1, UNITS)), at, values, None if said is None else tuple(said), number))
    return samples


def script(kind: str, rules: Sequence[Rule] = ()) -> Script:
    return Script(kind, rules or PACK.by_kind[kind], [unit(n, kind) for n in range(1, UNITS + 1)])


def final(run: Script) -> dict[str, list[Any]]:
    """The state of every rule that matters: times only where a timer runs."""
    arrays = run.state.arrays
    rows = ~run.state.fixed.limits.silent
    phase = arrays["phase"][rows]
    kept: dict[str, list[Any]] = {"phase": phase.tolist()}
    busy, active, ending = phase != Phase.NORMAL, phase >= Phase.ACTIVE, phase == Phase.CLEARING
    kept["since_us"] = np.where(busy, arrays["since_us"][rows], 0).tolist()
    kept["raised_us"] = np.where(active, arrays["raised_us"][rows], 0).tolist()
    kept["level"] = np.where(active, arrays["level"][rows], 0).tolist()
    kept["clearing_us"] = np.where(ending, arrays["clearing_us"][rows], 0).tolist()
    kept["held"] = np.nan_to_num(arrays["held"], nan=-1e9).tolist()
    kept["newest_us"] = arrays["newest_us"].tolist()
    return kept


def confirmed(told: Sequence[Transition]) -> dict[tuple[str, int, int], str]:
    """Alarms that were raised and not withdrawn, with how they stand."""
    alarms: dict[tuple[str, int, int], str] = {}
    for t in told:
        key = (t.rule.id, t.unit_no, t.started_us)
        if t.rule.silence is not None or t.event in ("no_signal", "signal_back"):
            continue
        if t.event == "withdrawn":
            alarms.pop(key)
        elif t.event == "cleared":
            alarms[key] = "over"
        else:
            alarms[key] = "active"
    return alarms


def in_order(kind: str, samples: Sequence[Sample]) -> Script:
    run = script(kind)
    for sample in samples:
        run.batch([sample])
    run.tick(LONGEST + 1)
    return run


@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(data=st.data())
def test_the_size_of_batches_and_the_ticks_between_them_change_nothing(kind: str, data: st.DataObject) -> None:
    samples = data.draw(scripts(kind))
    one = in_order(kind, samples)
    cuts = data.draw(st.lists(st.integers(0, len(samples)), max_size=3))
    other = script(kind)
    edges = sorted({0, len(samples), *cuts})
    for start, end in pairwise(edges):
        other.batch(samples[start:end])
        if data.draw(st.booleans()):
            other.tick(samples[end - 1].at + data.draw(st.sampled_from([0, 0.2])))
    other.tick(LONGEST + 1)
    assert final(one) == final(other)
    assert confirmed(one.told) == confirmed(other.told)


@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(data=st.data())
def test_the_order_of_arrival_changes_neither_the_final_state_nor_the_confirmed_alarms(
    kind: str, data: st.DataObject
) -> None:
    samples = data.draw(scripts(kind, least=2))
    arrival = data.draw(st.permutations(samples))
    one, other = in_order(kind, samples), script(kind)
    newest = 0.0
    for sample in arrival:
        newest = max(newest, sample.at)
        other.batch([replace(sample, got=newest)])
        if data.draw(st.booleans()):
            other.tick(newest + 0.2)
    other.tick(LONGEST + 1)
    assert final(one) == final(other)
    assert confirmed(one.told) == confirmed(other.told)


@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(data=st.data())
def test_a_recovered_state_is_equal_to_the_uninterrupted_one(kind: str, data: st.DataObject) -> None:
    """Checkpoints in between, a kill, then older checkpoint and replay; ticks are not replayed, one comes after."""
    samples = data.draw(scripts(kind, least=3))
    arrival = data.draw(st.permutations(samples))
    points = sorted(data.draw(st.lists(st.integers(0, len(samples)), min_size=2, max_size=2)))
    live = script(kind)
    only_shard(live.state)
    start, turn, state, older, taken = 0, 0, *[checkpoint.encode({kind: live.state}, 0)] * 2, 0.0
    newest = 0.0
    for number, sample in enumerate(arrival):
        if number in points:
            live.state.rotate()
            assert live.state.history is not None
            start, turn, taken = turn, number, newest
            state, older = (checkpoint.encode({kind: s}, 0) for s in (live.state, live.state.history.older))
        newest = max(newest, sample.at)
        live.batch([replace(sample, got=newest)])
        live.tick(newest)
    again = restarted(kind, state, older, arrival[start:turn], taken)
    seen = taken
    for sample in arrival[turn:]:
        seen = max(seen, sample.at)
        again.batch([replace(sample, got=seen)])
    again.tick(newest)
    assert final(live) == final(again)
    extra = Sample(1, float(data.draw(st.integers(0, LONGEST))) + 0.5, {}, None, 99, got=newest)
    live.batch([extra])
    again.batch([extra])
    assert final(live) == final(again)


def restarted(kind: str, state: bytes, older: bytes, between: Sequence[Sample], taken: float) -> Script:
    """As the stage recovers: both ends of the history, and what lies between them."""
    again = script(kind)
    only_shard(again.state)
    everyone = np.arange(UNITS)
    checkpoint.restore({kind: again.state}, older, checkpoint.FORMAT)
    end = again.state.copy()
    checkpoint.restore({kind: again.state}, state, checkpoint.FORMAT)
    again.state.remember()
    again.state.restart(everyone, end)
    batches = [columns(kind, [sample]) for sample in between]
    recollect(again.state, everyone, batches, ZERO_US + round(taken * SECOND), again.guard)
    return again


def only_shard(state: KindState) -> None:
    state.fixed.shard[:] = 0


@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(data=st.data())
def test_the_same_again_is_the_same(kind: str, data: st.DataObject) -> None:
    samples = data.draw(scripts(kind))
    one, other = in_order(kind, samples), in_order(kind, samples)
    assert final(one) == final(other)
    assert [replace(t, evidence={}) for t in one.told] == [replace(t, evidence={}) for t in other.told]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_unknown_raises_nothing(kind: str) -> None:
    found = load_catalogue().kind(kind)
    assert found is not None
    run = script(kind)
    for at in range(0, 800, 100):
        run.batch([Sample(1, at, {s.name: None for s in found.signals if s.type is not SignalType.TEXT})])
    run.tick(801)
    assert run.told == []


@pytest.mark.parametrize("rule", [r for r in PACK.rules if r.condition is not None], ids=lambda r: r.id)
def test_unknown_neither_ends_an_alarm_nor_a_delay(rule: Rule) -> None:
    run = raised_by_search(rule)
    found = load_catalogue().kind(rule.kind)
    assert found is not None
    before = run.state.arrays["phase"].copy()
    newest = int((run.state.arrays["newest_us"].max() - 1_772_413_200_000_000) // 1_000_000)
    run.batch([Sample(1, newest + 1, {s.name: None for s in found.signals if s.type is not SignalType.TEXT})])
    assert (run.state.arrays["phase"] >= np.minimum(before, Phase.ACTIVE)).all()


def raised_by_search(rule: Rule) -> Script:
    """Random samples until the rule speaks: there is a way to raise every rule."""
    found = load_catalogue().kind(rule.kind)
    assert found is not None
    signals = sorted(rule.condition.signals) if rule.condition else []
    codes = sorted(rule.condition.codes) if rule.condition else []
    rng = random.Random(7)
    numbers = [-80, 0, 0.1, 0.15, 1, 1.3, 3, 6, 16, 50, 100, 120, 200]
    for _ in range(400):
        run = Script(rule.kind, [rule])
        at = 0.0
        for _ in range(30):
            values = {}
            for name in signals:
                signal = found.signal(name)
                assert signal is not None
                known: dict[SignalType, list[Any]] = {
                    SignalType.BOOL: [True, False], SignalType.ENUM: sorted(signal.values or {}), SignalType.INT: [1, 1, 2],
                }  # fmt: skip
                values[name] = rng.choice(known.get(signal.type, numbers))
            said = tuple(c for c in codes if rng.random() < 0.5)
            run.say(at, 1, said if codes else None, **values)
            run.tick(at + rng.choice([0, 0.2]))
            step = rng.choice([1, 5, rule.on_delay_seconds + 1])
            run.tick(at + step)
            if any(t.event == "raised" for t in run.told):
                return run
            at += step
    raise AssertionError(f"nothing raises {rule.id}")


@pytest.mark.parametrize("rule", [r for r in PACK.rules if r.condition is not None], ids=lambda r: r.id)
def test_a_saved_state_goes_on_where_it_stood(rule: Rule) -> None:
    run = raised_by_search(rule)
    only_shard(run.state)
    fresh = empty_state(run.state.kind, [rule], [unit(1, rule.kind)])
    only_shard(fresh)
    checkpoint.restore({rule.kind: fresh}, checkpoint.encode({rule.kind: run.state}, 0), checkpoint.FORMAT)
    for name, array in run.state.arrays.items():
        np.testing.assert_array_equal(fresh.arrays[name], array, err_msg=name)


def test_an_edit_of_one_rule_resets_no_other() -> None:
    run = script("lift")
    run.say(
        0, passenger=True, car_moving=False, door_closed=True, door_zone=False, safety_chain_closed=True, service_mode=1
    )
    edited = [replace(r, digest="edited") if r.id == "lift.stop_outside_zone" else r for r in PACK.by_kind["lift"]]
    new = empty_state(run.state.kind, edited, [unit(n, "lift") for n in range(1, UNITS + 1)])
    checkpoint.carry(run.state, new)
    row = [r.id for r in edited].index
    assert new.arrays["phase"][row("lift.entrapment"), 0] == Phase.PENDING
    assert new.arrays["since_us"][row("lift.entrapment"), 0] == run.state.arrays["since_us"][row("lift.entrapment"), 0]
    assert new.arrays["phase"][row("lift.stop_outside_zone"), 0] == Phase.NORMAL
