"""How equipment behaves: pure functions of time, so that a unit's values at a moment need no memory."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from equipment.registry.model import UnitSummary

Values = dict[str, Any]
NORMAL_MODE = 1
STANDING_FLOORS = 12
FREED_AFTER_SECONDS = 240.0
"""How long a simulated entrapment lasts before somebody opens the door."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One unit with its own rhythm.

    ``phase`` shifts it against the others [s]; ``period`` is one trip with the pause before it [s].
    """

    id: str
    kind: str
    phase: float
    period: float
    rated_speed_m_s: float
    floors: int


def machine_of(unit: UnitSummary, rng: random.Random) -> Machine:
    """A unit of the registry with a rhythm."""
    return Machine(
        id=unit.id,
        kind=unit.kind,
        phase=rng.uniform(0, 10_000),
        period=rng.uniform(40, 150),
        rated_speed_m_s=float(unit.parameters.get("rated_speed_m_s", 1.0)),
        floors=int(unit.parameters.get("floors", STANDING_FLOORS)),
    )


def lift(m: Machine, t: float) -> Values:
    """A car that waits, opens, takes people in, runs, opens again."""
    trip, part = divmod(t + m.phase, m.period)
    share = part / m.period
    moving = 0.55 <= share < 0.85
    opened = 0.40 <= share < 0.52 or 0.88 <= share < 0.97
    start, target = _floor(m, trip), _floor(m, trip + 1)
    progress = min(max((share - 0.55) / 0.30, 0.0), 1.0)
    speed = m.rated_speed_m_s * min(1.0, 4 * progress, 4 * (1 - progress)) if moving else 0.0
    up = target > start
    return {
        "service_mode": NORMAL_MODE,
        "car_moving": moving,
        "car_direction": (1 if up else 2) if moving else 0,
        "door_zone": not moving,
        "door_closed": not opened,
        "passenger": 0.45 <= share < 0.93,
        "car_position": str(round(start + (target - start) * progress)),
        "speed_m_s": round(speed if up else -speed, 2),
        "run_count": 100_000 + int(trip),
        "power_source": 0,
        "safety_chain_closed": not opened,
        "alarm_button": False,
        "machine_room_temp_c": round(24 + 6 * math.sin(t / 7_000 + m.phase), 1),
    }


def _floor(m: Machine, trip: float) -> int:
    return 1 + (int(trip) * 7 + int(m.phase)) % max(m.floors, 2)


def trapped(m: Machine, t: float) -> Values:
    """A car that stopped between floors with somebody in it."""
    return lift(m, t) | {
        "car_moving": False, "car_direction": 0, "door_zone": False, "door_closed": True, "passenger": True,
        "speed_m_s": 0.0, "safety_chain_closed": True,
    }  # fmt: skip


def freed(m: Machine, t: float) -> Values:
    """The same car at a floor with its door open."""
    return lift(m, t) | {
        "car_moving": False, "car_direction": 0, "door_zone": True, "door_closed": False, "passenger": False,
        "speed_m_s": 0.0, "safety_chain_closed": False,
    }  # fmt: skip


def overspeed(m: Machine, t: float) -> Values:
    """A car that runs a quarter too fast."""
    fast = round(m.rated_speed_m_s * 1.25, 2)
    return lift(m, t) | {"car_moving": True, "door_zone": False, "door_closed": True, "speed_m_s": fast}


def escalator(m: Machine, t: float) -> Values:
    """Steps and handrails that run together."""
    speed = round(0.5 + 0.005 * math.sin(t / 11 + m.phase), 3)
    return {
        "service_mode": NORMAL_MODE, "running": True, "direction": 1, "commanded_direction": 1, "speed_m_s": speed,
        "handrail_left_m_s": speed, "handrail_right_m_s": speed, "missing_step": False, "comb_plate_open": False,
        "emergency_stop": False, "floor_cover_open": False,
    }  # fmt: skip


def boiler(m: Machine, t: float) -> Values:
    """Steady pressure, a level that breathes."""
    return {
        "firing": True, "flame_ok": True, "feed_pump_running": math.sin(t / 60 + m.phase) > 0,
        "steam_pressure_mpa": round(0.6 + 0.03 * math.sin(t / 300 + m.phase), 3),
        "water_level_mm": round(20 * math.sin(t / 90 + m.phase), 1), "exhaust_temp_c": 165.0,
    }  # fmt: skip


def pressure_vessel(m: Machine, t: float) -> Values:
    """Well below what it may hold."""
    return {"pressure_mpa": round(0.4 + 0.02 * math.sin(t / 200 + m.phase), 3), "temp_c": 28.5, "level_percent": 62.0}


def crane(m: Machine, t: float) -> Values:
    """Lifts that stay inside their load."""
    load = 40 + 30 * math.sin(t / 45 + m.phase)
    return {
        "operating": True, "load_percent": round(load, 1), "moment_percent": round(load * 0.9, 1), "wind_m_s": 3.2,
        "height_m": round(12 + 6 * math.sin(t / 45 + m.phase), 1), "upper_limit": False,
    }  # fmt: skip


def ropeway(m: Machine, t: float) -> Values:
    """A calm day."""
    wind = round(4 + 2 * math.sin(t / 500 + m.phase), 1)
    return {
        "running": True,
        "speed_m_s": 4.8,
        "wind_m_s": wind,
        "rope_tension_kn": 210.0,
        "safety_circuit_closed": True,
    }


def amusement_ride(m: Machine, t: float) -> Values:
    """A ride whose bars are locked while it runs."""
    running = (t + m.phase) % 300 < 180
    return {
        "running": running, "speed_m_s": 8.0 if running else 0.0, "restraints_locked": running, "wind_m_s": 3.0,
        "emergency_stop": False,
    }  # fmt: skip


def vehicle(m: Machine, t: float) -> Values:
    """A forklift with its driver belted in."""
    speed = round(4 + 4 * math.sin(t / 30 + m.phase), 1)
    return {
        "speed_km_h": speed,
        "load_percent": 40.0,
        "seat_belt_fastened": True,
        "driver_identified": True,
        "in_fence": True,
    }


MODELS: dict[str, Callable[[Machine, float], Values]] = {
    "lift": lift,
    "escalator": escalator,
    "boiler": boiler,
    "pressure_vessel": pressure_vessel,
    "crane": crane,
    "ropeway": ropeway,
    "amusement_ride": amusement_ride,
    "vehicle": vehicle,
}
"""Model by kind; a kind without one is not simulated."""
