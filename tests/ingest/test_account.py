"""The account per hour, per device and since the beginning adds up, in every order of batches, folds and restarts."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from dashboards.commands import app
from equipment.foundation.database import Connection
from ingest import account, account_notes
from ingest.account import Asked
from ingest.model import Channel
from ingest.topics import topic_of
from tests.conftest import START, Database
from tests.pipeline import Pipeline, sample

UNIT, OTHER = "L000001", "L000002"
HOUR = timedelta(hours=1)


def asked(pipeline: Pipeline, **more: Any) -> Asked:
    return Asked(START - HOUR, pipeline.clock.now() + HOUR, **more)


def devices(pipeline: Pipeline, **more: Any) -> dict[str | None, account.Device]:
    return {device.unit_id: device for device in account.by_device(pipeline.conn, asked(pipeline, **more))}


def mixed_batch(pipeline: Pipeline, first: int) -> None:
    """Good samples of two units, a duplicate, a conflict, bad input of known and unknown units, a repeat of the broker."""
    at = pipeline.clock.now()
    mine, other = topic_of(UNIT, Channel.TELEMETRY), topic_of(OTHER, Channel.TELEMETRY)

    def body(number: int, speed: float) -> bytes:
        return json.dumps(sample(at, number, {"speed_m_s": speed})).encode()

    pipeline.receive(
        pipeline.message(mine, body(first, 1.0)),
        pipeline.message(mine, body(first + 1, 1.0)),
        pipeline.message(mine, body(first, 1.0)),
        pipeline.message(mine, body(first, 2.0)),
        pipeline.message(other, body(first, 1.0)),
        pipeline.message(other, body(first + 1, 400.0)),
        pipeline.message(other, b"{not json"),
        pipeline.message(topic_of("NOBODY", Channel.TELEMETRY), body(1, 1.0)),
        pipeline.message(mine, body(first + 1, 1.0), repeat=True),
    )
    # the broker sends both again: one was stored, one was refused
    pipeline.receive(
        pipeline.message(mine, body(first, 1.0), dup=True), pipeline.message(other, b"{not json", dup=True)
    )


def test_units_add_up_to_the_hour_and_hours_to_the_batches(pipeline: Pipeline) -> None:
    for hour in range(3):
        mixed_batch(pipeline, 1 + 10 * hour)
        if hour == 1:
            account_notes.fold(pipeline.conn)
            pipeline.restart()
        pipeline.clock.advance(3_600)
    assert account_notes.fold(pipeline.conn) == 2
    assert account_notes.fold(pipeline.conn) == 0

    batches = account.delivery(pipeline.conn, START)
    assert batches.balanced
    assert (batches.received, batches.stored, batches.duplicates, batches.quarantined, batches.redelivered) == (
        33, 9, 3, 12, 9,
    )  # fmt: skip
    assert account.total(pipeline.conn) == batches
    hours = account.by_hour(pipeline.conn, asked(pipeline))
    assert [h.hour for h in hours] == [START + n * HOUR for n in range(3)]
    assert {(h.delivery.received, h.delivery.balanced) for h in hours} == {(11, True)}

    found = devices(pipeline)
    mine, other, nobody = (found[unit].delivery for unit in (UNIT, OTHER, None))
    assert (mine.received, mine.stored, mine.duplicates, mine.quarantined, mine.redelivered) == (15, 6, 3, 3, 3)
    assert (other.received, other.stored, other.quarantined) == (9, 3, 6)
    assert all(d.balanced for d in (mine, other, nobody))
    assert sum(d.delivery.received for d in found.values()) == batches.received
    assert list(devices(pipeline, unit_id=UNIT)) == [UNIT]
    one = account.by_hour(pipeline.conn, asked(pipeline, unit_id=UNIT))
    assert [h.delivery.received for h in one] == [5, 5, 5]


def test_a_note_that_is_not_committed_is_not_counted(pipeline: Pipeline) -> None:
    class UndoneError(Exception):
        pass

    def store_and_fail() -> None:
        with pipeline.conn.transaction():
            pipeline.send(UNIT, {"speed_m_s": 1.0})
            raise UndoneError

    with pytest.raises(UndoneError):
        store_and_fail()
    account_notes.fold(pipeline.conn)
    assert account.total(pipeline.conn).received == 0


def test_gaps_are_missing_once_stragglers_had_their_time_and_vanish_when_filled(pipeline: Pipeline) -> None:
    def send(*numbers: int) -> None:
        bodies = [sample(START + timedelta(seconds=n), n, {"speed_m_s": 1.0}) for n in numbers]
        pipeline.raw(UNIT, bodies)
        account_notes.fold(pipeline.conn)

    send(1, 2, 5, 4, 9)
    soon = Asked(START - HOUR, pipeline.clock.now())
    assert account.gap_totals(pipeline.conn, soon).missing == 0
    late = asked(pipeline)
    assert account.gap_totals(pipeline.conn, late) == account.GapTotals(1, 2, 4)
    assert [(g.unit_id, g.first, g.last) for g in account.gaps(pipeline.conn, late)] == [(UNIT, 6, 8), (UNIT, 3, 3)]
    send(7, 3)
    assert {(g.first, g.last) for g in account.gaps(pipeline.conn, late)} == {(6, 6), (8, 8)}
    device = devices(pipeline)[UNIT]
    assert (device.missing, device.gaps, device.filled, device.restarts) == (2, 2, 3, 0)


def test_a_refused_sample_with_a_number_is_no_gap(pipeline: Pipeline) -> None:
    bodies = [sample(START + timedelta(seconds=n), n, {"speed_m_s": 400.0 if n == 2 else 1.0}) for n in (1, 2, 3)]
    pipeline.raw(UNIT, bodies)
    account_notes.fold(pipeline.conn)
    assert account.gap_totals(pipeline.conn, asked(pipeline)).missing == 0


def test_samples_without_a_number_make_no_gap(pipeline: Pipeline) -> None:
    for n in range(3):
        pipeline.raw(UNIT, {"ts": round(START.timestamp() * 1_000) + n, "values": {"speed_m_s": 1.0}})
    account_notes.fold(pipeline.conn)
    assert pipeline.conn.execute("select count(*) from ingest.seq_state").fetchone() == (0,)


def test_the_command_says_the_same_and_takes_hours_devices_and_one_unit(
    database: Database, conn: Connection, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed_batch(pipeline, 1)
    pipeline.raw(UNIT, sample(START, 7, {"speed_m_s": 1.0}))
    account_notes.fold(pipeline.conn)
    monkeypatch.setenv("TESHE_DATABASE_URL", database.url)

    def run(*options: str) -> dict[str, Any]:
        answer = CliRunner().invoke(app, ["account", "--hours", "87600", "--json", *options])
        assert answer.exit_code == 0, answer.output
        body: dict[str, Any] = json.loads(answer.output)
        return body

    whole = run()
    assert (whole["received"], whole["balanced"], whole["since_beginning"]["received"]) == (12, True, 12)
    assert sum(shard["received"] for shard in whole["shards"].values()) == 12
    assert [row["received"] for row in run("--by", "hour")["hours"].values()] == [12]
    by_device = run("--by", "device")
    assert (by_device["devices"][UNIT]["missing"], by_device["missing_numbers"][0]["first"]) == (4, 3)
    assert list(run("--by", "device", "--unit", OTHER)["devices"]) == [OTHER]
    text = CliRunner().invoke(app, ["account", "--hours", "87600", "--by", "device"]).output
    assert UNIT in text
    assert text.rstrip().endswith("balanced")
