"""The command that a newcomer runs: from an empty directory to a balanced account, and again on what is there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dashboards.composition import process_environment
from dashboards.demo import prepared
from equipment.foundation.errors import InputError


def demo(data: Path, *options: str) -> dict[str, Any]:
    argv = [sys.executable, "-m", "dashboards", "demo", "--data", str(data), "--units", "40", "--rate", "200", "--json"]
    done = subprocess.run(
        [*argv, *options], env=process_environment({}), capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_demo_ends_balanced_and_a_second_run_finds_its_data(tmp_path: Path) -> None:
    first = demo(tmp_path / "demo", "--for", "8")
    assert first["balanced"] is True
    assert first["published"] == first["stored"] + first["duplicates"] + first["quarantined"] > 500
    assert first["quarantined"] > 0
    assert first["alarms_raised"] > 0
    assert first["incidents"] > 0
    second = demo(tmp_path / "demo", "--for", "5")
    assert second["balanced"] is True
    assert not list((tmp_path / "demo").rglob("postmaster.pid"))


def test_a_directory_that_is_not_a_demos_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="--data"):
        prepared(tmp_path, fresh=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
