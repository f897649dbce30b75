"""Ordered SQL files of each package, applied once, in the packages' order.

A file ``<package>/schema/NNNN_name.sql`` may begin with

- ``-- no-transaction``: run outside a transaction;
- ``-- requires: plain | timescale | timescale-community | below-community``: apply only at that level (recorded as skipped otherwise).

A line ``-- @time-partitioned schema.table column N days`` stands directly before a ``create table``; the runner makes
that table a hypertable, or a range-partitioned one on plain PostgreSQL.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files

import psycopg
from psycopg import sql

from equipment.foundation.database import Connection, DatabaseRole, connect, translated
from equipment.foundation.errors import InputError, MigrationChangedError
from equipment.foundation.timescale import TimePartition, TimescaleLevel, install, make_partitioned

FILE_NAME = re.compile(r"^\d{4}_[a-z0-9_]+\.sql$")
PARTITION_LINE = re.compile(r"^--\s*@time-partitioned\s+(\S+)\s+(\S+)\s+(\d+)\s+days?\s*$", re.MULTILINE)
REQUIRES = re.compile(r"^--\s*requires:\s*(\S+)\s*$", re.MULTILINE)
LEVELS: dict[str, frozenset[TimescaleLevel]] = {
    "plain": frozenset({TimescaleLevel.NONE}),
    "timescale": frozenset({TimescaleLevel.APACHE, TimescaleLevel.COMMUNITY}),
    "timescale-community": frozenset({TimescaleLevel.COMMUNITY}),
    "below-community": frozenset({TimescaleLevel.NONE, TimescaleLevel.APACHE}),
}
LOCK_KEY = 7_302_514_960_112
REGISTER = """
create table if not exists public.schema_migration (
    package text not null, file text not null, sha256 text not null, skipped boolean not null,
    applied_at timestamptz not null default now(), primary key (package, file)
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    package: str
    file: str
    text: str

    @property
    def sha256(self) -> str:
        """Digest of the content."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def partitions(self) -> list[TimePartition]:
        """The tables of this file that are cut along time."""
        return [TimePartition(m[1], m[2], timedelta(days=int(m[3]))) for m in PARTITION_LINE.finditer(self.text)]

    def applies(self, level: TimescaleLevel) -> bool:
        """Whether the file is meant for this level.

        Raises
        ------
        InputError
            The header names no known level.
        """
        match = REQUIRES.search(self.text)
        if match is None:
            return True
        if match[1] not in LEVELS:
            raise InputError(f"{self.package}/{self.file}: 'requires: {match[1]}' is none of {', '.join(LEVELS)}")
        return level in LEVELS[match[1]]

    def statements(self, level: TimescaleLevel) -> str:
        """The text to run at this level."""
        if level is not TimescaleLevel.NONE:
            return self.text
        text = self.text
        for partition in self.partitions:
            marker = re.compile(
                rf"(--\s*@time-partitioned\s+{re.escape(partition.table)}\s[^\n]*\ncreate table [^;]*?)\n\);",
                re.IGNORECASE,
            )
            text, count = marker.subn(rf"\1\n) partition by range ({partition.column});", text)
            if count != 1:
                raise InputError(f"{self.package}/{self.file}: no create table follows the marker of {partition.table}")
        return text


def find_migrations(package: str) -> list[Migration]:
    """The files of one package in order."""
    folder = files(package) / "schema"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    for name in names:
        if not FILE_NAME.match(name):
            raise InputError(f"{package}/schema/{name}: name migrations like 0001_what_it_does.sql")
    return [Migration(package, name, (folder / name).read_text(encoding="utf-8")) for name in names]


def time_partitions(packages: Sequence[str]) -> dict[str, TimePartition]:
    """Every table that is cut along time, by name."""
    return {p.table: p for package in packages for m in find_migrations(package) for p in m.partitions}


def _make_roles(conn: Connection, packages: Sequence[str]) -> None:
    for role in (DatabaseRole.SYSTEM, DatabaseRole.SCOPED):
        try:
            with conn.transaction():
                if conn.execute("select 1 from pg_roles where rolname = %s", (role.value,)).fetchone() is None:
                    conn.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role.value)))
        except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            pass  # another database of the same server made it at the same moment; roles belong to the server
        grant = sql.SQL("grant {} to current_user").format(sql.Identifier(role.value))
        conn.execute(grant)
    for package in packages:
        conn.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(package)))


def _apply(conn: Connection, migration: Migration, level: TimescaleLevel) -> None:
    skipped = not migration.applies(level)
    if not skipped:
        # our own files, shipped with the program
        text = sql.SQL(migration.statements(level))
        if "-- no-transaction" in migration.text.splitlines()[:5]:
            conn.execute(text)
        else:
            with conn.transaction():
                conn.execute(text)
                for partition in migration.partitions:
                    make_partitioned(conn, partition, level)
    conn.execute(
        "insert into public.schema_migration (package, file, sha256, skipped) values (%s, %s, %s, %s)"
        " on conflict (package, file) do update set skipped = excluded.skipped, applied_at = now()",
        (migration.package, migration.file, migration.sha256, skipped),
    )


def _register(conn: Connection) -> dict[tuple[str, str], tuple[str, bool]]:
    rows = conn.execute("select package, file, sha256, skipped from public.schema_migration")
    return {(package, file): (digest, skipped) for package, file, digest, skipped in rows}


def migrate(url: str, packages: Sequence[str]) -> list[Migration]:
    """Bring the database to the newest schema; returns the files that were applied now.

    Safe to run from several places at once. A file that was skipped for want of TimescaleDB is applied when the
    level has risen since.

    Raises
    ------
    MigrationChangedError
        A file that was applied has been edited.
    """
    applied: list[Migration] = []
    with translated(), connect(url, DatabaseRole.OWNER, application_name="teshe-migrate", autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(%s)", (LOCK_KEY,))
        conn.execute("set lock_timeout = '60s'")
        level = install(conn)
        _make_roles(conn, packages)
        conn.execute(REGISTER)
        done = _register(conn)
        for migration in (m for package in packages for m in find_migrations(package)):
            digest, skipped = done.get((migration.package, migration.file), (None, True))
            if digest is not None and digest != migration.sha256:
                raise MigrationChangedError(
                    f"{migration.package}/{migration.file} was edited after it was applied;"
                    " restore it and write a new migration"
                )
            if digest is None or (skipped and migration.applies(level)):
                _apply(conn, migration, level)
                applied.append(migration)
        conn.execute("select pg_advisory_unlock(%s)", (LOCK_KEY,))
    return applied


def pending(conn: Connection, packages: Sequence[str]) -> list[str]:
    """Files that the database has not seen yet, as ``package/file``; empty means the schema is up to date."""
    if conn.execute("select to_regclass('public.schema_migration')").fetchone() == (None,):
        done: dict[tuple[str, str], tuple[str, bool]] = {}
    else:
        done = _register(conn)
    return [
        f"{m.package}/{m.file}"
        for package in packages
        for m in find_migrations(package)
        if (m.package, m.file) not in done
    ]
