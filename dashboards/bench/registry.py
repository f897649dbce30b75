"""``teshe bench registry``: a register of the size of a province's, asked as those ask who are bound to a scope.

Units and their histories are made in the database, set by set; the questions then go through the same functions as
those of the pages, under the role of the web process.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import StrEnum
from statistics import median, quantiles
from typing import Annotated, Any

import typer

from dashboards.bench import registry_import
from dashboards.bench.services import bench_database, bench_folder, conditions
from equipment.access import scope
from equipment.access.model import Asker, Role
from equipment.city import names
from equipment.foundation.database import Connection, DatabaseRole, connect, load_queries
from equipment.history import store as history
from equipment.history.model import Span, Wanted
from equipment.registry import store
from equipment.registry.initials import initials

QUERIES = load_queries(__file__, "registry.sql")
NOW = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
DAY = date(2025, 6, 30)
BATCH = 20_000
COUNTS = 15
SEARCHES = 300
INSURED_LIFTS = Wanted("341302", ("lift", "escalator"), "in_use", insured=True)
"""在用、埇桥区、保单有效的电梯."""


def measure(units: int, seed: int, database_url: str | None) -> dict[str, Any]:
    """Every measurement of the register, with what it was made under."""
    with bench_folder() as folder, bench_database(folder, database_url) as url:
        began = time.perf_counter()
        with connect(url, DatabaseRole.OWNER, application_name="bench", autocommit=True) as owner:
            build(owner, units, seed)
            found: dict[str, Any] = {"units": units, "build_s": round(time.perf_counter() - began, 1)}
            found |= conditions(owner)
        with connect(url, DatabaseRole.SCOPED, application_name="bench") as conn:
            found |= measure_counts(conn)
            found |= measure_search(conn, seed)
        return found


def build(owner: Connection, units: int, seed: int) -> None:
    """A register with plates, firms, policies and their pasts; the statistics are those after an autovacuum."""
    store.load_jurisdictions(owner)
    owner.execute(QUERIES.organisations, {"now": NOW, "firms": 120, "use_units": 2_000})
    texts = {
        "places": list(names.PLACES), "place_initials": [initials(p) for p in names.PLACES],
        "streets": list(names.STREETS), "street_initials": [initials(s) for s in names.STREETS],
    }  # fmt: skip
    for first in range(1, units + 1, BATCH):
        last = min(first + BATCH - 1, units)
        owner.execute(QUERIES.units, texts | {"first": first, "last": last, "now": NOW, "seed": seed})
        owner.execute(QUERIES.policies, {"first": first, "last": last, "now": NOW})
        owner.execute(QUERIES.firms, {"first": first, "last": last, "now": NOW})
        owner.execute(QUERIES.stops, {"first": first, "last": last, "now": NOW})
        owner.execute(QUERIES.segments, {"first": first, "last": last})
    for table in ("unit", "unit_segment", "unit_search"):
        owner.execute(f"vacuum (analyze) equipment.{table}".encode())


@contextmanager
def asking(conn: Connection, asker: Asker) -> Iterator[None]:
    """One transaction of that asker."""
    with conn.transaction():
        scope.apply(conn, asker)
        yield


REGULATOR = Asker(1, "regulator", "市局", Role.REGULATOR, None, "/341300/")
INSPECTOR = Asker(2, "inspector", "埇桥区局", Role.INSPECTOR, None, "/341300/341302/")
FIRM = Asker(3, "firm", "维保单位", Role.FIRM_MANAGER, 7, None)


def _timed_ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1_000


def measure_counts(conn: Connection) -> dict[str, Any]:
    """The as-of count and a year of exposure; the first of each warms the cache and does not count."""

    def once(asker: Asker, ask: Callable[[], object]) -> float:
        with asking(conn, asker):
            return _timed_ms(ask)

    def count() -> int:
        return history.units_as_of(conn, DAY, INSURED_LIFTS)

    span = Span(date(2025, 1, 1), date(2026, 1, 1))
    count_ms = [once(REGULATOR, count) for _ in range(COUNTS + 1)][1:]
    exposure_ms = [
        once(REGULATOR, lambda: history.unit_days(conn, span, Wanted("", ("lift",), "in_use"))) for _ in range(4)
    ][1:]
    with asking(conn, REGULATOR):
        found = count()
        of_all = history.units_as_of(conn, DAY, Wanted())
    return {
        "asof_count_ms": round(median(count_ms), 1),
        "asof_count_max_ms": round(max(count_ms), 1),
        "asof_count": found,
        "asof_units_that_day": of_all,
        "exposure_year_ms": round(median(exposure_ms), 1),
    }


def texts_to_search(rng: random.Random) -> list[str]:
    """What people type: codes, places, addresses, two words, initials, and what is not there."""
    place, street = rng.choice(names.PLACES), rng.choice(names.STREETS)
    building = rng.randint(1, 200)
    return [
        f"{rng.randint(100_000, 599_999)}",
        f"L{rng.randint(1, 500_000):07d}",
        place,
        f"{place}{building}栋",
        f"{street}{rng.randint(1, 1999)}号",
        f"{place} {street} {building}栋",
        initials(f"{place}{building}栋"),
        place[:2],
        f"梯11皖L{rng.randint(1, 500_000):06d}",
        f"没有的小区{building}",
    ]


def measure_search(conn: Connection, seed: int) -> dict[str, Any]:
    """Searches of a whole city, of a district and of a firm, fifty rows each."""
    rng = random.Random(seed)  # noqa: S311  # a load, nothing secret
    spent: list[float] = []
    slowest: tuple[float, str] = (0.0, "")
    by_scope: dict[str, Sequence[float]] = {}
    for asker in (REGULATOR, INSPECTOR, FIRM):
        own: list[float] = []
        for text in [t for _ in range(SEARCHES // 30) for t in texts_to_search(rng)]:
            with asking(conn, asker):
                took = _timed_ms(lambda text=text: store.search_units(conn, store.UnitFilter(text)))  # type: ignore[misc]
            own.append(took)
            slowest = max(slowest, (took, text))
        by_scope[asker.login] = own
        spent += own
    return {
        "search_p95_ms": round(quantiles(spent, n=20)[18], 1),
        "search_median_ms": round(median(spent), 1),
        "search_max_ms": round(slowest[0], 1),
        "search_slowest": slowest[1],
        "search_p95_ms_by_scope": {name: round(quantiles(own, n=20)[18], 1) for name, own in by_scope.items()},
    }


class Part(StrEnum):
    """What is measured."""

    ALL = "all"
    QUESTIONS = "questions"
    IMPORT = "import"


def registry_command(
    units: Annotated[int, typer.Option(min=1_000, max=2_000_000, help="Units of the register.")] = 500_000,
    import_rows: Annotated[
        int, typer.Option(min=100, max=300_000, help="Rows of the file that is imported into an empty register.")
    ] = registry_import.ROWS,
    part: Annotated[Part, typer.Option(help="The questions, the import, or both.")] = Part.ALL,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="Import an XLSX instead of a CSV file.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed makes the same register.")] = 7,
    database_url: Annotated[str | None, typer.Option(help="Server to measure on; default: an embedded one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines.")] = False,
) -> None:
    """Counts of a past day and searches, under a scope; then an import into a register of its own, exported and taken back."""
    found: dict[str, Any] = {}
    if part is not Part.IMPORT:
        found |= measure(units, seed, database_url)
    if part is not Part.QUESTIONS:
        found |= registry_import.measure(import_rows, xlsx=xlsx, server=database_url)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for name, value in found.items():
        typer.echo(f"{name:>24}  {value}")
