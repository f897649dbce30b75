"""The same on plain PostgreSQL and on TimescaleDB: store, recognise, judge, recover, read, forget."""

from __future__ import annotations

import json
from datetime import timedelta

from equipment.foundation.clock import ManualClock
from equipment.foundation.database import DatabaseRole
from equipment.foundation.migrations import time_partitions
from equipment.foundation.timescale import TimescaleLevel, drop_before, probe
from ingest import read
from ingest.model import Channel
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
        points = read.series(conn, "lift", number[0], "speed_m_s", START, START + timedelta(days=5), 10)
        assert 0 < len(points) <= 10
        assert points[-1][1] == 1.9


def test_old_chunks_go_and_new_ones_stay(each_database: Database, clock: ManualClock) -> None:
    with each_database.connect(autocommit=True) as conn:
        pipeline = Pipeline(conn, clock)
        unit = pipeline.lifts[0]
        for _ in range(4):
            pipeline.send(unit, {"speed_m_s": 1.0})
            clock.advance(7 * 86_400)
        assert pipeline.rows(unit) == 4
    with each_database.connect(DatabaseRole.OWNER, autocommit=True) as owner:
        level = probe(owner)
        partition = next(p for p in time_partitions(("ingest",)).values() if p.table == "ingest.reading_lift")
        assert drop_before(owner, partition, START + timedelta(days=10), level) > 0
        hypertables = (
            owner.execute("select count(*) from timescaledb_information.hypertables").fetchone()
            if level is not TimescaleLevel.NONE
            else None
        )
    if hypertables is not None:
        assert hypertables[0] >= 8
    with each_database.connect(autocommit=True) as conn:
        left = conn.execute("select count(*), min(ts) > %s from ingest.reading_lift", (START,)).fetchone()
    assert left is not None
    assert 0 < left[0] < 4
    assert left[1]
