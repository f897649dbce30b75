"""``teshe bench rules``: how many judgements one core makes per second, through the entry that the worker uses."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import typer

from alarms.engine.fold import fold, tick
from alarms.engine.state import KindState, empty_state
from alarms.engine.telling import Guard
from alarms.rules.load import load_pack
from alarms.rules.model import Rule
from dashboards.bench.services import conditions
from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind, SignalType
from equipment.registry.model import UnitSummary
from ingest.model import Columns

START_US = 1_772_413_200_000_000
SECOND_US = 1_000_000
BATCH = 5_000
UNITS = 20_000
PARTS = {"lift": 0.9, "escalator": 0.1}
"""Shares of a city's terminals."""
SIGNALS = 12
CHECKPOINT_EVERY = 30
Generator = np.random.Generator


@dataclass(slots=True)
class City:
    """States of the kinds, and a source of samples of all of them."""

    states: dict[str, KindState]
    units: dict[str, int]
    rng: Generator
    now_us: int = START_US

    def batches(self, size: int) -> list[Columns]:
        """One batch of samples of units drawn at random, so that some come more than once; time goes on by a second."""
        self.now_us += SECOND_US
        return [
            samples_of(self.states[kind].kind, count, round(size * PARTS[kind]), self.now_us, self.rng)
            for kind, count in self.units.items()
        ]

    def judge(self, batches: list[Columns], guard: Guard) -> int:
        """Through the production entry; returns the evaluations: enabled rules times samples."""
        done = 0
        for columns in batches:
            state = self.states[columns.kind]
            self.states[columns.kind], _ = fold(state, columns, self.now_us, guard)
            done += len(columns) * len(state.rules)
        return done


def city_of(units: int, seed: int = 7) -> City:
    """A city whose units have terminals that sense everything, judged by the shipped pack."""
    states: dict[str, KindState] = {}
    counts: dict[str, int] = {}
    for name, part in PARTS.items():
        kind = load_catalogue().kind(name)
        if kind is None:
            continue
        counts[name] = max(1, round(units * part))
        summaries = [
            UnitSummary(no, f"{name[0].upper()}{no:06d}", name, "3110", "in_use", "any", {"rated_speed_m_s": 1.75})
            for no in range(1, counts[name] + 1)
        ]
        states[name] = empty_state(kind, load_pack().by_kind[name], summaries)
        states[name].remember()
    return City(states, counts, np.random.default_rng(seed))


def samples_of(kind: Kind, units: int, count: int, now_us: int, rng: Generator) -> Columns:
    """Samples with twelve values each, nearly all of them normal; one in a hundred says that it does not know."""
    chosen = [s for s in kind.signals if s.type is not SignalType.TEXT][:SIGNALS]
    unknown = {s.name: rng.random(count) < 0.01 for s in chosen}
    at = now_us - rng.integers(0, SECOND_US, count)
    zeros = np.zeros(count, dtype=np.int64)
    return Columns(
        kind=kind.name, unit_no=rng.integers(1, units + 1, count).astype(np.int32), ts_us=at,
        channel=np.ones(count, dtype=np.int16), seq=np.arange(count), content=zeros, server_us=at,
        received_us=np.full(count, now_us), shard=np.zeros(count, dtype=np.int16), flags=np.zeros(count, dtype=np.int16),
        redelivery=np.zeros(count, dtype=np.bool_),
        values=ordinary([s.name for s in chosen], count, rng),
        valid={name: ~mask for name, mask in unknown.items()}, unknown=unknown,
        code_bits=zeros, codes_valid=rng.random(count) < 0.05, codes=[None] * count, messages=[], positions=[],
    )  # fmt: skip


ABNORMAL = 0.0005
"""Share of samples of which one value is wrong: a bad day; a quiet one has fewer."""
ONES = {
    "door_closed",
    "door_zone",
    "safety_chain_closed",
    "running",
    "service_mode",
    "direction",
    "commanded_direction",
}
FLOATS = {"speed_m_s": 0.45, "handrail_left_m_s": 0.45, "handrail_right_m_s": 0.45, "levelling_error_mm": 3.0,
          "total_running_hours": 9_000.0}  # fmt: skip


def ordinary(names: list[str], count: int, rng: Generator) -> dict[str, Any]:
    """Values as they mostly are: a moving car is closed, a standing one at a landing, some with open doors."""
    moving = rng.random(count) < 0.3
    told = {
        "car_moving": moving, "door_closed": moving | (rng.random(count) < 0.75),
        "door_zone": ~moving | (rng.random(count) < 0.2), "passenger": rng.random(count) < 0.3,
        "car_direction": np.where(moving, 1, 0), "speed_m_s": np.where(moving, 1.5, 0.0),
        "run_count": np.where(moving, rng.integers(0, 1_000_000, count), 500), "door_cycles": rng.integers(0, 1_000_000, count),
    } if "car_moving" in names else {}  # fmt: skip
    values: dict[str, Any] = {}
    for name in names:
        steady = np.full(count, 1.0 if name in ONES else FLOATS.get(name, 0.0))
        values[name] = np.asarray(told.get(name, steady), dtype=np.float64)
        wrong = rng.random(count) < ABNORMAL / len(names)
        values[name] = np.where(wrong, 1.0 - np.minimum(values[name], 1.0), values[name])
    return values


def without_fault(work: Callable[[], None]) -> Exception | None:
    """Nothing fails here."""
    work()
    return None


def ignored(_: Rule, __: Exception) -> None:
    """Nothing fails here."""


GUARD = Guard(without_fault, ignored)


def seconds_per_batch(city: City, size: int, rounds: int) -> tuple[float, int]:
    """Mean processor time of one batch [s] and its evaluations; the batches are made beforehand.

    The processor time of the thread is what one core needs, also on a machine that others use.
    """
    made = [(city.batches(size), city.now_us) for _ in range(rounds)]
    times: list[float] = []
    done = 0
    for number, (batches, now) in enumerate(made):
        city.now_us = now
        started = time.thread_time()
        done = city.judge(batches, GUARD)
        times.append(time.thread_time() - started)
        for kind, state in city.states.items():
            city.states[kind], _ = tick(state, now, GUARD)
            if number % CHECKPOINT_EVERY == CHECKPOINT_EVERY - 1:
                city.states[kind].rotate()
    return float(np.mean(times)), done


def bare_evaluations_per_s(samples: int, rules: int, rounds: int) -> float:
    """What numpy makes of one comparison of the same arrays, per rule."""
    values = np.random.default_rng(1).random((rules, samples))
    started = time.thread_time()
    for _ in range(rounds):
        for row in values:
            np.greater(row, 0.5)
    return rules * samples * rounds / (time.thread_time() - started)


def measure(units: int, size: int, rounds: int) -> dict[str, Any]:
    """All figures."""
    city = city_of(units)
    seconds_per_batch(city, size, 5)  # first batches fill the state
    seconds, evaluations = seconds_per_batch(city, size, rounds)
    rules = sum(len(state.rules) * PARTS[kind] for kind, state in city.states.items())
    rate = evaluations / seconds
    small, large = (growth(count, size, max(10, rounds // 3)) for count in (1_000, 100_000))
    return {
        "evaluations_per_s": round(rate),
        "numpy_share": round(rate / bare_evaluations_per_s(size, round(rules), 200), 4),
        "batch_5000_ms": round(seconds * 1_000 * 5_000 / size, 3),
        "growth_1k_to_100k": round(large / small, 2),
        "settings": {
            "units": units, "batch": size, "batches": rounds, "rules": {k: len(s.rules) for k, s in city.states.items()},
            "shares": PARTS, "signals_per_sample": SIGNALS, "null_share": 0.01, "ticks": "one after each batch",
            "history": f"kept, a new one every {CHECKPOINT_EVERY} batches", "cores": 1,
        },
        "conditions": conditions(None),
    }  # fmt: skip


def growth(units: int, size: int, rounds: int) -> float:
    """Time of a batch over so many units [s]."""
    city = city_of(units)
    seconds_per_batch(city, size, 3)
    return seconds_per_batch(city, size, rounds)[0]


def rules_command(
    units: Annotated[int, typer.Option(min=100, max=1_000_000, help="Units of the city.")] = UNITS,
    batch: Annotated[int, typer.Option(min=10, max=100_000, help="Samples per batch.")] = BATCH,
    batches: Annotated[int, typer.Option(min=5, max=10_000, help="Batches that are measured.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Only JSON on standard output.")] = False,
) -> None:
    """Judgements per second on one core: one enabled rule on one arriving sample, with the shipped pack."""
    found = measure(units, batch, batches)
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name in ("evaluations_per_s", "numpy_share", "batch_5000_ms", "growth_1k_to_100k"):
        typer.echo(f"{name:22} {found[name]:,}")
    typer.echo(f"load average {found['conditions']['load_average']} on {found['conditions']['cores']} cores")
