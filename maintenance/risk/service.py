"""Publishing a matrix and judging by the newest. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from equipment.access.model import Asker
from equipment.access.store import audit
from equipment.foundation.database import Connection, load_queries
from maintenance.errors import StepError
from maintenance.risk.matrix import read_matrix, shipped_content

QUERIES = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Published:
    """A matrix with its version; version 0 is the shipped one, which nobody has published."""

    version: int
    content: dict[str, Any]
    basis: str
    published_at: datetime | None


def current(conn: Connection) -> Published:
    """The matrix that counts now."""
    row = conn.execute(QUERIES.newest).fetchone()
    return Published(*row) if row else Published(0, shipped_content(), "平台默认，未经发布", None)


def publish(
    conn: Connection, content: Mapping[str, Any], basis: str, asker: Asker, now: datetime
) -> Published:  # fmt: skip
    """Publish a new version; what was judged by an older one stays as it was.

    Raises
    ------
    StepError
        It cannot be right, or the document that decided it is not named.
    """
    read_matrix(content)
    if not basis.strip():
        raise StepError("请写明发布依据 (name the document that decided it)")
    conn.execute(QUERIES.publish, (Jsonb(dict(content)), basis.strip(), now, asker.account_id))
    made = current(conn)
    audit(conn, asker, "risk.publish", f"risk_matrix:{made.version}", now)
    return made


def assess(conn: Connection, given: Mapping[str, Any]) -> dict[str, Any]:
    """The colour of a hazard by the newest matrix, with everything it was judged by.

    Raises
    ------
    StepError
    """
    matrix = current(conn)
    methods = read_matrix(matrix.content)
    method = methods.get(str(given.get("method", "")))
    if method is None:
        raise StepError(f"评价方法须为 {', '.join(methods)} 之一 (one of these)")
    value = method.value(given)
    factors = {name: float(given[name]) for name in method.factors}
    return {
        "method": method.name,
        "factors": factors,
        "value": value,
        "colour": method.colour(value),
        "version": matrix.version,
    }
