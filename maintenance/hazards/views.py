"""常用筛选: filters that a reader keeps under a name, each for himself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from equipment.access.model import Asker
from equipment.foundation.database import Connection, load_queries
from maintenance.errors import LedgerInputError
from maintenance.hazards.wanted import Wanted

QUERIES = load_queries(__file__, "views.sql")
MOST = 30


@dataclass(frozen=True, slots=True)
class View:
    """One filter; ``query`` is that of the list's address."""

    id: int
    name: str
    query: str


def views_of(conn: Connection) -> list[View]:
    """The caller's own, by name."""
    return [View(*row) for row in conn.execute(QUERIES.views)]


def save(conn: Connection, name: str, query: str, asker: Asker, now: datetime) -> list[View]:
    """Keep a filter; the same name again is the new filter.

    Raises
    ------
    LedgerInputError
        It is none of the list's filters, or there are too many.
    """
    pairs = {k: v for k, v in parse_qsl(query.lstrip("?")) if k in Wanted.__dataclass_fields__ and v}
    Wanted(**pairs)
    kept = [v for v in views_of(conn) if v.name != name.strip()]
    if not name.strip() or len(kept) >= MOST:
        raise LedgerInputError(f"请给筛选起名，最多保存 {MOST} 个 (a name, and no more than so many)")
    conn.execute(QUERIES.forget_name, (name.strip(),))
    conn.execute(QUERIES.save, (asker.account_id, name.strip(), urlencode(pairs), now))
    return views_of(conn)


def forget(conn: Connection, view_id: int) -> list[View]:
    """Forget a filter; what is not the caller's stays."""
    conn.execute(QUERIES.forget, (view_id,))
    return views_of(conn)
