"""The upkeep of the store: rollups, the account, silent terminals, retention, replays. Runs beside the worker.

It has a thread and a connection of its own, because some duties take seconds and nobody's alarm may wait for them. Each
duty notes when it ran, so that one that stands still is seen; one that fails is tried again and does not stop the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from equipment.foundation.clock import Clock
from equipment.foundation.database import Connection, DatabaseRole, connect, load_queries, translated
from equipment.foundation.errors import BrokerUnavailableError, WorldError
from equipment.foundation.logs import get_logger
from equipment.foundation.process import StopSignal, backoff_seconds
from ingest import account_notes, devices, quarantine, retention
from ingest.broker import BrokerAddress
from ingest.credentials.runner import BrokerAuthorisation
from ingest.credentials.settings import CredentialSettings
from ingest.devices import DeviceSettings
from ingest.errors import QuarantineError
from ingest.republish import republisher
from ingest.retention import RetentionSettings
from ingest.rollups.model import Level
from ingest.rollups.refresh import Refresh

log = get_logger("ingest.upkeep")
QUERIES = load_queries(__file__, "upkeep.sql")
LONGEST_FAILURE = 500
PAUSE_SECONDS = 1.0


class UpkeepSettings(BaseSettings):
    """How often each duty is done."""

    model_config = SettingsConfigDict(env_prefix="TESHE_UPKEEP_", frozen=True, extra="ignore")

    account_seconds: float = Field(default=5.0, gt=0, description="The account per hour and unit [s]")
    presence_seconds: float = Field(default=5.0, gt=0, description="Who has fallen silent [s]")
    minute_seconds: float = Field(default=60.0, gt=0, description="Rollups per minute [s]")
    hour_seconds: float = Field(default=600.0, gt=0, description="Rollups per hour [s]")
    day_seconds: float = Field(default=3_600.0, gt=0, description="Rollups per day [s]")
    retention_seconds: float = Field(default=3_600.0, gt=0, description="Letting go what is old [s]")
    replay_seconds: float = Field(default=2.0, gt=0, description="Replays that were asked for [s]")
    authorisation_seconds: float = Field(default=2.0, gt=0, description="Credentials of terminals, to the broker [s]")
    violations_seconds: float = Field(default=5.0, gt=0, description="What the broker refused [s]")


@dataclass(frozen=True, slots=True)
class UpkeepOptions:
    """Everything the upkeep is told."""

    times: UpkeepSettings
    retention: RetentionSettings
    devices: DeviceSettings
    broker: BrokerAddress
    credentials: CredentialSettings = field(default_factory=CredentialSettings)


Work = Callable[[Connection, datetime], int]


@dataclass(slots=True)
class _Duty:
    name: str
    every: timedelta
    work: Work
    next_at: datetime | None = None


class Upkeep:
    """All duties, each due in its own rhythm, over one connection in autocommit mode."""

    def __init__(self, conn: Connection, options: UpkeepOptions) -> None:
        self._refresh = Refresh(conn)
        self._options = options
        times = options.times
        authorisation = BrokerAuthorisation(options.credentials, options.broker)
        plan: tuple[tuple[str, float, Work], ...] = (
            ("replays", times.replay_seconds, self._replay),
            ("account", times.account_seconds, lambda c, now: account_notes.fold(c)),
            ("presence", times.presence_seconds, lambda c, now: devices.watch(c, options.devices, now)),
            ("rollup_minute", times.minute_seconds, lambda c, now: self._refresh.run(c, Level.MINUTE)),
            ("rollup_hour", times.hour_seconds, lambda c, now: self._refresh.run(c, Level.HOUR)),
            ("rollup_day", times.day_seconds, lambda c, now: self._refresh.run(c, Level.DAY)),
            ("retention", times.retention_seconds, self._retain),
            ("authorisation", times.authorisation_seconds, authorisation.follow),
            ("violations", times.violations_seconds, authorisation.watch),
        )
        self._duties = [_Duty(name, timedelta(seconds=seconds), work) for name, seconds, work in plan]

    def turn(self, conn: Connection, clock: Clock) -> None:
        """Do what is due.

        Raises
        ------
        DatabaseUnavailableError
            The connection is gone; everything else a duty may meet is noted and the next duty goes on.
        """
        for duty in self._duties:
            now = clock.now()
            if duty.next_at is None or now >= duty.next_at:
                duty.next_at = now + duty.every
                self._do(conn, duty, clock)

    def _do(self, conn: Connection, duty: _Duty, clock: Clock) -> None:
        began, now = clock.monotonic(), clock.now()
        try:
            with translated():
                done = duty.work(conn, now)
        except (psycopg.Error, WorldError) as error:
            if conn.closed or conn.broken:
                raise
            failure = f"{type(error).__name__}: {error}"[:LONGEST_FAILURE]
            log.error("duty_failed", duty=duty.name, error=failure)
            conn.execute(QUERIES.note_failure, {"duty": duty.name, "now": now, "failure": failure})
            return
        conn.execute(QUERIES.note_duty, (duty.name, now, clock.monotonic() - began, done))

    def _retain(self, conn: Connection, now: datetime) -> int:
        dropped = retention.enforce(conn, self._refresh, self._options.retention, now)
        if dropped.total:
            log.info("retention", raw_chunks=dropped.raw_chunks, rollup_chunks=dropped.rollup_chunks,
                     unusable_clock_rows=dropped.unusable_clock_rows, batches=dropped.batches)  # fmt: skip
        return dropped.total

    def _replay(self, conn: Connection, now: datetime) -> int:
        asked = [row[0] for row in conn.execute(QUERIES.replays_asked)]
        if not asked:
            return 0
        try:
            with republisher(self._options.broker) as publish:
                for entry in asked:
                    try:
                        with conn.transaction():
                            quarantine.replay(conn, entry, publish, now)
                    except QuarantineError as error:
                        conn.execute(QUERIES.replay_failed, (now, str(error), entry))
        except BrokerUnavailableError as error:
            for entry in asked:
                conn.execute(QUERIES.replay_failed, (now, str(error), entry))
            raise
        return len(asked)


def run_upkeep(url: str, options: UpkeepOptions, clock: Clock, stop: StopSignal) -> None:
    """Turn until asked to stop; a database that is away is waited for."""
    attempt = 0
    while not stop.is_set:
        try:
            with (
                translated(),
                connect(url, DatabaseRole.SYSTEM, application_name="teshe-upkeep", autocommit=True) as conn,
            ):
                upkeep = Upkeep(conn, options)
                while not stop.is_set:
                    upkeep.turn(conn, clock)
                    attempt = 0
                    stop.wait(PAUSE_SECONDS)
        except (WorldError, psycopg.Error) as error:
            attempt += 1
            log.error("upkeep_failed", error=str(error), kind=type(error).__name__, attempt=attempt)
            stop.wait(backoff_seconds(attempt))
