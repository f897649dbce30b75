"""The same through the database: null is not absence, a checkpoint keeps the history, a failing rule is told of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from alarms.recovery import rows_since
from alarms.stage import AlarmStage
from equipment.catalogue.load import load_catalogue
from tests.conftest import START
from tests.pipeline import RESTING, TRAPPED, Pipeline, raised, sample

LIFT = "L000001"


def arrays(pipeline: Pipeline) -> dict[str, Any]:
    assert isinstance(pipeline.stage, AlarmStage)
    return pipeline.stage._states["lift"].arrays


def test_what_is_read_back_is_what_was_judged(pipeline: Pipeline) -> None:
    body = sample(START, 1, RESTING | {"speed_m_s": 1.2, "passenger": None}, codes=[], code_list="gbt24476-2017")
    stored = pipeline.raw(LIFT, body)
    pipeline.wait(1)
    pipeline.send(LIFT, {"door_zone": False})
    kind = load_catalogue().kind("lift")
    assert kind is not None
    live = stored.rows["lift"]
    back = rows_since(pipeline.conn, kind, int(live.shard[0]), 0)
    first, second = back[1], back[2]
    assert first.unknown["passenger"].tolist() == [True]
    assert first.codes_valid.tolist() == [True]
    assert second.codes_valid.tolist() == [False]
    assert second.unknown["passenger"].tolist() == [False]
    for name in live.valid:
        if name in first.valid:
            np.testing.assert_array_equal(first.valid[name], live.valid[name], err_msg=name)
            assert first.values[name].astype(np.float32) == live.values[name].astype(np.float32)
    assert first.server_us.tolist() == live.server_us.tolist()


@pytest.mark.parametrize("restarts", [0, 1, 2])
def test_a_null_is_a_null_also_after_a_restart(pipeline: Pipeline, restarts: int) -> None:
    pipeline.send(LIFT, TRAPPED | {"passenger": None})
    if restarts:
        pipeline.checkpoint()
    for _ in range(restarts):
        pipeline.restart()
    pipeline.send(LIFT, {"machine_room_temp_c": 20.0})
    pipeline.wait(60)
    assert raised(pipeline, "lift.entrapment", [LIFT]) == []


def test_a_recovered_stage_is_equal_to_the_one_that_went_on(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(10)
    pipeline.checkpoint()
    pipeline.send(LIFT, {"speed_m_s": 0.1}, at=START + timedelta(seconds=5))
    pipeline.wait(10)
    pipeline.checkpoint()
    pipeline.send(LIFT, RESTING | {"door_closed": False})
    pipeline.send(LIFT, {"power_source": 1, "passenger": None}, at=START + timedelta(seconds=14))
    pipeline.wait(15)
    before = {name: array.copy() for name, array in arrays(pipeline).items()}
    pipeline.restart()
    for name, array in arrays(pipeline).items():
        if name != "fired_us":
            np.testing.assert_array_equal(array, before[name], err_msg=name)


def test_a_sample_that_comes_late_withdraws_the_alarm_in_the_database(pipeline: Pipeline) -> None:
    pipeline.send(LIFT, TRAPPED)
    pipeline.wait(50)
    assert len(raised(pipeline, "lift.entrapment")) == 1
    pipeline.restart()
    pipeline.send(LIFT, RESTING, at=START + timedelta(seconds=40))
    (state,) = [state for rule, state, _ in pipeline.alarms(LIFT) if rule == "lift.entrapment"]
    assert state == "returned_unacknowledged"
    events = pipeline.conn.execute("select event from alarms.alarm_event order by id").fetchall()
    assert events[-1] == ("withdrawn",)


def test_a_rule_that_fails_is_told_of_and_the_readings_are_stored(pipeline: Pipeline) -> None:
    assert isinstance(pipeline.stage, AlarmStage)
    program = pipeline.stage._states["lift"].fixed.program

    def broken(_: Any, __: Any) -> Any:
        raise ValueError("broken on purpose")

    place = next(i for i, n in enumerate(program.nodes) if getattr(n, "signal", "") == "machine_room_temp_c")
    program._steps[place] = broken
    pipeline.send(LIFT, RESTING | {"machine_room_temp_c": 60.0, "alarm_button": True})
    assert pipeline.rows(LIFT) == 1
    assert len(raised(pipeline, "lift.alarm_button")) == 1
    row = pipeline.conn.execute("select rule, error from alarms.rule_failure").fetchone()
    assert row == ("lift.machine_room_hot", "ValueError: broken on purpose")
    pending = pipeline.conn.execute("select count(*) from equipment.stream_pending where kind = 'rule_failed'")
    assert pending.fetchone() == (1,)
