"""Everything that can be wrong with a message: a named reason, the raw bytes, a count, and the next message goes on."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ingest.model import Channel
from ingest.topics import topic_of
from tests.conftest import START
from tests.pipeline import RESTING, Pipeline, sample

UNIT = "L000001"
GOOD = sample(START, 1, {"speed_m_s": 0.5})
TABLE: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"\x7e\x01{", "not_json"),
    "not UTF-8": (b'{"ts": 1, "values": {"car_position": "\xff\xfe"}}', "not_json"),
    "JSON of no kind": (b"12", "wrong_type"),
    "an unknown signal": (json.dumps(sample(START, 1, {"mood": 1})).encode(), "unknown_signal"),
    "text for a number": (json.dumps(sample(START, 1, {"speed_m_s": "fast"})).encode(), "wrong_type"),
    "a boolean for a number": (json.dumps(sample(START, 1, {"speed_m_s": True})).encode(), "wrong_type"),
    "a seq that no counter reaches": (json.dumps(sample(START, 2**70, {"speed_m_s": 1.0})).encode(), "out_of_range"),
    "NaN": (b'{"ts": 1772413200000, "seq": 1, "values": {"speed_m_s": NaN}}', "not_a_number"),
    "infinity": (b'{"ts": 1772413200000, "seq": 1, "values": {"speed_m_s": Infinity}}', "not_a_number"),
    "NaN inside an array": (b'[{"ts": 1772413200000, "seq": 1, "values": {"speed_m_s": NaN}}]', "not_a_number"),
    "more than a double holds": (b'{"ts": 1772413200000, "seq": 1, "values": {"speed_m_s": 1e999}}', "out_of_range"),
    "out of range": (json.dumps(sample(START, 1, {"speed_m_s": 400})).encode(), "out_of_range"),
    "a megabyte": (b'{"ts": 0, "padding": "' + b"x" * 1_000_000 + b'"}', "too_large"),
    "an empty array": (b"[]", "empty_array"),
    "an integer that no double holds": (b'{"ts": 1772413200000, "seq": 1, "values": {"run_count": ' + b"9" * 400 + b"}}", "out_of_range"),
    "an integer just beyond 2^53": (b'{"ts": 1772413200000, "seq": 1, "values": {"run_count": 9007199254740993}}', "out_of_range"),
    "nesting without end": (b"[" * 100_000, "not_json"),
    "a time as a number in a text": (b'{"ts": "1772413200000", "seq": 1, "values": {"speed_m_s": 1.0}}', "bad_timestamp"),
    "a time after the year 9999": (b'{"ts": 253402300800000, "seq": 1, "values": {"speed_m_s": 1.0}}', "bad_timestamp"),
    "a time at the edge of the year 1": (b'{"ts": "0001-01-01T00:00:00+23:59", "seq": 1, "values": {"speed_m_s": 1.0}}', "bad_timestamp"),
    "neither values nor codes": (b'{"ts": 1772413200000, "seq": 1, "values": {}}', "nothing_measured"),
    "a NUL in a text": (b'{"ts": 1772413200000, "seq": 1, "values": {"car_position": "\\u0000"}}', "out_of_range"),
    "no time": (b'{"seq": 1, "values": {"speed_m_s": 1.0}}', "wrong_type"),
    "a time that is none": (b'{"ts": "yesterday", "values": {"speed_m_s": 1.0}}', "bad_timestamp"),
    "a time without a zone": (b'{"ts": "2026-03-02T09:00:00", "values": {"speed_m_s": 1.0}}', "bad_timestamp"),
    "an unknown code list": (json.dumps(sample(START, 1, codes=["1"], code_list="nobody")).encode(), "unknown_code_list"),
}  # fmt: skip


@pytest.mark.parametrize("what", TABLE)
def test_a_bad_message_is_kept_with_its_reason_and_the_next_is_stored(pipeline: Pipeline, what: str) -> None:
    payload, reason = TABLE[what]
    stored = pipeline.raw(UNIT, payload)
    assert sum(t.quarantined for t in stored.tallies.values()) == 1
    assert pipeline.quarantine() == [(reason, payload, 1)]
    pipeline.raw(UNIT, GOOD)
    assert pipeline.rows(UNIT) == 1
    assert pipeline.account().received == 2


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("teshe/v1/0/NOBODY-1/telemetry", "unknown_unit"),
        (f"teshe/v1/{(int(topic_of(UNIT, Channel.TELEMETRY).split('/')[2], 16) + 1) % 16:x}/{UNIT}/telemetry", "wrong_shard"),
        (f"teshe/v1/0/{UNIT}/diary", "bad_topic"),
        ("teshe/v1/0/ L 1/telemetry", "bad_topic"),
    ],
)  # fmt: skip
def test_a_topic_that_leads_nowhere_is_kept(pipeline: Pipeline, topic: str, reason: str) -> None:
    if reason == "unknown_unit":
        topic = topic_of("NOBODY-1", Channel.TELEMETRY)
    pipeline.receive(pipeline.message(topic, json.dumps(GOOD).encode()))
    assert [(r, s) for r, _, s in pipeline.quarantine()] == [(reason, 1)]


def test_one_bad_sample_of_an_array_does_not_take_the_good_ones_with_it(pipeline: Pipeline) -> None:
    body = [sample(START, n, {"speed_m_s": 400.0 if n == 2 else 1.0}) for n in (1, 2, 3)]
    pipeline.raw(UNIT, body)
    assert pipeline.rows(UNIT) == 2
    assert [r for r, _, _ in pipeline.quarantine()] == ["out_of_range"]
    tally = pipeline.account()
    assert (tally.stored, tally.quarantined) == (2, 1)


def test_a_repeated_sample_is_a_duplicate_and_a_different_one_with_its_key_a_conflict(pipeline: Pipeline) -> None:
    other = sample(START, 1, {"speed_m_s": 0.75})
    for body in (GOOD, GOOD, other):
        pipeline.raw(UNIT, body)
    tally = pipeline.account()
    assert (tally.stored, tally.duplicates, tally.quarantined) == (1, 1, 1)
    assert [r for r, _, _ in pipeline.quarantine()] == ["conflicting"]


def test_what_the_broker_repeats_is_redelivered_and_not_a_duplicate(pipeline: Pipeline) -> None:
    pipeline.raw(UNIT, GOOD)
    pipeline.raw(UNIT, GOOD, dup=True)
    pipeline.raw(UNIT, b"broken")
    pipeline.raw(UNIT, b"broken", dup=True)
    tally = pipeline.account()
    assert (tally.stored, tally.duplicates, tally.quarantined, tally.redelivered) == (1, 0, 1, 2)
    assert len(pipeline.quarantine()) == 1


@pytest.mark.parametrize("away", [timedelta(days=-20_000), timedelta(days=-500), timedelta(days=3)])
def test_an_unusable_clock_is_stored_with_a_flag_and_judged_on_receive_time(
    pipeline: Pipeline, away: timedelta
) -> None:
    pipeline.send(UNIT, RESTING | {"alarm_button": True}, at=START + away)
    row = pipeline.conn.execute("select server_time, flags & 2 from ingest.reading_lift").fetchone()
    assert row == (START, 2)
    assert ("lift.alarm_button", START) in [(rule, at) for rule, _, at in pipeline.alarms(UNIT)]


def test_null_means_unknown_and_is_no_value(pipeline: Pipeline) -> None:
    pipeline.send(UNIT, {"speed_m_s": None, "car_moving": False})
    row = pipeline.conn.execute("select speed_m_s, car_moving from ingest.reading_lift").fetchone()
    assert row == (None, False)


def test_a_batch_of_good_and_bad_balances(pipeline: Pipeline) -> None:
    payloads: list[Any] = [p for p, _ in TABLE.values()]
    messages = [pipeline.message(topic_of(UNIT, Channel.TELEMETRY), p) for p in payloads]
    messages += [
        pipeline.message(topic_of(UNIT, Channel.TELEMETRY), json.dumps(sample(START, n, {"speed_m_s": 1.0})).encode())
        for n in range(50)
    ]
    pipeline.receive(*messages)
    tally = pipeline.account()
    assert (tally.stored, tally.quarantined, tally.received) == (50, len(TABLE), 50 + len(TABLE))
