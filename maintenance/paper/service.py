"""The switch from paper and old scans. Every function runs in its caller's transaction and scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from equipment.access.model import Asker
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from equipment.registry.store import require_unit
from maintenance.checklists.catalogue import LEVELS
from maintenance.errors import PaperError

QUERIES = load_queries(__file__)
CYCLE_DAYS = 15
CYCLES = 2
"""Two maintenance cycles side by side, as Chongqing does: a default, not law here."""
MOST_CYCLES = 12


@dataclass(frozen=True, slots=True)
class Switch:
    """A firm's switch: from ``paperless_from`` on nobody asks for paper."""

    firm_org_id: int
    parallel_from: date
    cycles: int
    paperless_from: date
    who: str
    recorded_at: datetime

    def state(self, today: date) -> str:
        """planned, parallel or paperless."""
        if today < self.parallel_from:
            return "planned"
        return "parallel" if today < self.paperless_from else "paperless"


def paperless_day(parallel_from: date, cycles: int) -> date:
    """The day from which paper is no longer asked for.

    >>> paperless_day(date(2026, 3, 2), 2).isoformat()
    '2026-04-01'
    """
    return parallel_from + timedelta(days=cycles * CYCLE_DAYS)


def switch(conn: Connection, parallel_from: date, cycles: int, asker: Asker, now: datetime) -> Switch:
    """Begin to run side by side, or move the day; what stood before stays in the history.

    Raises
    ------
    PaperError
        The day lies too far back, the number of cycles is out of bounds, or paper is given up already.
    """
    today = now.astimezone(SHANGHAI).date()
    if not 0 <= cycles <= MOST_CYCLES or parallel_from < today:
        raise PaperError(f"起始日不早于今天，周期 0 至 {MOST_CYCLES} (from today on, 0 to {MOST_CYCLES} cycles)")
    before = switch_of(conn, asker.organisation_id or 0)
    if before is not None and before.state(today) == "paperless":
        raise PaperError(
            f"已自 {before.paperless_from} 起无纸化，不再改回纸质 (paperless already: there is no way back)"
        )
    until = paperless_day(parallel_from, cycles)
    values = (asker.organisation_id, parallel_from, cycles, until, asker.account_id, asker.display_name, now)
    conn.execute(QUERIES.switch, values)
    return Switch(asker.organisation_id or 0, parallel_from, cycles, until, asker.display_name, now)


def switch_of(conn: Connection, firm: int) -> Switch | None:
    """A firm's newest switch; None: it has not begun."""
    row = conn.execute(QUERIES.newest, (firm,)).fetchone()
    return None if row is None else Switch(*row)


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan of a paper record. Its picture was sent before, like a photo."""

    on: date
    level: str
    sha256: bytes
    note: str = ""


def attach(conn: Connection, unit_id: str, scan: Scan, asker: Asker, now: datetime) -> bool:
    """Attach a scan as 历史. It proves nothing and no visit counts by it. False: it is attached so already.

    Raises
    ------
    PaperError
        The picture has not arrived, the day is to come, the level is unknown, or the same file is attached to another day.
    """
    if scan.level not in (*LEVELS, "on_demand"):
        raise PaperError(f"级别须为 {', '.join((*LEVELS, 'on_demand'))} (the level is unknown)")
    if scan.on > now.astimezone(SHANGHAI).date():
        raise PaperError(f"日期 {scan.on} 还没到 (the day is to come)")
    unit = require_unit(conn, unit_id)
    made = conn.execute(
        QUERIES.add_scan,
        {
            "unit_no": unit.no, "firm": asker.organisation_id, "on": scan.on, "level": scan.level, "sha256": scan.sha256,
            "note": scan.note, "account": asker.account_id, "now": now,
        },
    ).fetchone()  # fmt: skip
    if made is not None:
        return True
    there = conn.execute(QUERIES.scan_of, (unit.no, scan.sha256)).fetchone()
    if there is None:
        raise PaperError("扫描件尚未上传完，请先上传文件 (send the file first, then attach it)")
    if (there[0], there[1]) != (scan.on, scan.level):
        raise PaperError(
            f"同一文件已归入本台 {there[0]} 的记录，请核对日期和级别 (the same file is attached to another visit of this lift)"
        )
    return False
