from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from equipment.foundation.clock import ManualClock
from tests.conftest import Database, Server, _fresh
from tests.dashboards.access.zones import Zones, zones_over
from tests.platform import Platform


@pytest.fixture
def outer_database(plain_server: Server) -> Iterator[Database]:
    yield from _fresh(plain_server)


@pytest.fixture
def zones(
    platform: Platform, database: Database, outer_database: Database, clock: ManualClock, tmp_path: Path
) -> Iterator[Zones]:
    with zones_over(platform, database, outer_database, clock, tmp_path) as made:
        yield made
