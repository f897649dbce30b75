"""Services of these tests' own, which may be killed without harm to others."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from equipment.foundation.embedded_nats import EmbeddedNats
from equipment.foundation.embedded_postgres import EmbeddedPostgres
from equipment.foundation.migrations import migrate
from tests.conftest import PACKAGES, Database
from tests.ingest.faults.plant import Plant, planted
from tests.services.trixie import ChrootMosquitto

_numbers = count(1)


class Mortal:
    """A PostgreSQL server with a migrated template, to be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.server = EmbeddedPostgres(folder)
        url = self.server.start()
        migrate(url, PACKAGES)
        self._base, _, self._template = url.rpartition("/")

    def fresh(self) -> str:
        """URL of a new migrated database."""
        name = f"faults_{next(_numbers)}"
        with psycopg.connect(f"{self._base}/postgres", autocommit=True) as conn:
            conn.execute(
                sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(self._template))
            )
        return f"{self._base}/{name}"


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    made = Mortal(tmp_path_factory.mktemp("mortal"))
    yield made
    made.server.stop()


@pytest.fixture(params=["nats", pytest.param("mosquitto", marks=pytest.mark.requires("mosquitto"))])
def broker_port(request: pytest.FixtureRequest) -> int:
    """The same test on both brokers."""
    server: EmbeddedNats | ChrootMosquitto = request.getfixturevalue(request.param)
    return server.mqtt_port if isinstance(server, EmbeddedNats) else server.port


@pytest.fixture
def plant(database: Database, broker_port: int, tmp_path: Path) -> Iterator[Plant]:
    with planted(database.url, broker_port, tmp_path) as made:
        yield made


@pytest.fixture
def nats_plant(database: Database, nats: EmbeddedNats, tmp_path: Path) -> Iterator[Plant]:
    with planted(database.url, nats.mqtt_port, tmp_path) as made:
        yield made


@pytest.fixture
def mortal_plant(mortal: Mortal, broker_port: int, tmp_path: Path) -> Iterator[Plant]:
    with planted(mortal.fresh(), broker_port, tmp_path) as made:
        yield made
