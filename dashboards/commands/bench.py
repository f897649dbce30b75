"""``teshe bench``: one subcommand per measurement, each in its module of ``dashboards.bench``."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from dashboards.bench import registry

app = typer.Typer(no_args_is_help=True, help="Measurements: figures with the settings under which they were made.")


@app.command("registry")
def registry_command(
    units: Annotated[int, typer.Option(min=1_000, max=2_000_000, help="Units of the register.")] = 500_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same register.")] = 7,
    database_url: Annotated[str | None, typer.Option(help="Server to measure on; default: an embedded one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines.")] = False,
) -> None:
    """Counts of a past day and searches, under a scope."""
    report(registry.measure(units, seed, database_url), as_json=as_json)


def report(found: dict[str, Any], *, as_json: bool) -> None:
    """What was measured, on standard output."""
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for name, value in found.items():
        typer.echo(f"{name:>24}  {value}")
