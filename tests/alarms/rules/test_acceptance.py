"""Every alarm of the pack as a timing diagram: at second s this is said; between … and … exactly that is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from alarms.rules.load import load_pack
from alarms.rules.model import Receiver
from tests.alarms.engine.script import Script, pack_rule, unit

RESTING = {"service_mode": 1, "car_moving": False, "door_zone": True, "door_closed": True, "passenger": False,
           "speed_m_s": 0.0, "safety_chain_closed": True, "alarm_button": False, "power_source": 0}  # fmt: skip
GOING = RESTING | {"car_moving": True, "door_zone": False, "speed_m_s": 1.5}
TURNING = {"service_mode": 1, "running": True, "direction": 1, "commanded_direction": 1, "speed_m_s": 0.5,
           "handrail_left_m_s": 0.5, "handrail_right_m_s": 0.5, "missing_step": False, "comb_plate_open": False}  # fmt: skip
FIRING = {"firing": True, "steam_pressure_mpa": 1.0, "water_level_mm": 0.0, "flame_ok": True, "water_temp_c": 80.0}
Values = dict[str, Any]
Said = tuple[float, Values, tuple[str, ...] | None]


def at(second: float, base: Values | None = None, codes: tuple[str, ...] | None = None, **values: Any) -> Said:
    """At a second the unit says this."""
    return second, (base or {}) | values, codes


@dataclass(frozen=True)
class Diagram:
    """One alarm: what is said, until when time passes, and what is told of it at which second."""

    rule: str
    said: Sequence[Said]
    until: float
    told: Sequence[tuple[str, float]]
    parameters: Values | None = None


R, C = "raised", "cleared"
DIAGRAMS = [
    Diagram("lift.entrapment", [at(0, RESTING, door_zone=False, passenger=True), at(60, RESTING, door_closed=False)], 70,
            [(R, 45), (C, 65)]),
    Diagram("lift.entrapment", [at(0, RESTING, door_zone=False, passenger=True), at(44, RESTING, passenger=False)], 90, []),
    Diagram("lift.entrapment_code", [at(3, codes=("entrapment",)), at(9, codes=())], 30, [(R, 3), (C, 19)]),
    Diagram("lift.alarm_button", [at(5, RESTING, alarm_button=True), at(6, RESTING)], 20, [(R, 5), (C, 6)]),
    Diagram("lift.open_door_travel", [at(0, GOING, door_closed=False), at(4, RESTING)], 20, [(R, 2), (C, 9)]),
    Diagram("lift.open_door_travel", [at(0, GOING, door_closed=False), at(1, RESTING)], 20, []),
    Diagram("lift.unintended_movement", [at(0, codes=("unintended_movement",)), at(2, codes=())], 40, [(R, 0), (C, 32)]),
    Diagram("lift.overrun_occupied", [at(0, RESTING, ("overrun_top",), passenger=True), at(9, RESTING, ())], 50,
            [(R, 0), (C, 39)]),
    Diagram("lift.overrun_top", [at(0, codes=("overrun_top",)), at(5, codes=())], 50, [(R, 0), (C, 35)]),
    Diagram("lift.overrun_bottom", [at(0, codes=("overrun_bottom",)), at(5, codes=())], 50, [(R, 0), (C, 35)]),
    Diagram("lift.overspeed", [at(0, GOING, speed_m_s=2.0), at(1, GOING, speed_m_s=2.05), at(2, GOING, speed_m_s=1.9),
                               at(3, GOING, speed_m_s=1.8)], 20, [(R, 1), (C, 8)], {"rated_speed_m_s": 1.75}),
    Diagram("lift.stop_outside_zone", [at(0, RESTING, door_zone=False), at(70, RESTING)], 90, [(R, 60), (C, 75)]),
    Diagram("lift.safety_chain_open", [at(0, GOING, safety_chain_closed=False), at(3, RESTING)], 20, [(R, 1), (C, 13)]),
    Diagram("lift.door_close_fault", [at(0, codes=("door_close_fault",)), at(40, codes=())], 60, [(R, 30), (C, 50)]),
    Diagram("lift.door_open_fault", [at(0, codes=("door_open_fault",)), at(20, codes=())], 60, []),
    Diagram("lift.door_open_fault", [at(0, codes=("door_open_fault",)), at(40, codes=())], 60, [(R, 30), (C, 50)]),
    Diagram("lift.door_repeated", [at(5.0 * n, RESTING, door_closed=n % 2 == 0) for n in range(18)], 90, [(R, 75)]),
    Diagram("lift.door_repeated", [at(20.0 * n, RESTING, door_closed=n % 2 == 0) for n in range(18)], 400, []),
    Diagram("lift.door_open_long", [at(0, RESTING, door_closed=False), at(301, RESTING)], 320, [(R, 300), (C, 306)]),
    Diagram("lift.door_open_long", [at(0, RESTING, door_closed=False), at(700, RESTING, door_closed=False),
                                    at(1400, RESTING, door_closed=False), at(2090, RESTING, door_closed=False)], 2110,
            [(R, 300), ("escalated", 2100)]),
    Diagram("lift.run_time_limit", [at(0, codes=("run_time_limit",)), at(1, codes=())], 40, [(R, 0), (C, 31)]),
    Diagram("lift.run_time_exceeded", [at(0, RESTING, run_count=7), at(40, GOING, run_count=7), at(90, RESTING)], 110,
            [(R, 85), (C, 100)]),
    Diagram("lift.run_time_exceeded", [at(0, GOING, run_count=7)], 60, [(R, 20)], {"full_travel_s": 8}),
    Diagram("lift.run_time_exceeded", [at(0, GOING, run_count=7)], 60, [(R, 30)], {"full_travel_s": 20}),
    Diagram("lift.run_time_exceeded", [at(0, GOING, run_count=7), at(30, GOING, run_count=8)], 70, []),
    Diagram("lift.position_lost", [at(0, codes=("position_lost",)), at(12, codes=())], 40, [(R, 10), (C, 22)]),
    Diagram("lift.levelling_error", [at(0, RESTING, levelling_error_mm=-16.0), at(20, levelling_error_mm=13.0),
                                     at(30, levelling_error_mm=11.0)], 40, [(R, 10), (C, 30)]),
    Diagram("lift.vibration_trend", [at(10.0 * n, vibration_rms_mm_s=4.5) for n in range(6)], 60, [(R, 40)]),
    Diagram("lift.vibration_trend", [at(10.0 * n, vibration_rms_mm_s=2.4) for n in range(60)], 600, []),
    Diagram("lift.machine_room_hot", [at(0, machine_room_temp_c=41.0), at(610, machine_room_temp_c=38.0),
                                      at(620, machine_room_temp_c=36.9)], 700, [(R, 600), (C, 680)]),
    Diagram("lift.power_lost", [at(0, RESTING, power_source=1), at(20, RESTING, ())], 40, [(R, 10), (C, 30)]),
    Diagram("lift.silent", [at(0, RESTING), at(1810, RESTING)], 1811, [(R, 1800), (C, 1810)]),
    Diagram("lift.test_call_missed", [at(0, RESTING, ("test_call",)), at(100, RESTING), at(259_300, RESTING, ("test_call",))],
            259_301, [(R, 259_200), (C, 259_300)]),
    Diagram("escalator.reversal", [at(0, TURNING), at(5, TURNING, direction=2), at(6, TURNING)], 50, [(R, 5), (C, 36)]),
    Diagram("escalator.missing_step", [at(5, TURNING, missing_step=True)], 10, [(R, 5)]),
    Diagram("escalator.overspeed", [at(0, TURNING, speed_m_s=0.59), at(5, TURNING, speed_m_s=0.61),
                                    at(6, TURNING, speed_m_s=0.56), at(7, TURNING, speed_m_s=0.54)], 20, [(R, 5), (C, 17)]),
    Diagram("escalator.handrail", [at(0, TURNING, handrail_left_m_s=0.42), at(20, TURNING)], 40, [(R, 15), (C, 25)]),
    Diagram("escalator.handrail", [at(0, TURNING, handrail_left_m_s=0.43)], 40, []),
    Diagram("escalator.handrail", [at(0, TURNING, handrail_right_m_s=0.3), at(14.9, TURNING)], 40, []),
    Diagram("escalator.comb_plate", [at(0, TURNING, comb_plate_open=True), at(3, TURNING)], 10, [(R, 0), (C, 8)]),
    Diagram("escalator.stopping_distance", [at(0, stopping_distance_m=1.2), at(5, stopping_distance_m=1.21)], 9, [(R, 5)],
            {"rated_speed_m_s": 0.5}),
    Diagram("escalator.stopping_distance", [at(0, stopping_distance_m=1.56), at(5, stopping_distance_m=1.57)], 9, [(R, 5)],
            {"rated_speed_m_s": 0.65}),
    Diagram("escalator.stopping_distance", [at(0, stopping_distance_m=1.79), at(5, stopping_distance_m=1.81)], 9, [(R, 5)],
            {"rated_speed_m_s": 0.75}),
    Diagram("escalator.stopping_short", [at(0, stopping_distance_m=0.3), at(5, stopping_distance_m=0.29)], 9, [(R, 5)],
            {"rated_speed_m_s": 0.65}),
    Diagram("escalator.safety_chain_open", [at(0, codes=("safety_chain_open",)), at(1, codes=())], 20, [(R, 0), (C, 11)]),
    Diagram("escalator.silent", [at(0, TURNING)], 1801, [(R, 1800)]),
    Diagram("boiler.overpressure", [at(0, FIRING, steam_pressure_mpa=1.26), at(9, FIRING)], 30, [(R, 5), (C, 19)]),
    Diagram("boiler.low_water", [at(0, FIRING, water_level_mm=-80.0), at(9, FIRING, water_level_mm=-70.0),
                                 at(12, FIRING)], 30, [(R, 5), (C, 22)]),
    Diagram("boiler.high_water", [at(0, FIRING, water_level_mm=80.0), at(15, FIRING, water_level_mm=70.0), at(20, FIRING)],
            40, [(R, 10), (C, 30)]),
    Diagram("boiler.temperature", [at(0, FIRING, water_temp_c=96.0), at(20, FIRING)], 60, [(R, 10), (C, 50)]),
    Diagram("boiler.flame_lost", [at(0, FIRING, flame_ok=False), at(9, FIRING)], 20, [(R, 5), (C, 14)]),
    Diagram("pressure_vessel.overpressure", [at(0, pressure_mpa=1.7), at(9, pressure_mpa=1.5)], 20, [(R, 2), (C, 19)]),
    Diagram("pressure_vessel.temperature", [at(0, temp_c=151.0), at(20, temp_c=140.0)], 60, [(R, 10), (C, 50)]),
    Diagram("pressure_vessel.quick_door", [at(0, quick_door_locked=False, pressure_mpa=0.3), at(9, pressure_mpa=0.0)], 20,
            [(R, 2), (C, 19)]),
    Diagram("crane.overload", [at(0, load_percent=111.0), at(5, load_percent=105.0), at(9, load_percent=99.0)], 20,
            [(R, 2), (C, 14)]),
    Diagram("crane.moment", [at(0, moment_percent=111.0), at(1, moment_percent=90.0)], 20, []),
    Diagram("crane.moment", [at(0, moment_percent=111.0)], 20, [(R, 2)]),
    Diagram("crane.wind", [at(0, wind_m_s=14.0), at(20, wind_m_s=11.0)], 90, [(R, 10), (C, 80)]),
    Diagram("ropeway.wind", [at(0, running=True, wind_m_s=16.0), at(20, wind_m_s=12.0)], 90, [(R, 10), (C, 80)]),
    Diagram("ropeway.overspeed", [at(0, speed_m_s=5.6), at(5, speed_m_s=5.0)], 20, [(R, 2), (C, 15)]),
    Diagram("amusement_ride.restraint", [at(0, running=True, restraints_locked=False), at(1, running=False)], 20,
            [(R, 0), (C, 6)]),
    Diagram("amusement_ride.wind", [at(0, running=True, wind_m_s=16.0), at(20, wind_m_s=10.0)], 90, [(R, 10), (C, 80)]),
    Diagram("vehicle.overspeed", [at(0, speed_km_h=11.0), at(5, speed_km_h=9.5), at(7, speed_km_h=8.0)], 20,
            [(R, 3), (C, 10)]),
]  # fmt: skip


def run(diagram: Diagram, ticks: float) -> Script:
    """The diagram with timers looked at every so many seconds; 0: only at the end."""
    rule = pack_rule(diagram.rule)
    script = Script(rule.kind, [rule], [unit(1, rule.kind, device_model="TS-L3", parameters=diagram.parameters or {})])
    now = 0.0
    for second, values, codes in diagram.said:
        while ticks and now + ticks < second:
            now += ticks
            script.tick(now)
        script.say(second, 1, codes, **values)
        now = second
    while ticks and now + ticks < diagram.until:
        now += ticks
        script.tick(now)
    script.tick(diagram.until)
    return script


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda d: d.rule)
def test_it_is_told_at_its_second(diagram: Diagram) -> None:
    assert run(diagram, 1.0 if diagram.until < 5_000 else 70.0).events(diagram.rule) == list(diagram.told)


@pytest.mark.parametrize(
    "diagram", [d for d in DIAGRAMS if "silent" not in d.rule and "missed" not in d.rule], ids=lambda d: d.rule
)
def test_the_ticks_in_between_do_not_matter(diagram: Diagram) -> None:
    assert run(diagram, 0).events(diagram.rule) == list(diagram.told)


def test_every_rule_of_the_pack_has_its_diagram() -> None:
    assert {d.rule for d in DIAGRAMS if d.told} == {rule.id for rule in load_pack().rules}


def test_only_a_handful_rings_the_desk() -> None:
    assert {rule.id for rule in load_pack().rules if Receiver.DESK in rule.receivers} == {
        "lift.entrapment", "lift.entrapment_code", "lift.alarm_button", "lift.open_door_travel",
        "lift.unintended_movement", "lift.overrun_occupied", "escalator.reversal", "escalator.missing_step",
    }  # fmt: skip


def test_a_test_call_of_an_empty_car_is_recorded_and_pages_nobody() -> None:
    script = Script("lift", [pack_rule("lift.alarm_button")])
    (told,) = script.say(0, 1, ("test_call",), **RESTING | {"alarm_button": True})
    assert told.suppressed
    script.say(1, 1, (), **RESTING)
    (told,) = script.say(20, 1, None, **RESTING | {"alarm_button": True})
    assert not told.suppressed


@pytest.mark.parametrize("passenger", [True, None])
def test_a_test_call_never_mutes_a_car_that_may_be_occupied(passenger: bool | None) -> None:
    script = Script("lift", [pack_rule("lift.alarm_button")])
    (told,) = script.say(0, 1, ("test_call",), **RESTING | {"alarm_button": True, "passenger": passenger})
    assert not told.suppressed


@pytest.mark.parametrize(
    "rule", [r for r in load_pack().rules if r.kind in ("lift", "escalator") and r.condition], ids=lambda r: r.id
)
def test_inspection_mode_is_a_suppression_by_design_of_every_rule_but_the_alarm_button(rule: Any) -> None:
    assert rule.suppress_when is not None
    assert ("service_mode == inspection" in rule.suppress_when.text) == (rule.id != "lift.alarm_button")
