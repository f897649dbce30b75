"""``teshe link``: the store-and-forward link between the internet side and the government side."""

from __future__ import annotations

import base64
import json
from typing import Annotated

import typer

from dashboards.composition import log_signer, require_database
from dashboards.zone.run import Surroundings, link_signer, run_link
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import DatabaseRole, connect
from equipment.foundation.logs import configure_logging
from equipment.foundation.monitor import monitored
from equipment.foundation.process import StopSignal
from equipment.foundation.settings import FoundationSettings
from equipment.link import store
from equipment.link.model import Side
from equipment.link.settings import LinkSettings
from equipment.link.tables import set_up
from ingest.broker import BrokerAddress

app = typer.Typer(no_args_is_help=True, help="内外网链路: two zones that reach each other only by signed bundles.")


@app.command("init")
def init_command(side: Annotated[Side, typer.Argument(help="Which side this database is.")]) -> None:
    """Make this migrated database one side; again after an upgrade, for tables that are new."""
    url = require_database(FoundationSettings())
    with connect(url, DatabaseRole.OWNER, application_name="teshe-link", autocommit=True) as conn:
        count = set_up(conn, side, SystemClock().now())
    typer.echo(f"{side.value}: {count} tables set up; own key {_key()}")


def _key() -> str:
    return base64.b64encode(link_signer(LinkSettings()).public_key).decode("ascii")


@app.command("key")
def key_command() -> None:
    """Show the public key of this side, for TESHE_LINK_PEER_KEY of the other side."""
    typer.echo(_key())


@app.command("run")
def run_command() -> None:
    """Carry bundles between the database and the two folders, until stopped."""
    settings, clock, stop = FoundationSettings(), SystemClock(), StopSignal().listen()
    configure_logging(settings.log_format, settings.log_level)
    url = require_database(settings)
    where = Surroundings(url, settings.web_database_url or url, BrokerAddress.of(settings), log_signer(settings))
    with monitored(settings.metrics_host, settings.metrics_port, stop, clock):
        run_link(where, LinkSettings(), clock, stop)


@app.command("status")
def status_command(as_json: Annotated[bool, typer.Option("--json", help="JSON instead of words.")] = False) -> None:
    """How old the other side's news is, and what it has not confirmed. Exit 1 while a bundle cannot be applied."""
    url, now = require_database(FoundationSettings()), SystemClock().now()
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-link") as conn:
        store.require_side(conn)
        standing, backlog = store.standing(conn), store.backlog(conn)
    if standing is None:
        raise typer.Exit(1)
    said = {
        "side": standing.side.value, "age_seconds": round(standing.age_seconds(now), 1), "applied": standing.number,
        "made": backlog.made, "unconfirmed": backlog.bundles, "pending": backlog.pending, "problem": standing.problem,
    }  # fmt: skip
    typer.echo(json.dumps(said, ensure_ascii=False) if as_json else "  ".join(f"{k}={v}" for k, v in said.items()))
    if standing.problem:
        raise typer.Exit(1)
