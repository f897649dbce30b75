"""``teshe bench records``: sealed records over HTTP into a real web process, checking the log, proofs in a big tree."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dashboards.bench.services import bench_database, bench_folder, conditions
from dashboards.composition import process_environment
from dashboards.verification import LOOKUPS
from equipment.city.build import build_city
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.foundation.ports import free_port
from equipment.foundation.process import spawn, wait_until
from equipment.transparency import log, merkle, tiles
from equipment.transparency.inspection import inspect
from maintenance.records.filing import Filing
from maintenance.records.model import read_record
from maintenance.records.seals import statement

PASSWORD = secrets.token_urlsafe(16)
SENDERS = 2
BATCH = 50
PROOFS = 200


@dataclass(frozen=True, slots=True)
class Firm:
    """A firm's own system: where it sends, as whom, with which key, for which lifts."""

    site: str
    token: str
    key_id: str
    key: Ed25519PrivateKey
    units: tuple[str, ...]
    items: tuple[str, ...]


def records_command(
    seconds: Annotated[float, typer.Option(min=2, max=300, help="How long records are filed.")] = 20.0,
    leaves: Annotated[
        int, typer.Option(min=1_000, max=20_000_000, help="Size of the tree that proofs are made in.")
    ] = 1_000_000,
    database: Annotated[
        str | None, typer.Option(help="A server to make a database on; default: an embedded one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Only JSON.")] = False,
) -> None:
    """Sealed records per second, entries verified per second, milliseconds of an inclusion proof."""
    with bench_folder() as folder, bench_database(folder, database) as url:
        with web(folder, url) as site:
            firm = open_firm(url, site)
            filed, elapsed = file_for(firm, seconds)
        with connect(url, DatabaseRole.SYSTEM, application_name="teshe-bench") as conn:
            found = conditions(conn)
            accepted = conn.execute("select count(*) from maintenance.record where seal is not null").fetchone()
            while log.sequence(conn, datetime.now(UTC)):
                conn.commit()
            conn.commit()
            entries, verifying = verify(conn)
        proofs = prove_in(url, leaves)
    result = {
        "records_per_s": round(filed / elapsed, 1),
        "records_accepted": accepted[0] if accepted else 0,
        "balanced": bool(accepted and accepted[0] == filed),
        "verify_entries_per_s": round(entries / verifying),
        "verified_entries": entries,
        "inclusion_proof_ms": round(statistics.median(proofs), 3),
        "inclusion_proof_p99_ms": round(sorted(proofs)[int(len(proofs) * 0.99)], 3),
        "leaves": leaves,
        "items_per_record": len(firm.items),
        "records_per_batch": BATCH,
        "senders": SENDERS,
        **found,
    }
    typer.echo(json.dumps(result) if as_json else "\n".join(f"{k:>24}  {v}" for k, v in result.items()))


@contextmanager
def web(folder: Path, url: str) -> Iterator[str]:
    """A web process and a jobs process over the database."""
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-bench") as conn:
        build_city(conn, units=40, seed=1, now=datetime.now(UTC), password=PASSWORD)
    port = free_port()
    env = process_environment(
        {"TESHE_DATABASE_URL": url, "TESHE_WEB_DATABASE_URL": "", "TESHE_WEB_PORT": str(port), "TESHE_DATA_DIR": str(folder),
         "TESHE_COOKIE_SECURE": "false", "TESHE_LOG_LEVEL": "warning"}
    )  # fmt: skip
    children = [
        spawn([sys.executable, "-m", "dashboards", name], name=name, log_path=folder / f"{name}.log", env=env)
        for name in ("jobs", "web")
    ]
    site = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{site}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_until(answers, children[1], SystemClock(), timeout_seconds=60, what="the web process")
        yield site
    finally:
        for child in children[::-1]:
            child.stop()


def open_firm(url: str, site: str) -> Firm:
    """Log in as the firm's manager, register a key, take a token, look up lifts and items."""
    key = Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    with httpx.Client(base_url=f"{site}/api/v1", timeout=30) as client:
        csrf = client.post("/sessions", json={"login": "firm", "password": PASSWORD}).raise_for_status().json()["csrf"]
        headers = {"X-CSRF-Token": csrf}
        wish = {"name": "bench", "actions": ["record.file", "record.view", "unit.view"], "days": 1}
        token = client.post("/tokens", json=wish, headers=headers).raise_for_status().json()["token"]
        body = {"name": "bench", "public_key": base64.b64encode(raw).decode()}
        key_id = client.post("/keys", json=body, headers=headers).raise_for_status().json()["id"]
        with connect(url, DatabaseRole.SYSTEM, application_name="teshe-bench") as conn:
            units = conn.execute(
                "select u.id from equipment.unit u join equipment.account a on a.organisation_id = u.firm_org_id"
                " where a.login = 'firm' and u.kind = 'lift' order by u.no"
            ).fetchall()
        names = tuple(row[0] for row in units)
        due = client.get(f"/units/{names[0]}/checklist", params={"level": "half_month"}).raise_for_status().json()
    return Firm(site, token, key_id, key, names, tuple(i["id"] for i in due if not i["condition_zh"]))


def one_record(firm: Firm, number: int) -> dict[str, Any]:
    """A sealed record as a batch carries it."""
    end = datetime.now(UTC) - timedelta(minutes=1)
    content = {
        "unit_id": firm.units[number % len(firm.units)], "level": "half_month",
        "workers": [{"name": "张三"}, {"name": "李四"}],
        "sign_in": {"at": (end - timedelta(minutes=45)).isoformat(), "lon": 116.97, "lat": 33.63, "datum": "gcj02"},
        "sign_out": {"at": end.isoformat()}, "submitted_at": end.isoformat(), "found": f"第 {number} 次",
        "items": [{"id": item, "result": "pass"} for item in firm.items],
    }  # fmt: skip
    name = f"bench-{os.getpid()}-{number:08d}"
    digest = Filing(read_record(json.dumps(content).encode()), name).digest()
    signature = base64.b64encode(firm.key.sign(statement(name, digest))).decode()
    return {"idempotency_key": name, "record": content, "key_id": firm.key_id, "signature": signature}


def file_for(firm: Firm, seconds: float) -> tuple[int, float]:
    """File batches for a while from several connections; returns how many records were filed, and in which time [s].

    What is sent is made beforehand, so that the sender's work is not measured.
    """
    prepared = int(seconds * 1_500 / BATCH)
    batches = [
        json.dumps({"records": [one_record(firm, b * BATCH + i) for i in range(BATCH)]}).encode()
        for b in range(prepared)
    ]
    headers = {"Authorization": f"Bearer {firm.token}", "Content-Type": "application/json"}
    end = time.monotonic() + seconds

    def send(own: list[bytes]) -> int:
        filed = 0
        with httpx.Client(base_url=f"{firm.site}/api/v1", timeout=60, headers=headers) as client:
            for body in own:
                if time.monotonic() >= end:
                    break
                answer = client.post("/records/batch", content=body).raise_for_status().json()
                filed += sum(outcome["status"] == "filed" for outcome in answer)
        return filed

    began = time.monotonic()
    with ThreadPoolExecutor(SENDERS) as pool:
        filed = sum(pool.map(send, [batches[i::SENDERS] for i in range(SENDERS)]))
    return filed, time.monotonic() - began


def verify(conn: Connection) -> tuple[int, float]:
    """Check the whole log with what it commits to; returns its entries and the time [s]."""
    began = time.monotonic()
    findings = inspect(conn, LOOKUPS)
    return findings.entries, time.monotonic() - began


def prove_in(url: str, leaves: int) -> list[float]:
    """Milliseconds of proofs at random places of a generated tree that lies in the database as the log's does."""
    times = []
    with connect(url, DatabaseRole.OWNER, application_name="teshe-bench") as conn:
        conn.execute("create temporary table bench_tile (like equipment.log_tile including all)")
        row = hashlib.shake_256(b"leaves").digest(leaves * tiles.HASH_BYTES)
        level = 0
        with conn.cursor() as cursor:
            while row:
                above = []
                with cursor.copy("copy bench_tile (level, index, hashes) from stdin") as copy:
                    for index, start in enumerate(range(0, len(row), tiles.WIDTH * tiles.HASH_BYTES)):
                        tile = row[start : start + tiles.WIDTH * tiles.HASH_BYTES]
                        copy.write_row((level, index, tile))
                        if len(tile) == tiles.WIDTH * tiles.HASH_BYTES:
                            above.append(merkle.subtree_hash(tiles.hashes_of(tile)))
                row, level = b"".join(above), level + 1

        def read(tile_level: int, index: int) -> bytes:
            found = conn.execute(
                "select hashes from bench_tile where level = %s and index = %s", (tile_level, index)
            ).fetchone()
            return b"" if found is None else bytes(found[0])

        root = merkle.root_hash(tiles.node_of(read), leaves)
        for number in range(PROOFS):
            place = int.from_bytes(hashlib.sha256(str(number).encode()).digest()[:8], "big") % leaves
            began = time.perf_counter()
            path = merkle.inclusion_proof(tiles.node_of(read), place, leaves)
            times.append((time.perf_counter() - began) * 1_000)
            leaf = tiles.hashes_of(read(0, place // tiles.WIDTH))[place % tiles.WIDTH]
            if not merkle.verify_inclusion(leaf, place, leaves, path, root):
                raise RuntimeError(f"the proof of leaf {place} does not hold")
    return times
