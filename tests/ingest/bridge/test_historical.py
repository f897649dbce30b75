"""A value that is sent for the record is stored with its flag and never drives a live alarm."""

from __future__ import annotations

from datetime import timedelta

from ingest.model import Flag
from tests.conftest import START
from tests.pipeline import FREED, TRAPPED, Pipeline


def flags(pipeline: Pipeline) -> list[int]:
    return [row[0] for row in pipeline.conn.execute("select flags from ingest.reading_lift order by ts")]


def test_historical_values_are_stored_and_not_judged(pipeline: Pipeline) -> None:
    unit = pipeline.lifts[0]
    pipeline.send(unit, FREED)
    pipeline.send(unit, TRAPPED | {"alarm_button": True}, codes=["90"], code_list="gbt24476-2017", historical=True)
    pipeline.wait(120)
    assert pipeline.alarms(unit) == []
    assert [f & Flag.HISTORICAL.value for f in flags(pipeline)] == [0, Flag.HISTORICAL.value]
    # and it hides nothing that is live
    pipeline.send(unit, TRAPPED)
    pipeline.send(unit, FREED, at=pipeline.clock.now() + timedelta(seconds=1), historical=True)
    pipeline.wait(60)
    assert [rule for rule, _, _ in pipeline.alarms(unit)] != []


def test_it_stays_unjudged_after_a_restart(pipeline: Pipeline) -> None:
    unit = pipeline.lifts[0]
    pipeline.send(unit, FREED)
    pipeline.send(unit, TRAPPED, historical=True)
    pipeline.restart()
    pipeline.wait(120)
    assert pipeline.alarms(unit) == []


def test_old_values_for_the_record_do_not_speak_of_the_clock(pipeline: Pipeline) -> None:
    unit = pipeline.lifts[0]
    for n in range(10):
        pipeline.send(unit, FREED, at=START - timedelta(hours=1) + timedelta(seconds=n), historical=True)
        pipeline.clock.advance(1)
    assert all(not f & Flag.CLOCK_CORRECTED.value for f in flags(pipeline))
