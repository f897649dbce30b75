from __future__ import annotations

from collections.abc import Iterator

import pytest

from equipment.city.build import build_city
from equipment.foundation.clock import ManualClock
from tests.alarms.storms.console import Console
from tests.conftest import Database
from tests.pipeline import PASSWORD


@pytest.fixture
def console(database: Database, clock: ManualClock) -> Iterator[Console]:
    with database.connect(autocommit=True) as conn:
        build_city(conn, units=120, seed=7, now=clock.now(), password=PASSWORD)
        yield Console(conn, clock)
