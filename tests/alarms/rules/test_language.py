"""The language of conditions: what it says, what it refuses and where, windows against a plain account of the samples."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarms.engine.windows import SLICES, read
from alarms.errors import RuleError
from alarms.rules.applicability import Applies, applies
from alarms.rules.load import load_pack, read_rule, read_rules
from alarms.rules.model import Escalation, Rule, Schedule, Scope, Severity
from tests.alarms.engine.script import SECOND, ZERO_US, Sample, Script, own_rule, unit

HOT = "machine_room_temp_c > 40"


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ("machine_room_temp > 40", "line 1, column 1: lift has no such signal"),
        ("passenger and\n  car_movin", "line 2, column 3: lift has no such signal"),
        ("passenger >", "line 1, column 12: expected a number"),
        ("service_mode == resting", "line 1, column 17: expected one of out_of_service, normal"),
        ("service_mode > normal", "line 1, column 14: service_mode is compared with"),
        ("speed_m_s", "line 1, column 1: a condition is a yes/no signal"),
        ("passenger + 1 > 2", "line 1, column 11: passenger is no number"),
        ("car_position == 3", "line 1, column 1: a text cannot be judged"),
        ("code(flying)", "line 1, column 6: no code means this concept"),
        ("rises(passenger, 0) > 3", "line 1, column 18: expected a number of seconds"),
        ("count(rises(passenger, 5) > 2, 60) > 3", "line 1, column 1: a window cannot look at another"),
        ("passenger ; door_closed", "line 1, column 11: this is not understood"),
        ("(passenger or door_closed", "line 1, column 26: expected ')'"),
        ("passenger door_closed", "line 1, column 11: expected the end"),
        ("not " * 80 + "passenger", "more than 60 levels deep"),
        ("__import__ == 1", "line 1, column 1"),
    ],
)
def test_an_error_names_its_place(condition: str, place: str) -> None:
    with pytest.raises(RuleError, match=r"lift\.test: condition") as caught:
        own_rule(condition=condition)
    assert place in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"severity": "loud"}, "severity: 'loud' is none of critical"),
        ({"on_delay_seconds": -1}, "on_delay_seconds is a number"),
        ({"on_delay_seconds": "speed_m_s"}, "not on signals"),
        ({"receivers": ["desk"]}, "incident_kind"),
        ({"receivers": []}, "somebody must be told"),
        ({"clear": HOT, "deadband": 1}, "either clear or deadband"),
        ({"count": 3}, "count and within_seconds go together"),
        ({"schedule": {"zone": "Mars/Olympus"}}, "no time zone is named"),
        ({"schedule": {"days": ["someday"]}}, "schedule.days are"),
        ({"scope": {"colour": ["red"]}}, "scope has the fields"),
        ({"escalation": [{"to": "low", "after_seconds": 5}]}, "each step goes to a higher severity"),
        ({"escalation": [{"to": "critical"}]}, "either after_seconds or when"),
        ({"silence_seconds": 5}, "either condition or silence_seconds"),
        ({"colour": "red"}, "unknown fields ['colour']"),
        ({"id": "Lift Test"}, "id is lift."),
        ({"mark": "sure"}, "mark is one of"),
        ({"on_delay_seconds": 4000}, "is held 3600 s, not longer than the delay"),
        ({"latch": "yes"}, "latch is true or false"),
    ],
)  # fmt: skip
def test_a_field_that_is_wrong_is_named(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(RuleError) as caught:
        own_rule(**{"condition": HOT, **wrong})
    assert says in str(caught.value)


def test_two_rules_cannot_share_an_id() -> None:
    rule = "{id: lift.a, kind: lift, title: {zh: a, en: a}, condition: passenger, severity: low, receivers: [firm], latch: false, guidance: {zh: a, en: a}, source: a, mark: D}"
    with pytest.raises(RuleError, match="share an id"):
        read_rules(f"rules: [{rule}, {rule}]")


def told(condition: str, said: list[dict[str, Any]], step: float = 10.0, **more: Any) -> list[tuple[str, float]]:
    script = Script("lift", [own_rule(condition=condition, **more)])
    for number, values in enumerate(said):
        script.say(number * step, **values)
    return script.events()


def temps(*values: float | None) -> list[dict[str, Any]]:
    return [{"machine_room_temp_c": v} for v in values]


@pytest.mark.parametrize(
    ("condition", "values", "raised_at"),
    [
        ("rate(machine_room_temp_c, 100) > 0.5", temps(20, 24, 40), 20),
        ("mean_over(machine_room_temp_c, 100) >= 30", temps(20, 30, 40, None, 50), 20),
        ("min_over(machine_room_temp_c, 100) > 20", temps(20, 30, 40, 50, 60, 70, 70, 70, 70, 70, 70), 100),
        ("max_over(machine_room_temp_c, 100) > 45 and machine_room_temp_c < 30", temps(50, 40, 20), 20),
        ("count(machine_room_temp_c > 40, 100) >= 3", temps(41, 20, 41, 41), 30),
        ("rises(machine_room_temp_c > 40, 100) >= 2", temps(41, 41, 20, 41), 30),
        ("changes(machine_room_temp_c, 100) >= 2", temps(1, 1, 2, 2, 3), 40),
        ("missing(machine_room_temp_c, 20)", [{"machine_room_temp_c": 1.0}, {"passenger": True}, {"passenger": True}], 20),
        ("missing(machine_room_temp_c, 20)", [{"machine_room_temp_c": 1.0}, *temps(None, None)], 20),
        ("min(machine_room_temp_c, 30) == 30 and abs(-machine_room_temp_c) > 40", temps(20, 41), 10),
        ("machine_room_temp_c / 0 > 1 or machine_room_temp_c > 40", temps(20, 41), 10),
        ("not (machine_room_temp_c <= 40)", temps(None, 40, 41), 20),
    ],
)  # fmt: skip
def test_what_the_words_mean(condition: str, values: list[dict[str, Any]], raised_at: float) -> None:
    assert told(condition, values)[0] == ("raised", raised_at)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from([None, 1.0, 2.0, 3.0])), min_size=1, max_size=30))
def test_windows_agree_with_a_plain_account(samples: list[tuple[int, float | None]]) -> None:
    """Sliced windows against every sample kept: the same slices, counted by hand."""
    words = ["mean_over", "min_over", "max_over", "count", "rises", "changes"]
    asks = {"count": "levelling_error_mm > 1", "rises": "levelling_error_mm > 1"}
    rules = [own_rule(id=f"lift.{w}", condition=f"{w}({asks.get(w, 'levelling_error_mm')}, 100) > -999") for w in words]
    script = Script("lift", rules)
    at, seen, slice_us = 0, [], 100 * SECOND // SLICES
    for wait, value in samples:
        at += wait
        script.say(at, levelling_error_mm=value)
        seen.append(((ZERO_US + at * SECOND) // slice_us, value))
        now = seen[-1][0]
        inside = [(n, v) for n, (s, v) in enumerate(seen) if v is not None and s > now - SLICES]
        said = [v for _, v in inside]
        known = [(n, v) for n, (_, v) in enumerate(seen) if v is not None]
        before = {n: (known[i - 1][1] if i else None) for i, (n, _) in enumerate(known)}
        expected = {
            "mean_over": np.mean(said) if said else None, "min_over": min(said, default=None),
            "max_over": max(said, default=None), "count": sum(v > 1 for v in said) if said else None,
            "rises": sum(v > 1 and not ((before[n] or 0) > 1) for n, v in inside) if said else None,
            "changes": sum(before[n] is not None and before[n] != v for n, v in inside) if said else None,
        }  # fmt: skip
        for memory in script.state.fixed.windows:
            (found,) = read(memory, script.state.arrays, np.array([0]), np.array([ZERO_US + at * SECOND]))
            wanted = expected[memory.node.measure.value]  # type: ignore[union-attr]
            assert (wanted is None and np.isnan(found)) or found == pytest.approx(wanted), memory.node


FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "condition": ({}, {"condition": "machine_room_temp_c > 60"}),
    "on_delay": ({}, {"on_delay_seconds": 25}),
    "off_delay_seconds": ({}, {"off_delay_seconds": 7}),
    "clear": ({}, {"clear": "machine_room_temp_c < 10"}),
    "deadband": ({}, {"deadband": 30}),
    "suppress_when": ({}, {"suppress_when": "passenger"}),
    "repetition": ({}, {"count": 3, "within_seconds": 500}),
    "schedule": ({}, {"schedule": {"days": ["tue"]}}),
    "scope": ({}, {"scope": {"units": ["other"]}}),
    "severity": ({}, {"severity": "low"}),
    "escalation": ({}, {"escalation": [{"to": "critical", "after_seconds": 5}]}),
    "id": ({}, {"id": "lift.other"}),
    "version": ({}, {"version": 2}),
    "latch": ({}, {"latch": True}),
    "momentary": ({}, {"momentary": True}),
    "receivers": ({}, {"receivers": ["operations"]}),
    "incident_kind": ({"receivers": ["desk"], "incident_kind": "fault"}, {"receivers": ["desk"], "incident_kind": "entrapment"}),
    "mode": ({}, {"mode": "shadow"}),
    "title_zh": ({}, {"title": {"zh": "别", "en": "Test"}}),
    "title_en": ({}, {"title": {"zh": "试验", "en": "Other"}}),
    "guidance_zh": ({}, {"guidance": {"zh": "别", "en": "look"}}),
    "guidance_en": ({}, {"guidance": {"zh": "看", "en": "other"}}),
    "source": ({}, {"source": "other"}),
    "mark": ({}, {"mark": "M"}),
    "silence": ({"silence_seconds": 30}, {"silence_seconds": 60}),
    "kind": ({"condition": "emergency_stop", "id": "escalator.t", "kind": "escalator"}, {"condition": "emergency_stop", "id": "amusement_ride.t", "kind": "amusement_ride"}),
}  # fmt: skip
"""Each field of a rule with a change of it: plain, changed."""
DERIVED = {"origin", "digest"}


def story(**changes: Any) -> list[Any]:
    """What a fixed story tells under a rule, with everything that whoever is told gets to see of it."""
    given = {} if "silence_seconds" in changes else {"condition": HOT}
    rule = own_rule(**{**given, **changes})
    script = Script(rule.kind, [rule])
    if rule.kind == "lift":
        for second, value in ((0, 20), (10, 41), (30, 39), (40, 41), (45, 20), (50, 41), (60, 20), (70, 5)):
            script.say(second, machine_room_temp_c=value, passenger=True)
            script.tick(second + 6)
    else:
        script.say(0, emergency_stop=True)
    script.tick(110)
    shown = ("version", "latch", "momentary", "receivers", "incident_kind", "mode", "title_zh", "title_en", "guidance_zh",
             "guidance_en", "source", "mark", "kind", "id")  # fmt: skip
    return [
        (t.event, t.started_us, t.at_us, t.severity, t.suppressed, *(getattr(t.rule, n) for n in shown))
        for t in script.told
    ]


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_each_field_of_a_rule_matters(name: str) -> None:
    plain, changed = FIELDS[name]
    assert story(**plain) != story(**changed)


def test_no_field_is_forgotten() -> None:
    assert {f.name for f in fields(Rule)} == FIELDS.keys() | DERIVED


def test_repetition_raises_without_any_long_stay() -> None:
    said = [{"machine_room_temp_c": v} for v in (41, 20, 41, 20, 41)]
    assert told(HOT, said, count=3, within_seconds=100) == [("raised", 40)]
    assert told(HOT, said, step=30.0, count=3, within_seconds=100) == []
    assert told(HOT, said[:1] * 9, count=3, within_seconds=100) == []


def test_a_delay_and_a_count_each_suffice() -> None:
    script = Script("lift", [own_rule(condition=HOT, count=3, within_seconds=100, on_delay_seconds=50)])
    script.say(0, machine_room_temp_c=41)
    script.tick(60)
    assert script.events() == [("raised", 50)]


def test_an_alarm_grows_worse_by_condition_and_by_time() -> None:
    rule = own_rule(
        condition=HOT, severity="low",
        escalation=[{"to": "high", "when": "machine_room_temp_c > 50"}, {"to": "critical", "after_seconds": 60}],
    )  # fmt: skip
    script = Script("lift", [rule])
    for second, value in ((0, 41), (10, 51), (20, 45), (30, 55)):
        script.say(second, machine_room_temp_c=value)
    script.tick(100)
    assert [(t.event, t.severity) for t in script.told] == [
        ("raised", Severity.LOW), ("escalated", Severity.HIGH), ("escalated", Severity.CRITICAL)
    ]  # fmt: skip
    assert script.events()[-1] == ("escalated", 60)


def test_hysteresis_cannot_chatter() -> None:
    """A value that trembles about the limit raises once and does not clear until it is back by the deadband."""
    script = Script("lift", [own_rule(condition=HOT, deadband=3)])
    for second in range(200):
        script.say(second, machine_room_temp_c=40.2 if second % 2 else 38.5)
    assert script.events() == [("raised", 1)]
    script.say(200, machine_room_temp_c=37.0)
    assert script.events()[-1] == ("cleared", 200)


def test_a_schedule_lets_raise_only_in_its_hours() -> None:
    """Second 0 is Monday 09:00 in Shanghai."""
    afternoon = own_rule(condition=HOT, schedule={"days": ["mon"], "from": "13:00", "to": "14:00"}, on_delay_seconds=60)
    script = Script("lift", [afternoon])
    hour = 3_600.0
    for second in (0, 3.999 * hour, 4.001 * hour, 4.99 * hour):
        script.say(second, machine_room_temp_c=41)
    script.tick(5 * hour)
    assert script.events() == [("raised", 4.001 * hour + 60)]
    overnight = replace(afternoon, schedule=Schedule("Asia/Shanghai", frozenset({6}), *night()))
    early = Script("lift", [overnight])
    early.say(0, machine_room_temp_c=41)
    early.tick(100)
    assert early.events() == [("raised", 60)]


def night() -> tuple[Any, Any]:
    return time(22), time(9, 30)


@pytest.mark.parametrize(
    ("scope", "watched"),
    [
        (Scope(), True), (Scope(varieties=frozenset({"3110"})), True), (Scope(varieties=frozenset({"3120"})), False),
        (Scope(firms=frozenset({7})), True), (Scope(firms=frozenset({8})), False),
        (Scope(districts=frozenset({"341302"})), True), (Scope(districts=frozenset({"3413"})), False),
        (Scope(units=frozenset({"U1"})), True), (Scope(tags=frozenset({"hospital"})), True),
        (Scope(tags=frozenset({"school"})), False), (Scope(firms=frozenset({7}), units=frozenset({"U2"})), False),
    ],
)  # fmt: skip
def test_a_scope_chooses_its_units(scope: Scope, watched: bool) -> None:
    lift = unit(1, "lift", jurisdiction_path="/341300/341302/", firm_org_id=7, parameters={"tags": ["hospital"]})
    rule = replace(own_rule(condition=HOT), scope=scope)
    script = Script("lift", [rule], [lift])
    script.say(0, machine_room_temp_c=41)
    assert bool(script.told) is watched


def test_what_a_terminal_cannot_sense_is_not_applicable_and_not_normal() -> None:
    hot = load_pack().rule("lift.machine_room_hot")
    button = load_pack().rule("lift.alarm_button")
    call = load_pack().rule("lift.test_call_missed")
    assert hot is not None
    assert button is not None
    assert call is not None
    simple = unit(1, "lift", device_model="TS-L1")
    assert applies(hot, simple) is Applies.NOT_SENSED
    assert applies(button, simple) is Applies.YES
    assert applies(call, unit(1, "lift", device_model="unlisted")) is Applies.NOT_SENSED
    assert applies(hot, unit(1, "lift", device_model="unlisted")) is Applies.YES
    assert applies(hot, unit(1, "lift", device_model=None)) is Applies.NO_TERMINAL
    script = Script("lift", [hot], [simple])
    script.say(0, machine_room_temp_c=60)
    script.tick(700)
    assert script.told == []


def test_a_terminal_without_code_lists_can_call_twice() -> None:
    button = load_pack().rule("lift.alarm_button")
    assert button is not None
    script = Script("lift", [button])
    for second, pressed in enumerate((False, True, False, True, False)):
        script.say(second, alarm_button=pressed, service_mode=1)
    assert script.events() == [("raised", 1), ("cleared", 2), ("raised", 3), ("cleared", 4)]


def test_a_rule_that_fails_is_alone() -> None:
    rules = [own_rule(condition=HOT), own_rule(id="lift.broken", condition="machine_room_temp_c * 2 > 40")]
    script = Script("lift", rules)
    failed: list[str] = []

    def isolate(work: Any) -> Exception | None:
        try:
            work()
        except ZeroDivisionError as error:
            return error
        return None

    def breaks(_: Any, __: Any) -> Any:
        raise ZeroDivisionError("broken on purpose")

    program = script.state.fixed.program
    place = next(i for i, node in enumerate(program.nodes) if getattr(node, "operator", "") == "*")
    program._steps[place] = breaks
    script.guard = replace(script.guard, isolate=isolate, report=lambda rule, _: failed.append(rule.id))
    script.say(0, machine_room_temp_c=60)
    assert failed == ["lift.broken"]
    assert [t.rule.id for t in script.told] == ["lift.test"]


def test_a_person_s_call_in_a_sample_that_is_far_too_late_is_heard() -> None:
    rules = [r for r in load_pack().rules if r.id in ("lift.alarm_button", "lift.safety_chain_open")]
    script = Script("lift", rules)
    script.say(1000, alarm_button=False)
    script.state.rotate()
    script.say(1001, alarm_button=False)
    script.state.rotate()
    (told_,) = script.batch(
        [Sample(1, 5, {"alarm_button": True, "car_moving": True, "safety_chain_closed": False}, got=1002, late=True)]
    )
    assert (told_.rule.id, told_.event, told_.late) == ("lift.alarm_button", "raised", True)


def test_a_reordered_sample_withdraws_what_never_was() -> None:
    script = Script("lift", [own_rule(condition=HOT, on_delay_seconds=30)])
    script.say(0, machine_room_temp_c=41)
    script.tick(31)
    script.batch([Sample(1, 20, {"machine_room_temp_c": 30.0}, got=32)])
    assert [event for event, _ in script.events()] == ["raised", "withdrawn"]


def test_the_pack_reads_the_same_from_its_own_text() -> None:
    assert isinstance(load_pack().rules[0].escalation, tuple)
    assert Escalation(Severity.MEDIUM, 1800.0, None) in load_pack().rule("lift.door_open_long").escalation  # type: ignore[union-attr]
    assert read_rule.__doc__
