"""Reading for display: one named query, rows as named tuples whose fields are the query's columns.

The rows go straight into a template, where a misspelt field is an error; nothing is decided on them elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from psycopg.rows import namedtuple_row

from dashboards.errors import NotFoundError
from equipment.foundation.database import Connection, Queries, load_queries

QUERIES: Queries = load_queries(__file__)
PAGE_ROWS = 50

Parameters = Sequence[Any] | Mapping[str, Any]


def rows(conn: Connection, query: Any, parameters: Parameters = ()) -> list[Any]:
    """All rows of a query."""
    with conn.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


def row(conn: Connection, query: Any, parameters: Parameters = ()) -> Any:
    """The first row, or None."""
    with conn.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(query, parameters).fetchone()


def known(found: Any, what: str) -> Any:
    """The row, which must be there.

    Raises
    ------
    NotFoundError
        It does not exist, or whoever asks may not see it: the two are not told apart.
    """
    if found is None:
        raise NotFoundError(what)
    return found


def value(conn: Connection, query: Any, parameters: Parameters = ()) -> Any:
    """The one value of a query that always gives one."""
    found = conn.execute(query, parameters).fetchone()
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Window:
    """One page of a list: fifty rows and whether there are more."""

    number: int
    size: int = PAGE_ROWS

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (self.number - 1) * self.size

    def parameters(self) -> dict[str, int]:
        """One row more than is shown tells whether a next page exists."""
        return {"limit": self.size + 1, "offset": self.offset}

    def cut(self, found: list[Any]) -> tuple[list[Any], int | None, int | None]:
        """The rows to show, the number of the next page, and of the previous."""
        more = len(found) > self.size
        return found[: self.size], self.number + 1 if more else None, self.number - 1 if self.number > 1 else None


def window(request: Request) -> Window:
    """The page asked for; nonsense is page one."""
    asked = request.query_params.get("page", "1")
    return Window(min(int(asked), 10_000) if asked.isdigit() and int(asked) > 0 else 1)


def filters(request: Request, *names: str) -> dict[str, str]:
    """The filters of the address, each empty when not asked for."""
    return {name: request.query_params.get(name, "").strip()[:100] for name in names}
