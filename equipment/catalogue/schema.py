"""The reading tables as the catalogue wants them: the text of ``ingest/schema/0002_readings.sql``.

A later change of the catalogue is a new migration that adds nullable columns: :func:`added_columns_sql` writes it.
"""

from __future__ import annotations

from equipment.catalogue.model import Catalogue, Kind, Signal, SignalType

CHUNK_DAYS = 1
HEADER = "-- Generated from the signal catalogue (teshe catalogue schema); a test compares the two.\n"
KEY_COLUMNS = """\
    unit_no integer not null,
    ts timestamptz not null,              -- device time
    channel smallint not null,
    seq bigint not null,                  -- without one: hash of the payload
    content bigint not null,              -- hash of the values, tells a duplicate from a conflict
    server_time timestamptz not null,     -- device time + the device's clock offset
    received_at timestamptz not null,
    shard smallint not null,
    batch bigint not null,
    flags smallint not null default 0,    -- 1 late, 2 clock unusable, 4 clock corrected, 8 retrospective, 16 historical"""


def table_of(kind: Kind) -> str:
    """Name of the kind's table of readings."""
    return f"ingest.reading_{kind.name}"


def column_sql(signal: Signal) -> str:
    """The column of one signal; a float refuses NaN, because absent and unknown are NULL."""
    check = f" check ({signal.name} <> 'NaN')" if signal.type is SignalType.FLOAT else ""
    return f"{signal.name} {signal.type.column}{check}"


def table_sql(kind: Kind) -> str:
    """Create statement, order index and grants of one kind's table."""
    table = table_of(kind)
    columns = "".join(f",\n    {column_sql(signal)}" for signal in kind.signals)
    return (
        f"-- {kind.zh}\n"
        f"-- @time-partitioned {table} ts {CHUNK_DAYS} days\n"
        f"create table {table} (\n{KEY_COLUMNS}\n"
        f"    primary key (unit_no, ts, channel, seq){columns}\n);\n"
        f"create index reading_{kind.name}_by_batch on {table} (shard, batch);\n"
        f"grant select, insert, delete on {table} to teshe_system;\n"
    )


def reading_tables_sql(catalogue: Catalogue) -> str:
    """The whole first migration."""
    return HEADER + "".join("\n" + table_sql(kind) for kind in catalogue.measured)


def added_columns_sql(kind: Kind, present: frozenset[str]) -> str:
    """Statements for the signals of a kind that its table does not have yet; empty when it has all."""
    missing = [signal for signal in kind.signals if signal.name not in present]
    return "".join(f"alter table {table_of(kind)} add column {column_sql(signal)};\n" for signal in missing)
