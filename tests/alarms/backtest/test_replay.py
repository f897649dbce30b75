"""A back-test finds what the live run raised of the same rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from alarms.backtest import replay as module
from alarms.backtest.model import Matching, Period
from alarms.backtest.replay import order_of
from alarms.backtest.run import Asked, backtest, rules_of
from alarms.errors import BacktestError
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import Connection
from ingest.decode import to_us
from tests.conftest import Database
from tests.pipeline import FREED, RESTING, TRAPPED, Pipeline

MATCHING = Matching(3_600, 900)
Found = set[tuple[str, str, datetime, bool]]
STATES: dict[str, dict[str, Any]] = {
    "rest": RESTING,
    "trapped": TRAPPED,
    "freed": FREED,
    "moving": RESTING | {"car_moving": True, "door_zone": False, "speed_m_s": 1.0},
    "open": RESTING | {"car_moving": True, "door_zone": False, "door_closed": False, "speed_m_s": 1.0},
    "fast": RESTING | {"car_moving": True, "door_zone": False, "speed_m_s": 9.0},
    "button": RESTING | {"alarm_button": True},
    "repair": TRAPPED | {"service_mode": 2},
    "part": {"door_closed": True},
    "unknown": {"passenger": None, "door_zone": None},
}
SECOND = 1_000_000


def live(pipeline: Pipeline) -> Found:
    rows = pipeline.conn.execute(
        "select a.rule, u.id, a.raised_at, a.active from alarms.alarm a join equipment.unit u on u.no = a.unit_no"
    )
    return {(row[0], row[1], row[2], row[3]) for row in rows}


def replayed(url: str, pipeline: Pipeline, begin: datetime, workers: int = 1) -> Found:
    rules = rules_of(pipeline.conn, "shipped")
    asked = Asked(rules, Period(begin, pipeline.clock.now()), MATCHING)
    report = backtest(url, asked, workers, pipeline.clock.now(), lambda share, until: None)
    assert report["failures"] == {}
    return {
        (
            a["rule"],
            a["unit"],
            begin + timedelta(microseconds=a["raised_us"] - to_us(begin)),
            a["cleared_us"] is None,
        )
        for a in report["alarms"]
    }


Step = tuple[int, str, float]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip
@example(steps=[(0, "rest", 1.0), (1, "rest", 2_000.0), (0, "rest", 2_000.0), (0, "rest", 1.0)], size=1)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(sorted(STATES)), st.sampled_from([1.0, 7.0, 20.0, 46.0, 200.0, 2_000.0])),
        min_size=1, max_size=12,
    ),
    size=st.sampled_from([1, 3, 60_000]),
)  # fmt: skip
def test_it_equals_the_live_run(database: Database, clock: ManualClock, steps: list[Step], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch, database.connect(autocommit=True) as conn:
        patch.setattr(module, "SLICE_ROWS", size)
        pipeline = _beginning(database.url, conn, clock)
        begin = clock.now()
        for unit, state, pause in steps:
            pipeline.send(pipeline.lifts[unit], STATES[state])
            pipeline.wait(pause, step=1.0 if pause < 60 else 50.0)
        assert replayed(database.url, pipeline, begin) == live(pipeline)


def _beginning(url: str, conn: Connection, clock: ManualClock) -> Pipeline:
    """A worker that has judged nothing yet, over a store without readings."""
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("set session_replication_role = replica")  # the history of an earlier example goes away
        owner.execute(
            "truncate alarms.alarm, alarms.alarm_event, alarms.unproven_alarm, alarms.suppression, alarms.annunciation,"
            " alarms.storm, alarms.storm_member, alarms.checkpoint, ingest.reading_lift,"
            " ingest.code_event, ingest.batch, ingest.shard"
        )
    clock.advance(600)
    return Pipeline(conn, clock)


def test_codes_silence_and_processes(database: Database, pipeline: Pipeline) -> None:
    begin = pipeline.clock.now()
    one, two, three = pipeline.lifts[:3]
    for lift in (one, two, three):
        pipeline.send(lift, RESTING)
    pipeline.send(one, codes=["90"], code_list="gbt24476-2017")
    pipeline.wait(30)
    pipeline.send(one, codes=[], code_list="gbt24476-2017")
    pipeline.send(two, TRAPPED)
    pipeline.wait(1_900, step=10)
    pipeline.send(two, FREED)  # silent for more than half an hour, and back
    pipeline.wait(60)
    pipeline.send(two, FREED)
    found = live(pipeline)
    assert {"lift.silent", "lift.alarm_button", "lift.entrapment"} <= {rule for rule, *_ in found}
    assert replayed(database.url, pipeline, begin) == found
    assert replayed(database.url, pipeline, begin, workers=2) == found


def test_a_reordered_sample_is_judged_in_its_place(database: Database, pipeline: Pipeline) -> None:
    begin, lift = pipeline.clock.now(), pipeline.lifts[0]
    pipeline.send(lift, TRAPPED)
    pipeline.wait(20)
    late = pipeline.clock.now()
    pipeline.wait(10)
    pipeline.send(lift, TRAPPED)
    pipeline.send(lift, FREED, at=late)
    pipeline.wait(60)
    assert replayed(database.url, pipeline, begin) == {x for x in live(pipeline) if x[2] is not None}


def test_order_moves_back_what_came_late_and_drops_what_came_too_late() -> None:
    unit = np.array([1, 2, 1, 1], dtype=np.int32)
    server = np.array([10, 12, 5, 6]) * SECOND
    received = np.array([10, 12, 40, 100]) * SECOND
    found = order_of(unit, server, received)
    assert found.index.tolist() == [2, 0, 1]
    assert found.passed_over == 1


def test_what_is_asked_wrongly_is_said(database: Database, pipeline: Pipeline) -> None:
    now = pipeline.clock.now()
    rules = rules_of(pipeline.conn, "lift.entrapment")
    day = Period(now - timedelta(days=1), now)
    with pytest.raises(BacktestError, match="must begin"):
        backtest(database.url, Asked(rules, Period(now, now), MATCHING), 1, now, lambda *_: None)
    with pytest.raises(BacktestError, match="L999999"):
        backtest(database.url, Asked(rules, day, MATCHING, ("L999999",)), 1, now, lambda *_: None)
    with pytest.raises(BacktestError, match="no such rule"):
        rules_of(pipeline.conn, "lift.entrapment@99")
