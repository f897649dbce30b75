"""Each check alone: what it finds, and when it must keep silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.bench.plausibility import measure
from maintenance.plausibility.catalogue import catalogue
from maintenance.plausibility.model import Case, Finding, Fix, Other, Picture, Place, Trace, Twin
from maintenance.plausibility.score import Band, band, score, standing
from maintenance.plausibility.telemetry import assess

BEGAN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ENDED = BEGAN + timedelta(minutes=35)
HERE = Place(116.98, 33.64, "wgs84", 10.0)
FAR = Place(117.10, 33.64, "wgs84", 10.0)
CASE = Case("half_month", frozenset({"王强"}), BEGAN, ENDED, place=HERE)
SENSES = frozenset({"service_mode", "car_moving", "passenger", "run_count", "door_cycles", "power_source"})


def found(case: Case) -> set[str]:
    return {f.check for f in assess(case, catalogue()).findings}


def skipped(case: Case) -> set[str]:
    return {s.check for s in assess(case, catalogue()).skipped}


def other(began: datetime, minutes: float, place: Place | None) -> Other:
    return Other("r2", "L2", frozenset({"王强"}), began, began + timedelta(minutes=minutes), place)


def trace(senses: frozenset[str] = SENSES, **changes: Any) -> Trace:
    """One value a minute from 30 minutes before to 30 after; a callable gets the minutes since the sign-in."""
    base: dict[str, Any] = {
        "service_mode": 1, "car_moving": False, "passenger": False, "run_count": 7, "door_cycles": 9, "power_source": 0,
    } | changes  # fmt: skip
    signals = {}
    for name, value in base.items():
        points = [(BEGAN + timedelta(minutes=m), value(m) if callable(value) else value) for m in range(-30, 66)]
        signals[name] = tuple((at, v) for at, v in points if v is not None)
    return Trace(senses, signals)


TELLING = [
    ("too_short", replace(CASE, ended=BEGAN + timedelta(minutes=15))),
    ("far_too_short", replace(CASE, ended=BEGAN + timedelta(minutes=5))),
    ("too_many", replace(CASE, others=tuple(other(BEGAN + timedelta(minutes=i), 1, HERE) for i in range(24)))),
    ("two_places", replace(CASE, others=(other(BEGAN + timedelta(minutes=5), 30, FAR),))),
    ("impossible_travel", replace(CASE, others=(other(ENDED + timedelta(minutes=2), 30, FAR),))),
    ("too_far", replace(CASE, fixes={"sign_in": Fix(117.0, 33.64, "wgs84", 20)})),
    ("mock_declared", replace(CASE, fixes={"sign_out": Fix(116.98, 33.64, "wgs84", 20, mock=True)})),
    ("position_repeated", replace(CASE, fixes={"sign_in": Fix(116.98, 33.64, "wgs84", 20)}, same_position=3)),
    (
        "photo_same",
        replace(
            CASE, pictures=(Picture(drawn=False, taken_at=None, detail=0, twins=(Twin("r", "L2", "d", 0, same=True),)),)
        ),
    ),
    (
        "photo_similar",
        replace(
            CASE,
            pictures=(Picture(drawn=False, taken_at=None, detail=40, twins=(Twin("r", "L2", "d", 6, same=False),)),),
        ),
    ),
    ("photo_old", replace(CASE, pictures=(Picture(drawn=False, taken_at=BEGAN - timedelta(days=3), detail=40),))),
    ("values_pasted", replace(CASE, values=3, same_values=2)),
    ("notes_pasted", replace(CASE, letters=30, same_notes=3)),
    (
        "signature_same",
        replace(
            CASE, pictures=(Picture(drawn=True, taken_at=None, detail=9, twins=(Twin("r", "L2", "d", 0, same=True),)),)
        ),
    ),
    ("own_device", replace(CASE, worker_devices={"王强": "A"}, officer_devices=("A",))),
    ("no_inspection", replace(CASE, trace=trace())),
    ("passengers", replace(CASE, trace=trace(passenger=True, car_moving=lambda m: m % 4 == 0))),
    ("counters_still", replace(CASE, trace=trace())),
    ("inspection_seen", replace(CASE, trace=trace(service_mode=lambda m: 2 if 5 < m < 15 else 1))),
    ("power_cut", replace(CASE, trace=trace(power_source=lambda m: 1 if m == 10 else 0))),
]


@pytest.mark.parametrize(("check", "case"), TELLING)
def test_each_check_finds_what_it_is_for_and_says_it_in_both_languages(check: str, case: Case) -> None:
    made = {f.check: f for f in assess(case, catalogue()).findings}
    assert check in made
    rule = catalogue().checks[check]
    assert "{" not in rule.told(made[check].values, "zh") + rule.told(made[check].values, "en")
    assert made[check].weight == rule.weight


def test_every_check_of_the_catalogue_is_tried() -> None:
    assert {name for name, _ in TELLING} == set(catalogue().checks)


SILENT = [
    # a bank of lifts in one house is worked on together
    ("two_places", replace(CASE, others=(other(BEGAN, 35, replace(HERE, lon=116.9801)),))),
    ("two_places", replace(CASE, others=(other(BEGAN, 35, replace(FAR, datum="unknown")),))),
    ("too_far", replace(CASE, fixes={"sign_in": Fix(117.0, 33.64, "unknown", 20)})),
    ("too_far", replace(CASE, fixes={"sign_in": Fix(117.0, 33.64, "wgs84", 900)})),
    ("too_far", replace(CASE, fixes={"sign_in": Fix(117.0, 33.64, "wgs84", None)})),
    ("too_far", replace(CASE, place=replace(HERE, datum="unknown"), fixes={"sign_in": Fix(117.0, 33.64, "wgs84", 20)})),
    # nobody said how exactly the register knows the place
    ("too_far", replace(CASE, place=replace(HERE, accuracy_m=None), fixes={"sign_in": Fix(116.983, 33.64, "wgs84", 20)})),
    ("two_places", replace(CASE, others=(other(BEGAN, 35, Place(116.984, 33.64, "wgs84", None)),))),
    # it moved five minutes before the sign-in: the clocks may differ
    ("counters_still", replace(CASE, trace=trace(run_count=lambda m: 7 + (m > -5)))),
    # gcj02 of the same spot is half a kilometre off in numbers only
    ("too_far", replace(CASE, fixes={"sign_in": Fix(116.98533, 33.63870, "gcj02", 20)})),
    ("photo_similar", replace(CASE, pictures=(Picture(drawn=False, taken_at=None, detail=3, twins=(Twin("r", "L2", "d", 2, same=False),)),))),
    ("values_pasted", replace(CASE, values=1, same_values=50)),
    ("own_device", replace(CASE, worker_devices={"王强": ""}, officer_devices=("",))),
    ("no_inspection", replace(CASE, trace=trace(SENSES - {"service_mode"}))),
    ("no_inspection", replace(CASE, trace=trace(service_mode=lambda m: None if -5 < m < 30 else 1))),
    ("no_inspection", replace(CASE, trace=trace(power_source=lambda m: 1 if m == 10 else 0))),
    # the clocks differ by nine minutes
    ("no_inspection", replace(CASE, trace=trace(service_mode=lambda m: 2 if m == -9 else 1))),
    ("passengers", replace(CASE, trace=trace(SENSES - {"passenger"}, car_moving=lambda m: m % 4 == 0))),
    ("counters_still", replace(CASE, trace=trace(run_count=lambda m: 7 + (m > 3)))),
    ("counters_still", replace(CASE, trace=trace(SENSES - {"run_count", "door_cycles"}))),
    ("counters_still", replace(CASE, trace=trace(service_mode=lambda m: 2 if m == 5 else 1))),
]  # fmt: skip


@pytest.mark.parametrize(("check", "case"), SILENT)
def test_what_is_unknown_weighs_nothing(check: str, case: Case) -> None:
    assert check not in found(case)


def test_silence_inside_the_visit_is_told_and_neutral() -> None:
    silent = replace(CASE, trace=trace(service_mode=lambda m: 1 if m < 0 else None))
    assert "mode" in skipped(silent)
    assert {"no_inspection", "inspection_seen"} & found(silent) == set()


def test_a_record_of_which_nothing_is_known_is_unknown_not_plausible() -> None:
    bare = Case("half_month", frozenset({"王强"}), BEGAN, ENDED)
    made = assess(bare, catalogue())
    assert band(score(made.findings, catalogue()), len(made.looked), catalogue()) is Band.UNKNOWN
    full = replace(CASE, fixes={"sign_in": Fix(116.98, 33.64, "wgs84", 20)}, trace=trace(service_mode=2))
    made = assess(full, catalogue())
    assert band(score(made.findings, catalogue()), len(made.looked), catalogue()) is Band.PLAUSIBLE


def test_what_speaks_for_a_visit_lowers_its_points() -> None:
    of = catalogue()
    against = Finding("photo_similar", 40, {})
    assert score([against], of) == 40
    assert score([against, Finding("inspection_seen", -40, {})], of) == 0
    # of one group only the weightiest counts whole
    assert score([Finding("no_inspection", 35, {}), Finding("passengers", 35, {})], of) == 52


@given(st.lists(st.sampled_from(sorted(catalogue().checks)), max_size=20))
def test_points_stay_between_nothing_and_a_hundred(names: list[str]) -> None:
    findings = [Finding(name, catalogue().checks[name].weight, {}) for name in names]
    assert 0 <= score(findings, catalogue()) <= 100


def test_a_worker_with_one_record_never_leads_the_list() -> None:
    assert standing([90], catalogue()).low < standing([90] * 12 + [0] * 8, catalogue()).low
    assert standing([], catalogue()).records == 0


def test_every_number_of_the_catalogue_changes_something() -> None:
    """A weight or threshold that nothing reads would be a promise that nobody keeps."""
    of = catalogue()
    cases = [case for _, case in TELLING] + [case for _, case in SILENT] + [CASE]
    usual = [assess(case, of) for case in cases]
    for name, check in of.checks.items():
        for parameter in check.parameters:
            extremes = []
            for factor in (0.001, 1000.0):
                changed = replace(
                    check, parameters={**check.parameters, parameter: check.parameters[parameter] * factor}
                )
                other_of = replace(of, checks={**of.checks, name: changed})
                levels = [replace(c, level=parameter) for c in cases] if name == "too_short" else cases
                before = [assess(c, of) for c in levels] if name == "too_short" else usual
                extremes.append([assess(c, other_of) for c in levels] != before)
            assert any(extremes), f"{name}.{parameter}"


def test_the_simulated_mix_is_told_apart() -> None:
    figures = measure(600, 0.2, 5)
    assert figures["recall"] > 0.6
    assert figures["precision"] > 0.7
    assert figures["honest_called_implausible"] < 0.06
