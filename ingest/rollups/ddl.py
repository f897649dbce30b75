"""SQL of the rollups, derived from the signal catalogue: tables, continuous aggregates, and the refresh.

The text of ``ingest/schema/0031_rollups.sql`` and ``0032_rollup_aggregates.sql``; a test compares. A later change of the
catalogue is a new migration: :func:`added_rollup_columns_sql` writes it for the tables. A continuous aggregate takes no
new column: there a new signal is read from its samples until the aggregate is made anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from equipment.catalogue.model import Catalogue, Kind, Signal, SignalType
from equipment.catalogue.schema import table_of as reading_table
from ingest.model import Flag
from ingest.rollups.model import Level, rolled, table_of

HEADER = "-- Generated from the signal catalogue (ingest/rollups/ddl.py); a test compares the two.\n"
TABLES_LEVEL = "-- requires: below-community\n"
AGGREGATES_LEVEL = "-- requires: timescale-community\n"
ZONE = "Asia/Shanghai"
KEY_ORDER = "ts, channel, seq"
USABLE = f"(flags & {Flag.CLOCK_UNUSABLE.value}) = 0"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a rollup: its type, and how it comes from samples and from the level below."""

    name: str
    type: str
    of_samples: str
    of_rollups: str


SHARED = (
    Column("samples", "bigint", "count(*)", "sum(samples)::bigint"),
    # server time minus device time of the newest sample: where on the server's time axis the bucket lies
    Column("clock_shift", "interval", f"ingest.newest(server_time - ts order by {KEY_ORDER})", "ingest.newest(clock_shift order by bucket)"),
)  # fmt: skip


def columns_of(kind: Kind) -> tuple[Column, ...]:
    """Every column after the key, in order."""
    return SHARED + tuple(column for signal in rolled(kind) for column in _columns(signal))


def _columns(signal: Signal) -> Iterable[Column]:
    name = signal.name
    yield Column(f"{name}_count", "bigint", f"count({name})", f"sum({name}_count)::bigint")
    if signal.type is SignalType.BOOL:
        true = f"{name}_true"
        yield Column(true, "bigint", f"count(*) filter (where {name})", f"sum({true})::bigint")
    else:
        summed, cast = ("bigint", "") if signal.type is SignalType.INT else ("double precision", "::double precision")
        back = "::bigint" if signal.type is SignalType.INT else ""
        for word in ("min", "max"):
            yield Column(f"{name}_{word}", signal.type.column, f"{word}({name})", f"{word}({name}_{word})")
        yield Column(f"{name}_sum", summed, f"sum({name}{cast})", f"sum({name}_sum){back}")
    newest = f"{name}_last"
    yield Column(newest, signal.type.column, f"ingest.newest({name} order by {KEY_ORDER})", f"ingest.newest({newest} order by bucket)")  # fmt: skip


def _table_sql(kind: Kind, level: Level) -> str:
    table = table_of(kind, level)
    columns = "".join(f",\n    {column.name} {column.type}" for column in columns_of(kind))
    return (
        f"-- @time-partitioned {table} bucket {level.chunk_days} days\n"
        f"create table {table} (\n    unit_no integer not null,\n    bucket timestamptz not null,\n"
        f"    primary key (unit_no, bucket){columns}\n);\n"
        f"grant select, insert, update on {table} to teshe_system;\n"
    )


def rollup_tables_sql(catalogue: Catalogue) -> str:
    """The tables that the product refreshes itself, on plain PostgreSQL and on TimescaleDB under the Apache licence."""
    parts = [f"\n-- {k.zh}\n" + "".join(_table_sql(k, level) for level in Level) for k in catalogue.measured]
    return TABLES_LEVEL + HEADER + "".join(parts)


def _bucket_sql(level: Level, column: str) -> str:
    zone = f", '{ZONE}'" if level is Level.DAY else ""
    return f"time_bucket('1 {level.value}', {column}{zone})"


def _aggregate_sql(kind: Kind, level: Level) -> str:
    view, below = table_of(kind, level), level.below
    source, time = (reading_table(kind), "ts") if below is None else (table_of(kind, below), "bucket")
    where = f" where {USABLE}" if below is None else ""
    bucket = _bucket_sql(level, time)
    columns = ",\n".join(
        f"        {c.of_samples if below is None else c.of_rollups} as {c.name}" for c in columns_of(kind)
    )
    return (
        f"    create materialized view {view} with (timescaledb.continuous, timescaledb.materialized_only = true) as\n"
        f"    select unit_no, {bucket} as bucket,\n{columns}\n"
        f"    from {source}{where} group by unit_no, {bucket} with no data;\n"
        f"    alter materialized view {view} owner to teshe_system;\n"
    )


def rollup_aggregates_sql(catalogue: Catalogue) -> str:
    """The same as continuous aggregates, on TimescaleDB under the Community licence.

    A database that was made on a lower level keeps its tables: they hold rollups whose samples are gone.
    """
    blocks = [
        f"\n-- {k.zh}\ndo $$ begin\nif to_regclass('{table_of(k, Level.MINUTE)}') is null then\n"
        + "".join(_aggregate_sql(k, level) for level in Level)
        + "end if;\nend $$;\n"
        for k in catalogue.measured
    ]
    head = "grant create on schema ingest to teshe_system;\n"
    return AGGREGATES_LEVEL + HEADER + head + "".join(blocks) + "\nrevoke create on schema ingest from teshe_system;\n"


def added_rollup_columns_sql(kind: Kind, present: frozenset[str]) -> str:
    """Statements for the rollup columns that a kind's tables do not have yet; empty when they have all."""
    missing = [column for column in columns_of(kind) if column.name not in present]
    return "".join(
        f"alter table {table_of(kind, level)} add column {column.name} {column.type};\n"
        for level in Level
        for column in missing
    )


def refresh_sql(kind: Kind, level: Level) -> str:
    """Compute buckets anew: parameters ``units``, ``minutes`` (arrays), and ``since`` and ``until``, between which they lie.

    The bounds let the planner leave out every partition but the ones in question.
    """
    below = level.below
    source, time = (reading_table(kind), "ts") if below is None else (table_of(kind, below), "bucket")
    columns = columns_of(kind)
    names = ", ".join(c.name for c in columns)
    values = ", ".join(f"{c.of_samples if below is None else c.of_rollups} as {c.name}" for c in columns)
    usable = f" and {USABLE}" if below is None else ""
    changes = ", ".join(f"{c.name} = excluded.{c.name}" for c in columns)
    return f"""
        insert into {table_of(kind, level)} (unit_no, bucket, {names})
        select d.unit_no, d.bucket, a.*
        from (select unit_no, to_timestamp(minute * 60.0) as bucket
              from unnest(%(units)s::int[], %(minutes)s::int[]) m(unit_no, minute)) d
        cross join lateral (
            select {values} from {source} s
            where s.unit_no = d.unit_no and s.{time} >= d.bucket and s.{time} < d.bucket + interval '1 {level.value}'
              and s.{time} >= %(since)s and s.{time} < %(until)s{usable}) a
        where a.samples > 0
        on conflict (unit_no, bucket) do update set {changes}"""
