"""``teshe bridge`` and ``teshe gateway``: the process that hears gateways, and who may speak for which units."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import Enum
from typing import Annotated

import typer

from alarms.desk.inbox import take_told
from dashboards.composition import require_database
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.foundation.logs import configure_logging
from equipment.foundation.monitor import monitored
from equipment.foundation.process import StopSignal
from equipment.foundation.settings import FoundationSettings
from ingest.bridge import read, rights, store
from ingest.bridge.link import make_sessions
from ingest.bridge.runner import Bridge
from ingest.bridge.settings import BridgeSettings
from ingest.broker import BrokerAddress
from ingest.codes.profiles import CANONICAL
from ingest.settings import IngestSettings

gateways = typer.Typer(no_args_is_help=True, help="网关: credentials and the units that each may speak for.")
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


class Kind(Enum):
    """What a gateway speaks."""

    SPARKPLUG = "sparkplug"
    GATEWAY = "gateway"
    CALL_CENTRE = "call_centre"


@contextmanager
def _database() -> Iterator[Connection]:
    url = require_database(FoundationSettings())
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-command", autocommit=True) as conn:
        yield conn


def bridge_command() -> None:
    """Hear Sparkplug nodes, vendor frames, gateways and call centres, and republish what they say."""
    settings, clock, stop = FoundationSettings(), SystemClock(), StopSignal().listen()
    configure_logging(settings.log_format, settings.log_level)
    with monitored(settings.metrics_host, settings.metrics_port, stop, clock):
        Bridge(settings, BridgeSettings(), IngestSettings(), clock, take_told).run(stop)


@gateways.command("add")
def add_command(
    gateway: Annotated[str, typer.Argument(help="Its id; of a Sparkplug edge node GROUP/NODE.")],
    kind: Annotated[Kind, typer.Option(help="What it speaks.")] = Kind.GATEWAY,
    name: Annotated[str, typer.Option(help="A name for people.")] = "",
) -> None:
    """Register a gateway, or change it; from now on the broker keeps what it publishes at QoS 1."""
    if (kind is Kind.SPARKPLUG) != ("/" in gateway):
        raise typer.BadParameter("a Sparkplug edge node is GROUP/NODE; any other gateway has no slash in its id")
    settings, clock = FoundationSettings(), SystemClock()
    with _database() as conn:
        client_id, led = store.client_id(conn), store.has_led(conn)
        if not led:
            # before the first gateway publishes: what reaches a broker without a session is acknowledged and gone
            address = BrokerAddress.of(settings)
            make_sessions(address, client_id, clock)
        store.add_gateway(conn, gateway, kind.value, name, clock.now())
    typer.echo(f"{gateway} is a {kind.value}")


@gateways.command("list-unit")
def list_unit_command(
    gateway: Annotated[str, typer.Argument(help="The gateway's id.")],
    unit: Annotated[str, typer.Argument(help="The unit's id.")],
    address: Annotated[str | None, typer.Option(help="What the gateway calls it; default: the unit's id.")] = None,
    profile: Annotated[str, typer.Option(help="Its signal coding, see docs/devices.md.")] = CANONICAL,
) -> None:
    """Let a gateway speak for a unit."""
    place = unit if address is None else address
    with _database() as conn:
        store.list_unit(conn, gateway, place, unit, profile)
    typer.echo(f"{gateway} speaks for {unit} as {place!r}, coding {profile}")


@gateways.command("disable")
def disable_command(gateway: Annotated[str, typer.Argument(help="The gateway's id.")]) -> None:
    """Refuse what a gateway sends from now on; its history stays."""
    with _database() as conn:
        store.disable_gateway(conn, gateway)
    typer.echo(f"{gateway} is disabled")


@gateways.command("rights")
def rights_command(
    gateway: Annotated[str, typer.Argument(help="The gateway's id.")],
    broker: Annotated[rights.Broker, typer.Option(help="Whose form.")] = rights.Broker.NATS,
) -> None:
    """The line that lets this gateway publish under its own id and nowhere else; for the broker's files."""
    with _database() as conn:
        found = store.load_gateways(conn).get(gateway)
    if found is None:
        raise typer.BadParameter(f"no gateway {gateway!r}: add it first")
    typer.echo(rights.lines(found, broker))


@gateways.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Sources, their guarantee of delivery and their gaps."""
    with _database() as conn:
        found = read.sources(conn)
    if as_json:
        typer.echo(
            json.dumps([{**asdict(s), "guaranteed": s.guaranteed} for s in found], default=str, ensure_ascii=False)
        )
        return
    for s in found:
        guarantee = {None: "nothing received", True: "guaranteed", False: "no delivery guarantee"}[s.guaranteed]
        state = "" if s.enabled else "  disabled"
        typer.echo(
            f"{s.id:<30} {s.kind:<12} {s.units:>5} units  {s.messages:>9} messages  {s.refused:>6} refused"
            f"  {s.gaps:>4} gaps ({s.missing} missing)  {guarantee}{state}"
        )


@gateways.command("refused")
def refused_command(
    gateway: Annotated[str | None, typer.Argument(help="Only of this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
) -> None:
    """What was refused, newest first."""
    with _database() as conn:
        for r in read.refusals(conn, gateway, limit):
            typer.echo(f"{r.received_at:%Y-%m-%d %H:%M:%S}  {r.reason:<18} {r.topic}  {r.detail[:100]}")
