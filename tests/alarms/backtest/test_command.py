"""``teshe backtest`` as somebody types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboards.commands import app
from dashboards.pages.rules import EXAMPLE
from tests.conftest import Database
from tests.pipeline import TRAPPED, Pipeline


def test_it_prints_a_table_or_json(
    database: Database, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lift = pipeline.lifts[0]
    pipeline.send(lift, TRAPPED)
    pipeline.wait(120)
    monkeypatch.setenv("TESHE_DATABASE_URL", database.url)
    monkeypatch.setenv("TESHE_BACKTEST_PROCESSES", "1")
    span = ["--from", "2026-03-02", "--to", "2026-03-03"]
    runner = CliRunner()
    answer = runner.invoke(app, ["backtest", "lift.entrapment", *span, "--units", lift, "--json"])
    assert answer.exit_code == 0, answer.output
    report = json.loads(answer.stdout)
    assert [row["alarms"] for row in report["rules"]] == [1]
    assert (report["units"], report["rows"]) == (1, 1)
    file = tmp_path / "mine.yaml"
    file.write_text(EXAMPLE, encoding="utf-8")
    table = runner.invoke(app, ["backtest", str(file), *span])
    assert table.exit_code == 0, table.output
    assert "samples/s" in table.stdout
    assert runner.invoke(app, ["backtest", "shipped", "--from", "yesterday", "--to", "2026-03-03"]).exit_code == 2
