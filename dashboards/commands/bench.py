"""``teshe bench``: one subcommand per measurement, each in its module of ``dashboards.bench``."""

from __future__ import annotations

import typer

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


app.command("cylinders")(bench_cylinders)
app.command("registry")(registry_command)
