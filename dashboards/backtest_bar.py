"""A back-test with a progress bar on standard error."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from alarms.backtest.run import Asked, backtest
from equipment.foundation.clock import SHANGHAI


def with_bar(url: str, asked: Asked, workers: int, now: datetime, *, shown: bool) -> dict[str, Any]:
    """Run with a progress bar on standard error."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), disable=not shown,
    )  # fmt: skip
    with bar:
        line = bar.add_task("回测", total=1.0)

        def progress(share: float, until: datetime) -> None:
            bar.update(line, completed=share, description=f"{until.astimezone(SHANGHAI):%Y-%m-%d %H:%M}")

        return backtest(url, asked, workers, now, progress)
