"""``teshe bench plausibility``: how well the checks tell a simulated mix of honest and fabricated records apart.

Honest work is simulated with everything that makes it look bad: cut power, silent terminals, poor positions, a phone
whose clock is wrong, an officer who confirms on the worker's phone. Fabrication comes in three kinds: from the office,
on the way past, and by somebody who stands there for the usual time and does nothing. What the mix assumes is told in
docs/plausibility.md; the figures say how the checks work on it, not how honest a city is.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from maintenance.plausibility.catalogue import catalogue
from maintenance.plausibility.model import Case, Fix, Other, Picture, Place, Trace, Twin
from maintenance.plausibility.score import band, score
from maintenance.plausibility.telemetry import MARGIN, assess

SENSES = frozenset({"service_mode", "car_moving", "passenger", "run_count", "door_cycles", "power_source"})
HERE = Place(116.98, 33.64, "wgs84", 20.0)
METRE = 1 / 111_320
DAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
KINDS = ("honest", "office", "passing", "idle")
SHARES = {"office": 0.4, "passing": 0.4, "idle": 0.2}


@dataclass(frozen=True, slots=True)
class Sample:
    """One simulated record and what it is in truth."""

    kind: str
    case: Case
    terminal: bool


def plausibility_command(
    records: Annotated[int, typer.Option(min=200, max=100_000, help="Records of the mix.")] = 5_000,
    fabricated: Annotated[float, typer.Option(min=0.01, max=0.5, help="Share that is fabricated.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the random numbers.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Only JSON.")] = False,
) -> None:
    """Precision and recall of the plausibility checks on a simulated mix."""
    found = measure(records, fabricated, seed)
    typer.echo(json.dumps(found) if as_json else "\n".join(f"{k:>28}  {v}" for k, v in found.items()))


def measure(records: int, fabricated: float, seed: int) -> dict[str, Any]:
    """Precision and recall at both thresholds, all together, by kind, and with and without a terminal."""
    rng = random.Random(seed)  # noqa: S311  # a simulation
    of = catalogue()
    judged = []
    bands: Counter[tuple[str, str]] = Counter()
    for sample in mix(rng, records, fabricated):
        made = assess(sample.case, of)
        points = score(made.findings, of)
        judged.append((sample, points))
        bands[sample.kind, band(points, len(made.looked), of).value] += 1
    counts = of.counts
    named = {kind: [p for s, p in judged if s.kind == kind] for kind in KINDS}
    return {
        "precision": precision(judged, counts.implausible),
        "recall": recall(judged, counts.implausible),
        "precision_look": precision(judged, counts.look),
        "recall_look": recall(judged, counts.look),
        "recall_with_terminal": recall([j for j in judged if j[0].terminal], counts.implausible),
        "recall_without_terminal": recall([j for j in judged if not j[0].terminal], counts.implausible),
        **{f"recall_{k}": share(p >= counts.implausible for p in named[k]) for k in KINDS[1:]},
        "honest_called_implausible": share(p >= counts.implausible for p in named["honest"]),
        "honest_worth_a_look": share(p >= counts.look for p in named["honest"]),
        "unknown": bands["honest", "unknown"] + sum(bands[k, "unknown"] for k in KINDS[1:]),
        "records": records, "fabricated": fabricated, "seed": seed, "checks_version": of.version,
    }  # fmt: skip


def share(hits: Iterable[bool]) -> float:
    """The share of true ones, 0 of none."""
    found = list(hits)
    return round(sum(found) / len(found), 4) if found else 0.0


def precision(judged: list[tuple[Sample, int]], threshold: int) -> float:
    """Of those above the threshold, the share that is fabricated."""
    return share(s.kind != "honest" for s, points in judged if points >= threshold)


def recall(judged: list[tuple[Sample, int]], threshold: int) -> float:
    """Of the fabricated ones, the share above the threshold."""
    return share(points >= threshold for s, points in judged if s.kind != "honest")


def mix(rng: random.Random, records: int, fabricated: float) -> Iterable[Sample]:
    """The records of the mix."""
    for _ in range(records):
        if rng.random() >= fabricated:
            yield honest(rng)
            continue
        kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
        yield {"office": office, "passing": passing, "idle": idle}[kind](rng)


def _visit(rng: random.Random, minutes: float) -> Case:
    began = DAY + timedelta(minutes=rng.uniform(0, 420))
    ended = began + timedelta(minutes=minutes)
    worker = "王强"
    others = tuple(
        Other(f"r{i}", f"L{i}", frozenset({worker}), began + shift, began + shift + timedelta(minutes=35), HERE)
        for i in range(rng.randint(4, 14))
        # before and after this visit, never across it
        if (shift := timedelta(minutes=50 * (i - 6) + (minutes if i >= 6 else -40)))
    )
    return Case("half_month", frozenset({worker}), began, ended, place=HERE, others=others)


def _fix(rng: random.Random, away_m: float, accuracy_m: float | None, datum: str = "wgs84") -> Fix:
    return Fix(HERE.lon + rng.gauss(0, away_m) * METRE, HERE.lat + rng.gauss(0, away_m) * METRE, datum, accuracy_m)


def _honest_fixes(rng: random.Random) -> Mapping[str, Fix]:
    luck = rng.random()
    if luck < 0.15:
        return {}
    if luck < 0.25:
        return {"sign_in": _fix(rng, 30, 20, "unknown")}
    if luck < 0.35:
        return {"sign_in": _fix(rng, 600, rng.uniform(300, 2_000))}
    if luck < 0.37:
        # between high houses: the phone says 20 m and is several hundred wrong
        return {"sign_in": _fix(rng, 350, 20)}
    return {when: _fix(rng, 30, rng.uniform(10, 60)) for when in ("sign_in", "sign_out")}


def _photos(rng: random.Random, case: Case, twin: float, near: float, clock: float) -> tuple[Picture, ...]:
    made = []
    for _ in range(5):
        at = case.began + timedelta(minutes=rng.uniform(1, 15)) if rng.random() < 0.2 else None
        if at is not None and rng.random() < clock:
            at -= timedelta(days=rng.randint(1, 60))
        made.append(Picture(drawn=False, taken_at=at, detail=rng.uniform(5, 70)))
    if rng.random() < twin:
        made[0] = replace(made[0], twins=(Twin("r", "L9", "2026-02-14", 0, same=True),), detail=40)
    elif rng.random() < near:
        made[0] = replace(made[0], twins=(Twin("r", "L9", "2026-02-14", rng.randint(1, 10), same=False),), detail=40)
    return tuple(made)


def _drawn(rng: random.Random, same: float) -> Picture:
    twins = (Twin("r", "L9", "2026-02-14", 0, same=True),) if rng.random() < same else ()
    return Picture(drawn=True, taken_at=None, detail=10, twins=twins)


def honest(rng: random.Random) -> Sample:
    """Work that was done, with everything that may look odd about it."""
    case = _visit(rng, max(6.0, rng.lognormvariate(3.55, 0.3)))
    shared = rng.random() < 0.02
    terminal = rng.random() < 0.7
    how = rng.random()
    trace = traffic(rng, case, work=how < 0.78, cut=0.70 < how < 0.88, silent=0.88 < how < 0.95)
    return Sample(
        "honest",
        replace(
            case, fixes=_honest_fixes(rng), pictures=(*_photos(rng, case, 0.002, 0.02, 0.02), _drawn(rng, 0.001)),
            worker_devices={"王强": "A"}, officer_devices=("A" if shared else "B",) if rng.random() < 0.8 else (),
            trace=trace if terminal else None,
        ),
        terminal,
    )  # fmt: skip


def office(rng: random.Random) -> Sample:
    """Nobody was there."""
    case = _visit(rng, rng.uniform(22, 45))
    where = rng.random()
    fixes: Mapping[str, Fix] = {}
    if where < 0.5:
        fixes = {when: _fix(rng, 5_000, 30) for when in ("sign_in", "sign_out")}
    elif where < 0.7:
        fixes = {"sign_in": Fix(HERE.lon, HERE.lat, "wgs84", 10)}
    others = case.others
    if rng.random() < 0.15:
        far = Place(HERE.lon + 2_000 * METRE, HERE.lat, "wgs84", 20)
        others += (Other("x", "L99", case.workers, case.began, case.ended, far),)
    own = rng.random() < 0.4
    terminal = rng.random() < 0.7
    return Sample(
        "office",
        replace(
            case, fixes=fixes, others=others, same_position=5 if 0.5 <= where < 0.7 else 0,
            pictures=(*_photos(rng, case, 0.4, 0.3, 0.5), _drawn(rng, 0.4)), worker_devices={"王强": "A"},
            officer_devices=("A" if own else "B",), trace=traffic(rng, case) if terminal else None,
        ),
        terminal,
    )  # fmt: skip


def passing(rng: random.Random) -> Sample:
    """A few minutes on site, some photos, no work."""
    case = _visit(rng, rng.uniform(3, 18))
    terminal = rng.random() < 0.7
    return Sample(
        "passing",
        replace(
            case, fixes=_honest_fixes(rng), pictures=(*_photos(rng, case, 0.05, 0.1, 0.02), _drawn(rng, 0.1)),
            worker_devices={"王强": "A"}, officer_devices=("A" if rng.random() < 0.2 else "B",),
            trace=traffic(rng, case) if terminal else None,
        ),
        terminal,
    )  # fmt: skip


def idle(rng: random.Random) -> Sample:
    """The usual time on site, fresh photos, and nothing done: only the lift itself knows."""
    case = _visit(rng, rng.uniform(22, 40))
    terminal = rng.random() < 0.7
    return Sample(
        "idle",
        replace(
            case, fixes=_honest_fixes(rng), pictures=(*_photos(rng, case, 0.002, 0.02, 0.02), _drawn(rng, 0.001)),
            worker_devices={"王强": "A"}, officer_devices=("B",), trace=traffic(rng, case) if terminal else None,
        ),
        terminal,
    )  # fmt: skip


def traffic(
    rng: random.Random, case: Case, *, work: bool = False, cut: bool = False, silent: bool = False
) -> Trace:  # fmt: skip
    """A minute-by-minute account of a lift: passengers as they come, and the work if there was any."""
    per_hour = rng.uniform(2, 30)
    slip = timedelta(minutes=rng.gauss(0, 2))
    span = (case.ended - case.began) * rng.uniform(0.3, 0.7)
    work_from, work_to = case.began + slip + timedelta(minutes=2), case.began + slip + timedelta(minutes=2) + span
    runs, doors = 100_000, 200_000
    rows: dict[str, list[tuple[datetime, Any]]] = {name: [] for name in SENSES}
    at = case.began - MARGIN
    while at < case.ended + MARGIN:
        at += timedelta(minutes=1)
        busy = work_from <= at <= work_to
        if busy and (silent or (cut and at > work_from + span / 2)):
            if cut and not rows["power_source"][-1][1]:
                rows["power_source"].append((at, 1))
            continue
        trip = not (busy and work) and rng.random() < per_hour / 60
        if trip:
            runs, doors = runs + 1, doors + 2
            rows["passenger"].append((at, True))
            rows["car_moving"].append((at, True))
        later = at + timedelta(seconds=30)
        state = {
            "service_mode": 2 if busy and work else 1, "car_moving": False, "passenger": False, "run_count": runs,
            "door_cycles": doors, "power_source": 0,
        }  # fmt: skip
        for name, value in state.items():
            rows[name].append((later, value))
    return Trace(SENSES, {name: tuple(points) for name, points in rows.items()})
