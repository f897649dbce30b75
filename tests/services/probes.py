"""What this machine has for the tests, by name."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRIXIE = ROOT / ".local" / "trixie"
NAMES = ("chromium", "timescaledb-apache", "timescaledb-community", "mosquitto", "docker")


@cache
def missing(name: str) -> str | None:
    """Why the service is not to be had here; None when it is."""
    match name:
        case "chromium":
            return None if chromium_path() else "install Debian's chromium"
        case "timescaledb-apache":
            return None if _trixie_has("usr/lib/postgresql/17/lib/timescaledb.so") else _TRIXIE_HINT
        case "mosquitto":
            return None if _trixie_has("usr/sbin/mosquitto") else _TRIXIE_HINT
        case "docker":
            return None if Path("/var/run/docker.sock").exists() else "no Docker engine runs here"
        case "timescaledb-community":
            return None if os.environ.get("TESHE_TEST_TIMESCALE_URL") else missing("docker")
        case _:
            raise ValueError(f"no probe is named {name!r}")


_TRIXIE_HINT = "run scripts/trixie as root on a Debian machine"


def _trixie_has(file: str) -> bool:
    return os.geteuid() == 0 and (TRIXIE / ".complete").exists() and (TRIXIE / file).exists()


def chromium_path() -> str | None:
    """Debian's browser."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def required() -> frozenset[str]:
    """Services that must be there: the comma list ``TESHE_REQUIRE``."""
    return frozenset(filter(None, os.environ.get("TESHE_REQUIRE", "").split(",")))
