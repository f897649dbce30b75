"""``teshe bench``: one subcommand per measurement, each in its module of ``dashboards.bench``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dashboards.bench import registry_import
from dashboards.bench.backtest import backtest_bench
from dashboards.bench.cylinders import bench_cylinders
from dashboards.bench.desk import desk_command
from dashboards.bench.indicators import indicators_command
from dashboards.bench.ingest import ingest_command
from dashboards.bench.latency import latency_command
from dashboards.bench.ledger import ledger_command
from dashboards.bench.plausibility import plausibility_command
from dashboards.bench.records import records_command
from dashboards.bench.registry import registry_command
from dashboards.bench.rules import rules_command

app = typer.Typer(no_args_is_help=True, help="Measurements: figures with the settings under which they were made.")
app.command("ingest")(ingest_command)
app.command("records")(records_command)
app.command("plausibility")(plausibility_command)
app.command("rules")(rules_command)
app.command("latency")(latency_command)
app.command("backtest")(backtest_bench)
app.command("indicators")(indicators_command)
app.command("desk")(desk_command)
app.command("ledger")(ledger_command)


@app.command("registry-import")
def registry_import_command(
    rows: Annotated[int, typer.Option(min=100, max=300_000, help="Rows of the file.")] = registry_import.ROWS,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="An XLSX instead of a CSV file.")] = False,
    server: Annotated[str | None, typer.Option(help="URL of a server to measure on; default: an embedded one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of lines.")] = False,
) -> None:
    """Import of new units: read, checked as a trial, written; then exported and taken back."""
    figures = registry_import.measure(rows, xlsx=xlsx, server=server)
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False))
        return
    for name, value in figures.items():
        typer.echo(f"{name:>24}  {value}")


app.command("cylinders")(bench_cylinders)
app.command("registry")(registry_command)
