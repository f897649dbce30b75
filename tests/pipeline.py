"""The worker's path without a broker: messages at scripted times through decode, store and stage, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from alarms.stage import AlarmStage
from equipment.city.build import build_city
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import Connection
from equipment.foundation.timescale import probe
from equipment.registry.store import units_for_worker
from ingest import lease
from ingest.clock_offset import ClockLimits, ClockOffsets
from ingest.decode import Decode
from ingest.model import Channel, Message, Stage, Tally
from ingest.settings import IngestSettings
from ingest.store import Store, Stored
from ingest.topics import topic_of

PASSWORD = "pipeline-city-7"  # of a throw-away database
LIFETIME = timedelta(days=1)
LIMITS = ClockLimits(86_400_000_000, 400 * 86_400_000_000, 60_000_000)
RESTING = {
    "service_mode": 1, "car_moving": False, "car_direction": 0, "door_zone": True, "door_closed": True,
    "passenger": False, "speed_m_s": 0.0, "safety_chain_closed": True, "alarm_button": False,
}  # fmt: skip
TRAPPED = RESTING | {"door_zone": False, "passenger": True}
FREED = RESTING | {"door_zone": True, "door_closed": False}


def sample(at: datetime, seq: int, values: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """One sample of the device contract."""
    made: dict[str, Any] = {"ts": round(at.timestamp() * 1_000), "seq": seq}
    return made | ({"values": values} if values is not None else {}) | more


@dataclass
class Pipeline:
    """A worker that owns every shard of a small city."""

    conn: Connection
    clock: ManualClock
    stage: Stage = field(default_factory=AlarmStage.shipped)
    seq: int = 0

    def __post_init__(self) -> None:
        row = self.conn.execute("select count(*) from equipment.unit").fetchone()
        if row is not None and row[0] == 0:
            build_city(self.conn, units=12, seed=7, now=self.clock.now(), password=PASSWORD)
        lease.make_shards(self.conn)
        self.lease = lease.take_free(self.conn, "pipeline", self.clock.now(), LIFETIME)
        self.decode = Decode(units_for_worker(self.conn), ClockOffsets(LIMITS), IngestSettings().payload_bytes)
        self.store = Store(probe(self.conn))
        self.stage.acquire(self.conn, sorted(self.lease.epochs), self.clock.now())
        self.conn.commit()

    @property
    def lifts(self) -> list[str]:
        """Ids of the city's lifts."""
        return [row[0] for row in self.conn.execute("select id from equipment.unit where kind = 'lift' order by no")]

    def message(self, topic: str, payload: bytes, **marks: Any) -> Message:
        """A delivery at this moment."""
        parts = topic.split("/")
        try:
            shard = int(parts[2], 16)
        except (IndexError, ValueError):
            shard = 0
        values: dict[str, Any] = {"dup": False, "retained": False, "mid": 1} | marks
        return Message(topic, payload, self.clock.now(), shard=shard, **values)

    def receive(self, *messages: Message) -> Stored:
        """One batch: stored and judged, or nothing of it."""
        now = self.clock.now()
        decoded = self.decode.decode(messages)
        with self.conn.transaction():
            stored = self.store.store(self.conn, decoded, self.decode.clocks, self.lease, self.stage.rule_set, now)
            self.stage.judge(self.conn, stored.batches, stored.rows, now)
        self.store.states.confirm()
        return stored

    def send(self, unit: str, values: dict[str, Any] | None = None, at: datetime | None = None, **more: Any) -> Stored:
        """One telemetry sample of this moment."""
        self.seq += 1
        body = sample(at or self.clock.now(), self.seq, values, **more)
        return self.raw(unit, body)

    def raw(self, unit: str, body: Any, channel: Channel = Channel.TELEMETRY, **marks: Any) -> Stored:
        """One payload of a unit: bytes as they are, anything else as JSON."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.receive(self.message(topic_of(unit, channel), payload, **marks))

    def wait(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass; timers are looked at as the worker does."""
        left = seconds
        while left > 0:
            self.clock.advance(min(step, left))
            left -= step
            if self.stage.due(self.clock.now()):
                with self.conn.transaction():
                    self.stage.tick(self.conn, self.clock.now())

    def checkpoint(self) -> None:
        """Save the rules' state, as the worker does every half minute."""
        self.stage.rotate()
        shards = [shard for (shard,) in self.conn.execute("select distinct shard from ingest.batch order by shard")]
        with self.conn.transaction():
            self.stage.checkpoint(self.conn, shards, self.clock.now())

    def restart(self, stage: Stage | None = None) -> None:
        """The worker was killed: everything in memory is gone."""
        self.stage = stage or AlarmStage.shipped()
        self.store = Store(probe(self.conn))
        self.store.forget_connection()
        self.conn.execute("discard temp")
        self.decode = Decode(units_for_worker(self.conn), ClockOffsets(LIMITS), IngestSettings().payload_bytes)
        with self.conn.transaction():
            self.stage.acquire(self.conn, sorted(self.lease.epochs), self.clock.now())

    def alarms(self, unit: str | None = None) -> list[tuple[str, str, datetime]]:
        """Rule, state and time of raising of every alarm, in order."""
        return [
            (row[0], row[1], row[2])
            for row in self.conn.execute(
                "select a.rule, a.state, a.raised_at from alarms.alarm a join equipment.unit u on u.no = a.unit_no"
                " where %s::text is null or u.id = %s order by a.raised_at, a.rule",
                (unit, unit),
            )
        ]

    def quarantine(self) -> list[tuple[str, bytes, int]]:
        """Reason, raw bytes and samples of everything refused, in order."""
        rows = self.conn.execute("select reason, payload, samples from ingest.quarantine order by id")
        return [(row[0], bytes(row[1]), int(row[2])) for row in rows]

    def account(self) -> Tally:
        """The delivery account over all batches."""
        row = self.conn.execute(
            "select sum(stored), sum(duplicates), sum(quarantined), sum(redelivered), sum(late), sum(received) from ingest.batch"
        ).fetchone()
        values = [int(v or 0) for v in row or (0,) * 6]
        tally = Tally(*values[:5])
        assert tally.received == values[5]
        return tally

    def rows(self, unit: str) -> int:
        """Stored samples of a lift."""
        row = self.conn.execute(
            "select count(*) from ingest.reading_lift r join equipment.unit u on u.no = r.unit_no where u.id = %s",
            (unit,),
        ).fetchone()
        return int(row[0]) if row else 0


def raised(pipeline: Pipeline, rule: str, units: Sequence[str] = ()) -> list[datetime]:
    """When alarms of a rule were raised."""
    found = [a for unit in units for a in pipeline.alarms(unit)] if units else pipeline.alarms()
    return [at for name, _, at in found if name == rule]
