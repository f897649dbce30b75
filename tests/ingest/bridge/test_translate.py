"""From what a source says to what is published, recorded and refused."""

from __future__ import annotations

import base64
import json
import struct
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.bridge import frames
from ingest.bridge.model import Arrived, Gateway, Listed
from ingest.bridge.translate import Translator, Work
from ingest.errors import PayloadError
from ingest.model import Reason
from ingest.payload import decoder_of
from ingest.topics import read_topic
from tests.conftest import START
from tests.ingest.bridge.edge_node import EdgeNode, by_alias

T = 1_772_413_200_000
LIFT = Listed("L000001", "lift", "canonical")
FRAMED = Listed("L000002", "lift", "vendor-frame")
STEPS = Listed("E000001", "escalator", "vendor-frame-escalator")
CODED = Listed("L000003", "lift", "gbt24476-2017-12")


def translator() -> Translator:
    gateways = {
        "Suzhou/node1": Gateway("Suzhou/node1", "sparkplug", {"lift1": LIFT}),
        "gw1": Gateway("gw1", "gateway", {"A1": LIFT, "F1": FRAMED, "S1": STEPS, "C1": CODED}),
        "centre": Gateway("centre", "call_centre", {}),
    }
    return Translator(gateways, {}, "teshe", 524_288, timedelta(seconds=2))


def take(topic: str, payload: bytes | Any, found: Translator | None = None, **marks: Any) -> Work:
    work = Work()
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    (found or translator()).take(Arrived(topic, body, START, **marks), work)
    return work


def published(work: Work) -> list[tuple[str, dict[str, Any]]]:
    return [(read_topic(m.topic).unit_id, json.loads(m.payload)) for m in work.outgoing if m.topic.startswith("teshe/")]


def reasons(work: Work) -> list[str]:
    return [entry.reason for entry in work.refused]


def test_a_sparkplug_sample_becomes_the_canonical_message_that_the_worker_reads() -> None:
    found, edge = translator(), EdgeNode()
    take(*edge.birth(T), found)
    birth = take(*edge.device_birth("lift1", T, {"speed_m_s": 1.0, "car_position": "B2"}), found)
    status, sample = published(birth)
    assert status == ("L000001", {"online": True, "session": f"sparkplug-0-{T}"})
    assert sample == ("L000001", {"ts": T, "values": {"speed_m_s": 1.0, "car_position": "B2"}})
    data = take(*edge.data("lift1", T + 1, [by_alias(1, 2.0, historical=True)]), found)
    message = data.outgoing[0]
    assert message.qos == 1
    decoder = decoder_of("lift")
    assert decoder is not None
    (read,) = decoder.decode(message.payload)
    assert not isinstance(read, PayloadError)
    assert json.loads(message.payload) == {"ts": T + 1, "values": {"speed_m_s": 2.0}, "historical": True}


def test_a_unit_that_the_credential_does_not_list_is_refused_and_recorded() -> None:
    found, edge = translator(), EdgeNode()
    take(*edge.birth(T), found)
    work = take(*edge.device_birth("lift9", T, {"speed_m_s": 1.0}), found)
    assert (published(work), reasons(work)) == ([], ["unit_not_listed"])
    assert work.refused[0].payload
    work = take("teshe-gateway/v1/gw1/telemetry", [{"unit": "A1", "ts": T, "values": {"speed_m_s": 1}},
                                                   {"unit": "L000009", "ts": T, "values": {"speed_m_s": 1}}])  # fmt: skip
    assert [unit for unit, _ in published(work)] == ["L000001"]
    assert reasons(work) == ["unit_not_listed"]
    assert len(work.settled) == 1


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("teshe-gateway/v1/nobody/telemetry", {"unit": "A1", "ts": T}, "unknown_gateway"),
        ("spBv1.0/Suzhou/NBIRTH/stranger", b"", "unknown_gateway"),
        ("spBv1.0/Suzhou/NOISE/node1", b"", "bad_topic"),
        ("teshe-gateway/v1/gw1/noise", b"", "bad_topic"),
        ("teshe-gateway/v1/gw1/calls", [], "not_allowed"),
        ("teshe-gateway/v1/centre/telemetry", [], "not_allowed"),
        ("teshe-gateway/v1/centre/calls", [], "empty_array"),
        ("teshe-gateway/v1/gw1/telemetry", b"{", "not_json"),
        ("teshe-gateway/v1/gw1/telemetry", {"unit": "A1"}, "wrong_type"),
        ("teshe-gateway/v1/gw1/telemetry", {"unit": "C1", "ts": "noon", "fields": {}}, "bad_timestamp"),
        ("teshe-gateway/v1/gw1/telemetry", {"unit": "C1", "ts": T, "fields": {}, "values": {}}, "wrong_type"),
        ("teshe-gateway/v1/gw1/telemetry", b"x" * 600_000, "too_large"),
        ("teshe-gateway/v1/gw1/status", {"online": "maybe"}, "wrong_type"),
        ("teshe-gateway/v1/gw1/frames/F1", {"D": "!!"}, "wrong_type"),
        ("teshe-gateway/v1/gw1/frames/F1", {"D": "AAAA"}, "wrong_type"),
        ("teshe-gateway/v1/gw1/frames/F1", {"TY": "M"}, "wrong_type"),
        ("teshe-gateway/v1/gw1/frames/X9", {"D": "AAAA"}, "unit_not_listed"),
        ("teshe-gateway/v1/gw1/frames/F1", {"TY": "Fault", "ST": "add", "fault_type": 8, "time": "noon"}, "bad_timestamp"),
        ("teshe-gateway/v1/gw1/frames/F1", {"TY": "Fault", "ST": "hm", "fault_type": 8, "time": "noon"}, "wrong_type"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_recorded_with_its_reason_and_settled(topic: str, payload: Any, reason: str) -> None:
    work = take(topic, payload)
    assert reasons(work) == [reason]
    assert published(work) == []
    assert len(work.settled) == 1
    assert {r.value for r in Reason} | {"unknown_gateway", "unit_not_listed", "not_allowed"} >= {reason}


SAMPLES = {
    # the three captured frames, with what their fields say
    "vUbpZQEeAAAAAQABBQAAAAAAAAoMK1k=": (1_709_786_813, {
        "car_direction": 0, "door_zone": True, "speed_m_s": 0.0, "passenger": False, "power_source": 1,
        "car_position": "5", "service_mode": 1, "car_moving": False, "door_closed": False, "machine_room_temp_c": 10.0,
        "safety_chain_closed": None}, ["nowStatus", "safetyLoop"]),
    "nITTXQEVAAAAAQAAAQAAAAAAAB4=": (1_574_143_132, {
        "car_direction": 0, "door_zone": True, "speed_m_s": 0.0, "passenger": False, "power_source": 0,
        "car_position": "1", "service_mode": 1, "car_moving": False, "door_closed": False, "machine_room_temp_c": 30.0,
        }, ["nowStatus"]),
    "lpPuYAEAAAEAAQAAAQBcAAAAACY=": (1_626_248_086, {
        "car_direction": 0, "door_zone": False, "speed_m_s": 0.0, "passenger": False, "power_source": 0,
        "car_position": "1", "service_mode": 1, "car_moving": False, "door_closed": False, "machine_room_temp_c": 38.0,
        }, []),
}  # fmt: skip


@pytest.mark.parametrize("frame", SAMPLES)
def test_captured_frames_become_samples_and_what_their_coding_does_not_know_is_unknown_and_kept(frame: str) -> None:
    seconds, values, unmapped = SAMPLES[frame]
    work = take("teshe-gateway/v1/gw1/frames/F1", {"TY": "M", "ST": "S", "D": frame, "elevatorCode": "F1"})
    ((unit, body),) = published(work)
    assert (unit, body["ts"], body["values"]) == ("L000002", seconds * 1_000, values)
    assert [u.field for u in work.deltas["gw1"].unmapped] == unmapped
    assert ("codes" in body) == ("nowStatus" not in unmapped)


@given(st.binary(min_size=16, max_size=19), st.integers(0, 2**32 - 1))
def test_a_lifts_frame_gives_its_fields_back(tail: bytes, seconds: int) -> None:
    at, fields = frames.lift_fields(struct.pack("<I", seconds) + tail)
    assert at == seconds
    assert len(fields) == len(tail)
    assert bytes(value % 256 for value in fields.values()) == tail


def test_an_entrapment_in_a_frame_is_the_vendors_code_of_it() -> None:
    frame = bytearray(base64.b64decode("lpPuYAEAAAEAAQAAAQBcAAAAACY="))
    frame[5] = 3
    work = take("teshe-gateway/v1/gw1/frames/F1", {"D": base64.b64encode(frame).decode()})
    ((_, body),) = published(work)
    assert (body["codes"], body["code_list"]) == (["8"], "vendor-enum")


def test_an_escalators_frame_has_its_own_layout() -> None:
    flags = dict.fromkeys(frames.ESCALATOR_FLAGS, 0) | {"direction": 1, "reverse": 1, "emergencyStop": 1}
    frame = frames.ESCALATOR.pack(T // 1_000, *flags.values(), *[0] * 6, 77)
    work = take("teshe-gateway/v1/gw1/frames/S1", {"D": base64.b64encode(frame).decode()})
    ((unit, body),) = published(work)
    assert (unit, body["codes"]) == ("E000001", ["25", "31"])
    assert body["values"] == {
        "service_mode": 1, "direction": 1, "floor_cover_open": False, "emergency_stop": True,
    }  # fmt: skip
    assert reasons(take("teshe-gateway/v1/gw1/frames/S1", {"D": base64.b64encode(frame[:-1]).decode()})) == [
        "wrong_type"
    ]


def test_fault_events_add_up_to_the_faults_that_are_active() -> None:
    found = translator()

    def event(what: str, code: int, kind: str = "Fault") -> dict[str, Any]:
        body = {"TY": kind, "ST": what, "fault_type": code, "time": "2026-03-02 09:00:00"}
        ((_, message),) = published(take("teshe-gateway/v1/gw1/frames/F1", body, found))
        return message

    assert event("add", 8) == {"ts": T, "codes": ["8"], "code_list": "vendor-enum"}
    assert event("add", 10)["codes"] == ["8", "10"]
    assert event("add", 10)["codes"] == ["8", "10"]
    # a sensor's fault is of the device's own list, and ends nothing of the lift's
    assert event("add", 101, "SensorFault") == {"ts": T, "codes": ["101"], "code_list": "device-self-diagnosis"}
    assert event("disappear", 8)["codes"] == ["10"]
    assert found.states["gw1"].faults == {"F1": {"vendor-enum": ["10"], "device-self-diagnosis": ["101"]}}


def test_raw_fields_are_read_by_the_units_coding() -> None:
    body = {"unit": "C1", "ts": T, "fields": {"Door_Zone": 2, "Door_Status": 1, "Message_Code": ["04"], "Odd": 1}}
    work = take("teshe-gateway/v1/gw1/telemetry", body)
    assert published(work) == [
        ("L000003", {"ts": T, "values": {"door_zone": False, "door_closed": True}, "codes": ["04"],
                     "code_list": "gbt24476-2017"})
    ]  # fmt: skip
    assert [(u.field, u.value) for u in work.deltas["gw1"].unmapped] == [("Odd", "1")]


def test_a_canonical_sample_keeps_seq_zero_and_null() -> None:
    work = take("teshe-gateway/v1/gw1/telemetry", {"unit": "A1", "ts": T, "seq": 0, "values": {"passenger": None}})
    assert published(work) == [("L000001", {"ts": T, "seq": 0, "values": {"passenger": None}})]


def test_a_gateway_that_goes_takes_its_terminals_along() -> None:
    work = take("teshe-gateway/v1/gw1/status", {"online": False, "session": "s1"})
    assert {(unit, body["online"], body["session"]) for unit, body in published(work)} == {
        (unit, False, "gw1-s1") for unit in ("L000001", "L000002", "L000003", "E000001")
    }


def test_a_source_of_qos_0_is_counted_as_such() -> None:
    work = take("teshe-gateway/v1/gw1/telemetry", {"unit": "A1", "ts": T, "values": {"passenger": None}}, qos=0)
    assert (work.deltas["gw1"].messages, work.deltas["gw1"].messages_qos0) == (1, 1)


def test_every_edge_node_is_asked_for_its_birth_at_the_start() -> None:
    work = translator().start(START)
    assert [m.topic for m in work.outgoing] == ["spBv1.0/Suzhou/NCMD/node1"]
    assert work.outgoing[0].qos == 0


def test_a_word_that_this_host_is_gone_is_contradicted() -> None:
    work = take("spBv1.0/STATE/teshe", {"online": False, "timestamp": 1})
    assert [(m.topic, m.retain, json.loads(m.payload)["online"]) for m in work.outgoing] == [
        ("spBv1.0/STATE/teshe", True, True)
    ]
    assert take("spBv1.0/STATE/other", {"online": False}).outgoing == []


@given(
    st.sampled_from(["telemetry", "status", "frames/F1", "calls"]), st.binary(max_size=60) | st.text().map(str.encode)
)
def test_no_bytes_make_the_bridge_stumble(kind: str, payload: bytes) -> None:
    for gateway in ("gw1", "centre"):
        work = take(f"teshe-gateway/v1/{gateway}/{kind}", payload)
        assert len(work.settled) == 1
    assert len(take("spBv1.0/Suzhou/NBIRTH/node1", payload).settled) == 1
