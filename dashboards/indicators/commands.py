"""``teshe indicator``: exact statistics at the command line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from dashboards.composition import require_database
from dashboards.indicators import cusum, publish, reference, wording
from dashboards.indicators.errors import IndicatorInputError
from dashboards.indicators.fatality import PLAN_TARGET, Fatality, fatality
from equipment.foundation.clock import SystemClock
from equipment.foundation.database import Connection, DatabaseRole, connect
from equipment.foundation.settings import FoundationSettings

app = typer.Typer(no_args_is_help=True, help="指标: exact statistics of rare events.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of sentences.")]
WRONG_INPUT = 2
FATALITY_KEYS = (
    "deaths", "units", "years", "target", "rate_per_10k", "ci95_low", "ci95_high", "p_at_or_below_target", "allowed_deaths",
    "allowed_remaining",
)  # fmt: skip


def _refuse(error: IndicatorInputError) -> typer.Exit:
    typer.echo(f"teshe indicator: {error}", err=True)
    return typer.Exit(WRONG_INPUT)


def _print_json(values: dict[str, Any]) -> None:
    finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
    typer.echo(json.dumps(finite, ensure_ascii=False))


def _sentences(f: Fatality) -> str:
    words, (margin_zh, margin_en) = wording.conclude(f), wording.margin(f.allowed_remaining, f.exceeded_by)
    return (
        f"万台死亡率 {f.rate_per_10k:.4g}  95% 区间 {f.ci95_low:.4g} – {f.ci95_high:.4g}  目标 ≤ {f.target:g}\n"
        f"{words.zh}{margin_zh}。{words.limits_zh}\n"
        f"rate per 10,000 {f.rate_per_10k:.4g}, exact 95 % interval {f.ci95_low:.4g} – {f.ci95_high:.4g}\n"
        f"{words.en} {margin_en}. {words.limits_en}"
    )


@app.command("fatality")
def fatality_command(
    deaths: Annotated[int, typer.Option(help="Counted deaths of the period.")],
    units: Annotated[float, typer.Option(help="Units of the denominator.")],
    years: Annotated[float, typer.Option(help="Length of the period.")] = 1.0,
    target: Annotated[float, typer.Option(help="Deaths per 10,000 units and year.")] = PLAN_TARGET,
    as_json: AsJson = False,
) -> None:
    """万台死亡率 with its exact interval and the probability that the true rate meets the target."""
    try:
        found = fatality(deaths, int(units) if units.is_integer() else units, years=years, target=target)
    except IndicatorInputError as error:
        raise _refuse(error) from None
    if as_json:
        _print_json({name: getattr(found, name) for name in FATALITY_KEYS})
    else:
        typer.echo(_sentences(found))


@app.command("cusum-design")
def cusum_design_command(
    in_control: Annotated[float, typer.Option(help="Rate that is not to alarm, per unit of exposure.")],
    out_of_control: Annotated[float, typer.Option(help="Rate that is to be found soon.")],
    exposure: Annotated[float, typer.Option(help="Exposure per period, such as 万台·年 of one month.")],
    arl0: Annotated[float, typer.Option(help="Periods between false signals, at least.")],
    as_json: AsJson = False,
) -> None:
    """Reference value and limit of a Poisson CUSUM for wanted run lengths."""
    try:
        found = cusum.design(in_control, out_of_control, exposure, arl0)
    except IndicatorInputError as error:
        raise _refuse(error) from None
    if as_json:
        _print_json(asdict(found))
    else:
        typer.echo(f"k = {found.k:.6g}, h = {found.h:g}, ARL0 = {found.arl0:.6g}, ARL1 = {found.arl1:.6g}")


@app.command("cusum-arl")
def cusum_arl_command(
    k: Annotated[float, typer.Option("--k", help="Reference value.")],
    h: Annotated[float, typer.Option("--h", help="Limit; the chart signals at or above it.")],
    mean: Annotated[float, typer.Option(help="True mean count per period.")],
    head_start: Annotated[float, typer.Option(help="S_0.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Exact average run length of a Poisson CUSUM (Markov chain)."""
    try:
        arl = cusum.run_length(k, h, mean, head_start)
    except IndicatorInputError as error:
        raise _refuse(error) from None
    if as_json:
        _print_json({"k": k, "h": h, "mean": mean, "head_start": head_start, "arl": arl})
    else:
        typer.echo(f"ARL = {arl:.6g}")


@app.command("import-reference")
def import_reference_command(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV: area, year, measure, value, mark, source.")
    ],
) -> None:
    """参考数据: add yearly figures of the nation or of provinces; a figure of the same year replaces the earlier one."""
    figures = reference.read_reference(file.read_bytes())
    with _database() as conn, conn.transaction():
        added = reference.import_reference(conn, figures, SystemClock().now())
    typer.echo(f"{added} added, {len(figures) - added} were there")


@app.command("recompute")
def recompute_command(as_json: AsJson = False) -> None:
    """复算: make every published value again from its stored definition and inputs; exit code 1 if any digit differs."""
    with _database() as conn:
        found = publish.values(conn)
    different = [v for v in found if v.again() != v.printed]
    if as_json:
        _print_json({"values": len(found), "different": [v.id for v in different]})
    else:
        for v in different:
            typer.echo(f"{v.id}: {v.printed} -> {v.again()}", err=True)
        typer.echo(f"{len(found)} values, {len(different)} different")
    if different:
        raise typer.Exit(1)


@contextmanager
def _database() -> Iterator[Connection]:
    url = require_database(FoundationSettings())
    with connect(url, DatabaseRole.SYSTEM, application_name="teshe-indicator", autocommit=True) as conn:
        yield conn
