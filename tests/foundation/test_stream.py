"""Streams number what has committed, without gaps, whatever the order of commits."""

from equipment.foundation import stream
from tests.conftest import START, Database


def test_writers_that_commit_in_reverse_order_both_arrive(database: Database) -> None:
    with database.connect() as first, database.connect() as second, database.connect() as sequencer:
        stream.publish(first, "desk", "a", {"n": 1}, unit_no=None, now=START)
        stream.publish(second, "desk", "b", {"n": 2}, unit_no=None, now=START)
        second.commit()
        assert stream.sequence(sequencer, "desk", START) == 1
        sequencer.commit()
        assert [(e.seq, e.kind) for e in stream.read_after(sequencer, "desk", 0)] == [(1, "b")]
        first.commit()
        assert stream.sequence(sequencer, "desk", START) == 1
        sequencer.commit()
        assert [(e.seq, e.kind) for e in stream.read_after(sequencer, "desk", 1)] == [(2, "a")]
        assert stream.head(sequencer, "desk") == 2


def test_a_rolled_back_message_leaves_no_gap(database: Database) -> None:
    with database.connect() as conn:
        stream.publish(conn, "desk", "lost", {}, unit_no=None, now=START)
        conn.rollback()
        stream.publish(conn, "desk", "kept", {}, unit_no=None, now=START)
        stream.sequence(conn, "desk", START)
        assert [(e.seq, e.kind) for e in stream.read_after(conn, "desk", 0)] == [(1, "kept")]


def test_a_cursor_moves_only_with_the_work_it_stands_for(database: Database) -> None:
    with database.connect() as conn:
        for n in range(3):
            stream.publish(conn, "alarms", "x", {"n": n}, unit_no=None, now=START)
        stream.sequence(conn, "alarms", START)
        conn.commit()
        taken = stream.consume(conn, "incidents", "alarms")
        stream.advance(conn, "incidents", "alarms", taken[-1].seq)
        conn.rollback()
        assert len(stream.consume(conn, "incidents", "alarms")) == 3
        stream.advance(conn, "incidents", "alarms", 2)
        conn.commit()
        assert [e.payload["n"] for e in stream.consume(conn, "incidents", "alarms")] == [2]
