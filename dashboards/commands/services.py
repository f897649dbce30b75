"""``teshe migrate|worker|web|jobs|run``: the processes of a real installation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from psycopg.conninfo import conninfo_to_dict

from alarms.incidents.settings import DeskSettings
from dashboards.app import create_app, settle
from dashboards.commands.accounts import first_run
from dashboards.composition import PACKAGES, log_signer, process_environment, require_database, starter
from dashboards.jobs import run_jobs
from dashboards.pages.frame import prepare
from dashboards.papers.outage_job import OutageJob
from dashboards.settings import WebSettings
from dashboards.surfaces import Surface
from dashboards.upkeep import run_slowly
from dashboards.worker import run_worker
from equipment.errors import LinkError
from equipment.foundation import migrations
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import DatabaseRole, connect, ensure_login, open_pool
from equipment.foundation.errors import InputError
from equipment.foundation.logs import configure_logging
from equipment.foundation.monitor import monitored
from equipment.foundation.process import StopSignal, Supervisor
from equipment.foundation.settings import FoundationSettings
from equipment.link.model import Side
from equipment.link.store import side_of
from equipment.registry.store import load_jurisdictions
from ingest.broker import BrokerAddress, ensure_sessions
from ingest.devices import DeviceSettings
from ingest.lease import make_shards
from ingest.retention import RetentionSettings
from ingest.settings import IngestSettings
from ingest.upkeep import UpkeepOptions, UpkeepSettings

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
    web_login(settings)
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-migrate") as conn:
        load_jurisdictions(conn)
        clients = make_shards(conn)
        first_run(conn)
    address = BrokerAddress.of(settings)
    ensure_sessions(address, clients, SystemClock())
    typer.echo(f"{len(applied)} migrations applied, {len(clients)} sessions ready on {address.host}:{address.port}")


def web_login(settings: FoundationSettings) -> None:
    """Make the web process's own login, which row security binds, where it is configured.

    Raises
    ------
    InputError
        The address of the web's login lacks its name or password, or names the owner.
    """
    if settings.web_database_url is None:
        return
    owner = conninfo_to_dict(require_database(settings)).get("user")
    parts = conninfo_to_dict(settings.web_database_url)
    name, password = parts.get("user"), parts.get("password")
    if not name or not password or name == owner:
        raise InputError(
            "TESHE_WEB_DATABASE_URL must carry a login of its own with its password:"
            " postgresql://teshe_web:PASSWORD@HOST/DATABASE"
        )
    with connect(
        require_database(settings), DatabaseRole.OWNER, application_name="teshe-migrate", autocommit=True
    ) as conn:
        ensure_login(conn, str(name), str(password), DatabaseRole.SCOPED)


def _broker(settings: FoundationSettings) -> BrokerAddress:
    return BrokerAddress.of(settings)


def _require_inside(url: str) -> None:
    """Judging and acting happen on the government side alone.

    Raises
    ------
    LinkError
        The database is the internet side of two.
    """
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-start") as conn:
        if side_of(conn) is Side.OUTER:
            raise LinkError("外网侧只运行 teshe web 和 teshe link run (the internet side runs these two alone)")


def worker_command() -> None:
    """Receive, store and judge."""
    settings, clock, stop = _settings(), SystemClock(), StopSignal().listen()
    _require_inside(require_database(settings))
    with monitored(settings.metrics_host, settings.metrics_port, stop, clock):
        run_worker(settings, IngestSettings(), clock, stop)


def jobs_command() -> None:
    """Incidents, leads, clocks, pages to people: all that an alarm waits for."""
    settings, clock, stop = _settings(), SystemClock(), StopSignal().listen()
    url = require_database(settings)
    _require_inside(url)
    with monitored(settings.metrics_host, settings.metrics_port, stop, clock):
        run_jobs(url, DeskSettings(), log_signer(settings), clock, stop)


def upkeep_command() -> None:
    """Rollups, the account, retention, reports, back-tests: all that takes its time."""
    settings, clock, stop = _settings(), SystemClock(), StopSignal().listen()
    url = require_database(settings)
    _require_inside(url)
    options = UpkeepOptions(UpkeepSettings(), RetentionSettings(), DeviceSettings(), _broker(settings))
    with monitored(settings.metrics_host, settings.metrics_port, stop, clock):
        pack = OutageJob(settings.data_dir / "outage-pack", WebSettings().hotline)
        run_slowly(url, options, clock, stop, pack)


def web_command(
    port: Annotated[int | None, typer.Option(help="Instead of TESHE_WEB_PORT.")] = None,
    surface: Annotated[Surface | None, typer.Option(help="Only this part; instead of TESHE_SURFACE.")] = None,
) -> None:
    """Pages, API and live feed."""
    settings = _settings()
    web = WebSettings() if surface is None else WebSettings(surface=surface)
    url = settings.web_database_url or require_database(settings)
    prepare()
    pool = open_pool(url, DatabaseRole.SCOPED, max_size=web.database_connections, application_name="teshe-web")
    if web.zone is None:
        with pool.connection() as conn:
            web = web.model_copy(update={"zone": side_of(conn)})
    try:
        app = create_app(pool, url, web, SystemClock(), log_signer(settings))
        settle(app)
        uvicorn.run(
            app,
            host=settings.web_host,
            port=port or settings.web_port,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="websockets-sansio",
            ws_per_message_deflate=False,  # a message of the feed is a few hundred bytes, and has hundreds of readers
            timeout_graceful_shutdown=3,
        )
    finally:
        pool.close()


def run_command(
    logs: Annotated[Path, typer.Option(help="Folder of the processes' logs.")] = Path(".data/logs"),
    bridge: Annotated[bool, typer.Option("--bridge", help="The bridge for gateways too.")] = False,
) -> None:
    """Worker, jobs, upkeep, imports and web under one supervisor, against the configured services."""
    settings = _settings()
    require_database(settings)
    stop, supervisor = StopSignal().listen(), Supervisor()
    try:
        names = ("worker", "jobs", "upkeep", "web", "imports", *(("bridge",) if bridge else ()))
        for offset, name in enumerate(names):
            port = {"TESHE_METRICS_PORT": str(settings.metrics_port + offset)} if settings.metrics_port else {}
            supervisor.add(starter(name, logs, process_environment(port)), restart=True)
        typer.echo(f"{', '.join(names)} are running; logs in {logs}")
        while not stop.wait(CHECK_SECONDS):
            supervisor.check()
    finally:
        supervisor.stop_all()


COMMANDS: dict[str, Callable[..., Any]] = {
    "migrate": migrate_command,
    "worker": worker_command,
    "jobs": jobs_command,
    "upkeep": upkeep_command,
    "web": web_command,
    "run": run_command,
}
