"""``teshe bench ingest``: broker, database, worker and load generator together, as on the machine of a small city.

Phases: ``latency`` (single samples at a moderate rate), ``single`` (more single samples than the worker can take),
``array`` (arrays of samples, likewise). Each phase starts fresh services, sends by schedule, waits until everything that
the broker acknowledged is in the store, and judges both accounts.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from dashboards.bench.load import FIRST_SEQ, LoadPlan, LoadReport
from dashboards.bench.services import bench_database, bench_folder, conditions
from dashboards.composition import process_environment
from dashboards.errors import DashboardsError
from equipment.city.build import build_city
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.foundation.embedded_nats import EmbeddedNats, NatsOptions
from equipment.foundation.ports import free_port
from equipment.foundation.process import Child, spawn, wait_until
from ingest.account import delivery
from ingest.broker import BrokerAddress, ensure_sessions
from ingest.lease import make_shards
from ingest.store import days_of

UNITS = 6_200
"""So many make a city with more than 5,000 lifts."""
LEAST_LIFTS = 5_000
SETTLE_SECONDS = 8.0
"""A worker that has just taken its shards judges them only after the broker's ack_wait; the load begins when it does."""
DRAIN_SECONDS = 60.0
VALUES = 12
TRIXIE = Path(__file__).parents[2] / ".local" / "trixie"
"""Where scripts/trixie puts Debian's Mosquitto on machines that have none."""
TICKS = os.sysconf("SC_CLK_TCK")


class BenchError(DashboardsError):
    """A measurement cannot be made here."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What is sent: messages per second, and samples in each."""

    rate: float
    samples: int


PHASES = {"latency": Phase(5_000, 1), "single": Phase(20_000, 1), "array": Phase(5_500, 20)}


def cpu_seconds(pid: int) -> float:
    """CPU that a process and its children, also ended ones, have used [s]."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(entry.name) == pid:
                total += sum(map(int, fields[11:15])) / TICKS
            elif int(fields[1]) == pid:
                total += sum(map(int, fields[11:13])) / TICKS
    return total


def resident_mb(pid: int) -> float:
    """Resident memory now [MB]."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def pid_of_server(conn: Connection) -> int | None:
    """The postmaster's process, if it runs on this machine."""
    row = conn.execute("select pg_backend_pid()").fetchone()
    try:
        fields = Path(f"/proc/{row[0] if row else 0}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1])


@dataclass(slots=True)
class Plant:
    """Everything that runs during a phase."""

    folder: Path
    url: str
    port: int
    broker_pid: int
    conn: Connection
    units: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """Settings of the worker."""
        return process_environment(
            {
                "TESHE_DATABASE_URL": self.url,
                "TESHE_BROKER_HOST": "127.0.0.1",
                "TESHE_BROKER_PORT": str(self.port),
                "TESHE_LOG_LEVEL": "warning",
            }
        )


@contextmanager
def broker_of(kind: str, folder: Path, sync_interval: str) -> Iterator[tuple[int, int]]:
    """Port and process id of a fresh broker.

    Raises
    ------
    BenchError
        That broker is not here.
    """
    if kind == "nats":
        nats = EmbeddedNats(folder / "nats", options=NatsOptions(sync_interval=sync_interval))
        try:
            yield nats.start(), nats.child.pid
        finally:
            nats.stop()
        return
    port = free_port()
    root = Path("/") if Path("/usr/sbin/mosquitto").exists() else TRIXIE
    if not (root / "usr/sbin/mosquitto").exists() or (root == TRIXIE and os.geteuid() != 0):
        raise BenchError("Mosquitto is not here: install it, or run scripts/trixie as root, or use --broker nats")
    with tempfile.TemporaryDirectory(prefix="teshe-mosquitto-", dir=root / "var/tmp") as home:
        inside = f"/{Path(home).relative_to(root)}"
        Path(home, "mosquitto.conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {inside}/\n"
            "max_queued_messages 0\nmax_inflight_messages 1000\nuser root\nlog_dest stderr\n"
        )
        argv = ["/usr/sbin/mosquitto", "-c", f"{inside}/mosquitto.conf"]
        command = argv if root == Path("/") else ["chroot", str(root), *argv]
        child = spawn(command, name="mosquitto", log_path=folder / "mosquitto.log")
        wait_until(lambda: is_open(port), child, SystemClock(), timeout_seconds=20, what="Mosquitto")
        try:
            yield port, child.pid
        finally:
            child.stop()


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def make_plant(folder: Path, url: str, port: int, broker_pid: int, conn: Connection, units: int = UNITS) -> Plant:
    """A city and its sessions."""
    build_city(conn, units=units, seed=7, now=datetime.now(UTC), password="bench-city-7")  # noqa: S106  # thrown away
    ensure_sessions(BrokerAddress("127.0.0.1", port), make_shards(conn), SystemClock())
    rows = conn.execute("select id from equipment.unit where kind = 'lift' order by no").fetchall()
    if units >= UNITS and len(rows) < LEAST_LIFTS:
        raise BenchError(f"the city has {len(rows)} lifts; {LEAST_LIFTS} are needed")
    return Plant(folder, url, port, broker_pid, conn, tuple(row[0] for row in rows))


@dataclass(slots=True)
class Watch:
    """CPU and memory of the processes over a phase."""

    pids: dict[str, int]
    before: dict[str, float]
    memory: list[float]

    @classmethod
    def begin(cls, pids: dict[str, int]) -> Watch:
        """From now on."""
        return cls(pids, {name: cpu_seconds(pid) for name, pid in pids.items()}, [])

    def used(self) -> dict[str, float]:
        """CPU since the beginning [s]."""
        return {name: round(cpu_seconds(pid) - self.before[name], 2) for name, pid in self.pids.items()}


def wait_for(conn: Connection, wanted: int, watch: Watch, worker: Child, load: Child, report: Path) -> LoadReport:
    """Until the load has been sent and everything of it has been received by the worker."""
    done: LoadReport | None = None
    deadline: float | None = None
    while True:
        time.sleep(0.5)
        if not worker.alive:
            raise BenchError(f"the worker ended:\n{worker.log_tail()}")
        watch.memory.append(resident_mb(worker.pid))
        if done is None and not load.alive:
            if not report.exists():
                raise BenchError(f"the load generator ended:\n{load.log_tail()}")
            done = LoadReport(**json.loads(report.read_text()))
        row = conn.execute("select coalesce(sum(stored), 0), coalesce(sum(received), 0) from ingest.batch").fetchone()
        # a repetition of the broker counts apart, so only the unique samples tell when everything has come
        if done is not None and row is not None and row[0] >= done.unique and row[1] >= wanted:
            return done
        if done is not None and deadline is None:
            deadline = time.monotonic() + DRAIN_SECONDS
        if deadline is not None and time.monotonic() > deadline:
            raise BenchError(f"only {row[0] if row else 0} of {wanted} samples arrived in time")


def latencies(conn: Connection, commits: Path, after: float) -> dict[str, float]:
    """From the scheduled moment of the newest sample of a message to the commit of its batch [ms]."""
    times: dict[tuple[int, int], float] = {}
    for line in commits.read_text().splitlines():
        shard, number, at = line.split()
        times[int(shard), int(number)] = float(at)
    rows = conn.execute(
        "select shard, batch, extract(epoch from ts)::float8 from ingest.reading_lift where ts >= to_timestamp(%s)",
        (after,),
    ).fetchall()
    waited = np.array([times[s, b] - ts for s, b, ts in rows if (s, b) in times]) * 1_000
    cuts = np.percentile(waited, (50, 95, 99)) if len(waited) else np.full(3, np.nan)
    return {f"publish_to_commit_p{p}_ms": round(float(v), 1) for p, v in zip((50, 95, 99), cuts, strict=True)}


def begin_load(plant: Plant, plan: LoadPlan, worker: Child) -> tuple[Child, Path, Watch]:
    """The generator of a plan, where its report will stand, and CPU and memory of all from now on."""
    plan_file, report_file = plant.folder / "load.plan", plant.folder / "load.report"
    plan_file.write_text(json.dumps(asdict(plan)), encoding="utf-8")
    load = spawn(
        [sys.executable, "-m", "dashboards.bench.load", str(plan_file), str(report_file)],
        name="load", log_path=plant.folder / "load.log",
    )  # fmt: skip
    server = pid_of_server(plant.conn)
    pids = {"worker": worker.pid, "broker": plant.broker_pid} | ({"database": server} if server else {})
    return load, report_file, Watch.begin(pids)


def run_phase(
    plant: Plant, name: str, phase: Phase, seconds: float, rules: str, profile: str | None
) -> dict[str, Any]:  # fmt: skip
    """One phase on a fresh plant."""
    commits = plant.folder / f"{name}.commits"
    worker = spawn(
        [sys.executable, "-m", "dashboards.bench.ingest_worker", str(commits), rules, profile or "-"],
        name="worker", log_path=plant.folder / "worker.log", env=plant.environment(),
    )  # fmt: skip
    time.sleep(SETTLE_SECONDS)
    plan = LoadPlan(plant.port, plant.units, phase.rate, seconds, phase.samples, FIRST_SEQ, time.time() + 2.0)
    load, report_file, watch = begin_load(plant, plan, worker)
    wanted = int(phase.rate * seconds) * phase.samples
    report = wait_for(plant.conn, wanted, watch, worker, load, report_file)
    used = watch.used() | {"load": report.cpu_seconds}
    code = worker.stop()
    return figures(plant, plan, report, watch, used, commits) | {"worker_exit": code}


def figures(
    plant: Plant, plan: LoadPlan, report: LoadReport, watch: Watch, used: dict[str, float], commits: Path
) -> dict[str, Any]:
    """What the phase measured, and whether the accounts balance."""
    conn = plant.conn
    account = delivery(conn, datetime.fromtimestamp(0, UTC))
    by_key = conn.execute(
        "select count(*), count(distinct seq), min(seq), max(seq), pg_total_relation_size('ingest.reading_lift')"
        " + coalesce((select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = 'ingest.reading_lift'::regclass), 0)"
        " from ingest.reading_lift"
    ).fetchone() or (0, 0, 0, 0, 0)
    last = max(float(line.split()[2]) for line in commits.read_text().splitlines())
    elapsed = last - plan.start
    everything = by_key[:4] == (report.unique, report.unique, plan.first_seq, plan.first_seq + report.unique - 1)
    peak = json.loads(commits.with_suffix(".json").read_text())["peak_mb"]
    return {
        "messages": report.messages,
        "messages_per_s": round(report.messages / elapsed),
        "values_per_s": round(report.samples * VALUES / elapsed),
        **latencies(conn, commits, plan.start + min(2.0, plan.seconds / 4)),
        "cpu_s": used,
        "cpu_s_per_million": round(sum(used.values()) / report.messages * 1e6, 1),
        "worker_cpu_s_per_million": round(used["worker"] / report.messages * 1e6, 1),
        "worker_peak_mb": round(peak, 1),
        "worker_mb_over_time": [round(m) for m in watch.memory[:: max(1, len(watch.memory) // 8)]],
        "bytes_per_sample": round(int(by_key[4]) / max(1, by_key[0])),
        "account": asdict(account),
        "balanced": account.balanced and everything and report.acknowledged == report.messages,
        "load_behind_s": round(report.behind_seconds, 3),
        "days": [day.date().isoformat() for day in days_of(np.array([int(plan.start * 1e6)], dtype=np.int64))],
    }


def ingest_command(
    seconds: Annotated[float, typer.Option(help="How long each phase sends [s].")] = 20.0,
    broker: Annotated[str, typer.Option(help="nats or mosquitto.")] = "nats",
    database: Annotated[str | None, typer.Option(help="Superuser URL of a server; default: an embedded one.")] = None,
    phase: Annotated[list[str] | None, typer.Option(help="latency, single, array; default: all.")] = None,
    rules: Annotated[str, typer.Option(help="shipped, or none to measure the store alone.")] = "shipped",
    sync_interval: Annotated[str, typer.Option(help="How often NATS syncs to disk.")] = "250ms",
    rate: Annotated[float | None, typer.Option(help="Messages per second instead of the phase's own.")] = None,
    profile: Annotated[Path | None, typer.Option(help="Folder for cProfile files of the worker (slows it).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Measure receiving and storing: speed, latency, CPU, memory, and whether everything arrived."""
    names = phase or list(PHASES)
    if unknown := [name for name in names if name not in PHASES]:
        raise BenchError(f"no phase is named {', '.join(unknown)}: choose from {', '.join(PHASES)}")
    found: dict[str, Any] = {"broker": broker, "rules": rules, "seconds": seconds,
                             "broker_sync_interval": sync_interval if broker == "nats" else "autosave"}  # fmt: skip
    results: dict[str, dict[str, Any]] = {}
    for name in names:
        chosen = PHASES[name] if rate is None else Phase(rate, PHASES[name].samples)
        with (
            bench_folder() as folder,
            bench_database(folder, database) as url,
            broker_of(broker, folder, sync_interval) as (port, broker_pid),
            connect(url, DatabaseRole.SYSTEM, application_name="teshe-bench", autocommit=True) as conn,
        ):
            found |= conditions(conn)
            plant = make_plant(folder, url, port, broker_pid, conn)
            found["units"] = len(plant.units)
            file = None if profile is None else str(profile.absolute() / f"{name}.prof")
            results[name] = run_phase(plant, name, chosen, seconds, rules, file)
    document = summary(results) | found | {"phases": results}
    if as_json:
        typer.echo(json.dumps(document, indent=1))
        return
    for key, value in document.items():
        typer.echo(f"{key}: {json.dumps(value)}")


def summary(results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The figures by which releases are compared."""
    single, array, latency = results.get("single", {}), results.get("array", {}), results.get("latency", {})
    any_phase = single or latency or array
    return {
        "single_messages_per_s": single.get("messages_per_s"),
        "array_values_per_s": array.get("values_per_s"),
        **{f"publish_to_commit_p{p}_ms": latency.get(f"publish_to_commit_p{p}_ms") for p in (50, 95, 99)},
        "cpu_s_per_million": any_phase.get("cpu_s_per_million"),
        "worker_peak_mb": max(result["worker_peak_mb"] for result in results.values()),
        "bytes_per_sample": any_phase.get("bytes_per_sample"),
        "balanced": all(result["balanced"] for result in results.values()),
    }
