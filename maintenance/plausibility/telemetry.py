"""The visit against the lift's own telemetry. Pure.

The phone's clock and the terminal's may differ by minutes: a doubt always goes to the worker. Silence and loss of power
inside the visit say nothing against it, for honest work cuts the power.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from maintenance.plausibility.catalogue import Catalogue
from maintenance.plausibility.checks import CHECKS, Blind, Found, run
from maintenance.plausibility.model import Assessment, Case, Trace

NORMAL = 1
AT_WORK = frozenset({0, 2})
"""Out of service and inspection."""
MAINS = 0
COUNTERS = {"run_count": "运行次数", "door_cycles": "开关门次数"}
MARGIN = timedelta(minutes=30)
"""How long before and after the visit the telemetry is looked at."""
Points = Sequence[tuple[datetime, Any]]


def _seconds_where(
    points: Points, since: datetime, until: datetime, holds: Callable[[Any], bool], hold: float
) -> float:
    """How long a held value was of a kind within a span [s]; a value is held no longer than ``hold`` [s]."""
    total = 0.0
    for position, (at, value) in enumerate(points):
        following = points[position + 1][0] if position + 1 < len(points) else until
        begin, end = max(at, since), min(following, until, at + timedelta(seconds=hold))
        if end > begin and holds(value):
            total += (end - begin).total_seconds()
    return total


def _trace(case: Case) -> Trace:
    if case.trace is None:
        raise Blind("电梯没有物联网终端，或无数据 (no terminal, or no data)")
    return case.trace


def _at_work(case: Case, of: Catalogue) -> float:
    """Minutes in inspection or out of service, the doubt about the clocks included."""
    margin = timedelta(minutes=of.limit("no_inspection", "margin_minutes"))
    held = of.limit("no_inspection", "silent_seconds")
    points = _trace(case).of("service_mode")
    return _seconds_where(points, case.began - margin, case.ended + margin, lambda v: v in AT_WORK, held) / 60


def _power_cut(case: Case) -> bool:
    points = _trace(case).of("power_source")
    return any(case.began <= at <= case.ended and value != MAINS for at, value in points)


def _coverage(case: Case, of: Catalogue, points: Points) -> float:
    """Share of the visit in which the terminal spoke."""
    span = (case.ended - case.began).total_seconds()
    held = of.limit("no_inspection", "silent_seconds")
    return _seconds_where(points, case.began, case.ended, lambda _: True, held) / span if span > 0 else 0.0


def _require_data(case: Case, of: Catalogue, points: Points) -> float:
    covered = _coverage(case, of, points)
    if covered < of.limit("no_inspection", "coverage"):
        raise Blind("维保时段内终端离线或断电，不作判断 (offline or without power inside the visit)")
    return covered


def mode(case: Case, of: Catalogue) -> Found:
    """Whether the lift was ever taken out of normal service."""
    trace = _trace(case)
    if "service_mode" not in trace.senses:
        raise Blind("终端型号不感知服务模式 (the terminal does not sense the service mode)")
    worked = _at_work(case, of)
    if worked > 0:
        return [("inspection_seen", {"minutes": max(1, round(worked))})]
    covered = _require_data(case, of, trace.of("service_mode"))
    inside = [v for at, v in trace.of("service_mode") if case.began <= at <= case.ended]
    if _power_cut(case) or any(v != NORMAL for v in inside):
        return []
    return [("no_inspection", {"coverage": round(covered * 100)})]


def power(case: Case, of: Catalogue) -> Found:
    """Whether the mains were cut: honest work does that."""
    trace = _trace(case)
    if not trace.of("power_source"):
        raise Blind("终端型号不感知供电，或无数据 (the terminal does not sense its supply)")
    return [("power_cut", {})] if _power_cut(case) else []


def riders(case: Case, of: Catalogue) -> Found:
    """Whether the car went on carrying people."""
    trace = _trace(case)
    moving, loaded = trace.of("car_moving"), trace.of("passenger")
    if not moving or not loaded:
        raise Blind("终端型号不感知运行或轿内有人，或无数据 (car or passengers are not sensed)")
    _require_data(case, of, moving)
    if _at_work(case, of) > 0:
        return []
    margin = timedelta(minutes=of.limit("passengers", "margin_minutes"))
    trips = _trips(moving, loaded, case.began + margin, case.ended - margin)
    return [("passengers", {"trips": trips})] if trips >= of.limit("passengers", "trips") else []


def _trips(moving: Points, loaded: Points, since: datetime, until: datetime) -> int:
    """Starts of the car with somebody in it."""
    trips, before, position, riding = 0, True, 0, False
    for at, value in moving:
        while position < len(loaded) and loaded[position][0] <= at:
            riding = bool(loaded[position][1])
            position += 1
        if value and not before and riding and since <= at <= until:
            trips += 1
        before = bool(value)
    return trips


def counters(case: Case, of: Catalogue) -> Found:
    """Whether runs and door cycles moved during work that must move them."""
    trace = _trace(case)
    known = {name: trace.of(name) for name in COUNTERS if trace.of(name)}
    if not known:
        raise Blind("终端型号不感知运行或开门次数，或无数据 (runs and door cycles are not sensed)")
    if _at_work(case, of) > 0 or _power_cut(case):
        raise Blind("检修或断电时计数不一定增加 (counters need not move in inspection or without power)")
    near = timedelta(minutes=of.limit("counters_still", "minutes"))
    still = []
    for name, points in known.items():
        _require_data(case, of, points)
        # a little before and after the visit: a run of the clocks' difference counts for the worker
        inside = [v for at, v in points if case.began - near <= at <= case.ended + near]
        if len(inside) < 2:
            raise Blind("维保时段内没有计数 (no counts inside the visit)")
        if max(inside) != min(inside):
            return []
        still.append(COUNTERS[name])
    return [("counters_still", {"counters": "、".join(still)})]


TELEMETRY: Mapping[str, Callable[[Case, Catalogue], Found]] = {
    "mode": mode,
    "power": power,
    "riders": riders,
    "counters": counters,
}


def assess(case: Case, of: Catalogue) -> Assessment:
    """Look at a record in every way."""
    return run({**CHECKS, **TELEMETRY}, case, of)
