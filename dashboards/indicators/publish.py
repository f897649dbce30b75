"""Which definition is official, and every value published under it: stored whole, and made again to the same digit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from dashboards.indicators.definitions import (
    DEFAULT,
    FatalityDefinition,
    fatality_definition,
    read_definition,
)
from dashboards.indicators.errors import OfficialError, UnknownValueError
from dashboards.indicators.facts import QUERIES, Facts
from dashboards.indicators.figures import Figure, Inputs, printed_of
from equipment.access.model import Asker
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection

INDICATOR = "fatality"
ALL_VALUES = 1_000_000


@dataclass(frozen=True, slots=True)
class Official:
    """口径 in force: by which document, approved by whom, from when."""

    definition: FatalityDefinition
    document_no: str
    approved_by: str
    valid_from: date


@dataclass(frozen=True, slots=True)
class Published:
    """A value as it was published."""

    id: int
    definition: FatalityDefinition
    place: str
    kind: str
    first: date
    last: date
    known_at: datetime
    inputs: Inputs
    printed: str | None
    document: str | None
    published_at: datetime

    def again(self) -> str | None:
        """The same value, made again from what was stored."""
        return printed_of(self.definition, self.inputs)


def official(conn: Connection, day: date, known_at: datetime) -> Official | None:
    """The definition in force on ``day`` as known at a moment; None: 未定口径."""
    row = conn.execute(QUERIES.official, (INDICATOR, day, known_at)).fetchone()
    if row is None or row[0] is None:
        return None
    return Official(read_definition(row[0]), row[1], row[2], row[3])


def official_of(conn: Connection, facts: Facts) -> Official | None:
    """The definition in force for these facts."""
    return official(conn, facts.day, facts.known_at)


def definition_of(found: Official | None) -> FatalityDefinition:
    """What the analysis uses: the official definition, else the default candidate."""
    return found.definition if found else fatality_definition(DEFAULT)


def keep_definition(conn: Connection, definition: FatalityDefinition, now: datetime) -> int:
    """The stored row of this version; a version never changes its content.

    Raises
    ------
    OfficialError
        The same version was stored with other content.
    """
    conn.execute(
        QUERIES.insert_definition,
        (INDICATOR, definition.id, definition.version, Jsonb(definition.content()), now),
    )
    row = conn.execute(QUERIES.find_definition, (INDICATOR, definition.id, definition.version)).fetchone()
    if row is None or read_definition(row[1]) != definition:
        raise OfficialError(
            f"口径 {definition.id} 第 {definition.version} 版已有不同内容，请提高版本号 (raise the version)"
        )
    return int(row[0])


def make_official(
    conn: Connection, wanted: str | None, document_no: str, approved_by: str, valid_from: date,
    by: tuple[int | None, datetime],
) -> int:  # fmt: skip
    """Choose a candidate as the official definition, or withdraw the choice (``wanted`` None).

    Raises
    ------
    OfficialError
        No document number or no approver: a definition is not chosen by a click.
    UnknownDefinitionError
    """
    if not document_no.strip() or not approved_by.strip():
        raise OfficialError("请填写文号和批准人 (give the document's number and who approved it)")
    account_id, now = by
    definition = keep_definition(conn, fatality_definition(wanted), now) if wanted else None
    row = conn.execute(
        QUERIES.insert_official,
        (INDICATOR, definition, document_no.strip(), approved_by.strip(), valid_from, account_id, now),
    ).fetchone()
    return int(row[0]) if row else 0


def publish(
    conn: Connection, facts: Facts, figure: Figure, now: datetime, *, asker: Asker | None = None, document: str = ""
) -> int:
    """Store a figure with its definition, its inputs and its data cut."""
    inputs = figure.inputs
    row = conn.execute(
        QUERIES.insert_value,
        (
            keep_definition(conn, figure.definition, now), inputs.place, inputs.kind, inputs.first, inputs.last,
            facts.known_at, Jsonb(inputs.as_json()), Jsonb({"printed": figure.printed}), document or None,
            asker.account_id if asker else None, now,
        ),
    ).fetchone()  # fmt: skip
    return int(row[0]) if row else 0


def values(conn: Connection, limit: int = ALL_VALUES) -> list[Published]:
    """Published values, newest first."""
    return [_published(row) for row in conn.execute(QUERIES.values, {"id": None, "limit": limit})]


def require_value(conn: Connection, wanted: int) -> Published:
    """One published value.

    Raises
    ------
    UnknownValueError
        There is none, or not for whoever asks.
    """
    row = conn.execute(QUERIES.values, {"id": wanted, "limit": 1}).fetchone()
    if row is None:
        raise UnknownValueError(f"没有已公布数值 {wanted} (no such published value)")
    return _published(row)


def _published(row: Any) -> Published:
    value: Mapping[str, Any] = row[8]
    return Published(
        id=row[0], definition=read_definition(row[11]), place=row[2], kind=row[3], first=row[4], last=row[5],
        known_at=row[6].astimezone(SHANGHAI), inputs=Inputs.from_json(row[7]), printed=value["printed"], document=row[9],
        published_at=row[10],
    )  # fmt: skip
