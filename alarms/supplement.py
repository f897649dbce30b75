"""补录: what was kept on paper while the platform was away is entered later, with its original times.

It becomes a closed incident of the nature 补录 with a call of the source ``paper``; nobody is paged, no clock runs, and no
figure of real incidents counts it. The number on the paper makes it the same entry, however often it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from alarms.errors import ConflictError, ImpossibleOrderError
from alarms.incidents.settings import DeskSettings
from equipment.access.model import Asker
from equipment.foundation import stream
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection, load_queries
from ingest import calls
from ingest.calls import NewCall

QUERIES = load_queries(__file__, "supplement.sql")
SOURCE = "paper"
MODES = {"firm": "firm", "property": "property", "self": "self"}
"""解救方式 of a call as that of an incident; what else it says is 其他."""
STORY = (("reported_at", "opened"), ("dispatched_at", "dispatch"), ("arrived_at", "arrive"), ("freed_at", "free"),
         ("called_back_at", "call_back"), ("closed_at", "close"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Supplement:
    """The entry: ``repeated`` if it was there already."""

    incident_id: int
    number: str
    call_id: int
    unit_id: str | None
    repeated: bool


def enter(
    conn: Connection, paper: NewCall, level: int | None, asker: Asker, settings: DeskSettings, now: datetime
) -> Supplement:
    """Enter what stands on a sheet of paper; ``level`` is the level of response that came, None if nobody was sent.

    Raises
    ------
    ingest.errors.CallError
        Times, counts or codes that cannot be right.
    ImpossibleOrderError
        It is not over yet, or somebody came who was never sent.
    ConflictError
        The number on the paper was entered already, with other content.
    """
    if paper.closed_at is None:
        raise ImpossibleOrderError(
            "补录须填写办结时间；尚未结束的事件请按新来电登记 (give the time of closing; what is still going on is entered as a call)"
        )
    if (level is None) != (paper.dispatched_at is None):
        raise ImpossibleOrderError("派单时间与响应级别须同时填写 (time of dispatch and level belong together)")
    receipt = calls.record_call(conn, paper, asker.account_id, now)
    known = conn.execute(QUERIES.incident_of_call, (str(receipt.id),)).fetchone()
    if known is not None:
        if receipt.result != "unchanged":
            raise ConflictError(
                f"纸质编号 {paper.external_id} 已补录为 {known[1]}，内容不同 (entered already, with other content)"
            )
        return Supplement(known[0], known[1], receipt.id, receipt.unit_id, repeated=True)
    unit = (conn.execute(QUERIES.unit_of_call, (receipt.id,)).fetchone() or (None,))[0]
    incident, number = _insert(conn, paper, unit, asker)
    conn.execute(QUERIES.insert_source, (incident, str(receipt.id), unit, now))
    if level is not None:
        _order(conn, paper, incident, unit, level, asker, settings)
    _tell(conn, paper, incident, number, unit, asker, now)
    return Supplement(incident, number, receipt.id, receipt.unit_id, repeated=False)


def _insert(conn: Connection, paper: NewCall, unit: int | None, asker: Asker) -> tuple[int, str]:
    critical = paper.category == "entrapment" or bool(paper.injured)
    values: dict[str, Any] = {
        "day": paper.reported_at.astimezone(SHANGHAI).strftime("%Y%m%d"), "unit_no": unit, "category": paper.category,
        "severity": "critical" if critical else "high" if paper.category == "fault" else "medium", "place": paper.place,
        "trapped": paper.trapped, "injured": paper.injured, "suspected_dead": paper.suspected_dead,
        "medical_rescue": paper.medical_rescue, "major_incident": paper.major_incident, "seat": asker.account_id,
        "outcome": paper.description or None, "cause_code": paper.cause_code,
        "release_mode": None if paper.release_mode is None else MODES.get(paper.release_mode, "other"),
    } | {column: getattr(paper, column) for column, _ in STORY}  # fmt: skip
    row = conn.execute(QUERIES.insert_incident, values).fetchone()
    if row is None:
        raise RuntimeError("an insert that returns gives a row")
    return int(row[0]), str(row[1])


def _order(
    conn: Connection, paper: NewCall, incident: int, unit: int | None, level: int, asker: Asker, settings: DeskSettings
) -> None:
    ordered = paper.dispatched_at or paper.reported_at
    firm = conn.execute(QUERIES.firm_of, (unit,)).fetchone() if level == 1 and unit is not None else None
    conn.execute(
        QUERIES.insert_dispatch,
        {
            "incident": incident, "unit_no": unit, "level": level, "organisation": firm[0] if firm else None,
            "ordered_at": ordered, "seat": asker.account_id, "answer_by": ordered + settings.answer_within(level),
            "arrive_by": ordered + settings.arrive_within(level), "arrived_at": paper.arrived_at, "ended_at": paper.closed_at,
        },
    )  # fmt: skip


def _tell(
    conn: Connection, paper: NewCall, incident: int, number: str, unit: int | None, asker: Asker, now: datetime
) -> None:
    for column, event in STORY:
        at = getattr(paper, column)
        if at is not None:
            detail = Jsonb({"paper": paper.external_id})
            conn.execute(QUERIES.insert_event, (incident, unit, event, at, now, asker.account_id, "补录", detail))
    message = {
        "incident_id": incident, "number": number, "event": "supplement", "state": "closed", "kind": paper.category,
        "severity": "low", "at": paper.reported_at.isoformat(), "by": asker.display_name,
    }  # fmt: skip
    stream.publish(conn, "desk", "incident", message, unit_no=unit, now=now)
