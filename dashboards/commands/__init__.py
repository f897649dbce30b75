"""The ``teshe`` command: everything an operator types."""

from __future__ import annotations

import sys

import typer

from alarms.errors import AlarmsError
from dashboards.commands import (
    accounts,
    anchor,
    backtest,
    bench,
    bridge,
    demo,
    devices,
    equipment_import,
    inspect,
    link,
    retention,
    services,
    verify,
)
from dashboards.errors import DashboardsError
from dashboards.indicators import commands as indicator
from dashboards.reports import commands as report
from equipment.errors import EquipmentError
from equipment.foundation.errors import FoundationError
from ingest.errors import IngestError
from maintenance.errors import MaintenanceError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="特设: special-equipment and lift safety platform of a city.",
)
app.command("demo")(demo.demo_command)
for name, command in services.COMMANDS.items():
    app.command(name)(command)
app.command("bridge")(bridge.bridge_command)
app.add_typer(bridge.gateways, name="gateway")
app.command("account")(inspect.account_command)
app.add_typer(accounts.app, name="accounts")
app.add_typer(retention.retention, name="retention")
app.add_typer(retention.erase, name="erase")
app.add_typer(devices.app, name="devices")
app.add_typer(anchor.app, name="anchor")
app.add_typer(link.app, name="link")
app.command("verify")(verify.verify_command)
app.command("shard")(inspect.shard_command)
app.command("catalogue")(inspect.catalogue_command)
inspect.imports.command("equipment")(equipment_import.import_equipment_command)
app.add_typer(inspect.imports, name="import")
app.command("imports")(equipment_import.imports_command)
app.add_typer(inspect.quarantine, name="quarantine")
app.add_typer(indicator.app, name="indicator")
app.add_typer(report.app, name="report")
app.command("backtest")(backtest.backtest_command)
app.add_typer(bench.app, name="bench")

OURS = (FoundationError, EquipmentError, IngestError, AlarmsError, MaintenanceError, DashboardsError)


def main() -> None:
    """Run a command; an error that we named is one line, not a traceback."""
    try:
        app()
    except OURS as error:
        print(f"teshe: {error}", file=sys.stderr)  # noqa: T201  # the command line's own answer
        sys.exit(2)
