from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from equipment.catalogue.load import load_catalogue
from equipment.catalogue.model import Kind
from equipment.foundation.clock import ManualClock
from equipment.foundation.database import Connection
from ingest import retention
from ingest.model import Channel, NoStage
from ingest.retention import RetentionSettings
from ingest.rollups.model import Level
from ingest.rollups.refresh import Refresh
from ingest.store import Stored
from ingest.topics import topic_of
from tests.conftest import START, Database, Server, _fresh, _with_template
from tests.ingest.rollups.oracle import Oracle, differences, stored
from tests.pipeline import Pipeline, sample

SHORT = RetentionSettings(raw_days=3, minute_days=10, hour_days=20, day_days=40)


@dataclass
class Mill:
    """A worker's path, an oracle that sees what it stores, and the refresh and retention of the upkeep."""

    conn: Connection
    pipeline: Pipeline
    refresh: Refresh
    oracle: Oracle
    kind: Kind
    _seq: int = field(default=0)

    @property
    def clock(self) -> ManualClock:
        return self.pipeline.clock

    def send(self, unit: str, moments: list[datetime], values: list[dict[str, Any]]) -> Stored:
        """Samples of one unit as one array."""
        bodies = []
        for at, given in zip(moments, values, strict=True):
            self._seq += 1
            bodies.append(sample(at, self._seq, given))
        payload = json.dumps(bodies).encode()
        got = self.pipeline.receive(self.pipeline.message(topic_of(unit, Channel.TELEMETRY), payload))
        self.oracle.look(self.conn)
        return got

    def retain(self, settings: RetentionSettings = SHORT) -> retention.Dropped:
        return retention.enforce(self.conn, self.refresh, settings, self.clock.now())

    def differences(self) -> list[str]:
        """Rollups of every level against the oracle."""
        return [
            f"{level.value} {text}"
            for level in Level
            for text in differences(self.oracle.rollup(level), stored(self.conn, self.kind, level))
        ]


@pytest.fixture(scope="session")
def community_server() -> Iterator[Server]:
    """TimescaleDB under the Community licence, at the address in TESHE_TEST_TIMESCALE_URL or in a container."""
    given = os.environ.get("TESHE_TEST_TIMESCALE_URL")
    if given:
        base = given.rsplit("/", 1)[0]
        yield _with_template("timescale-community", lambda database: f"{base}/{database}")
        return
    from testcontainers.community.postgres import PostgresContainer  # type: ignore[import-not-found,unused-ignore]

    with PostgresContainer("timescale/timescaledb:2.23.0-pg17", driver=None) as container:
        base = container.get_connection_url().rsplit("/", 1)[0]
        yield _with_template("timescale-community", lambda database: f"{base}/{database}")


@pytest.fixture(
    params=[
        "plain",
        pytest.param("timescale", marks=pytest.mark.requires("timescaledb-apache")),
        pytest.param("community", marks=pytest.mark.requires("timescaledb-community")),
    ]
)
def every_level(request: pytest.FixtureRequest) -> Iterator[Database]:
    """The same test on every level of the database."""
    yield from _fresh(request.getfixturevalue(f"{request.param}_server"))


@pytest.fixture
def mill(every_level: Database) -> Iterator[Mill]:
    yield from _mill(every_level)


@pytest.fixture
def plain_mill(database: Database) -> Iterator[Mill]:
    yield from _mill(database)


def _mill(database: Database) -> Iterator[Mill]:
    kind = load_catalogue().kind("lift")
    assert kind is not None
    with database.connect(autocommit=True) as conn:
        pipeline = Pipeline(conn, ManualClock(START), NoStage())
        yield Mill(conn, pipeline, Refresh(conn), Oracle(kind), kind)
