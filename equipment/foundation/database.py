"""The one place that opens database connections, loads queries and translates the driver's errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool, PoolTimeout

from equipment.foundation.errors import (
    DatabaseBusyError,
    DatabaseUnavailableError,
    DuplicateQueryError,
    NotMigratedError,
    QueryFileError,
    UnknownQueryError,
)

Connection = psycopg.Connection[tuple[Any, ...]]
Pool = ConnectionPool[Connection]

NAME_LINE = re.compile(r"^\s*--\s*name:\s*(.*?)\s*$")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


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
    """Split a file at its ``-- name: x`` lines; lines of comment are left out.

    Raises
    ------
    DuplicateQueryError
        Two queries share a name.
    QueryFileError
        A name is not snake_case (it would silently join the query before it), a query is empty, or there is SQL
        before the first name.
    """
    queries: dict[str, list[str]] = {}
    current: list[str] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        match = NAME_LINE.match(line)
        if match:
            if NAME.fullmatch(match[1]) is None:
                raise QueryFileError(f"{source}:{number}: {match[1]!r} is no name for a query (small_letters)")
            if match[1] in queries:
                raise DuplicateQueryError(f"{source}:{number}: two queries are named {match[1]!r}")
            current = queries.setdefault(match[1], [])
        elif line.strip() and not line.lstrip().startswith("--"):
            if current is None:
                raise QueryFileError(f"{source}:{number}: SQL before the first '-- name:' line")
            current.append(line)
    empty = [name for name, lines in queries.items() if not lines]
    if empty:
        raise QueryFileError(f"{source}: no SQL follows the name of {', '.join(empty)}")
    return Queries(source, {name: "\n".join(lines).strip().rstrip(";") for name, lines in queries.items()})


def load_queries(module_file: str, name: str = "queries.sql") -> Queries:
    """Read the queries that lie beside a module.

    Example: ``QUERIES = load_queries(__file__)``, then ``conn.execute(QUERIES.find_unit, …)``.
    """
    path = Path(module_file).with_name(name)
    return parse_queries(path.read_text(encoding="utf-8"), str(path))


def _set_role(conn: Connection, role: DatabaseRole) -> None:
    conn.autocommit = True
    if role is DatabaseRole.OWNER:
        return
    try:
        conn.execute(sql.SQL("set role {}").format(sql.Identifier(role.value)))
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.InsufficientPrivilege) as error:
        raise NotMigratedError(
            f"this login may not act as {role.value}: run teshe migrate, or grant {role.value} to it"
        ) from error


def _keywords(application_name: str) -> dict[str, Any]:
    return {
        "application_name": application_name,
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,
        "options": "-c timezone=UTC -c lock_timeout=15s -c idle_in_transaction_session_timeout=60s",
    }


def connect(url: str, role: DatabaseRole, *, application_name: str, autocommit: bool = False) -> Connection:
    """Open one connection with the rights of ``role``.

    Raises
    ------
    DatabaseUnavailableError
        The server does not answer or refuses the login.
    NotMigratedError
        The login does not have the rights of ``role``.
    """
    with translated(), ExitStack() as undo:
        conn: Connection = psycopg.connect(url, **_keywords(application_name))
        undo.callback(conn.close)
        _set_role(conn, role)
        conn.autocommit = autocommit
        undo.pop_all()
        return conn


def ensure_login(conn: Connection, name: str, password: str, role: DatabaseRole) -> None:
    """Make or correct a login that has the rights of ``role`` and nothing else. Needs the owner, in autocommit."""
    exists = conn.execute("select 1 from pg_roles where rolname = %s", (name,)).fetchone()
    verb = sql.SQL("alter") if exists else sql.SQL("create")
    conn.execute(sql.SQL("{} role {} login password {}").format(verb, sql.Identifier(name), sql.Literal(password)))
    conn.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role.value), sql.Identifier(name)))


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
    DatabaseBusyError
        The transaction lost to another one or to a time limit.
    DatabaseUnavailableError
        The server went away, refuses logins, is shutting down, or has no connection to spare.
    """
    # not a "class 40 or above" rule: each of these was chosen because repeating the transaction is the remedy
    busy = (
        psycopg.errors.SerializationFailure,
        psycopg.errors.DeadlockDetected,
        psycopg.errors.LockNotAvailable,
        psycopg.errors.QueryCanceled,
    )
    ended = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout)
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailableError("no database connection became free in time; try again") from error
    except busy as error:
        raise DatabaseBusyError(f"the database gave this transaction up, try again: {_headline(error)}") from error
    except ended as error:
        raise DatabaseUnavailableError(f"the database does not answer: {_headline(error)}") from error


def _headline(error: psycopg.Error) -> str:
    """First line of what the driver says; the rest repeats it per address."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


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
