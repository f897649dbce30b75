"""What the store promises about keys, leases, partitions, units' states and the account."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from datetime import timedelta

import numpy as np
import pytest

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import SignalType
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import DatabaseRole
from ingest import lease as leases
from ingest.errors import LeaseLostError
from ingest.lease import take_free, without
from ingest.model import Channel, Message, NoStage
from ingest.store import Lease
from ingest.topics import topic_of
from tests.conftest import START, Database
from tests.pipeline import LIFETIME, Pipeline, sample

UNIT = "L000001"


def body(n: int, **values: object) -> bytes:
    return json.dumps(sample(START, n, values or {"speed_m_s": 0.5})).encode()


def message(pipeline: Pipeline, payload: bytes, **marks: object) -> Message:
    return pipeline.message(topic_of(UNIT, Channel.TELEMETRY), payload, **marks)


@pytest.mark.parametrize("change", ["ts", "channel", "seq", "unit"])
def test_each_part_of_the_key_tells_two_samples_apart(pipeline: Pipeline, change: str) -> None:
    pipeline.raw(UNIT, sample(START, 1, {"speed_m_s": 0.5}))
    at = START + timedelta(milliseconds=1) if change == "ts" else START
    unit = pipeline.lifts[1] if change == "unit" else UNIT
    channel = Channel.EVENT if change == "channel" else Channel.TELEMETRY
    pipeline.raw(unit, sample(at, 2 if change == "seq" else 1, {"speed_m_s": 0.75}), channel)
    assert pipeline.account().stored == 2


def test_without_seq_the_content_is_the_identity(pipeline: Pipeline) -> None:
    for speed in (0.5, 0.5, 0.75):
        made = sample(START, 0, {"speed_m_s": speed})
        del made["seq"]
        pipeline.raw(UNIT, made)
    tally = pipeline.account()
    assert (tally.stored, tally.duplicates, tally.quarantined) == (2, 1, 0)


def test_the_order_and_spelling_of_fields_do_not_make_another_content(pipeline: Pipeline) -> None:
    pipeline.raw(UNIT, b'{"ts": 1772413200000, "seq": 1, "values": {"speed_m_s": 1, "car_moving": true}}')
    pipeline.raw(UNIT, b'{"values": {"car_moving": true, "speed_m_s": 1.0}, "seq": 1, "ts": 1772413200000}')
    pipeline.raw(UNIT, b'{"ts": 1772413200000, "seq": 1, "values": {"speed_m_s": 1, "car_moving": null}}')
    tally = pipeline.account()
    assert (tally.stored, tally.duplicates, tally.quarantined) == (1, 1, 1)


def test_repeats_in_one_batch_and_across_batches_count_alike(pipeline: Pipeline) -> None:
    pipeline.receive(*(message(pipeline, body(n)) for n in (1, 2, 2, 1)))
    pipeline.receive(*(message(pipeline, body(n)) for n in (1, 3)))
    pipeline.receive(message(pipeline, body(3, speed_m_s=0.75)), message(pipeline, body(4)))
    tally = pipeline.account()
    assert (tally.stored, tally.duplicates, tally.quarantined) == (4, 3, 1)
    assert pipeline.rows(UNIT) == 4


def test_an_older_sample_that_is_new_is_stored_and_one_that_is_known_is_a_duplicate(pipeline: Pipeline) -> None:
    late = sample(START - timedelta(hours=1), 5, {"speed_m_s": 0.5})
    for made in (sample(START, 1, {"speed_m_s": 0.5}), late, late):
        pipeline.raw(UNIT, made)
    tally = pipeline.account()
    assert (tally.stored, tally.duplicates, tally.late) == (2, 1, 1)


def test_a_store_that_knows_nothing_of_the_past_recognises_what_is_there(pipeline: Pipeline) -> None:
    """The state of the units was lost with a kill before it was written: the table itself decides."""
    pipeline.raw(UNIT, body(1))
    pipeline.conn.execute("delete from ingest.unit_state")
    pipeline.restart()
    pipeline.receive(message(pipeline, body(1)), message(pipeline, body(2)))
    tally = pipeline.account()
    assert (tally.stored, tally.duplicates) == (2, 1)


def test_refused_messages_that_the_broker_repeats_in_one_batch_are_kept_once(pipeline: Pipeline) -> None:
    pipeline.receive(message(pipeline, b"broken"), message(pipeline, b"broken", dup=True))
    pipeline.receive(message(pipeline, b"broken"))
    tally = pipeline.account()
    assert (tally.quarantined, tally.redelivered) == (2, 1)


def test_what_the_broker_repeats_while_it_is_pending_is_counted_and_not_looked_at(pipeline: Pipeline) -> None:
    several = json.dumps([sample(START, n, {"speed_m_s": 0.5}) for n in (1, 2)]).encode()
    pipeline.receive(message(pipeline, several), message(pipeline, several, repeat=True, dup=True))
    pipeline.receive(message(pipeline, b"?", repeat=True))
    tally = pipeline.account()
    assert (tally.stored, tally.redelivered, tally.quarantined) == (2, 3, 0)


def test_status_messages_count_apart(pipeline: Pipeline) -> None:
    pipeline.raw(UNIT, b'{"online": true, "session": "a"}', Channel.STATUS)
    pipeline.raw(UNIT, b'{"online": false, "session": "old"}', Channel.STATUS)
    assert pipeline.account().received == 0
    row = pipeline.conn.execute("select online from ingest.unit_state where session_id = 'a'").fetchone()
    assert row == (True,)  # the Will of an older session changes nothing


def test_a_transaction_without_its_lease_stores_nothing(pipeline: Pipeline) -> None:
    pipeline.raw(UNIT, body(1))
    taken = take_free(pipeline.conn, "other", pipeline.clock.now() + 2 * LIFETIME, LIFETIME)
    assert len(taken.epochs) == 16
    assert all(taken.epochs[shard] == epoch + 1 for shard, epoch in pipeline.lease.epochs.items())
    with pytest.raises(LeaseLostError):
        pipeline.raw(UNIT, body(2))
    assert pipeline.rows(UNIT) == 1


def test_an_epoch_counts_only_for_its_own_shard(pipeline: Pipeline) -> None:
    """Shard 0 was lost and taken back in a later epoch, which is the present one of shard 1."""
    conn = pipeline.conn
    conn.execute("update ingest.shard set epoch = case shard when 0 then 5 when 1 then 4 else epoch end")
    stale = Lease("pipeline", {0: 4, 1: 4})
    with pytest.raises(LeaseLostError, match=r"\[0\]"), conn.transaction():
        pipeline.store.hold_leases(conn, stale, [0, 1])
    pipeline.lease = stale
    with pytest.raises(LeaseLostError, match=r"\[0\]"):
        pipeline.receive(pipeline.message("teshe/v1/0/nobody/telemetry", b"{}"))
    assert leases.renew(conn, stale, pipeline.clock.now(), LIFETIME) == {1}


def test_messages_of_a_shard_that_is_not_ours_are_not_stored(pipeline: Pipeline) -> None:
    pipeline.lease = without(pipeline.lease, frozenset(range(16)))
    with pytest.raises(LeaseLostError, match="does not own"):
        pipeline.raw(UNIT, body(1))


def test_a_take_over_waits_for_the_transaction_that_holds_the_lease(database: Database, clock: ManualClock) -> None:
    with database.connect(autocommit=True) as conn, database.connect(autocommit=True) as rival:
        pipeline = Pipeline(conn, clock, NoStage())
        with conn.transaction():
            pipeline.store.hold_leases(conn, pipeline.lease, [3])
            assert 3 not in take_free(rival, "rival", clock.now() + 2 * LIFETIME, LIFETIME).epochs
        assert set(take_free(rival, "rival", clock.now() + 2 * LIFETIME, LIFETIME).epochs) == {3}


def test_the_shards_of_a_killed_neighbour_are_free_at_once_and_those_of_a_living_one_are_not(
    database: Database, clock: ManualClock
) -> None:
    with database.connect(autocommit=True) as conn:
        Pipeline(conn, clock, NoStage())
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        killed, living, mine = (f"{socket.gethostname()}-{pid}-abcd" for pid in (child.pid, os.getppid(), os.getpid()))
        try:
            with database.connect(autocommit=True) as session:
                leases.say_alive(session, killed)
                until = clock.now() + LIFETIME
                conn.execute("update ingest.shard set owner = %s, lease_until = %s", (killed, until))
                conn.execute("update ingest.shard set owner = %s where shard in (1, 2)", (living,))
                conn.execute("update ingest.shard set owner = 'elsewhere-1-abcd' where shard = 2")
                assert leases.dead_neighbours(conn, mine) == []
                child.kill()
                child.wait()
                dead = leases.dead_neighbours(conn, mine)
                assert dead == [killed]
                # its session still lives: perhaps another machine has the same name
                assert take_free(conn, mine, clock.now(), LIFETIME, dead).epochs == {}
        finally:
            child.kill()
        assert set(take_free(conn, mine, clock.now(), LIFETIME, dead).epochs) == set(range(16)) - {1, 2}


def test_a_partition_made_in_a_transaction_that_rolls_back_is_made_again(
    database: Database, clock: ManualClock
) -> None:
    with database.connect(autocommit=True) as conn:
        pipeline = Pipeline(conn, clock, NoStage())
        made = message(pipeline, body(1))
        decoded = pipeline.decode.decode([made])
        with conn.transaction(force_rollback=True):
            pipeline.store.store(conn, decoded, pipeline.decode.clocks, pipeline.lease, "none", START)
        pipeline.receive(made)
        assert pipeline.rows(UNIT) == 1


def test_a_partition_that_retention_dropped_is_made_again_after_a_new_connection(
    database: Database, clock: ManualClock
) -> None:
    with database.connect(autocommit=True) as conn:
        pipeline = Pipeline(conn, clock, NoStage())
        pipeline.receive(message(pipeline, body(1)))
        with database.connect(DatabaseRole.OWNER, autocommit=True) as owner:
            owner.execute(f"drop table ingest.reading_lift_{START:%Y%m%d}".encode())
        pipeline.store.forget_connection()
        conn.execute("discard temp")
        pipeline.receive(message(pipeline, body(2)))
        assert pipeline.rows(UNIT) == 1


def test_absent_and_unknown_are_null_and_never_nan(pipeline: Pipeline) -> None:
    pipeline.send(UNIT, {"speed_m_s": None, "run_count": 3})
    row = pipeline.conn.execute("select speed_m_s, levelling_error_mm, run_count from ingest.reading_lift").fetchone()
    assert row == (None, None, 3)
    checks = pipeline.conn.execute(
        "select count(*) from pg_constraint where contype = 'c' and pg_get_constraintdef(oid) like '%NaN%'"
    ).fetchone()
    reals = sum(s.type is SignalType.FLOAT for k in load_catalogue().measured for s in k.signals)
    assert checks is not None
    assert checks[0] >= reals


def test_every_int_of_the_catalogue_is_exact_in_a_double_and_fits_its_column() -> None:
    ints = [s for k in load_catalogue().measured for s in k.signals if s.type is SignalType.INT]
    assert ints
    for signal in ints:
        for limit in (signal.minimum, signal.maximum):
            assert limit is not None
            assert int(np.int32(limit)) == int(float(limit)) == limit


def test_limits_of_seq_and_time_are_stored_and_found_again(pipeline: Pipeline) -> None:
    for seq in (-(2**63), 2**63 - 1, 0):
        pipeline.raw(UNIT, sample(START, seq, {"speed_m_s": 0.5}))
        pipeline.raw(UNIT, sample(START, seq, {"speed_m_s": 0.5}))
    for ms in (-62_135_596_800_000, 253_402_300_799_999):
        pipeline.raw(UNIT, {"ts": ms, "seq": 1, "values": {"speed_m_s": 0.5}})
    tally = pipeline.account()
    assert (tally.stored, tally.duplicates) == (5, 3)


def test_three_times_are_kept_and_a_steady_offset_is_corrected_and_marked(pipeline: Pipeline) -> None:
    for _ in range(8):
        pipeline.clock.advance(10)
        pipeline.send(UNIT, {"speed_m_s": 0.5}, at=pipeline.clock.now() - timedelta(seconds=40))
    rows = pipeline.conn.execute(
        "select r.received_at - r.server_time, r.received_at - r.ts, r.flags & 4, b.judged_at - r.received_at"
        " from ingest.reading_lift r join ingest.batch b on (b.shard, b.number) = (r.shard, r.batch) order by r.received_at"
    ).fetchall()
    assert rows[0] == (timedelta(seconds=40), timedelta(seconds=40), 0, timedelta(0))
    assert rows[-1] == (timedelta(0), timedelta(seconds=40), 4, timedelta(0))
    assert pipeline.conn.execute("select clock_stable from ingest.unit_state where last_seq = 8").fetchone() == (True,)


def test_states_are_written_once_a_second_and_nothing_of_them_is_forgotten(pipeline: Pipeline) -> None:
    states = pipeline.store.states
    for n in range(1, 4):
        pipeline.raw(UNIT, body(n))
    newest = "select last_seq from ingest.unit_state"
    assert pipeline.conn.execute(newest).fetchone() == (1,)
    assert not states.due(pipeline.clock.now())
    pipeline.clock.advance(1)
    assert states.due(pipeline.clock.now())
    states.write(pipeline.conn, pipeline.decode.clocks, pipeline.clock.now())
    states.confirm()
    assert pipeline.conn.execute(newest).fetchone() == (3,)
    pipeline.clock.advance(1)
    assert not states.due(pipeline.clock.now())
