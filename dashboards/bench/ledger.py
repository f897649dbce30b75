"""``teshe bench ledger``: a ledger of a million hazards and ten million entries, asked through the API as its readers ask.

The rows are written in the database, set by set, with the checks of single steps off; the questions then go through the
web process with a session each, under the scope of a city's leader, a district's inspector and a firm.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from contextlib import ExitStack
from statistics import median, quantiles
from typing import Annotated, Any

import httpx
import typer
from fastapi import FastAPI

from dashboards.app import create_app
from dashboards.bench import registry
from dashboards.bench.services import bench_database, bench_folder, conditions
from dashboards.settings import WebSettings
from equipment.access.model import Role
from equipment.access.store import NewAccount, create_account
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect, load_queries, open_pool
from equipment.transparency.keys import Signer

QUERIES = load_queries(__file__, "ledger.sql")
UNITS = 20_000
BATCH = 50_000
QUESTIONS = (
    "", "grade=major", "state=overdue", "state=closed", "state=recheck&grade=serious", "source=public", "district=341322", "firm=7", "age=365",
    "flag=supervised", "flag=stop_use&grade=major", "q=门锁", "q=YH341302-2024-160", "q=L0000017", "state=closed&grade=major&source=public",
    "state=closed&firm=11&q=华", "state=overdue&district=341302&grade=serious&source=record_item", "after=1000", "state=closed&after=5000",
)  # fmt: skip
"""What readers ask: every filter, alone and together, words, and pages far down."""


def build(owner: Connection, hazards: int, entries_each: int, seed: int) -> None:
    """A register and its ledger; the statistics are those after an autovacuum."""
    registry.build(owner, UNITS, seed)
    now = SystemClock().now()
    owner.execute("set session_replication_role = replica")
    for first in range(1, hazards + 1, BATCH):
        span = {"first": first, "last": min(first + BATCH - 1, hazards)}
        owner.execute(QUERIES.leads_and_hazards, {**span, "units": UNITS, "now": now})
        owner.execute(QUERIES.entries, {**span, "each": entries_each})
    owner.execute("set session_replication_role = origin")
    for table in ("hazard", "hazard_event"):
        owner.execute(f"vacuum (analyze) maintenance.{table}".encode())


def accounts(owner: Connection) -> dict[str, str]:
    """Logins of the readers with their password."""
    password, now = secrets.token_urlsafe(24), SystemClock().now()
    for made in (
        NewAccount("leader", "市局", password, Role.REGULATOR, jurisdiction_id="341300"),
        NewAccount("inspector", "埇桥区局", password, Role.INSPECTOR, jurisdiction_id="341302"),
        NewAccount("firm", "维保单位", password, Role.FIRM_MANAGER, organisation_id=7),
    ):
        create_account(owner, made, now)
    return dict.fromkeys(("leader", "inspector", "firm"), password)


async def ask(client: httpx.AsyncClient, rounds: int, address: str) -> tuple[list[float], tuple[float, str]]:
    """Milliseconds of every question, and the slowest; the first round warms the cache and does not count."""
    spent: list[float] = []
    slowest = (0.0, "")
    for number in range(rounds + 1):
        for question in QUESTIONS:
            if address.startswith("/ledger") and "after=" in question:
                continue
            began = time.perf_counter()
            answer = await client.get(f"{address}?{question}")
            took = (time.perf_counter() - began) * 1_000
            if answer.status_code != 200:  # OK
                raise RuntimeError(f"{question}: {answer.status_code} {answer.text[:200]}")
            if number:
                spent.append(took)
                slowest = max(slowest, (took, question))
    return spent, slowest


def measure(hazards: int, entries_each: int, rounds: int, seed: int, database_url: str | None) -> dict[str, Any]:
    """Every measurement of the ledger, with what it was made under."""
    with ExitStack() as stack:
        url = stack.enter_context(bench_database(stack.enter_context(bench_folder()), database_url))
        began = time.perf_counter()
        with connect(url, DatabaseRole.OWNER, application_name="bench", autocommit=True) as owner:
            build(owner, hazards, entries_each, seed)
            found: dict[str, Any] = {
                "hazards": hazards, "entries": hazards * entries_each, "units": UNITS, "build_s": round(time.perf_counter() - began, 1),
            } | conditions(owner)  # fmt: skip
            readers = accounts(owner)
        pool = open_pool(url, DatabaseRole.SCOPED, max_size=2, application_name="bench-web")
        stack.callback(pool.close)
        app = create_app(pool, url, WebSettings(), SystemClock(), Signer.generate("bench"))
        return found | asyncio.run(readings(app, readers, rounds))


async def readings(app: FastAPI, readers: dict[str, str], rounds: int) -> dict[str, Any]:
    """What the readers waited for."""
    found: dict[str, Any] = {}
    spent: list[float] = []
    pages: list[float] = []
    slowest = (0.0, "")
    for login, password in readers.items():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://testserver") as client:
            (await client.post("/api/v1/sessions", json={"login": login, "password": password})).raise_for_status()
            own, slow = await ask(client, rounds, "/api/v1/hazards")
            pages += (await ask(client, max(1, rounds // 3), "/ledger/hazards"))[0]
        spent += own
        slowest = max(slowest, (slow[0], f"{login}: {slow[1]}"))
        found[f"page_p95_ms_{login}"] = round(quantiles(own, n=20)[18], 1)
    return found | {
        "page_p95_ms": round(quantiles(spent, n=20)[18], 1), "page_median_ms": round(median(spent), 1),
        "page_max_ms": round(slowest[0], 1), "page_slowest": slowest[1], "html_p95_ms": round(quantiles(pages, n=20)[18], 1),
        "requests": len(spent),
    }  # fmt: skip


def ledger_command(
    hazards: Annotated[int, typer.Option(min=1_000, max=2_000_000, help="Hazards of the ledger.")] = 1_000_000,
    entries: Annotated[int, typer.Option(min=1, max=10, help="Entries of each.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="How often each question is asked.")] = 10,
    seed: Annotated[int, typer.Option(help="The same seed makes the same register.")] = 7,
    database_url: Annotated[str | None, typer.Option(help="Server to measure on; default: an embedded one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines.")] = False,
) -> None:
    """Pages of the ledger with every filter, under a scope, through the API."""
    found = measure(hazards, entries, rounds, seed, database_url)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for name, value in found.items():
        typer.echo(f"{name:>24}  {value}")
