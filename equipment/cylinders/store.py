"""Cylinders, fills, events and refusals as they are read. Scope decides what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from equipment.cylinders.media import media
from equipment.cylinders.model import Cylinder, EventRow, FillRow, PublicCylinder
from equipment.cylinders.settings import CylinderSettings
from equipment.cylinders.stations import QUERIES
from equipment.errors import UnknownCylinderError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection

PAGE = 50
SOON = timedelta(days=60)
"""临期: how long before its inspection a cylinder is shown as due."""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
NEWEST = 2**62


@dataclass(frozen=True, slots=True)
class CylinderFilter:
    """What to look for: ``text`` is a whole code or serial number."""

    text: str = ""
    state: str = ""
    station_id: int | None = None


@dataclass(frozen=True, slots=True)
class DueCounts:
    """Cylinders by their inspection: overdue, due within :data:`SOON`, and without a known date."""

    overdue: int
    soon: int
    undated: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """拒充记录 as it is shown."""

    id: int
    at: datetime
    recorded_at: datetime
    station_id: int
    station: str | None
    cylinder_no: int | None
    code: str
    stage: str
    medium: str
    reasons: tuple[str, ...]
    clause: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """To whom a cylinder went; erased when the trace ends."""

    at: datetime
    recipient: str
    phone: str | None
    address: str | None


def unknown(code: str) -> UnknownCylinderError:
    """The one answer to a code that does not exist and to one that the caller may not see."""
    return UnknownCylinderError(f"没有气瓶 {code[:60]!r} (no such cylinder, or not one of yours)")


def find(conn: Connection, code: str) -> Cylinder:
    """The cylinder of that code.

    Raises
    ------
    UnknownCylinderError
    """
    row = None
    if "\x00" not in code:
        row = conn.execute(f"{QUERIES.cylinder_columns} {QUERIES.where_code}", (code,)).fetchone()
    if row is None:
        raise unknown(code)
    return Cylinder(*row)


def search(conn: Connection, wanted: CylinderFilter, after: int = 0, limit: int = PAGE) -> list[Cylinder]:
    """A page of cylinders in order of their number; ``after`` is the last number of the page before."""
    values = {"text": wanted.text.replace("\x00", ""), "state": wanted.state, "station": wanted.station_id,
              "after": after, "limit": limit}  # fmt: skip
    return [Cylinder(*row) for row in conn.execute(f"{QUERIES.cylinder_columns} {QUERIES.search}", values)]


def due_for_inspection(
    conn: Connection, since: date, before: date, station_id: int | None = None, offset: int = 0, limit: int = PAGE
) -> list[Cylinder]:
    """Cylinders whose inspection is due from ``since`` to before ``before``, the longest overdue first."""
    values = {"since": since, "before": before, "station": station_id, "offset": offset, "limit": limit}
    return [Cylinder(*row) for row in conn.execute(f"{QUERIES.cylinder_columns} {QUERIES.due}", values)]


def without_inspection(
    conn: Connection, station_id: int | None = None, offset: int = 0, limit: int = PAGE
) -> list[Cylinder]:
    """Cylinders of which nobody knows when they are due: they may not be filled."""
    values = {"station": station_id, "offset": offset, "limit": limit}
    return [Cylinder(*row) for row in conn.execute(f"{QUERIES.cylinder_columns} {QUERIES.undated}", values)]


def due_counts(conn: Connection, now: datetime) -> DueCounts:
    """How many are overdue, due soon and undated."""
    today = now.astimezone(SHANGHAI).date()
    row = conn.execute(QUERIES.due_counts, {"today": today, "soon": today + SOON}).fetchone()
    return DueCounts(*row) if row else DueCounts(0, 0, 0)


def fills(conn: Connection, since: datetime, before: datetime, below: int = 0, limit: int = PAGE) -> list[FillRow]:
    """Fills from ``since`` to before ``before``, newest first.

    ``below`` goes on after a page that ended within one moment: fills at ``before`` of cylinders with a lower number.
    """
    return [_fill(row) for row in conn.execute(QUERIES.fills_between, (since, before, below, limit))]


def fills_of(conn: Connection, cylinder_no: int, limit: int = PAGE) -> list[FillRow]:
    """The newest fills of a cylinder."""
    return [_fill(row) for row in conn.execute(QUERIES.fills_of_cylinder, (cylinder_no, limit))]


def _fill(row: Sequence[object]) -> FillRow:
    values = list(row)
    values[26] = tuple(values[26] or ())  # type: ignore[arg-type]
    return FillRow(*values)  # type: ignore[arg-type]


def events_of(conn: Connection, cylinder_no: int, limit: int = PAGE) -> list[EventRow]:
    """The newest events of a cylinder."""
    return [EventRow(*row) for row in conn.execute(QUERIES.events_of_cylinder, (cylinder_no, limit))]


def deliveries_of(conn: Connection, cylinder_no: int, limit: int = PAGE) -> list[Delivery]:
    """To whom a cylinder went, newest first."""
    return [Delivery(*row) for row in conn.execute(QUERIES.deliveries, (cylinder_no, limit))]


def refusals(conn: Connection, before: int = NEWEST, code: str = "", limit: int = PAGE) -> list[Refusal]:
    """Refusals, newest first; ``before`` is the last id of the page before."""
    rows = conn.execute(QUERIES.refusals, {"before": before, "code": code.replace("\x00", ""), "limit": limit})
    return [Refusal(*[*first, tuple(reasons), clause]) for *first, reasons, clause in rows]


def refusals_since(conn: Connection, since: datetime) -> int:
    """How many refusals were recorded since."""
    row = conn.execute(QUERIES.refusal_count, (since,)).fetchone()
    return int(row[0]) if row else 0


def public(conn: Connection, code: str, now: datetime) -> PublicCylinder | None:
    """扫码公示 of a code; needs no scope."""
    if "\x00" in code:
        return None
    row = conn.execute(QUERIES.public, (code, now.astimezone(SHANGHAI).date())).fetchone()
    if row is None:
        return None
    *shown, made, scrap_date = row
    medium = media().get(row[2])
    end = CylinderSettings().end_of_life(made, medium, scrap_date) if medium else scrap_date
    return PublicCylinder(*[*shown, end])
