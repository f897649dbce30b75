"""Services and settings that measurements share: own server, own broker, durability as in the field."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from dashboards.composition import PACKAGES
from equipment.foundation.database import Connection
from equipment.foundation.embedded_postgres import EmbeddedPostgres
from equipment.foundation.migrations import migrate
from equipment.foundation.timescale import probe

SETTINGS = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "jit")


@contextmanager
def bench_folder() -> Iterator[Path]:
    """A directory that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="teshe-bench-") as folder:
        yield Path(folder)


@contextmanager
def bench_database(folder: Path, given: str | None) -> Iterator[str]:
    """URL of a fresh migrated database: on ``given`` server, else on an embedded one below ``folder``.

    The database is dropped afterwards; the server that was given is left as it was.
    """
    if given is None:
        server = EmbeddedPostgres(folder / "postgres")
        try:
            url = server.start()
            migrate(url, PACKAGES)
            yield url
        finally:
            server.stop()
        return
    name = f"teshe_bench_{os.getpid()}"
    parts = urlsplit(given)
    with psycopg.connect(given, autocommit=True) as owner:
        owner.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            url = urlunsplit(parts._replace(path=f"/{name}"))
            migrate(url, PACKAGES)
            yield url
        finally:
            owner.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def conditions(conn: Connection | None) -> dict[str, Any]:
    """Under what a measurement was made: machine, interpreter, and the server's durability."""
    found: dict[str, Any] = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
    }
    if conn is not None:
        for name in SETTINGS:
            row = conn.execute("select current_setting(%s)", (name,)).fetchone()
            found[name] = row[0] if row else None
        found["timescaledb"] = probe(conn).name.lower()
    return found
