"""What the processes are made of: the packages in the order of the arrow, and their environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from equipment.foundation.errors import InputError
from equipment.foundation.process import Child, spawn
from equipment.foundation.settings import FoundationSettings
from equipment.transparency.keys import Signer

PACKAGES = ("equipment", "ingest", "alarms", "maintenance", "dashboards")
"""In the order in which they depend on each other, and so are migrated."""


def require_database(settings: FoundationSettings) -> str:
    """The owner's database URL.

    Raises
    ------
    InputError
        It is not configured.
    """
    if settings.database_url is None:
        raise InputError("set TESHE_DATABASE_URL to the database, or use teshe demo, which brings its own")
    return settings.database_url


def log_signer(settings: FoundationSettings) -> Signer:
    """The key that signs the tamper-evident log; made at the first start."""
    return Signer.from_file(settings.log_key_file or settings.data_dir / "keys" / "log.key", settings.log_origin)


def process_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process with some settings changed."""
    return {**os.environ, **changes}


def starter(name: str, logs: Path, env: dict[str, str]) -> Callable[[], Child]:
    """How to start one of our own processes."""

    def start() -> Child:
        argv = [sys.executable, "-m", "dashboards", name]
        return spawn(argv, name=name, log_path=logs / f"{name}.log", env=env)

    return start
