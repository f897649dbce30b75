"""``teshe bench``: one subcommand per measurement, each in its module of ``dashboards.bench``."""

from __future__ import annotations

import typer

from dashboards.bench import rules

app = typer.Typer(no_args_is_help=True, help="Measurements: figures with the settings under which they were made.")
app.command("rules")(rules.rules_command)
