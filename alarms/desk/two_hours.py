"""两小时规则: an entrapment that lasts is told to named people, and may be an accident with its own clock.

The thresholds are those of the accident register (equipment/accidents): hours inside, deaths, serious injuries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from alarms.desk.phone import QUERIES
from alarms.errors import AlarmsInputError, TransitionError, UnknownIncidentError
from alarms.incidents.settings import DeskSettings
from alarms.paging import outbox
from alarms.paging.outbox import QUERIES as OUTBOX
from alarms.paging.outbox import Notice
from equipment.access.model import Asker
from equipment.accidents.model import AccidentLevel, NewAccident
from equipment.accidents.register import criteria_met, level_of, register
from equipment.foundation import stream
from equipment.foundation.clock import SHANGHAI
from equipment.foundation.database import Connection

LOOK_BACK = timedelta(days=3)
DECISIONS = ("reported", "not_an_accident")


@dataclass(frozen=True, slots=True)
class Running:
    """An entrapment that runs or ended a short while ago, or an incident with a death or a serious injury."""

    id: int
    number: str
    unit_no: int | None
    kind: str
    path: str | None
    began_at: datetime
    freed_at: datetime | None
    deaths: int
    serious: int
    trapped_inside: bool
    trapped: int | None
    place: str

    def minutes(self, now: datetime) -> int:
        """Whole minutes that people were inside; 0 when nobody was."""
        if not self.trapped_inside:
            return 0
        return max(0, int(((self.freed_at or now) - self.began_at).total_seconds() // 60))


@dataclass(frozen=True, slots=True)
class PossibleAccident:
    """可能的事故: what it may be, until when it must be reported, and what was decided.

    Without ``report_by`` nothing says that it is one. ``trapped_minutes`` None: nobody was inside.
    """

    incident_id: int
    since: datetime | None
    report_by: datetime | None
    reasons: list[str] | None
    level: str | None
    deaths: int
    serious_injuries: int
    trapped_minutes: int | None
    decided_at: datetime | None
    decision: str | None
    accident_number: str | None
    reason: str | None
    incident_number: str
    unit_no: int | None
    unit_id: str | None
    unit_kind: str | None
    jurisdiction_id: str | None
    began_at: datetime
    trapped: int | None
    injured: int | None
    place: str
    plate: str | None
    milestones: Mapping[str, str]
    """Each milestone that was reached, by its name, with its time (RFC 3339)."""

    @property
    def narrative(self) -> str:
        """What the desk can say of it, for the report: number, place, people, and when what happened."""
        times = sorted((datetime.fromisoformat(at).astimezone(SHANGHAI), name) for name, at in self.milestones.items())
        people = [
            f"{words}{count}人"
            for words, count in (
                ("被困", self.trapped),
                ("受伤", self.injured),
                ("重伤", self.serious_injuries),
                ("死亡", self.deaths),
            )
            if count
        ]
        parts = [
            f"由应急事件 {self.incident_number} 转入", self.place + (f"（识别码 {self.plate}）" if self.plate else ""), "、".join(people),
            "，".join(f"{at:%m-%d %H:%M:%S} {name}" for at, name in times),
        ]  # fmt: skip
        return "；".join(part for part in parts if part) + "。"


def steps_due(began_at: datetime, steps: tuple[int, ...], told: frozenset[int], now: datetime) -> tuple[int, ...]:
    """Steps [min] whose moment has come and that nobody was told of; the moment itself is in.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    >>> steps_due(at, (30, 60), frozenset(), at + timedelta(minutes=30))
    (30,)
    """
    return tuple(m for m in steps if m not in told and began_at + timedelta(minutes=m) <= now)


def run(conn: Connection, settings: DeskSettings, now: datetime) -> int:
    """Tell whoever is due to be told, and note what may be an accident; returns how much was done."""
    done = 0
    for row in conn.execute(QUERIES.to_judge, {"since": now - LOOK_BACK}).fetchall():
        running = Running(*row)
        done += _tell_steps(conn, running, settings, now)
        done += _judge(conn, running, settings, now)
    return done


def _tell_steps(conn: Connection, running: Running, settings: DeskSettings, now: datetime) -> int:
    if not running.trapped_inside or running.freed_at is not None:
        return 0
    told = frozenset(int(m) for (m,) in conn.execute(QUERIES.steps_told, (running.id,)))
    due = steps_due(running.began_at, settings.steps, told, now)
    for minutes in due:
        people = conn.execute(QUERIES.named_people, {"path": running.path}).fetchall()
        text = (
            f"【96366】困人已{running.minutes(now)}分钟未解救：{running.place}，事件{running.number}"
            f"{'' if running.trapped is None else f'，被困{running.trapped}人'}。满120分钟可能构成一般事故"
        )
        # several steps that are due at once, after an outage, are one message: the newest
        if minutes == due[-1]:
            for number, _, phone, channels in people:
                for channel in channels:
                    key = f"two_hours:{running.id}:{minutes}:{channel}:{number}"
                    outbox.write(conn, Notice(key, "two_hours", channel, phone, {"text": text}, running.id), now)
        due_at = running.began_at + timedelta(minutes=minutes)
        conn.execute(QUERIES.insert_step, (running.id, minutes, due_at, now, [name for _, name, _, _ in people]))
        message = {
            "incident_id": running.id, "number": running.number, "minutes": minutes, "told": len(people),
        }  # fmt: skip
        stream.publish(conn, "desk", "two_hours", message, unit_no=running.unit_no, now=now)
    return len(due)


def _judge(conn: Connection, running: Running, settings: DeskSettings, now: datetime) -> int:
    minutes = running.minutes(now)
    measures = {"deaths": running.deaths, "serious_injuries": running.serious, "trapped_minutes": minutes}
    reasons = [c.id for c in criteria_met(running.kind, measures)]
    over = running.trapped_inside and minutes >= settings.accident_minutes
    if not reasons and not over:
        return 0
    level = level_of(running.kind, measures).value if reasons else AccidentLevel.GENERAL.value
    before = conn.execute(QUERIES.possible, (running.id,)).fetchone()
    if before is not None and (
        before[5] is not None or (before[0], before[1], before[2]) == (level, running.deaths, running.serious)
    ):
        return 0
    since = running.began_at + timedelta(minutes=settings.accident_minutes) if over and not running.deaths else now
    since = min(since, now)
    values = {
        "incident": running.id, "unit": running.unit_no, "since": since, "reasons": reasons, "level": level,
        "report_by": since + timedelta(minutes=settings.report_minutes), "deaths": running.deaths,
        "serious": running.serious, "minutes": minutes, "now": now,
    }  # fmt: skip
    conn.execute(QUERIES.upsert_possible, values)
    _task(conn, running, "accident_report", since + timedelta(minutes=settings.report_minutes), {"level": level}, now)
    if running.deaths or running.serious:
        # whoever dies of it within 30 days is one of its dead
        due = running.began_at + timedelta(days=register().death_days)
        detail = {"deaths": running.deaths, "serious_injuries": running.serious}
        _task(conn, running, "death_follow_up", due, detail, now)
    message = {"incident_id": running.id, "number": running.number, "level": level}
    stream.publish(conn, "desk", "possible_accident", message, unit_no=running.unit_no, now=now)
    return 1


def _task(
    conn: Connection, running: Running, kind: str, due: datetime, detail: Mapping[str, Any], now: datetime
) -> None:
    values = {
        "key": f"{kind}:{running.id}", "kind": kind, "incident": running.id, "unit": running.unit_no,
        "organisation": None, "person": None, "detail": Jsonb(dict(detail)), "now": now, "by": None, "due": due,
    }  # fmt: skip
    conn.execute(OUTBOX.insert_task, values)


def possible(conn: Connection, incident_id: int, now: datetime) -> PossibleAccident:
    """What an incident may be.

    Raises
    ------
    UnknownIncidentError
        Nothing says that it is an accident.
    """
    found = _known(conn, incident_id, now)
    if found is None or found.report_by is None:
        raise UnknownIncidentError("该事件未触及事故判定 (nothing says that this incident is an accident)")
    return found


def draft(conn: Connection, incident_id: int, now: datetime) -> PossibleAccident | None:
    """What the desk knows of any incident, for whoever reports it as an accident; None: no such incident."""
    return _known(conn, incident_id, now)


def _known(conn: Connection, incident_id: int, now: datetime) -> PossibleAccident | None:
    row = conn.execute(QUERIES.possible_one, {"incident": incident_id, "now": now}).fetchone()
    return None if row is None else PossibleAccident(*row)


def prefilled(found: PossibleAccident, now: datetime) -> NewAccident:
    """The accident report as far as the incident knows it, for the one who reports to complete."""
    return NewAccident(
        kind=found.unit_kind or "lift", jurisdiction_id=found.jurisdiction_id or "", occurred_at=found.began_at, reported_at=now,
        deaths=found.deaths, serious_injuries=found.serious_injuries, trapped_minutes=found.trapped_minutes,
        unit_no=found.unit_no, trapped_people=found.trapped, known_at=found.since, incident_number=found.incident_number,
        minor_injuries=max(0, (found.injured or 0) - found.serious_injuries),
        narrative=found.narrative,
    )  # fmt: skip


def decide(conn: Connection, incident_id: int, said: tuple[str, str | None, str], asker: Asker, now: datetime) -> None:
    """It was reported, or it is none: ``said`` is (decision, number of the accident, reason).

    Raises
    ------
    AlarmsInputError, TransitionError
    """
    decision, number, reason = said
    if decision not in DECISIONS or (decision == "reported") != bool(number) or not reason.strip():
        raise AlarmsInputError("已上报须填事故编号，不构成事故须说明理由 (a number if reported; always a reason)")
    if conn.execute(QUERIES.decide, (now, asker.account_id, decision, number, reason, incident_id)).fetchone() is None:
        raise TransitionError("已有结论或未触及事故判定 (decided already, or nothing to decide)")
    conn.execute(QUERIES.close_tasks_of, (now, asker.account_id, reason, incident_id, "accident_report"))
