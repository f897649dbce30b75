"""``teshe bench cylinders``: a city's cylinders and their fills, loaded by COPY, then asked and filled as in the field."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Annotated, Any

import msgspec
import typer

from dashboards.bench.services import bench_database, bench_folder, conditions
from equipment.access import scope
from equipment.access.model import Asker, Role
from equipment.cylinders import filling, stations, store
from equipment.cylinders.coverage import trace_coverage
from equipment.cylinders.filling import FillCall
from equipment.cylinders.model import Fill
from equipment.cylinders.settings import CylinderSettings
from equipment.cylinders.stations import Caller, NewLicence
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.registry.store import NewOrganisation, create_organisation, load_jurisdictions

STATIONS = 40
HISTORY = timedelta(days=720)
CHUNK = timedelta(days=30)
SCANS, LISTS = 2_000, 20
CALL = 500
BLOCK = 5_000
"""Lines sent to the server at once."""
OVERDUE = 0.02
TARE_KG, MOST_KG = 16.5, 14.9


@dataclass(frozen=True, slots=True)
class Size:
    """How much is loaded."""

    cylinders: int
    fills: int


def bench_cylinders(
    cylinders: Annotated[int, typer.Option(min=1_000, max=2_000_000, help="Cylinders to load.")] = 200_000,
    fills: Annotated[int, typer.Option(min=1_000, max=10_000_000, help="Fills to load.")] = 1_000_000,
    calls: Annotated[int, typer.Option(min=1, max=1_000, help="Calls of 500 fills to send.")] = 20,
    database: Annotated[str | None, typer.Option(help="Server to measure on; default: an embedded one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Public scan, last fill, list of the overdue and acceptance of fills; asked under the roles of the field."""
    with bench_folder() as folder, bench_database(folder, database) as url:
        result = measure(url, Size(cylinders, fills), calls)
    typer.echo(json.dumps(result) if as_json else "\n".join(f"{name:>26} {value}" for name, value in result.items()))


def measure(url: str, size: Size, calls: int) -> dict[str, Any]:
    """Load, then measure; ``url`` is a fresh migrated database."""
    now, rng = datetime.now(UTC).replace(microsecond=0), random.Random(7)  # noqa: S311  # figures, nothing secret
    with connect(url, DatabaseRole.OWNER, application_name="bench", autocommit=True) as owner:
        began = time.monotonic()
        homes = _stations(owner, now)
        _load(owner, size, homes, now, rng)
        result: dict[str, Any] = {"cylinders": size.cylinders, "fills": size.fills, "stations": STATIONS,
                                  "load_seconds": round(time.monotonic() - began, 1)}  # fmt: skip
        result |= _sizes(owner, size)
        result["conditions"] = conditions(owner)
    with connect(url, DatabaseRole.SCOPED, application_name="bench-web") as web:
        result |= _reading(web, size, homes, now, rng)
        result |= _filling(web, size, homes, calls, now)
    return result


def _stations(conn: Connection, now: datetime) -> list[int]:
    load_jurisdictions(conn)
    homes = [
        row[0] for row in conn.execute("select id from equipment.jurisdiction where kind = 'district' order by id")
    ]
    today, found = now.astimezone(SHANGHAI).date(), []
    for number in range(STATIONS):
        made = NewOrganisation("filling_station", f"充装站{number + 1}", homes[number % len(homes)])
        station = create_organisation(conn, made, now)
        stations.register_station(conn, station, None, now)
        licence = NewLicence(f"TS{number:07d}", ["lpg"], today - timedelta(days=1_400), today + timedelta(days=60))
        stations.add_licence(conn, station, licence, None, now)
        found.append(station)
    return found


def code_of(number: int) -> str:
    """Code of the cylinder of that number, from 1."""
    return f"341302{number:010d}"


def _load(conn: Connection, size: Size, homes: list[int], now: datetime, rng: random.Random) -> None:
    last = _copy_fills(conn, size, homes, now)
    today = now.astimezone(SHANGHAI).date()
    columns = (
        "station_id, code, maker_code, serial, make_date, variety_code, medium, volume_l, tare_kg, max_fill_kg, last_inspection,"
        " next_inspection, state, state_since, last_fill_at, registered_at, changed_at"
    )
    lines = (
        _cylinder_line(number, homes[number % STATIONS], last.get(number), today, now, rng)
        for number in range(1, size.cylinders + 1)
    )
    _copy(conn, f"copy equipment.cylinder ({columns}) from stdin", lines)
    for table in ("cylinder", "cylinder_fill"):
        conn.execute(f"vacuum analyze equipment.{table}".encode())


def _copy_fills(conn: Connection, size: Size, homes: list[int], now: datetime) -> dict[int, datetime]:
    """Fills spread evenly over the time of the history, cylinder after cylinder; gives each one's newest."""
    step, last = HISTORY / size.fills, {}
    at = now - HISTORY
    while at < now + CHUNK:
        conn.execute("select equipment.cylinder_partition('equipment.cylinder_fill', %s)", (at,))
        at += CHUNK
    columns = (
        "filled_at, checked_at, received_at, station_id, cylinder_no, empty_kg, residual_mpa, full_kg, net_kg, reweigh_kg, tare_kg,"
        " max_fill_kg, inspection_due, appearance_ok, leak_free, passed, traced, content, medium, gun, scale, filler, checker, video_url"
    )

    def lines() -> Iterator[str]:
        for index in range(size.fills):
            number = index % size.cylinders + 1
            moment = now - HISTORY + step * index
            last[number] = moment
            at, checked = moment.isoformat(), (moment - timedelta(minutes=5)).isoformat()
            yield (
                f"{at}\t{checked}\t{at}\t{homes[number % STATIONS]}\t{number}\t16.6\t0.1\t31\t14.5\t31\t{TARE_KG}\t{MOST_KG}"
                f"\t2029-01-01\tt\tt\tt\tt\t\\\\x{index:032x}\tlpg\tG{index % 8}\tS{index % 8}\t张充装\t李检查"
                f"\thttps://video.example/f/{index}\n"
            )

    _copy(conn, f"copy equipment.cylinder_fill ({columns}) from stdin", lines())
    return last


def _cylinder_line(
    number: int, station: int, filled_at: datetime | None, today: date, now: datetime, rng: random.Random
) -> str:
    made = today - timedelta(days=rng.randint(100, 2_700))
    # one in fifty is overdue
    due = today + timedelta(days=rng.randint(1, 1_460) if rng.random() > OVERDUE else -rng.randint(1, 300))
    since, last = (filled_at or now - HISTORY).isoformat(), filled_at.isoformat() if filled_at else "\\N"
    return (
        f"{station}\t{code_of(number)}\t10890\t{number:08d}\t{made}\t2320\tlpg\t35.5\t{TARE_KG}\t{MOST_KG}\t\\N\t{due}\tempty"
        f"\t{since}\t{last}\t{(now - HISTORY).isoformat()}\t{now.isoformat()}\n"
    )


def _copy(conn: Connection, statement: str, lines: Iterator[str]) -> None:
    with conn.cursor().copy(statement.encode()) as copy:
        while block := list(islice(lines, BLOCK)):
            copy.write("".join(block).encode())


def _sizes(conn: Connection, size: Size) -> dict[str, Any]:
    row = conn.execute(
        """select (select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = 'equipment.cylinder_fill'::regclass),
                  pg_total_relation_size('equipment.cylinder')"""
    ).fetchone()
    fills, cylinders = row or (0, 0)
    return {
        "bytes_per_fill": round(int(fills or 0) / size.fills),
        "bytes_per_cylinder": round(int(cylinders) / size.cylinders),
    }


@contextmanager
def _asking(conn: Connection, asker: Asker | None) -> Iterator[None]:
    with conn.transaction():
        if asker is not None:
            scope.apply(conn, asker)
        yield


def _p95_ms(times: list[float]) -> float:
    return round(sorted(times)[int(len(times) * 0.95)] * 1_000, 2)


def _timed(conn: Connection, asker: Asker | None, ask: Callable[[], object]) -> float:
    began = time.monotonic()
    with _asking(conn, asker):
        ask()
    return time.monotonic() - began


def _reading(conn: Connection, size: Size, homes: list[int], now: datetime, rng: random.Random) -> dict[str, Any]:
    station = Asker(1, "x", "x", Role.USE_UNIT_OFFICER, homes[0], None)
    city = Asker(2, "x", "x", Role.INSPECTOR, None, "/341300/")
    today = now.astimezone(SHANGHAI).date()
    own = range(STATIONS, size.cylinders + 1, STATIONS)
    scans, last = [], []
    for _ in range(SCANS):
        code, number = code_of(rng.randint(1, size.cylinders)), rng.choice(own)
        scans.append(_timed(conn, None, partial(store.public, conn, code, now)))
        last.append(_timed(conn, station, partial(store.fills_of, conn, number, 1)))
    overdue = [_timed(conn, station, lambda: store.due_for_inspection(conn, date.min, today)) for _ in range(LISTS)]
    of_city = [_timed(conn, city, lambda: store.due_for_inspection(conn, date.min, today)) for _ in range(LISTS)]
    counts = [_timed(conn, city, lambda: store.due_counts(conn, now)) for _ in range(5)]
    recent = [_timed(conn, city, lambda: store.fills(conn, now - timedelta(days=31), now)) for _ in range(LISTS)]
    covered = _timed(conn, city, lambda: trace_coverage(conn, today))
    return {
        "scan_p95_ms": _p95_ms(scans),
        "last_fill_p95_ms": _p95_ms(last),
        "overdue_list_ms": _p95_ms(overdue),
        "overdue_list_city_ms": _p95_ms(of_city),
        "due_counts_city_ms": _p95_ms(counts),
        "recent_fills_city_ms": _p95_ms(recent),
        "coverage_city_ms": round(covered * 1_000),
    }


def _filling(conn: Connection, size: Size, homes: list[int], calls: int, now: datetime) -> dict[str, Any]:
    """Calls of one station's cylinders through the scoped role, each its own transaction, as the web does it."""
    asker = Asker(1, "x", "x", Role.USE_UNIT_OFFICER, homes[0], None)
    settings, sent = CylinderSettings(), 0
    numbers = list(range(STATIONS, size.cylinders + 1, STATIONS))
    bodies = []
    for call in range(calls):
        chosen = numbers[call * CALL : (call + 1) * CALL]
        made = [_fill(number, now + timedelta(seconds=position / 10)) for position, number in enumerate(chosen)]
        if made:
            bodies.append(msgspec.json.encode({"fills": made}))
            sent += len(made)
    accepted, times = 0, []
    for number, body in enumerate(bodies):
        began = time.monotonic()
        call_of: FillCall = filling.read_call(body)
        with _asking(conn, asker):
            caller = Caller(homes[0], None)
            answer = filling.submit(conn, call_of, f"bench-{number:06d}", caller, now + timedelta(minutes=2), settings)
        times.append(time.monotonic() - began)
        accepted += answer.accepted
    return {
        "fills_sent": sent,
        "fills_accepted": accepted,
        "fill_accept_per_s": round(accepted / sum(times)),
        "fill_call_p95_ms": _p95_ms(times),
    }


def _fill(number: int, at: datetime) -> Fill:
    return Fill(
        code=code_of(number), medium="lpg", checked_at=at - timedelta(minutes=4), filled_at=at, appearance_ok=True,
        leak_free=True, residual_mpa=0.1, empty_kg=16.6, full_kg=31.0, net_kg=14.5, reweigh_kg=31.0, gun="G1", scale="S1",
        filler="张充装", checker="李检查", video_url=f"https://video.example/f/{number}",
    )  # fmt: skip
