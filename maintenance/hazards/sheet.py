"""台账 as a sheet: what the columns of the ledger ask for beyond what a hazard itself carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from equipment.foundation.database import Connection, load_queries

QUERIES = load_queries(__file__, "sheet.sql")


@dataclass(frozen=True, slots=True)
class Line:
    """One hazard's story in the ledger's columns. ``extended``: extensions granted; the last three count photographs and files."""

    hazard_id: int
    district: str | None
    device_code: str | None
    certificate_no: str | None
    subject: str | None
    address: str | None
    use_unit: str | None
    firm: str | None
    opened_by: str | None
    hand_over_no: str | None
    handed_at: datetime | None
    receipt_at: datetime | None
    applied_at: datetime | None
    progress: str | None
    checked_at: datetime | None
    checkers: str | None
    conclusion: str | None
    extended: int
    notices: str | None
    orders: str | None
    before: int
    after: int
    other: int


def lines(conn: Connection, hazard_ids: Sequence[int]) -> dict[int, Line]:
    """The lines of these hazards, as the caller may see them."""
    return {row[0]: Line(*row) for row in conn.execute(QUERIES.lines, (list(hazard_ids),))}
