"""``teshe bench backtest``: how fast stored readings are replayed through the shipped rules."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import numpy as np
import typer
from psycopg import sql

from alarms.backtest.model import Matching, Period
from alarms.backtest.run import Asked
from alarms.backtest.settings import BacktestSettings
from alarms.rules.load import load_pack
from dashboards.backtest_bar import with_bar
from dashboards.bench.rules import SIGNALS, ordinary
from dashboards.bench.services import bench_database, bench_folder, conditions
from dashboards.composition import PACKAGES
from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind, SignalType
from equipment.city.build import build_city
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.foundation.migrations import time_partitions
from equipment.foundation.timescale import Partitions, probe
from equipment.registry.store import units_for_worker
from ingest import copy_binary as binary
from ingest.decode import to_us

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
EXTRA = 1.6
"""Units of the city for each lift that is wanted: others are built as well."""
SPEED_M_S = 0.9
"""Below the rated speed of every lift of the city: a city where half of the lifts are too fast all day measures alarms."""
PACKERS = {SignalType.BOOL: binary.boolean, SignalType.INT: binary.int4, SignalType.ENUM: binary.int2,
           SignalType.FLOAT: binary.float4}  # fmt: skip
KEYS = (
    "unit_no",
    "ts",
    "channel",
    "seq",
    "content",
    "server_time",
    "received_at",
    "shard",
    "batch",
    "flags",
    "unknown",
)


def lifts_of(conn: Connection, wanted: int) -> list[tuple[int, str]]:
    """A city with so many lifts; their numbers and ids."""
    build_city(conn, units=round(wanted * EXTRA), seed=7, now=BEGIN, password=secrets.token_urlsafe(12))
    conn.commit()
    return [(u.no, u.id) for u in units_for_worker(conn) if u.kind == "lift"][:wanted]


def fill(conn: Connection, kind: Kind, units: np.ndarray[Any, np.dtype[np.int64]], days: int) -> int:
    """One sample a minute of every unit, twelve values each, in order of arrival; returns how many."""
    chosen = [s for s in kind.signals if s.type is not SignalType.TEXT][:SIGNALS]
    rng = np.random.default_rng(7)
    table = sql.Identifier("ingest", f"reading_{kind.name}")
    names = sql.SQL(", ").join(map(sql.Identifier, (*KEYS, *(s.name for s in chosen))))
    count = len(units) * 60
    name = f"ingest.reading_{kind.name}"
    partitions = Partitions(probe(conn), time_partitions(PACKAGES)[name])
    for hour in range(days * 24):
        start = BEGIN + timedelta(hours=hour)
        if hour % 24 == 0:
            partitions.ensure(conn, [start])
        unit = np.tile(units, 60)
        at = to_us(start) + np.repeat(np.arange(60), len(units)) * 60_000_000 + unit * 61_803 % 60_000_000
        order = np.argsort(at, kind="stable")
        unit, at = unit[order], at[order]
        values = ordinary([s.name for s in chosen], count, rng)
        values["speed_m_s"] = np.minimum(values["speed_m_s"], SPEED_M_S)
        zeros = np.zeros(count)
        fields = [
            binary.int4(unit), binary.timestamptz(at), binary.int2(zeros + 1), binary.int8(zeros + hour), binary.int8(zeros),
            binary.timestamptz(at), binary.timestamptz(at + 80_000), binary.int2(zeros), binary.int8(zeros + hour + 1),
            binary.int2(zeros), binary.int8(zeros), *(PACKERS[s.type](values[s.name]) for s in chosen),
        ]  # fmt: skip
        with conn.cursor() as cursor, cursor.copy(
            sql.SQL("copy {} ({}) from stdin (format binary)").format(table, names)
        ) as copy:  # fmt: skip
            copy.write(binary.copy_buffer(fields))
        conn.commit()
    return count * days * 24


def measure(lifts: int, days: int, workers: int, database: str | None, *, bar: bool) -> dict[str, Any]:
    """All figures."""
    kind = load_catalogue().kind("lift")
    if kind is None:
        raise typer.BadParameter("the catalogue has no lift")
    with bench_folder() as folder, bench_database(folder, database) as url:
        with connect(url, DatabaseRole.OWNER, application_name="teshe-bench") as conn:
            found = lifts_of(conn, lifts)
            rows = fill(conn, kind, np.array([no for no, _ in found]), days)
            conn.commit()
            conn.autocommit = True
            conn.execute(sql.SQL("vacuum (freeze, analyze) {}").format(sql.Identifier("ingest", "reading_lift")))
            server = conditions(conn)
        asked = Asked(
            load_pack().by_kind["lift"], Period(BEGIN, BEGIN + timedelta(days=days)), Matching(3_600, 900),
            tuple(name for _, name in found),
        )  # fmt: skip
        report = with_bar(url, asked, workers, BEGIN + timedelta(days=days), shown=bar)
        parts = report["seconds_of_processes"]
        whole = sum(parts.values())
    return {
        "rows_per_s": round(report["rows"] / report["seconds"]), "rows": rows, "seconds": report["seconds"],
        "complete": report["rows"] == rows, "alarms": report["alarms_total"], "rules": len(asked.rules),
        "processes": workers, "lifts": len(found), "days": days,
        "seconds_of_43_2_million_rows": round(43_200_000 * report["seconds"] / report["rows"], 1),
        "us_per_row": {name: round(value / report["rows"] * 1e6, 3) for name, value in parts.items()},
        "shares": {name: round(value / whole, 3) for name, value in parts.items()},
        "signals_per_sample": SIGNALS, **server,
    }  # fmt: skip


def backtest_bench(
    lifts: Annotated[int, typer.Option(min=10, max=100_000, help="Lifts, one sample a minute each.")] = 1_000,
    days: Annotated[int, typer.Option(min=1, max=366, help="Days; 30 days of 1,000 lifts are 43.2 million rows.")] = 2,
    processes: Annotated[int | None, typer.Option(min=1, max=64, help="Processes that replay.")] = None,
    database: Annotated[
        str | None, typer.Option(help="A server to make a database on; default: an embedded one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Only JSON on standard output.")] = False,
) -> None:
    """Stored samples per second through the shipped lift rules, from the database to the report."""
    workers = processes or BacktestSettings().workers
    found = measure(lifts, days, workers, database, bar=not as_json)
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name, value in found.items():
        typer.echo(f"{name:>28}  {value}")
