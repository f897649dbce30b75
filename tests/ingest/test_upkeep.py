"""The upkeep as a whole: every duty runs, one that fails is told and does not stop the others, replays are sent."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from equipment.foundation.clock import ManualClock
from equipment.foundation.database import DatabaseRole
from equipment.foundation.embedded_nats import EmbeddedNats
from equipment.foundation.ports import free_port
from ingest import account, retention
from ingest.broker import BrokerAddress
from ingest.devices import DeviceSettings
from ingest.model import Channel
from ingest.retention import RetentionSettings
from ingest.rollups.refresh import Refresh
from ingest.topics import topic_of
from ingest.upkeep import Upkeep, UpkeepOptions, UpkeepSettings
from tests.conftest import START, Database
from tests.pipeline import RESTING, TRAPPED, Pipeline

UNIT = "L000001"


def options(port: int) -> UpkeepOptions:
    return UpkeepOptions(UpkeepSettings(), RetentionSettings(), DeviceSettings(), BrokerAddress("127.0.0.1", port))


@pytest.fixture
def upkeep(pipeline: Pipeline) -> Upkeep:
    return Upkeep(pipeline.conn, options(free_port()))


def test_each_duty_runs_in_its_rhythm_and_says_when(pipeline: Pipeline, upkeep: Upkeep) -> None:
    pipeline.send(UNIT, {"speed_m_s": 1.0})
    upkeep.turn(pipeline.conn, pipeline.clock)
    duties = {duty.name: duty for duty in account.duties(pipeline.conn)}
    assert {duty.ran_at for duty in duties.values()} == {START}
    assert {name: duty.done for name, duty in duties.items()} == {
        "account": 1, "presence": 1, "rollup_minute": 1, "rollup_hour": 1, "rollup_day": 1, "retention": 0, "replays": 0,
        "authorisation": 0, "violations": 0,
    }  # fmt: skip
    figures = account.figures(pipeline.conn, START)
    assert (figures.dirty_markers, figures.account_notes, figures.last_batch_at, figures.devices_online) == (
        0,
        0,
        START,
        1,
    )
    pipeline.clock.advance(10)
    pipeline.send(UNIT, {"speed_m_s": 1.0})
    upkeep.turn(pipeline.conn, pipeline.clock)
    duties = {duty.name: duty for duty in account.duties(pipeline.conn)}
    assert duties["account"].ran_at == START + timedelta(seconds=10)
    assert duties["rollup_minute"].ran_at == START


def refused(pipeline: Pipeline) -> int:
    pipeline.receive(
        pipeline.message(topic_of("L000777", Channel.TELEMETRY), b'{"ts": 1, "values": {"speed_m_s": 1.0}}')
    )
    row = pipeline.conn.execute("select id from ingest.quarantine").fetchone()
    assert row is not None
    pipeline.conn.execute(
        "insert into ingest.replay_request (entry_id, requested_at, requested_by) values (%s, %s, 1)", (row[0], START)
    )
    return int(row[0])


def test_a_duty_that_fails_is_told_and_the_others_go_on(pipeline: Pipeline, upkeep: Upkeep) -> None:
    entry = refused(pipeline)
    upkeep.turn(pipeline.conn, pipeline.clock)
    duties = {duty.name: duty for duty in account.duties(pipeline.conn)}
    assert "no broker answers" in (duties["replays"].failure or "")
    assert duties["account"].failure is None
    assert duties["retention"].ran_at == START
    told = pipeline.conn.execute("select failure from ingest.replay_request where entry_id = %s", (entry,)).fetchone()
    assert told is not None
    assert "no broker answers" in told[0]
    pipeline.clock.advance(5)
    upkeep.turn(pipeline.conn, pipeline.clock)
    assert next(d for d in account.duties(pipeline.conn) if d.name == "replays").failure is None


def test_a_replay_that_was_asked_for_is_published(pipeline: Pipeline, nats: EmbeddedNats) -> None:
    entry = refused(pipeline)
    Upkeep(pipeline.conn, options(nats.mqtt_port)).turn(pipeline.conn, pipeline.clock)
    row = pipeline.conn.execute(
        "select replayed_at, replay_result from ingest.quarantine where id = %s", (entry,)
    ).fetchone()
    assert row == (START, "republished")


def test_only_the_administrator_may_ask_for_a_replay(database: Database, pipeline: Pipeline) -> None:
    entry = refused(pipeline)
    pipeline.conn.execute("delete from ingest.replay_request")
    with database.connect(DatabaseRole.SCOPED) as conn:
        for role, allowed in (("desk", False), ("system_admin", True)):
            conn.execute("select set_config('teshe.role', %s, true), set_config('teshe.account', '1', true)", (role,))
            answer = conn.execute("select ingest.request_replay(%s, %s)", (entry, START)).fetchone()
            assert answer == (allowed,)


def test_what_alarms_and_leads_stand_on_stays_when_the_samples_go(database: Database, clock: ManualClock) -> None:
    with database.connect(autocommit=True) as conn:
        pipeline = Pipeline(conn, clock)
        pipeline.send(UNIT, TRAPPED | {"speed_m_s": 0.0})
        pipeline.wait(60)
        pipeline.send(UNIT, RESTING | {"alarm_button": True})
        before = evidence(pipeline)
        assert len(before) >= 2
        assert "passenger" in json.dumps(before)
        clock.advance(200 * 86_400)
        dropped = retention.enforce(conn, Refresh(conn), RetentionSettings(), clock.now())
        assert dropped.raw_chunks > 0
        assert pipeline.rows(UNIT) == 0
        assert evidence(pipeline) == before
        row = conn.execute("select samples, alarm_button_last from ingest.rollup_day_lift").fetchone()
        assert row == (2, True)


def evidence(pipeline: Pipeline) -> list[tuple[str, object]]:
    rows = pipeline.conn.execute(
        "select rule, evidence from alarms.alarm union all select e.event, e.evidence from alarms.alarm_event e order by 1, 2"
    )
    return [(row[0], row[1]) for row in rows]
