"""``teshe bench indicators``: the board of a large city, cold and warm, its data cut, and a monthly report.

The city is made by SQL: the figures are about reading it, not about registering it.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from dashboards.bench.services import bench_database, bench_folder, conditions
from dashboards.composition import process_environment
from dashboards.indicators.cuts import refresh_due, take_cut
from dashboards.reports.model import ReportKind, ReportPeriod
from dashboards.reports.service import make
from equipment.city.build import build_city
from equipment.foundation.clock import SHANGHAI, SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect, load_queries
from equipment.foundation.ports import free_port
from equipment.foundation.process import spawn, wait_until

QUERIES = load_queries(__file__, "indicators.sql")
SEEDS = 200
BATCH = 20_000
"""Units per statement: the register opens the periods of each batch together."""
WARM_READS = 5


def indicators_command(
    units: Annotated[int, typer.Option(min=1_000, max=2_000_000, help="Units of the city.")] = 500_000,
    database: Annotated[
        str | None, typer.Option(help="A server to make a database on; default: an embedded one.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="A folder in which the city stays, so that the next run only measures.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Only JSON.")] = False,
) -> None:
    """Seconds of the board after a start of the web process, of a data cut, and of a report."""
    with nullcontext(keep) if keep else bench_folder() as folder, bench_database(folder, database) as url:
        password = _password(folder)
        with connect(url, DatabaseRole.SYSTEM, application_name="teshe-bench", autocommit=True) as conn:
            if sizes(conn)["units"] < units:
                grow(conn, units, password)
            made = sizes(conn)
            due = timed(lambda: refresh_due(conn))
            first_cut, next_cut = cuts(conn)
            report = timed(lambda: _report(conn))
            found = conditions(conn)
        with web(folder, url) as site:
            figures = read(site, password)
    result = {
        **figures,
        "due_dates_s": due,
        "first_cut_s": first_cut,
        "next_cut_s": next_cut,
        "report_s": report,
        **made,
        "conditions": found,
    }
    if as_json:
        typer.echo(json.dumps(result))
        return
    for name, value in result.items():
        typer.echo(f"{name:<20} {value}")


def timed(work: Any) -> float:
    """How long it takes [s]."""
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 3)


def _password(folder: Path) -> str:
    """The password of the city's people, which stays with it."""
    file = folder / "password"
    if not file.exists():
        file.touch(0o600)
        file.write_text(secrets.token_urlsafe(16))
    return file.read_text()


def sizes(conn: Connection) -> dict[str, int]:
    """How much of everything there is."""
    row = conn.execute(QUERIES.sizes).fetchone() or ()
    return dict(zip(("units", "records", "incidents", "alarms", "hazards"), (int(v) for v in row), strict=True))


def grow(conn: Connection, units: int, password: str) -> None:
    """A city of ``units`` with records, entrapments, alarms and hazards of two years."""
    now = SystemClock().now()
    build_city(conn, units=SEEDS, seed=1, now=now, password=password)
    for first in range(SEEDS + 1, units + 1, BATCH):
        conn.execute(QUERIES.units, {"first": first, "last": min(first + BATCH - 1, units), "seeds": SEEDS, "now": now})
    conn.execute("analyze")
    for name in ("inspections", "records", "incidents", "alarms", "hazards", "states"):
        conn.execute(getattr(QUERIES, name), {"now": now})
    conn.execute("analyze")


def cuts(conn: Connection) -> tuple[float, float]:
    """Seconds of the first cut of a month, which keeps a copy of every unit's stages, and of one after it."""

    def cut() -> None:
        refresh_due(conn)
        take_cut(conn, SystemClock().now())

    found = timed(cut), timed(cut)
    conn.execute("analyze dashboards.unit_stage")
    return found


def _report(conn: Connection) -> None:
    now = SystemClock().now()
    make(conn, ReportPeriod(ReportKind.MONTHLY, now.astimezone(SHANGHAI).date().replace(day=1)), now, store=False)


@contextmanager
def web(folder: Path, url: str) -> Iterator[str]:
    """A web process that has just started."""
    port = free_port()
    env = process_environment(
        {"TESHE_DATABASE_URL": url, "TESHE_WEB_DATABASE_URL": "", "TESHE_WEB_PORT": str(port), "TESHE_DATA_DIR": str(folder),
         "TESHE_COOKIE_SECURE": "false", "TESHE_LOG_LEVEL": "warning"}
    )  # fmt: skip
    child = spawn([sys.executable, "-m", "dashboards", "web"], name="web", log_path=folder / "web.log", env=env)
    site = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{site}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_until(answers, child, SystemClock(), timeout_seconds=60, what="the web process")
        yield site
    finally:
        child.stop()


def read(site: str, password: str) -> dict[str, float]:
    """The board as the city's leader opens it: first right after the start, then again; and one page of uncovered lifts."""
    with httpx.Client(base_url=site, timeout=60, headers={"accept": "text/html"}) as client:
        client.post("/api/v1/sessions", json={"login": "regulator", "password": password}).raise_for_status()

        def get(address: str) -> None:
            client.get(address).raise_for_status()

        cold = timed(lambda: get("/board"))
        warm = sorted(timed(lambda: get("/board")) for _ in range(WARM_READS))[WARM_READS // 2]
        return {
            "board_cold_s": cold,
            "board_warm_s": warm,
            "fatality_page_s": timed(lambda: get("/board/fatality")),
            "uncovered_page_s": timed(lambda: get("/board/coverage/paperless")),
        }
