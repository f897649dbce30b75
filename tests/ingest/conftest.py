from __future__ import annotations

from collections.abc import Iterator

import pytest

from equipment.foundation.clock import ManualClock
from tests.conftest import Database
from tests.pipeline import Pipeline


@pytest.fixture
def pipeline(database: Database, clock: ManualClock) -> Iterator[Pipeline]:
    with database.connect(autocommit=True) as conn:
        yield Pipeline(conn, clock)
