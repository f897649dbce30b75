"""Which tables cross to the internet side (``tables.yaml``), and the triggers that make them do so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

import yaml
from psycopg import sql

from equipment.errors import LinkError
from equipment.foundation.database import Connection, load_queries
from equipment.link.model import GENESIS, Side

QUERIES = load_queries(__file__)
BEGUN_OUTSIDE = frozenset({"equipment.link_outcome"})
"""Crosses, and is begun on the internet side too: a request waits there for what becomes of it."""
LOGIN_COLUMNS = "update of login, role, organisation_id, jurisdiction_id, person_id, active, valid_until"
"""Of an account; how its holder logs in (password, attempts) is a matter of the side where he does."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Names are schema.table; ``only`` are conditions over the columns; ``*`` in ``inner`` stands for all others."""

    outward: tuple[str, ...]
    only: dict[str, str]
    own: frozenset[str]
    inner: frozenset[str]

    def place(self, name: str) -> str | None:
        """outward, own or inner; None for a table that nobody has thought of."""
        if name in self.outward:
            return "outward"
        if name in self.own:
            return "own"
        return "inner" if name in self.inner or f"{name.split('.', maxsplit=1)[0]}.*" in self.inner else None


@cache
def tables() -> Tables:
    """The lists."""
    document = yaml.safe_load((files("equipment.link") / "tables.yaml").read_text(encoding="utf-8"))

    def names(part: str) -> Iterator[str]:
        return (f"{schema}.{name}" for schema, listed in document[part].items() for name in listed)

    only = {f"equipment.{name}": condition for name, condition in document["only"].items()}
    return Tables(tuple(names("outward")), only, frozenset(document["own"]), frozenset(names("inner")))


def _named(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split("."))


def set_up(conn: Connection, side: Side, now: datetime) -> int:
    """Make this installation one side of two: the government side begins to send, the internet side refuses to decide.

    Needs the owner, in autocommit. Every table is taken whole with the change from which on it is followed, so nothing
    is missed; repeated, it only takes up tables that are new. Returns how many were.

    Raises
    ------
    LinkError
        It is the other side already.
    """
    conn.execute(QUERIES.set_side, (side.value, now))
    conn.execute(QUERIES.begin, (GENESIS, now, now))
    row = conn.execute(QUERIES.side).fetchone()
    if row is None or row[0] != side.value:
        raise LinkError(f"本库已设为 {row[0] if row else '?'} 侧 (this database is the other side already)")
    known = {row[0] for row in conn.execute("select name from equipment.link_table")}
    fresh = [name for name in tables().outward if name not in known]
    for name in fresh:
        with conn.transaction():
            if side is Side.INNER:
                _follow(conn, name, now)
            elif name not in BEGUN_OUTSIDE:
                _guard(conn, name)
            conn.execute("insert into equipment.link_table (name) values (%s)", (name,))
    return len(fresh)


def _follow(conn: Connection, name: str, now: datetime) -> None:
    """Take the table whole, and from the same moment on every change of it."""
    table, condition = _named(name), tables().only.get(name)
    conn.execute(sql.SQL("lock table {} in share row exclusive mode").format(table))
    # conditions are texts of the package
    when = f"when ({_of_new(condition)})" if condition else ""
    conn.execute(
        sql.SQL(
            f"create trigger link_capture after insert or update on {{}} for each row {when}"
            " execute function equipment.link_capture()"
        ).format(table)
    )
    conn.execute(
        sql.SQL(
            "create trigger link_capture_gone after delete on {} for each row execute function equipment.link_capture()"
        ).format(table)
    )
    # as link_capture() does: what belongs to no unit may carry a caller's number
    hidden = "case when to_jsonb(x) ? 'payload' and x.unit_no is null then '{\"payload\": {}}'::jsonb else '{}' end"
    row = f"to_jsonb(x) || {hidden}" if name == "equipment.stream_entry" else "to_jsonb(x)"
    said = sql.SQL(
        "insert into equipment.link_pending (kind, content, at)"
        " select 'row', jsonb_build_object('t', {}::text, 'op', 'I', 'r', "
    ).format(sql.Literal(name))
    rest = sql.SQL("), {} from {} x ").format(sql.Literal(now), table)
    conn.execute(said + sql.SQL(row) + rest + sql.SQL(f"where {condition}" if condition else ""))


def _of_new(condition: str) -> str:
    """The condition over the new row of a trigger: its columns begin each comparison."""
    return " and ".join(f"new.{part.strip()}" for part in condition.split(" and "))


def _guard(conn: Connection, name: str) -> None:
    if name == "equipment.account":
        conn.execute(
            "create trigger link_login after update on equipment.account for each row"
            " when (old.must_change and not new.must_change) execute function equipment.link_login_set()"
        )
    changes = LOGIN_COLUMNS if name == "equipment.account" else "update"
    conn.execute(
        sql.SQL(
            f"create trigger link_guard before insert or delete or {changes} on {{}} for each row"
            " execute function equipment.link_refuse()"
        ).format(_named(name))
    )
