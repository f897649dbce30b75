"""``teshe migrate|worker|web|jobs|run``: the processes of a real installation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from alarms.incidents.settings import DeskSettings
from dashboards.app import create_app
from dashboards.composition import PACKAGES, process_environment, require_database, starter
from dashboards.jobs import run_jobs
from dashboards.settings import WebSettings
from dashboards.worker import run_worker
from equipment.foundation import migrations
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import DatabaseRole, connect, open_pool
from equipment.foundation.logs import configure_logging
from equipment.foundation.process import StopSignal, Supervisor
from equipment.foundation.settings import FoundationSettings
from ingest.broker import BrokerAddress, ensure_sessions
from ingest.lease import make_shards
from ingest.settings import IngestSettings

CHECK_SECONDS = 0.5


def _settings() -> FoundationSettings:
    settings = FoundationSettings()
    configure_logging(settings.log_format, settings.log_level)
    return settings


def migrate_command() -> None:
    """Bring the database to this version, and make the shards' sessions on the broker."""
    settings = _settings()
    url = require_database(settings)
    applied = migrations.migrate(url, PACKAGES)
    for migration in applied:
        typer.echo(f"applied {migration.package}/{migration.file}")
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-migrate") as conn:
        clients = make_shards(conn)
    address = BrokerAddress(
        settings.broker_host, settings.broker_port, settings.broker_username, settings.broker_password
    )
    ensure_sessions(address, clients, SystemClock())
    typer.echo(f"{len(applied)} migrations applied, {len(clients)} sessions ready on {address.host}:{address.port}")


def worker_command() -> None:
    """Receive, store and judge."""
    run_worker(_settings(), IngestSettings(), SystemClock(), StopSignal().listen())


def jobs_command() -> None:
    """Incidents, leads, clocks."""
    settings = _settings()
    run_jobs(require_database(settings), DeskSettings(), SystemClock(), StopSignal().listen())


def web_command(
    port: Annotated[int | None, typer.Option(help="Instead of TESHE_WEB_PORT.")] = None,
) -> None:
    """Pages, API and live feed."""
    settings, web = _settings(), WebSettings()
    url = settings.web_database_url or require_database(settings)
    pool = open_pool(url, DatabaseRole.SCOPED, max_size=web.database_connections, application_name="teshe-web")
    try:
        uvicorn.run(
            create_app(pool, url, web, SystemClock()),
            host=settings.web_host,
            port=port or settings.web_port,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="websockets-sansio",
            timeout_graceful_shutdown=3,
        )
    finally:
        pool.close()


def run_command(
    logs: Annotated[Path, typer.Option(help="Folder of the processes' logs.")] = Path(".data/logs"),
) -> None:
    """Worker, jobs, imports and web under one supervisor, against the configured services."""
    settings = _settings()
    require_database(settings)
    stop, supervisor = StopSignal().listen(), Supervisor()
    try:
        for name in ("worker", "jobs", "imports", "web"):
            supervisor.add(starter(name, logs, process_environment({})), restart=True)
        typer.echo(f"worker, jobs, imports and web are running; logs in {logs}")
        while not stop.wait(CHECK_SECONDS):
            supervisor.check()
    finally:
        supervisor.stop_all()


COMMANDS: dict[str, Callable[..., Any]] = {
    "migrate": migrate_command,
    "worker": worker_command,
    "jobs": jobs_command,
    "web": web_command,
    "run": run_command,
}
