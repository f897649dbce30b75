"""Facts for due dates from the register, and inspections into it."""

from __future__ import annotations

from datetime import date, datetime

from equipment.access.model import Asker
from equipment.access.store import Change, audit
from equipment.due.dates import Due, Facts, Inspection, due_dates
from equipment.errors import EquipmentInputError, UnknownUnitError
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.history.store import periods
from equipment.parties.store import refusals_in_words
from equipment.registry.model import Unit

QUERIES = load_queries(__file__)


def inspections(conn: Connection, unit_no: int) -> list[Inspection]:
    """Inspections and self-tests of a unit, oldest first, without those that were corrected."""
    return [Inspection(*row) for row in conn.execute(QUERIES.inspections, (unit_no,))]


def add_inspection(
    conn: Connection, unit_id: str, new: Inspection, body_org_id: int | None, asker: Asker | None, now: datetime
) -> int:
    """Record a 检验 or 自行检测; returns its id.

    Raises
    ------
    UnknownUnitError, EquipmentInputError, OutOfScopeError
    """
    if new.on > now.astimezone(SHANGHAI).date():
        raise EquipmentInputError(f"检验日期 {new.on} 在将来 (the day lies in the future)")
    account = None if asker is None else asker.account_id
    conclusion = "passed" if new.passed else "failed"
    with refusals_in_words(conn):
        row = conn.execute(
            QUERIES.insert_inspection, (new.kind, new.on, conclusion, body_org_id, new.report_no, now, account, unit_id)
        ).fetchone()
    if row is None:
        raise UnknownUnitError(f"没有设备 {unit_id} (no such unit)")
    if asker is not None:
        after = {"kind": new.kind, "on": new.on.isoformat(), "conclusion": conclusion}
        audit(conn, asker, "inspection.add", f"unit:{unit_id}", now, change=Change(new.report_no, None, after))
    return int(row[0])


def facts_of(conn: Connection, unit: Unit) -> Facts:
    """What is known of a unit, for :func:`equipment.due.dates.due_dates`."""
    idle = tuple(
        (p.since, p.until) for p in periods(conn, unit.no) if p.attribute == "status" and p.value == "stopped"
    )  # fmt: skip
    return Facts(
        unit.variety_code, unit.kind, unit.status, unit.first_use_date, unit.certificate_no, unit.insurance_valid_to,
        tuple(inspections(conn, unit.no)), idle,
    )  # fmt: skip


def due_of(conn: Connection, unit: Unit, today: date) -> list[Due]:
    """What is due of a unit."""
    return due_dates(facts_of(conn, unit), today)
