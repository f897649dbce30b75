"""What the rules promise, in scripted time: delays from receive time, nothing lost by a restart, unknown is not normal."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alarms import stage
from ingest.model import Channel
from tests.conftest import START
from tests.pipeline import FREED, RESTING, TRAPPED, Pipeline, raised, sample

LIFT = "L000001"
OTHER = "L000002"
ENTRAPMENT = "lift.entrapment"


def test_one_message_and_silence_raise_an_entrapment_exactly_at_the_delay(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(44)
    assert raised(pipeline, ENTRAPMENT) == []
    pipeline.wait(2)
    assert raised(pipeline, ENTRAPMENT) == [START + timedelta(seconds=45)]


def test_a_condition_that_ends_before_the_delay_raises_nothing(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(40)
    pipeline.send(LIFT, FREED)
    pipeline.wait(60)
    assert raised(pipeline, ENTRAPMENT) == []


def test_a_restart_in_the_middle_of_a_delay_forgets_nothing(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(30)
    pipeline.restart()
    pipeline.wait(14)
    assert raised(pipeline, ENTRAPMENT) == []
    pipeline.wait(2)
    assert raised(pipeline, ENTRAPMENT) == [START + timedelta(seconds=45)]


def test_a_restart_from_a_checkpoint_goes_on_where_it_stood(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(20)
    pipeline.checkpoint()
    pipeline.wait(10)
    pipeline.restart()
    pipeline.wait(30)
    assert raised(pipeline, ENTRAPMENT) == [START + timedelta(seconds=45)]


def test_after_a_kill_a_press_pages_at_once_and_what_was_in_flight_still_finds_its_place(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(20)
    pipeline.seq += 1
    in_flight = sample(pipeline.clock.now(), pipeline.seq, FREED)
    pipeline.wait(1)
    pipeline.restart()
    pipeline.stage.expect_repeats(pipeline.clock.now() + timedelta(seconds=6))
    pipeline.send(OTHER, {"alarm_button": True})
    assert raised(pipeline, "lift.alarm_button") == [pipeline.clock.now()]
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(5)
    pipeline.raw(LIFT, in_flight)
    pipeline.wait(30)  # 55 s since the first sample, 35 s since the one that comes after the repeated one
    assert raised(pipeline, ENTRAPMENT) == []
    pipeline.wait(15)
    assert raised(pipeline, ENTRAPMENT) == [START + timedelta(seconds=21 + 45)]


def test_a_restart_after_the_alarm_does_not_raise_it_again(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(50)
    pipeline.restart()
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(60)
    assert len(raised(pipeline, ENTRAPMENT)) == 1


def test_unknown_neither_starts_nor_ends_anything(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(20)
    pipeline.send(LIFT, {"passenger": None})
    pipeline.wait(60)
    assert raised(pipeline, ENTRAPMENT) == [START + timedelta(seconds=45)]
    other = pipeline.lifts[1]
    pipeline.send(other, dict.fromkeys(TRAPPED))
    pipeline.wait(120)
    assert raised(pipeline, ENTRAPMENT, [other]) == []


def test_a_signal_that_was_not_sent_keeps_its_last_value(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED)
    for _ in range(6):
        pipeline.wait(10)
        pipeline.send(LIFT, {"machine_room_temp_c": 25.0})
    assert len(raised(pipeline, ENTRAPMENT)) == 1


def test_an_undelayed_alarm_is_raised_with_its_message(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, RESTING | {"alarm_button": True})
    assert raised(pipeline, "lift.alarm_button") == [START]


def test_a_latched_alarm_stays_until_it_is_reset(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(50)
    pipeline.send(LIFT, FREED)
    pipeline.wait(10)
    assert [(rule, state) for rule, state, _ in pipeline.alarms(LIFT) if rule == ENTRAPMENT] == [
        (ENTRAPMENT, "latched_unacknowledged")
    ]


def test_inspection_mode_suppresses_but_records(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED | {"service_mode": 2})
    pipeline.wait(50)
    states = {rule: state for rule, state, _ in pipeline.alarms(LIFT)}
    assert states.get(ENTRAPMENT) == "suppressed_by_design"


def test_a_code_of_the_standard_speaks_like_a_signal(pipeline: Pipeline) -> None:
    body = sample(START, 1, codes=["05"], code_list="gbt24476-2017")
    pipeline.raw(LIFT, body, Channel.EVENT)
    assert raised(pipeline, "lift.unintended_movement") == [START]


def test_a_late_sample_is_stored_and_does_not_disturb_the_present(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(30)
    pipeline.send(LIFT, FREED, at=START - timedelta(minutes=10))
    pipeline.wait(20)
    assert raised(pipeline, ENTRAPMENT) == [START + timedelta(seconds=45)]
    assert pipeline.account().late == 1


def test_the_evidence_says_what_was_seen(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(50)
    row = pipeline.conn.execute("select evidence from alarms.alarm where rule = %s", (ENTRAPMENT,)).fetchone()
    assert row is not None
    assert row[0]["values"]["passenger"] is True
    assert row[0]["values"]["car_moving"] is False


def test_a_flood_of_samples_ends_the_short_history_before_its_time(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "MOST_KEPT", 3)
    for _ in range(2):
        pipeline.send(LIFT, TRAPPED)
        pipeline.clock.advance(1)
    assert not pipeline.stage.crowded(pipeline.clock.now())
    pipeline.send(LIFT, TRAPPED)
    assert pipeline.stage.crowded(pipeline.clock.now())
    pipeline.stage.expect_repeats(pipeline.clock.now() + timedelta(seconds=6))
    assert not pipeline.stage.crowded(pipeline.clock.now())
    pipeline.clock.advance(6)
    assert pipeline.stage.crowded(pipeline.clock.now())
    pipeline.checkpoint()
    assert not pipeline.stage.crowded(pipeline.clock.now())
    pipeline.wait(45)
    assert len(raised(pipeline, ENTRAPMENT)) == 1
