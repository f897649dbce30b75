"""``teshe demo``: the command around :mod:`dashboards.demo`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from dashboards.demo import Counts, Demo, DemoOptions
from equipment.city.build import LOGINS
from equipment.foundation.clock import SystemClock
from equipment.foundation.logs import configure_logging
from equipment.foundation.process import StopSignal

UNBALANCED = 1


class Show(Protocol):
    """Draws the progress."""

    def __call__(self, counts: Counts) -> None:
        """Draw these."""


def demo_command(
    data: Annotated[Path, typer.Option(help="Directory of the demo's database, broker and logs.")] = Path(".data/demo"),
    port: Annotated[int | None, typer.Option(help="Port of the pages; default: the last one, or a free one.")] = None,
    units: Annotated[int, typer.Option(min=10, max=100_000, help="Lifts and escalators of a new city.")] = 300,
    rate: Annotated[float, typer.Option(min=0.1, max=50_000, help="Messages per second.")] = 100.0,
    seconds: Annotated[float | None, typer.Option("--for", min=5, help="End by itself after so many seconds.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin with an empty directory.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Only a JSON summary on standard output.")] = False,
) -> None:
    """A simulated city end to end: lifts over MQTT, alarms, the desk, the ledger, the board."""
    configure_logging("console", "error")
    stop, console = StopSignal().listen(), Console(stderr=as_json)
    options = DemoOptions(data, port, units, rate, seconds, fresh)
    with Demo(options, SystemClock()) as demo:
        with console.status("starting database, broker, worker, jobs, web …"):
            demo.start()
        console.print(introduction(demo))
        with progress(console) as show:
            demo.run(stop, show)
        with console.status("waiting for what is in flight …"):
            summary = demo.settle()
    if as_json:
        typer.echo(json.dumps(summary.as_json(), ensure_ascii=False))
    else:
        console.print(closing(summary.as_json()))
    if not summary.balanced:
        raise typer.Exit(UNBALANCED)


def introduction(demo: Demo) -> Table:
    """The address and one login per role."""
    table = Table(
        title=f"特设 Teshe  {demo.address}",
        caption=f"密码 password of all: {demo.password}    MQTT {demo.broker}    Ctrl-C 结束 ends\n"
        f"其他命令 other commands: . {demo.environment_file}",
    )
    for heading in ("账号 login", "角色 role", "首页 first page"):
        table.add_column(heading)
    for login in LOGINS:
        table.add_row(login.login, login.zh, f"{demo.address}{login.page}")
    return table


@contextmanager
def progress(console: Console) -> Iterator[Show]:
    """A line that renews itself on a terminal; elsewhere one line every so often."""
    if console.is_terminal:
        with Live(console=console, refresh_per_second=4) as live:
            yield lambda counts: live.update(line(counts))
        return
    seen = 0

    def print_some(counts: Counts) -> None:
        nonlocal seen
        seen += 1
        if seen % 20 == 1:
            console.print(line(counts), soft_wrap=True)

    yield print_some


def line(c: Counts) -> str:
    """The loss account of this run, in samples."""
    moving = c.published - c.stored - c.duplicates - c.quarantined
    return (
        f"发布 published {c.published:,} = 入库 stored {c.stored:,} + 重复 duplicate {c.duplicates:,}"
        f" + 隔离 quarantined {c.quarantined:,} + 在途 in flight {max(moving, 0):,}"
        f" │ 报警 alarms {c.alarms}  事件 incidents {c.incidents}  线索 leads {c.leads}"
    )


def closing(summary: dict[str, object]) -> str:
    """The last line."""
    words = "[green]平账 balanced[/green]" if summary["balanced"] else "[red]不平 NOT BALANCED[/red]"
    return f"{words}  " + "  ".join(f"{name}={value}" for name, value in summary.items() if name != "missing")
