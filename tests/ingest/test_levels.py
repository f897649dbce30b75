"""The same on plain PostgreSQL and on TimescaleDB: store, recognise, judge, recover, read, forget."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from equipment.catalogue.load import load_catalogue
from equipment.foundation.clock import ManualClock
from ingest import read, retention
from ingest.model import Channel
from ingest.retention import RetentionSettings
from ingest.rollups.refresh import Refresh
from ingest.topics import topic_of
from tests.conftest import START, Database
from tests.pipeline import TRAPPED, Pipeline, raised, sample


def test_a_day_in_the_life_of_a_store(each_database: Database, clock: ManualClock) -> None:
    with each_database.connect(autocommit=True) as conn:
        pipeline = Pipeline(conn, clock)
        unit = pipeline.lifts[0]
        topic = topic_of(unit, Channel.TELEMETRY)
        for day in range(3):
            bodies = [sample(clock.now() + timedelta(seconds=n), n, {"speed_m_s": n / 10}) for n in range(20)]
            batch = [pipeline.message(topic, json.dumps(body).encode()) for body in bodies]
            pipeline.receive(*batch)
            pipeline.receive(*batch)
            assert pipeline.account().duplicates == 20 * (day + 1)
            clock.advance(86_400)
        assert pipeline.rows(unit) == 60

        pipeline.raw(unit, sample(START.replace(year=1970), 5, TRAPPED))
        pipeline.wait(20)
        pipeline.restart()
        pipeline.wait(30)
        assert len(raised(pipeline, "lift.entrapment")) == 1

        number = conn.execute("select no from equipment.unit where id = %s", (unit,)).fetchone()
        assert number is not None
        lift = load_catalogue().kind("lift")
        speed = lift.signal("speed_m_s") if lift else None
        assert speed is not None
        raw = read.course(conn, "lift", number[0], speed, (START, START + timedelta(days=5)), 60)
        assert (raw.level, len(raw.points), raw.points[-1].value) == ("raw", 60, 1.9)
        # a few points of a long span come from rollups, which are there once they were computed
        Refresh(conn).run_all(conn)
        few = read.course(conn, "lift", number[0], speed, (START - timedelta(hours=9), START + timedelta(days=4)), 10)
        assert few.level == "day"
        assert [(p.low, p.high, p.samples) for p in few.points] == [(0, 1.9, 20)] * 3
        assert few.points[0].value == pytest.approx(0.95)
        # a peak of a short span is not thinned away
        dense = read.course(conn, "lift", number[0], speed, (START, START + timedelta(seconds=20)), 5)
        assert (dense.level, [p.high for p in dense.points]) == (
            "raw",
            [pytest.approx(v) for v in (0.3, 0.7, 1.1, 1.5, 1.9)],
        )


def test_a_share_of_a_bool_and_a_level_that_is_gone(each_database: Database, clock: ManualClock) -> None:
    with each_database.connect(autocommit=True) as conn:
        pipeline = Pipeline(conn, clock)
        unit = pipeline.lifts[0]
        for moving in (True, False, False, False):
            pipeline.send(unit, {"car_moving": moving, "car_position": "3"})
            clock.advance(60)
        refresh = Refresh(conn)
        clock.advance(15 * 86_400)
        retention.enforce(
            conn, refresh, RetentionSettings(raw_days=2, minute_days=3, hour_days=30, day_days=30), clock.now()
        )
        number = conn.execute("select no from equipment.unit where id = %s", (unit,)).fetchone()
        lift = load_catalogue().kind("lift")
        assert number is not None
        assert lift is not None
        span = (START.replace(minute=0), START + timedelta(hours=1))
        moving_signal, floor = lift.signal("car_moving"), lift.signal("car_position")
        assert moving_signal is not None
        assert floor is not None
        # minutes and samples are gone: the hour answers, and says so
        found = read.course(conn, "lift", number[0], moving_signal, span, 600)
        assert (found.level, [(p.value, p.low, p.high, p.samples) for p in found.points]) == ("hour", [(0.25, 0, 1, 4)])
        assert read.course(conn, "lift", number[0], floor, span, 600).points == []
