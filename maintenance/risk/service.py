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
from maintenance.risk.matrix import Method, read_matrix, shipped_content

QUERIES = load_queries(__file__)


MOST_VERSIONS = 200
MOST_JUDGED = 20_000


@dataclass(frozen=True, slots=True)
class Published:
    """A matrix with its version; version 0 is the shipped one, which nobody has published."""

    version: int
    content: dict[str, Any]
    basis: str
    approved_by: str = ""
    published_at: datetime | None = None
    published_by: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """An open hazard that would take another colour; ``after`` is None where a factor's value would exist no more."""

    hazard_id: int
    number: str
    method: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a matrix would do: combinations of factors by method and colour, and the open hazards judged otherwise."""

    combinations: dict[str, dict[str, int]]
    judged: int
    changed: tuple[Changed, ...]


def versions(conn: Connection) -> list[Published]:
    """Every matrix that was published, the newest first, and the shipped one."""
    found = [Published(*row) for row in conn.execute(QUERIES.versions, (MOST_VERSIONS,))]
    return [*found, Published(0, shipped_content(), "平台默认，未经发布")]


def current(conn: Connection) -> Published:
    """The matrix that counts now."""
    return versions(conn)[0]


def preview(conn: Connection, content: Mapping[str, Any]) -> Preview:
    """What would change if the open hazards were judged again by a matrix; nothing is changed.

    Raises
    ------
    StepError
        The matrix cannot be right.
    """
    methods = read_matrix(content)
    judged = conn.execute(QUERIES.judged_open, (MOST_JUDGED,)).fetchall()
    changed = []
    for hazard_id, number, risk, before in judged:
        after = _judged_again(methods, risk)
        if after != before:
            changed.append(Changed(hazard_id, number, str(risk["method"]), before, after))
    return Preview({name: m.combinations() for name, m in methods.items()}, len(judged), tuple(changed))


def _judged_again(methods: Mapping[str, Method], risk: Mapping[str, Any]) -> str | None:
    method = methods.get(str(risk["method"]))
    if method is None or any(risk["factors"].get(f) not in allowed for f, allowed in method.factors.items()):
        return None
    return method.colour(method.value(risk["factors"]))


def publish(
    conn: Connection, content: Mapping[str, Any], basis: str, approved_by: str, asker: Asker, now: datetime
) -> Published:  # fmt: skip
    """Publish a new version; what was judged by an older one stays as it was.

    Raises
    ------
    StepError
        It cannot be right, changes nothing, or the document that decided it or who approved it is not named.
    """
    read_matrix(content)
    if not basis.strip() or not approved_by.strip():
        raise StepError("请写明发布依据和批准人 (name the document that decided it and who approved it)")
    if dict(content) == current(conn).content:
        raise StepError("与现行矩阵相同，无须发布 (it is the present matrix: nothing to publish)")
    values = (Jsonb(dict(content)), basis.strip(), approved_by.strip(), now, asker.account_id)
    conn.execute(QUERIES.publish, values)
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
