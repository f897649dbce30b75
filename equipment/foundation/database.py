"""The one place that opens database connections, loads queries and translates the driver's errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool, PoolTimeout

from equipment.foundation.errors import DatabaseUnavailableError, DuplicateQueryError, UnknownQueryError

Connection = psycopg.Connection[tuple[Any, ...]]
Pool = ConnectionPool[Connection]

NAME_LINE = re.compile(r"^--\s*name:\s*([a-z][a-z0-9_]*)\s*$")


class DatabaseRole(Enum):
    """Whose rights a connection has. The login itself may be the owner's; the role is what counts."""

    OWNER = ""
    SYSTEM = "teshe_system"
    """Worker and jobs: every row, no schema change."""
    SCOPED = "teshe_scoped"
    """The web: only what the transaction's scope allows."""


class Queries:
    """Named queries of one ``queries.sql``, each reached as an attribute."""

    def __init__(self, source: str, queries: dict[str, str]) -> None:
        self._source = source
        self._queries = queries

    def __getattr__(self, name: str) -> LiteralString:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            # the text comes from a file of the package, never from input
            return self._queries[name]
        except KeyError:
            raise UnknownQueryError(f"{self._source} has no query named {name!r}") from None

    def names(self) -> list[str]:
        """All names, in file order."""
        return list(self._queries)


def parse_queries(text: str, source: str) -> Queries:
    """Split a file at its ``-- name: x`` lines.

    Raises
    ------
    DuplicateQueryError
        Two queries share a name.
    """
    queries: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.splitlines():
        match = NAME_LINE.match(line)
        if match:
            if match[1] in queries:
                raise DuplicateQueryError(f"{source}: two queries are named {match[1]!r}")
            current = queries.setdefault(match[1], [])
        elif current is not None and not line.lstrip().startswith("--"):
            current.append(line)
    return Queries(source, {name: "\n".join(lines).strip().rstrip(";") for name, lines in queries.items()})


def load_queries(module_file: str, name: str = "queries.sql") -> Queries:
    """The queries that lie beside a module: ``QUERIES = load_queries(__file__)``."""
    path = Path(module_file).with_name(name)
    return parse_queries(path.read_text(encoding="utf-8"), str(path))


def _set_role(conn: Connection, role: DatabaseRole) -> None:
    conn.autocommit = True
    if role is not DatabaseRole.OWNER:
        conn.execute(sql.SQL("set role {}").format(sql.Identifier(role.value)))


def _keywords(application_name: str) -> dict[str, Any]:
    return {
        "application_name": application_name,
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "options": "-c timezone=UTC -c lock_timeout=15s -c idle_in_transaction_session_timeout=60s",
    }


def connect(url: str, role: DatabaseRole, *, application_name: str, autocommit: bool = False) -> Connection:
    """Open one connection with the rights of ``role``.

    Raises
    ------
    DatabaseUnavailableError
        The server does not answer or refuses the login.
    """
    with translated():
        conn: Connection = psycopg.connect(url, **_keywords(application_name))
        _set_role(conn, role)
        conn.autocommit = autocommit
        return conn


def open_pool(url: str, role: DatabaseRole, *, max_size: int, application_name: str) -> Pool:
    """A pool of connections with the rights of ``role``; each use is one explicit transaction."""

    def configure(conn: Connection) -> None:
        _set_role(conn, role)
        conn.autocommit = False

    pool: Pool = ConnectionPool(
        url,
        min_size=1,
        max_size=max_size,
        kwargs=_keywords(application_name),
        configure=configure,
        check=ConnectionPool.check_connection,
        name=application_name,
        timeout=10,
        open=False,
    )
    pool.open()
    return pool


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the driver says of a broken connection into one error of ours.

    Errors of the statement itself (a violated constraint, a syntax error) pass unchanged: they are the caller's.

    Raises
    ------
    DatabaseUnavailableError
        The server went away, refuses logins, is shutting down, or has no connection to spare.
    """
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailableError("no database connection became free in time; try again") from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseUnavailableError(
            f"the database does not answer: {str(error).strip().splitlines()[0:1]}"
        ) from error


def violated_constraint(error: psycopg.errors.IntegrityError) -> str | None:
    """Name of the constraint that a statement violated, if the server said so."""
    return error.diag.constraint_name


def set_local(conn: Connection, name: str, value: str) -> None:
    """Set a setting until the end of the current transaction."""
    conn.execute("select set_config(%s, %s, true)", (name, value))


def advisory_lock(conn: Connection, name: str) -> None:
    """Wait for the named lock and hold it until the transaction ends."""
    conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))


def try_advisory_lock(conn: Connection, name: str) -> bool:
    """Take the named lock until the transaction ends, if it is free."""
    row = conn.execute("select pg_try_advisory_xact_lock(hashtextextended(%s, 0))", (name,)).fetchone()
    return bool(row and row[0])
