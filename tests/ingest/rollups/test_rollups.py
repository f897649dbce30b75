"""Rollups equal what brute force makes of everything that was ever stored: on every level of the database, with late
data before and after a retention run."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from equipment.catalogue.load import load_catalogue, read_signal
from equipment.catalogue.model import Kind
from equipment.foundation.database import Connection
from ingest.rollups.ddl import added_rollup_columns_sql, columns_of, rollup_aggregates_sql, rollup_tables_sql
from ingest.rollups.model import Level, buckets_of, pack_marks, rolled, table_of, unpack_marks
from ingest.rollups.refresh import windows
from tests.conftest import START
from tests.ingest.rollups.conftest import Mill

DAY = timedelta(days=1)
MIDNIGHT = START.replace(hour=16) - DAY
"""Midnight in Shanghai."""


def values(rng: random.Random) -> dict[str, Any]:
    """Some signals of a lift; some absent, some unknown."""
    made: dict[str, Any] = {
        "speed_m_s": rng.uniform(-2.5, 2.5),
        "machine_room_temp_c": rng.uniform(-10, 45),
        "run_count": rng.randrange(2_000_000_000),
        "car_moving": rng.random() < 0.5,
        "door_closed": rng.random() < 0.9,
        "service_mode": 1,
        "car_position": "12",
    }
    kept = {name: value for name, value in made.items() if rng.random() < 0.8}
    return {"alarm_button": False} | kept | ({"load_percent": None} if rng.random() < 0.3 else {})


def moments(rng: random.Random, since: datetime, span: timedelta, count: int) -> list[datetime]:
    """Random whole milliseconds in a span, in no order."""
    return [since + timedelta(milliseconds=rng.randrange(int(span.total_seconds() * 1_000))) for _ in range(count)]


def fill(mill: Mill, rng: random.Random, since: datetime, span: timedelta, count: int = 40) -> None:
    for unit in mill.pipeline.lifts[:3]:
        chosen = moments(rng, since, span, count)
        mill.send(unit, chosen, [values(rng) for _ in chosen])


def test_rollups_are_what_brute_force_makes_of_the_samples_with_late_data_and_retention(mill: Mill) -> None:
    rng = random.Random(11)
    now = mill.clock.now()
    # both sides of midnight in Shanghai and in UTC, and of a full hour
    for edge in (MIDNIGHT, MIDNIGHT + timedelta(hours=8), START - timedelta(hours=1)):
        fill(mill, rng, edge - timedelta(minutes=2), timedelta(minutes=4))
    fill(mill, rng, now - 2 * DAY, 2 * DAY)
    mill.refresh.run_all(mill.conn)
    assert mill.differences() == []

    # late data: into buckets that were computed, and into hours and days that had none
    fill(mill, rng, MIDNIGHT - timedelta(minutes=2), timedelta(minutes=4))
    fill(mill, rng, now - 2 * DAY - timedelta(hours=5), timedelta(hours=4))
    assert mill.differences() != []
    mill.refresh.run_all(mill.conn)
    assert mill.differences() == []

    # late data that no refresh has seen when the retention comes: it is in the rollups before its samples go
    mill.clock.advance(3.5 * 86_400)
    fill(mill, rng, MIDNIGHT - timedelta(minutes=30), timedelta(minutes=25))
    before = count_raw(mill.conn)
    dropped = mill.retain()
    assert dropped.raw_chunks > 0
    assert count_raw(mill.conn) < before
    assert mill.differences() == []

    # what is older than the horizon is kept aside, counted, and changes no rollup
    unit = mill.pipeline.lifts[0]
    stored = mill.send(unit, [MIDNIGHT - timedelta(minutes=10)] * 2, [{"speed_m_s": 99.0}, {"speed_m_s": 2.0}])
    assert [t.quarantined for t in stored.tallies.values()] == [2]
    reasons = {reason for reason, _, _ in mill.pipeline.quarantine()}
    assert reasons == {"out_of_range", "too_old"}
    # what is younger still enters, also into a day that lies at the horizon
    horizon = mill.conn.execute("select accept_from, complete_from from ingest.horizon").fetchone()
    assert horizon is not None
    assert horizon[0] == horizon[1] == MIDNIGHT
    fill(mill, rng, horizon[0], timedelta(minutes=90))
    mill.refresh.run_all(mill.conn)
    assert mill.differences() == []

    # a second run finds nothing to do, and the rollups stay
    mill.retain()
    assert mill.differences() == []


def count_raw(conn: Connection) -> int:
    row = conn.execute("select count(*) from ingest.reading_lift").fetchone()
    return int(row[0]) if row else 0


def test_each_level_is_let_go_in_its_own_time_and_the_coarser_stays(mill: Mill) -> None:
    unit = mill.pipeline.lifts[0]
    mill.send(unit, [mill.clock.now()], [{"speed_m_s": 1.5}])
    mill.refresh.run_all(mill.conn)
    left = {}
    for days in (0, 25, 130, 1_100):
        mill.clock.advance(days * 86_400)
        mill.retain()
        left[days] = [count_raw(mill.conn)] + [
            mill.conn.execute(f"select count(*) from {table_of(mill.kind, level)}".encode()).fetchone()[0]  # type: ignore[index]
            for level in Level
        ]
    assert left == {0: [1, 1, 1, 1], 25: [0, 0, 1, 1], 130: [0, 0, 0, 1], 1_100: [0, 0, 0, 0]}


def test_a_refresh_leaves_the_marker_of_a_batch_that_it_cannot_see(plain_mill: Mill, database: Any) -> None:
    mill = plain_mill
    unit = mill.pipeline.lifts[0]
    mill.send(unit, [START], [{"speed_m_s": 1.0}])
    with database.connect() as other:
        # a batch that is not committed yet, of the same bucket
        other.execute(
            "insert into ingest.rollup_dirty (level, kind, buckets) select level, kind, buckets from ingest.rollup_dirty"
        )
        other.execute(
            "insert into ingest.reading_lift (unit_no, ts, channel, seq, content, server_time, received_at, shard, batch, speed_m_s)"
            " select unit_no, ts + interval '1 second', channel, seq, content, server_time, received_at, shard, batch, 2.0"
            " from ingest.reading_lift"
        )
        mill.refresh.run(mill.conn, Level.MINUTE)
        assert mill.conn.execute("select speed_m_s_max from ingest.rollup_minute_lift").fetchall() == [(1.0,)]
        other.commit()
    assert mill.refresh.run(mill.conn, Level.MINUTE) == 1
    assert mill.conn.execute("select speed_m_s_max from ingest.rollup_minute_lift").fetchall() == [(2.0,)]


def test_a_sample_with_an_unusable_clock_belongs_to_no_bucket_and_goes_when_its_receipt_is_old(
    plain_mill: Mill,
) -> None:
    mill = plain_mill
    unit = mill.pipeline.lifts[0]
    mill.send(unit, [START.replace(year=1975), START], [{"speed_m_s": 9.0}, {"speed_m_s": 1.0}])
    mill.retain()
    assert mill.differences() == []
    assert count_raw(mill.conn) == 2
    mill.clock.advance(5 * 86_400)
    assert mill.retain().unusable_clock_rows == 1
    assert count_raw(mill.conn) == 0


def test_the_committed_migrations_are_the_catalogue_s() -> None:
    catalogue, folder = load_catalogue(), files("ingest") / "schema"
    assert (folder / "0031_rollups.sql").read_text(encoding="utf-8") == rollup_tables_sql(catalogue)
    assert (folder / "0032_rollup_aggregates.sql").read_text(encoding="utf-8") == rollup_aggregates_sql(catalogue)


def test_the_database_has_every_column_of_every_rollup(mill: Mill) -> None:
    for kind in load_catalogue().measured:
        for level in Level:
            schema, table = table_of(kind, level).split(".")
            rows = mill.conn.execute(
                "select column_name, data_type from information_schema.columns where table_schema = %s and table_name = %s",
                (schema, table),
            ).fetchall()
            expected = {"unit_no": "integer", "bucket": "timestamp with time zone"}
            assert dict(rows) == expected | {column.name: column.type for column in columns_of(kind)}


def test_a_new_signal_becomes_columns_of_every_level() -> None:
    entry = {"type": "bool", "zh": "开", "en": "Open", "stale_after_seconds": 9, "mark": "D"}
    kind = Kind("lift", "电梯", "Lift", (read_signal("lift", "hatch_open", entry),))
    text = added_rollup_columns_sql(kind, frozenset({"samples", "clock_shift"}))
    assert text.count("\n") == 9
    assert "alter table ingest.rollup_day_lift add column hatch_open_true bigint;" in text


def test_codes_and_texts_have_no_rollup() -> None:
    kind = load_catalogue().kind("lift")
    assert kind is not None
    assert {s.name for s in kind.signals} - {s.name for s in rolled(kind)} == {
        "service_mode", "car_direction", "car_position", "power_source",
    }  # fmt: skip


def test_marks_are_packed_once_each_and_find_their_buckets() -> None:
    base = int(MIDNIGHT.timestamp() * 1_000_000)
    ts = np.array([base - 1, base, base + 59_999_999, base + 60_000_000, 5_000_000], dtype=np.int64)
    marks = unpack_marks([pack_marks(np.array([1, 1, 1, 1, 1]), ts), pack_marks(np.array([1]), ts[:1])])
    first = base // 60_000_000
    assert marks["minute"].tolist() == [first - 1, first, first + 1]
    days = buckets_of(marks, Level.DAY)
    assert days.minutes.tolist() == [first - 1_440, first]
    assert windows(days, Level.DAY) == [(MIDNIGHT - DAY, MIDNIGHT + DAY)]
    hours = buckets_of(marks[[0, 2]], Level.HOUR)
    assert windows(hours, Level.HOUR) == [(MIDNIGHT - timedelta(hours=1), MIDNIGHT + timedelta(hours=1))]
    assert windows(buckets_of(marks[:0], Level.DAY), Level.DAY) == []


@pytest.mark.parametrize(("raw", "minute", "hour", "day"), [(90, 90, 100, 200), (3, 10, 9, 40), (3, 10, 20, 19)])
def test_a_coarser_level_must_be_kept_longer(raw: int, minute: int, hour: int, day: int) -> None:
    from ingest.retention import RetentionSettings

    with pytest.raises(ValueError, match="keep coarser levels longer"):
        RetentionSettings(raw_days=raw, minute_days=minute, hour_days=hour, day_days=day)
