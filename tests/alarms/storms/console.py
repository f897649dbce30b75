"""Alarms at scripted seconds through the store, the streams and the incidents' consumer; a real database, no device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from alarms.engine.telling import Transition
from alarms.incidents.runner import IncidentRunner
from alarms.incidents.settings import DeskSettings
from alarms.store import alarm_id, write_transitions
from alarms.suppression.service import release_due
from equipment.foundation import stream
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import Connection
from ingest.decode import to_us
from tests.alarms.engine.script import pack_rule

POWER, TRAPPED, BUTTON, SILENT = "lift.power_lost", "lift.entrapment", "lift.alarm_button", "lift.silent"


@dataclass
class Console:
    """A desk over some units, and the seconds of its script."""

    conn: Connection
    clock: ManualClock
    runner: IncidentRunner = field(default_factory=lambda: IncidentRunner(DeskSettings()))
    began: dict[tuple[str, int], datetime] = field(default_factory=dict)
    zero: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.zero = self.clock.now()

    @property
    def lifts(self) -> list[int]:
        """Numbers of the lifts of the district that has most of them."""
        rows = self.conn.execute(
            "select no, jurisdiction_path from equipment.unit where kind = 'lift' and device_model is not null"
            " and status = 'in_use' order by no"
        ).fetchall()
        district = ["/".join(path.split("/")[:4]) for _, path in rows]
        most = max(sorted(set(district)), key=district.count)
        return [no for (no, _), of in zip(rows, district, strict=True) if of == most]

    def to(self, second: float) -> None:
        """Let time pass until this second; the jobs look once a second, and at the end."""
        aim = self.zero + timedelta(seconds=second)
        while self.clock.now() < aim:
            step = min(
                timedelta(seconds=1 if aim - self.clock.now() < timedelta(minutes=1) else 15), aim - self.clock.now()
            )
            self.clock.advance(step.total_seconds())
            self.turn()

    def say(self, second: float, event: str, rule: str, units: Sequence[int], **more: Any) -> None:
        """At this second the engine says this of these units."""
        self.to(second)
        now = self.clock.now()
        made = []
        for unit in units:
            if event == "raised":
                self.began[rule, unit] = now
            started = self.began[rule, unit]
            made.append(_transition(rule, unit, event, to_us(started), to_us(now), **more))
        with self.conn.transaction():
            write_transitions(self.conn, made, {}, now)
        self.turn()

    def turn(self) -> None:
        """What the jobs do."""
        now = self.clock.now()
        for _ in range(2):
            while any(stream.sequence_waiting(self.conn, now).values()):
                pass
            while self.runner.run_once(self.conn, now):
                pass
        with self.conn.transaction():
            release_due(self.conn, now)

    def restart(self) -> None:
        """The process was killed: only the database is left."""
        self.runner = IncidentRunner(DeskSettings())

    def key(self, rule: str, unit: int) -> str:
        """The id of the newest alarm of a rule and a unit."""
        return alarm_id(pack_rule(rule), unit, to_us(self.began[rule, unit]))

    def state(self, rule: str, unit: int) -> str:
        """Its state."""
        return str(self.one("select state from alarms.alarm where id = %s", self.key(rule, unit)))

    def one(self, query: Any, *values: Any) -> Any:
        """The one value of a query."""
        row = self.conn.execute(query, values).fetchone()
        return None if row is None else row[0]

    def all(self, query: Any, *values: Any) -> list[Any]:
        """Rows; a row of one column as its value, times as seconds of the script."""
        found = [tuple(map(self._second, row)) for row in self.conn.execute(query, values)]
        return [row[0] if len(row) == 1 else row for row in found]

    def _second(self, value: Any) -> Any:
        return (value - self.zero).total_seconds() if isinstance(value, datetime) else value


def _transition(rule: str, unit: int, event: str, started_us: int, at_us: int, **more: Any) -> Transition:
    found = pack_rule(rule)
    severity = more.get("severity", found.severity)
    suppressed = bool(more.get("suppressed"))
    return Transition(found, unit, event, started_us, at_us, severity, suppressed, late=False, evidence={"test": True})
