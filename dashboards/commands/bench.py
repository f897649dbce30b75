"""``teshe bench``: one subcommand per measurement, each in its module of ``dashboards.bench``."""

from __future__ import annotations

import typer

from dashboards.bench.cylinders import bench_cylinders
from dashboards.bench.records import records_command
from dashboards.bench.registry import registry_command

app = typer.Typer(no_args_is_help=True, help="Measurements: figures with the settings under which they were made.")
app.command("records")(records_command)
app.command("cylinders")(bench_cylinders)
app.command("registry")(registry_command)
