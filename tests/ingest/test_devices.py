"""Online and offline: by status, by Will, by silence; a late Will never ends a newer session."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.foundation.clock import ManualClock
from equipment.foundation.database import Connection
from ingest import devices
from ingest.devices import DeviceSettings, Presence, judge
from ingest.model import Channel, StatusReport
from tests.conftest import START, Database
from tests.pipeline import Pipeline

UNIT = "L000001"
SETTINGS = DeviceSettings()


def up(pipeline: Pipeline, session: str | None, *, retained: bool = False) -> None:
    pipeline.raw(UNIT, {"online": True, "session": session}, Channel.STATUS, retained=retained)


def down(pipeline: Pipeline, session: str | None, **more: Any) -> None:
    pipeline.raw(UNIT, {"online": False, "session": session} | more, Channel.STATUS)


def state(conn: Connection) -> tuple[Any, ...]:
    row = conn.execute(
        "select s.online, s.online_cause, s.session_id from ingest.unit_state s join equipment.unit u on u.no = s.unit_no where u.id = %s",
        (UNIT,),
    ).fetchone()
    return row or (None, None, None)


def number(conn: Connection) -> int:
    row = conn.execute("select no from equipment.unit where id = %s", (UNIT,)).fetchone()
    assert row is not None
    return int(row[0])


def causes(conn: Connection) -> list[tuple[bool, str]]:
    return [(event.online, event.cause) for event in reversed(devices.history(conn, number(conn)))]


def test_a_will_of_a_session_that_is_over_is_kept_and_not_believed(pipeline: Pipeline) -> None:
    up(pipeline, "a")
    up(pipeline, "b")
    down(pipeline, "a", will=True)
    assert state(pipeline.conn) == (True, "status", "b")
    up(pipeline, "a")
    assert state(pipeline.conn) == (True, "status", "b")
    down(pipeline, "b", will=True)
    assert state(pipeline.conn) == (False, "will", "b")
    assert causes(pipeline.conn) == [
        (True, "status"),
        (True, "status"),
        (False, "stale"),
        (True, "stale"),
        (False, "will"),
    ]


def test_what_is_said_twice_is_one_entry_of_the_history(pipeline: Pipeline) -> None:
    for _ in range(3):
        up(pipeline, "a")
        pipeline.clock.advance(10)
    assert causes(pipeline.conn) == [(True, "status")]
    assert pipeline.conn.execute("select status_at from ingest.unit_state").fetchone() == (
        START + timedelta(seconds=20),
    )


def test_a_terminal_that_falls_silent_is_offline_from_its_limit_on_and_online_when_heard(pipeline: Pipeline) -> None:
    up(pipeline, "a")
    pipeline.send(UNIT, {"speed_m_s": 0.0})
    pipeline.clock.advance(SETTINGS.silent_after_seconds)
    assert devices.watch(pipeline.conn, SETTINGS, pipeline.clock.now()) == 0
    pipeline.clock.advance(7)
    assert devices.watch(pipeline.conn, SETTINGS, pipeline.clock.now()) == 1
    assert state(pipeline.conn) == (False, "silence", "a")
    limit = START + timedelta(seconds=SETTINGS.silent_after_seconds)
    assert devices.history(pipeline.conn, number(pipeline.conn))[0].at == limit
    # the broker's kept copy of the old "online" does not wake it, its data does
    up(pipeline, "a", retained=True)
    assert state(pipeline.conn)[:2] == (False, "silence")
    pipeline.send(UNIT, {"speed_m_s": 0.0})
    devices.watch(pipeline.conn, SETTINGS, pipeline.clock.now())
    assert state(pipeline.conn) == (True, "heard", "a")


def test_the_limit_is_that_of_the_kind(database: Database, clock: ManualClock) -> None:
    with database.connect(autocommit=True) as conn:
        pipeline = Pipeline(conn, clock)
        up(pipeline, "a")
        clock.advance(120)
        quick = DeviceSettings(silent_after_by_kind={"lift": 60.0})
        assert devices.watch(conn, SETTINGS, clock.now()) == 0
        assert devices.watch(conn, quick, clock.now()) == 1


def test_data_that_follow_a_good_bye_at_once_do_not_contradict_it_but_data_that_go_on_do(pipeline: Pipeline) -> None:
    up(pipeline, "a")
    down(pipeline, "a")
    pipeline.clock.advance(5)
    pipeline.send(UNIT, {"speed_m_s": 0.0})
    assert devices.watch(pipeline.conn, SETTINGS, pipeline.clock.now()) == 0
    assert state(pipeline.conn)[:2] == (False, "status")
    pipeline.clock.advance(SETTINGS.goodbye_grace_seconds)
    pipeline.send(UNIT, {"speed_m_s": 0.0})
    assert devices.watch(pipeline.conn, SETTINGS, pipeline.clock.now()) == 1
    assert state(pipeline.conn)[:2] == (True, "heard")


def test_a_terminal_that_only_sends_data_is_online_and_one_that_never_did_is_unknown(pipeline: Pipeline) -> None:
    assert state(pipeline.conn) == (None, None, None)
    pipeline.send(UNIT, {"speed_m_s": 0.0})
    assert state(pipeline.conn)[0] is None
    devices.watch(pipeline.conn, SETTINGS, pipeline.clock.now())
    assert state(pipeline.conn) == (True, "heard", None)


def test_the_history_cannot_be_changed(pipeline: Pipeline) -> None:
    up(pipeline, "a")
    with pytest.raises(Exception, match="append-only"):
        pipeline.conn.execute("delete from ingest.device_event")


REPORTS = st.lists(st.tuples(st.booleans(), st.sampled_from(["a", "b", "c", None]), st.booleans()), max_size=12)


@given(REPORTS)
def test_no_report_of_an_earlier_session_changes_anything(reports: list[tuple[bool, str | None, bool]]) -> None:
    now, seen = Presence(), set[str]()
    for index, (online, session, retained) in enumerate(reports):
        report = StatusReport(1, online, session, START + timedelta(seconds=index), retained=retained)
        after, event = judge(now, report, frozenset(seen))
        if session is not None and session in seen and session != now.session:
            assert after == now
            assert event is not None
            assert event.cause == "stale"
        if event is None:
            assert (after.online, after.session) == (now.online, now.session)
        if after.session is not None:
            seen.add(after.session)
        now = after
