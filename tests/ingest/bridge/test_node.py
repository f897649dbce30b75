"""What a host remembers of an edge node: births, numbers, gaps, deaths, repeats."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ingest.bridge.model import Arrived, Effect, Gap, Presence, RawSample, Rebirth, Refused
from ingest.bridge.sparkplug.node import Node, Outcome, receive, tick
from ingest.bridge.sparkplug.topics import read_topic
from ingest.bridge.store import GatewayState, state_as_json
from tests.conftest import START
from tests.ingest.bridge.edge_node import EdgeNode, Message, by_alias

T = 1_772_413_200_000
PATIENCE = timedelta(seconds=2)
LIFT = {"car_moving": True, "speed_m_s": 1.0}


def told(node: Node, message: Message, seconds: float = 0.0, **marks: Any) -> Outcome:
    topic, payload = message
    arrived = Arrived(topic, payload, START + timedelta(seconds=seconds), **marks)
    return receive(node, read_topic(topic), arrived)


def effects(outcome: Outcome, kind: type[Effect]) -> list[Any]:
    return [effect for effect, _ in outcome.effects if isinstance(effect, kind)]


def born() -> tuple[Node, EdgeNode]:
    node, edge = Node(), EdgeNode()
    told(node, edge.birth(T))
    told(node, edge.device_birth("lift1", T, LIFT))
    return node, edge


def test_births_name_the_values_of_the_data_that_follow() -> None:
    node, edge = Node(), EdgeNode()
    assert effects(told(node, edge.birth(T)), RawSample) == []
    birth = told(node, edge.device_birth("lift1", T, LIFT))
    assert effects(birth, Presence) == [Presence("lift1", online=True, session=f"sparkplug-0-{T}")]
    assert effects(birth, RawSample) == [RawSample("lift1", T, LIFT)]
    data = told(node, edge.data("lift1", T + 1_000, [by_alias(2, 0.5)]))
    assert effects(data, RawSample) == [RawSample("lift1", T + 1_000, {"speed_m_s": 0.5})]


def test_historical_values_stand_apart_and_null_is_unknown() -> None:
    node, edge = born()
    metrics = [
        by_alias(1, value=True, at_ms=T + 500, historical=True), by_alias(2, 2.0, T + 500, historical=True),
        by_alias(1, value=False, at_ms=T + 9_000, null=True),
    ]  # fmt: skip
    found = effects(told(node, edge.data("lift1", T + 9_000, metrics)), RawSample)
    assert found == [
        RawSample("lift1", T + 500, {"car_moving": True, "speed_m_s": 2.0}, historical=True),
        RawSample("lift1", T + 9_000, {"car_moving": None}),
    ]


def test_data_without_a_birth_is_kept_aside_and_a_birth_asked_for_once() -> None:
    node, edge = Node(), EdgeNode()
    first = told(node, edge.data("lift1", T, [by_alias(1, value=True)]))
    assert [r.reason for r in effects(first, Refused)] == ["no_birth"]
    assert effects(first, Rebirth) == [Rebirth("no_birth")]
    assert effects(told(node, edge.data("lift1", T, [by_alias(1, value=True)]), 1), Rebirth) == []
    assert effects(told(node, edge.data("lift1", T, [by_alias(1, value=True)]), 11), Rebirth) == [Rebirth("no_birth")]


def test_messages_out_of_order_are_put_in_order() -> None:
    node, edge = born()
    first, second, third = (edge.data("lift1", T + n, [by_alias(2, float(n))]) for n in (1, 2, 3))
    assert effects(told(node, third), RawSample) == []
    assert effects(told(node, second), RawSample) == []
    after = told(node, first)
    assert [s.fields["speed_m_s"] for s in effects(after, RawSample)] == [1.0, 2.0, 3.0]
    assert len(after.settled) == 3
    assert effects(tick(node, START + timedelta(hours=1), PATIENCE), Gap) == []


def test_a_gap_is_waited_for_then_noted_and_a_birth_asked_for() -> None:
    node, edge = born()
    edge.data("lift1", T + 1, [])  # never arrives
    edge.data("lift1", T + 2, [])
    held = told(node, edge.data("lift1", T + 3, [by_alias(2, 3.0)]))
    assert held.settled == []
    assert tick(node, START + timedelta(seconds=1.9), PATIENCE).effects == []
    late = tick(node, START + timedelta(seconds=2), PATIENCE)
    assert effects(late, Gap) == [Gap(2, 4, 2)]
    assert effects(late, Rebirth) == [Rebirth("gap")]
    assert [s.fields for s in effects(late, RawSample)] == [{"speed_m_s": 3.0}]
    assert len(late.settled) == 1


def test_a_repeat_after_our_restart_is_taken_again_and_moves_nothing() -> None:
    node, edge = born()
    message = edge.data("lift1", T + 1, [by_alias(2, 1.0)])
    told(node, message)
    again = told(node, message, dup=True)
    assert len(effects(again, RawSample)) == 1
    assert len(again.settled) == 1
    assert effects(told(node, edge.data("lift1", T + 2, [by_alias(2, 2.0)])), RawSample) != []


def test_a_late_repeat_is_not_read_with_the_aliases_of_the_next_birth() -> None:
    node, edge = born()
    message = edge.data("lift1", T + 1, [by_alias(2, 1.0)])
    told(node, edge.birth(T + 5_000))
    told(node, edge.device_birth("lift1", T + 5_000, {"load_percent": 10.0, "machine_room_temp_c": 20.0}))
    found = effects(told(node, message, dup=True), RawSample)
    assert [s.fields for s in found] == [{"speed_m_s": 1.0}]


def test_a_death_of_an_earlier_session_says_nothing() -> None:
    node, edge = born()
    old = edge.death()
    edge.bd_seq = 1
    told(node, edge.birth(T + 1_000))
    told(node, edge.device_birth("lift1", T + 1_000, LIFT))
    assert effects(told(node, old), Presence) == []
    gone = effects(told(node, edge.death()), Presence)
    assert gone == [
        Presence("", online=False, session=f"sparkplug-1-{T + 1_000}"),
        Presence("lift1", online=False, session=f"sparkplug-1-{T + 1_000}"),
    ]


def test_a_device_death_carries_the_session_of_its_birth() -> None:
    node, edge = born()
    assert effects(told(node, edge.device_death("lift1", T + 1)), Presence) == [
        Presence("lift1", online=False, session=f"sparkplug-0-{T}")
    ]


def test_numbers_wrap() -> None:
    node, edge = born()
    for n in range(600):
        outcome = told(node, edge.data("lift1", T + n, [by_alias(2, 1.0)]))
        assert len(effects(outcome, RawSample)) == 1, n
    assert node.held == {}


def test_the_state_survives_a_restart() -> None:
    node, edge = born()
    edge.data("lift1", T + 1, [])
    told(node, edge.data("lift1", T + 2, [by_alias(2, 2.0)]))  # held: not part of what is kept
    saved = msgspec.json.decode(msgspec.json.encode(state_as_json(GatewayState(node))))
    back = msgspec.convert(saved, GatewayState, str_keys=True).node
    assert (back.next_seq, back.bd_seq, back.devices, back.held) == (2, 0, node.devices, {})


@given(st.lists(st.tuples(st.sampled_from(["send", "lose", "swap", "repeat"]), st.integers(0, 255)), max_size=60))
def test_whatever_the_network_does_every_message_that_came_is_settled_once_and_its_values_come_out(
    events: list[tuple[str, int]],
) -> None:
    node, edge = born()
    waiting: list[Message] = []
    sent: list[float] = []
    out: list[float] = []
    settled = 0
    delivered = 0
    moment = 0.0

    def take(message: Message, **marks: Any) -> None:
        nonlocal settled, delivered
        outcome = told(node, message, moment, **marks)
        settled, delivered = settled + len(outcome.settled), delivered + 1
        out.extend(s.fields["speed_m_s"] for s in effects(outcome, RawSample))

    for number, (event, _) in enumerate(events):
        message = edge.data("lift1", T + 1 + number, [by_alias(2, float(number))])
        if event == "lose":
            continue
        sent.append(float(number))
        if event == "swap":
            waiting.append(message)
            continue
        take(message)
        if event == "repeat":
            take(message, dup=True)
        for late in waiting:
            take(late)
        waiting.clear()
        moment += 0.1
    for late in waiting:
        take(late)
    end = tick(node, START + timedelta(hours=1), PATIENCE)
    settled += len(end.settled)
    out += [s.fields["speed_m_s"] for s in effects(end, RawSample)]
    assert settled == delivered
    assert set(out) == set(sent)
    assert node.held == {}
